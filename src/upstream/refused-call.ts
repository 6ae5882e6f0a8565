/** A call that is over before it began. */
import type { Status } from "../status/index.ts";
import type { Call, CallListener, Metadata } from "./channel.ts";

const NO_METADATA: Metadata = [];

/** A call that fails before it starts: its status comes after `open` has returned, unless it is cancelled first. */
export class RefusedCall implements Call {
  readonly #listener: CallListener;
  #hasEnded = false;

  constructor(status: Status, listener: CallListener) {
    this.#listener = listener;
    process.nextTick(() => this.cancel(status));
  }

  send(): boolean {
    return true;
  }

  halfClose(): void {
    // Nothing was opened.
  }

  resume(): void {
    // Nothing is held.
  }

  cancel(status: Status): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#listener.onStatus(status, NO_METADATA);
  }
}
