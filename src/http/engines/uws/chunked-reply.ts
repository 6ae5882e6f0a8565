/**
 * A reply of unknown length on uWebSockets.js, with honest back-pressure.
 *
 * What the addon does with a write that the socket does not take (uWebSockets 20.71 to 20.77):
 * - Corked bytes that cannot be sent are kept, but of a chunk longer than the cork buffer (16 KiB) written at that moment
 *   nothing is (until 20.74). So chunks are cut to fit in.
 * - `write` within a cork tells of bytes that wait from *earlier* writes only.
 * - With an `onWritable` handler set, the addon does not send what waits until something is written or corked; without
 *   one, it closes a stream that is silent for 10 s after it drained.
 * So: on writable, an empty cork sends what waits, then a small piece probes whether all of it went.
 */
import type { AddonResponse } from "./addon.ts";

/** Fits in the addon's cork buffer together with a chunk's length. */
const PIECE_BYTES = 15 * 1024;
/** What is added to the addon's buffer to learn whether that has drained; far less than a writable socket takes. */
export const PROBE_BYTES: number = 1024;

/** One reply, from its first chunk to its end. */
export class ChunkedReply {
  #response: AddonResponse | undefined;
  /** Writes the head, until it has been written. */
  #writeHead: (() => void) | undefined;
  readonly #onDrain: () => void;
  readonly #onTried: () => void;
  readonly #onEnded: (writtenBytes: number) => void;
  /** What the caller wrote and the addon has not got. */
  readonly #queue: Uint8Array[] = [];
  /** The addon holds bytes, as far as we know. */
  #isCongested = false;
  /** The caller was told to hold. */
  #isCallerHeld = false;
  #isEnding = false;
  #writtenBytes = 0;
  /** Flushes what the addon holds; the cork alone does it. */
  readonly #nothing = (): void => undefined;

  /**
   * `writeHead` runs once, before the first piece; `onTried` after every attempt to write; `onEnded` once the addon's
   * response is dead.
   */
  constructor(
    response: AddonResponse,
    writeHead: () => void,
    onDrain: () => void,
    onTried: () => void,
    onEnded: (writtenBytes: number) => void,
  ) {
    this.#response = response;
    this.#writeHead = writeHead;
    this.#onDrain = onDrain;
    this.#onTried = onTried;
    this.#onEnded = onEnded;
    response.onWritable(() => this.poll());
  }

  /** Whether the addon holds bytes that the socket did not take. */
  get isCongested(): boolean {
    return this.#isCongested;
  }

  /** Bytes that the addon has taken so far. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Tries to send what waits; the answer is for the addon, and always that nothing more need be tried. */
  poll(): boolean {
    this.#flush();
    this.#onTried();
    return true;
  }

  /** Writes; false means: hold until `onDrain`. */
  write(chunk: Uint8Array | string): boolean {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    const taken = this.#queue.length > 0 ? 0 : this.#push(bytes);
    if (taken < bytes.length) this.#queue.push(bytes.subarray(taken));
    // Also where this write went well: who was told to hold waits for `onDrain`, and that has yet to come.
    this.#isCallerHeld ||= this.#isCongested;
    this.#onTried();
    return !this.#isCallerHeld;
  }

  /** Ends the reply after what was written. `closes` puts the end off so that nothing pipelined behind it runs. */
  end(closes: boolean): void {
    this.#isEnding = true;
    if (closes) setImmediate(() => this.#endIfWritten());
    else this.#endIfWritten();
  }

  /** The connection is gone. */
  lost(): void {
    this.#response = undefined;
    this.#queue.length = 0;
  }

  /** Hands the addon pieces until it is congested; returns how many bytes it took. */
  #push(bytes: Uint8Array): number {
    const response = this.#response;
    if (response === undefined) return bytes.length;
    let offset = 0;
    while (offset < bytes.length) {
      const size = this.#isCongested ? PROBE_BYTES : PIECE_BYTES;
      const piece =
        offset === 0 && bytes.length <= size
          ? bytes
          : bytes.subarray(offset, Math.min(offset + size, bytes.length));
      let isFree = true;
      response.cork(() => {
        this.#writeHead?.();
        this.#writeHead = undefined;
        isFree = response.write(piece);
      });
      offset += piece.length;
      this.#writtenBytes += piece.length;
      this.#isCongested = !isFree;
      if (!isFree) break;
    }
    return offset;
  }

  #flush(): void {
    this.#response?.cork(this.#nothing);
    for (let bytes = this.#queue[0]; bytes !== undefined; bytes = this.#queue[0]) {
      const taken = this.#push(bytes);
      if (taken < bytes.length) this.#queue[0] = bytes.subarray(taken);
      else this.#queue.shift();
      if (this.#isCongested) return;
    }
    if (this.#isEnding) {
      this.#endIfWritten();
    } else if (this.#isCallerHeld) {
      this.#isCallerHeld = false;
      this.#onDrain();
    }
  }

  #endIfWritten(): void {
    const response = this.#response;
    if (response === undefined || this.#queue.length > 0) return;
    this.#response = undefined;
    this.#onEnded(this.#writtenBytes);
    response.cork(() => {
      response.end();
    });
  }
}
