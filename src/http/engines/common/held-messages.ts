/**
 * What a WebSocket has received for a listener that wants nothing now. Both engines go on delivering for a while after a
 * connection is paused: at least the other messages of the same read.
 */
import type { FrameKind } from "../../web-socket.ts";

interface Message {
  readonly data: Uint8Array;
  readonly kind: FrameKind;
}

/** What one message costs besides its bytes, so that empty ones are not free. */
const MESSAGE_OVERHEAD_BYTES = 64;

export class HeldMessages {
  readonly #limitBytes: number;
  readonly #deliver: (data: Uint8Array, kind: FrameKind) => void;
  readonly #queue: Message[] = [];
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
      const message = this.#queue.shift();
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
    this.#queuedBytes = 0;
  }
}
