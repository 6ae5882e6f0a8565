/** The messages of a client stream of `google.api.HttpBody`: an upload, cut by size (docs/streaming.md, "Blobs"). */
import type { MessageAssembler } from "./message-assembler.ts";
import type { MessageCutter } from "./streamed-body.ts";

/** What is reserved for the data of a message at first. */
const FIRST_BLOCK_BYTES: number = 64 * 1024;

/**
 * Messages of `chunkBytes` each, the last one perhaps shorter. An empty body is one message, as its content type and the
 * path may say something.
 *
 * Data is gathered in one block, again and again: what comes is let go of at once, and joining it makes no garbage.
 */
export class UploadMessages implements MessageCutter {
  readonly keepsChunks = false;
  readonly #assembler: MessageAssembler;
  readonly #chunkBytes: number;
  /** The data of the next message, as far as `#filled`. */
  #block: Buffer = NOTHING;
  #filled = 0;
  /** Messages that are complete: those of one chunk at most. */
  readonly #ready: Uint8Array[] = [];
  #isFirst = true;
  #isEnded = false;
  #isDone = false;

  constructor(assembler: MessageAssembler, chunkBytes: number) {
    this.#assembler = assembler;
    this.#chunkBytes = chunkBytes;
  }

  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; ) {
      const to = Math.min(from + this.#chunkBytes - this.#filled, chunk.length);
      this.#fill(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
      if (this.#filled === this.#chunkBytes) this.#ready.push(this.#assemble());
      from = to;
    }
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  end(): void {
    this.#isEnded = true;
  }

  next(): Uint8Array | undefined {
    const message = this.#ready.shift();
    if (message !== undefined || !this.#isEnded || this.#isDone) return message;
    this.#isDone = true;
    return this.#filled > 0 || this.#isFirst ? this.#assemble() : undefined;
  }

  /** Copies data to the block, which has room for it or may grow. */
  #fill(data: Uint8Array): void {
    const end = this.#filled + data.length;
    if (end > this.#block.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(end * 2, FIRST_BLOCK_BYTES), this.#chunkBytes));
      this.#block.copy(larger, 0, 0, this.#filled);
      this.#block = larger;
    }
    this.#block.set(data, this.#filled);
    this.#filled = end;
  }

  #assemble(): Uint8Array {
    // A message is memory of its own: the block can be written over.
    const message = this.#assembler.assemble(this.#block.subarray(0, this.#filled));
    this.#filled = 0;
    this.#isFirst = false;
    // As with downloads, the first message says what all of it is.
    this.#assembler.contentType = "";
    return message;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
