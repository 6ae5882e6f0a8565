/**
 * What a WebSocket has received for a listener that wants nothing now. Both engines go on delivering for a while after a
 * connection is paused: at least the other messages of the same read.
 */
import type { FrameKind } from "../../web-socket.ts";

interface Message {
  readonly data: Uint8Array;
  readonly kind: FrameKind;
}

/** What one message costs besides its bytes, so that small ones are not free: measured with a queue of `{}`. */
const MESSAGE_OVERHEAD_BYTES = 256;
/** So many places of the queue are left empty before they are given back: `shift` would move all behind them each time. */
const MAX_EMPTY_PLACES = 1024;

/** Keeps messages while it is held, and delivers them in their order. */
export class HeldMessages {
  readonly #limitBytes: number;
  readonly #deliver: (data: Uint8Array, kind: FrameKind) => void;
  /** Messages from `#first` on; what is before has been delivered. */
  readonly #queue: (Message | undefined)[] = [];
  #first = 0;
  #queuedBytes = 0;
  #isHeld = false;
  #isDelivering = false;

  /** `deliver` may hold again. */
  constructor(limitBytes: number, deliver: (data: Uint8Array, kind: FrameKind) => void) {
    this.#limitBytes = limitBytes;
    this.#deliver = deliver;
  }

  /** Delivers one message, or keeps it. False means that more is kept now than the limit allows. */
  push(data: Uint8Array, kind: FrameKind): boolean {
    if (!this.#isHeld && this.#queue.length === 0) {
      this.#deliver(data, kind);
      return true;
    }
    this.#queue.push({ data, kind });
    this.#queuedBytes += data.byteLength + MESSAGE_OVERHEAD_BYTES;
    return this.#queuedBytes <= this.#limitBytes;
  }

  hold(): void {
    this.#isHeld = true;
  }

  /** Delivers what was kept, until it is held again. True if nothing is left. */
  release(): boolean {
    this.#isHeld = false;
    // A listener that resumes within its own callback is served by the loop that called it.
    if (this.#isDelivering) return false;
    this.#isDelivering = true;
    while (!this.#isHeld) {
      const message = this.#take();
      if (message === undefined) break;
      this.#queuedBytes -= message.data.byteLength + MESSAGE_OVERHEAD_BYTES;
      this.#deliver(message.data, message.kind);
    }
    this.#isDelivering = false;
    return !this.#isHeld;
  }

  /** Delivers nothing more. */
  drop(): void {
    this.#isHeld = true;
    this.#queue.length = 0;
    this.#first = 0;
    this.#queuedBytes = 0;
  }

  #take(): Message | undefined {
    const message = this.#queue[this.#first];
    this.#queue[this.#first] = undefined;
    this.#first++;
    if (this.#first >= this.#queue.length) {
      this.#queue.length = 0;
      this.#first = 0;
    } else if (this.#first >= MAX_EMPTY_PLACES && this.#first * 2 >= this.#queue.length) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
    return message;
  }
}
