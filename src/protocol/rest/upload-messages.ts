/** The messages of a client stream of `google.api.HttpBody`: an upload, cut by size (semantics 4). */
import type { MessageAssembler } from "./message-assembler.ts";
import { Pieces } from "./pieces.ts";
import type { MessageCutter } from "./streamed-body.ts";

/**
 * Messages of `chunkBytes` each, the last one perhaps shorter. An empty body is one message, as its content type and the
 * path may say something.
 */
export class UploadMessages implements MessageCutter {
  readonly #assembler: MessageAssembler;
  readonly #chunkBytes: number;
  readonly #pieces = new Pieces();
  #isFirst = true;

  constructor(assembler: MessageAssembler, chunkBytes: number) {
    this.#assembler = assembler;
    this.#chunkBytes = chunkBytes;
  }

  push(chunk: Uint8Array): void {
    this.#pieces.push(chunk);
  }

  next(): Uint8Array | undefined {
    return this.#pieces.byteLength < this.#chunkBytes ? undefined : this.#assemble(this.#chunkBytes);
  }

  end(): Uint8Array | undefined {
    const { byteLength } = this.#pieces;
    return byteLength > 0 || this.#isFirst ? this.#assemble(byteLength) : undefined;
  }

  #assemble(bytes: number): Uint8Array {
    const message = this.#assembler.assemble(this.#pieces.take(bytes));
    this.#isFirst = false;
    // As with downloads, the first message says what all of it is.
    this.#assembler.contentType = "";
    return message;
  }
}
