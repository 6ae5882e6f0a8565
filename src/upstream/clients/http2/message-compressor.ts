/**
 * Compresses the messages that one call sends, in order.
 *
 * A message up to SYNC_BYTES is compressed on the spot: that takes some 10 µs for 1 KiB and 120 µs for 64 KiB, less than
 * the way to a thread and back. A longer one goes to zlib's threads, so that it does not hold up the event loop, and
 * those after it wait for their turn. The waiting ones count as unsent, so that whoever sends is told to hold.
 */
import { gzip, gzipSync, type ZlibOptions } from "node:zlib";
import { GZIP_LEVEL, MIN_COMPRESSED_BYTES } from "../../request-compression.ts";

const SYNC_BYTES: number = 64 * 1024;

const OPTIONS: ZlibOptions = { level: GZIP_LEVEL };

/** Takes what comes out. */
export interface CompressedSink {
  /** The next message, `isCompressed` where that made it shorter; at once, or later on its own. */
  onReady(message: Uint8Array, isCompressed: boolean): void;
  /** Everything before `end` is out; only where `end` said so. */
  onAllReady(): void;
}

/** One call's compressor. */
export class MessageCompressor {
  readonly #sink: CompressedSink;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isBusy = false;
  #isEnded = false;
  #isStopped = false;
  #hasCompressed = false;

  constructor(sink: CompressedSink) {
    this.#sink = sink;
  }

  /** Bytes of messages that are not out yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether `end` was called. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether any message left compressed. */
  get hasCompressed(): boolean {
    return this.#hasCompressed;
  }

  push(message: Uint8Array): void {
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    this.#work();
  }

  /** No message follows. False means that some are still to come out, and `onAllReady` after them. */
  end(): boolean {
    this.#isEnded = true;
    return !this.#isBusy;
  }

  /** Nothing comes out any more. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
  }

  #work(): void {
    while (!this.#isBusy && !this.#isStopped) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      if (message.length < MIN_COMPRESSED_BYTES) this.#put(message, message);
      else if (message.length <= SYNC_BYTES) this.#put(message, gzipSync(message, OPTIONS));
      else this.#compressLater(message);
    }
  }

  #compressLater(message: Uint8Array): void {
    this.#isBusy = true;
    gzip(message, OPTIONS, (error, compressed) => {
      this.#isBusy = false;
      if (this.#isStopped) return;
      // Without memory for zlib the message can still go as it is.
      this.#put(message, error === null ? compressed : message);
      this.#work();
      if (this.#isEnded && !this.#isBusy && !this.#isStopped) this.#sink.onAllReady();
    });
  }

  #put(message: Uint8Array, compressed: Uint8Array): void {
    this.#waitingBytes -= message.length;
    const isCompressed = compressed.length < message.length;
    this.#hasCompressed ||= isCompressed;
    this.#sink.onReady(isCompressed ? compressed : message, isCompressed);
  }
}
