/**
 * Hands events from one producer to one consumer that may be slower, up to a limit.
 */

/** A queue whose consumer waits. */
export class EventQueue<T> {
  readonly #limit: number;
  readonly #events: T[] = [];
  #wake: (() => void) | undefined;
  #overflown = false;

  /** Holds at most `limit` events. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds an event; one too many empties the queue for good. */
  push(event: T): void {
    if (this.#overflown) return;
    if (this.#events.length >= this.#limit) {
      this.#overflown = true;
      this.#events.length = 0;
    } else {
      this.#events.push(event);
    }
    this.#wake?.();
  }

  /**
   * The next event, "overflow" if the consumer was too slow, "aborted" once `signal` is. One call at a time.
   */
  async next(signal: AbortSignal): Promise<{ readonly event: T } | "overflow" | "aborted"> {
    while (this.#events.length === 0 && !this.#overflown && !signal.aborted) await this.#change(signal);
    if (signal.aborted) return "aborted";
    const event = this.#events.shift();
    return event === undefined ? "overflow" : { event };
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
