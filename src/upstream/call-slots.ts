/** How many calls of a channel may be open at once, who may yet open some, and who waits for the last of them. */
import type { Status } from "../status/index.ts";
import { overloaded } from "./reply-faults.ts";

/** Counts the open calls of one channel. */
export class CallSlots {
  readonly #address: string;
  readonly #max: number;
  #open = 0;
  #refused = 0;
  #retained = 0;
  #onIdle: (() => void) | undefined;

  /** `address` is for people; `max` may be Infinity. */
  constructor(address: string, max: number) {
    this.#address = address;
    this.#max = max;
  }

  /** Calls that have not ended yet. */
  get open(): number {
    return this.#open;
  }

  /** Calls that found no slot. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes a slot; gives the status to refuse the call with where all are taken. */
  take(): Status | undefined {
    if (this.#open >= this.#max) {
      this.#refused++;
      return overloaded(this.#address, "calls in flight", this.#max, "maxInFlight");
    }
    this.#open++;
    return undefined;
  }

  /** A call has ended. */
  free(): void {
    this.#open--;
    this.#check();
  }

  /** Whether any request is under way that may open calls. */
  get isRetained(): boolean {
    return this.#retained > 0;
  }

  /** See `Channel.retain`. */
  retain(): void {
    this.#retained++;
  }

  /** See `Channel.release`. */
  release(): void {
    this.#retained--;
    this.#check();
  }

  /** Resolves when no call is open, and no request under way that may open one. */
  async whenIdle(): Promise<void> {
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  get #isIdle(): boolean {
    return this.#open === 0 && this.#retained === 0;
  }

  #check(): void {
    if (this.#isIdle) this.#onIdle?.();
  }
}
