/**
 * Hands events from producers to one consumer that may be slower, up to a limit.
 */
import { Code } from "../status/index.ts";
import { StatusFault } from "./status-fault.ts";

/** A queue whose consumer waits. */
export class EventQueue<T> {
  readonly #limit: number;
  readonly #events: T[] = [];
  #wake: (() => void) | undefined;
  #state: "open" | "ended" | "overflown" = "open";

  /** Holds at most `limit` events. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds an event; one too many empties the queue for good. Nothing is added to a queue that has ended. */
  push(event: T): void {
    if (this.#state !== "open") return;
    if (this.#events.length >= this.#limit) {
      this.#state = "overflown";
      this.#events.length = 0;
    } else {
      this.#events.push(event);
    }
    this.#wake?.();
  }

  /** No more events come; those that wait are still handed out. */
  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#wake?.();
  }

  /**
   * The events as they come, until the queue ends or `signal` is aborted. For one consumer.
   * @throws {StatusFault} RESOURCE_EXHAUSTED once the consumer was too slow.
   */
  async *events(signal: AbortSignal): AsyncIterable<T> {
    while (!signal.aborted) {
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else if (this.#state === "open") await this.#change(signal);
      else break;
    }
    if (this.#state === "overflown") {
      throw new StatusFault(Code.RESOURCE_EXHAUSTED, "the reader is too slow; call again", []);
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = undefined;
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener("abort", done);
    });
  }
}
