/**
 * The requests of a client stream of `google.api.HttpBody`: an upload, cut into messages (semantics 4).
 */
import type { BodyListener, HttpExchange } from "../../http/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import type { MessageAssembler } from "./message-assembler.ts";

/**
 * Sends a body of any length in messages of `chunkBytes` each, the last one perhaps shorter. An empty body is one message,
 * as its content type and the path may say something. What waits is one message and what the engine has read ahead.
 */
export class UploadReader implements RequestReader, BodyListener {
  readonly #exchange: HttpExchange;
  readonly #assembler: MessageAssembler;
  readonly #chunkBytes: number;
  #sink: RequestSink | undefined;
  /** In the order of their coming; together what has not been sent. */
  readonly #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #bytesIn = 0;
  #sent = 0;
  #isHeld = false;
  #isOver = false;

  constructor(exchange: HttpExchange, assembler: MessageAssembler, chunkBytes: number) {
    this.#exchange = exchange;
    this.#assembler = assembler;
    this.#chunkBytes = chunkBytes;
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  start(sink: RequestSink): void {
    this.#sink = sink;
    this.#exchange.readBody(Number.POSITIVE_INFINITY, this);
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#deliver();
    if (!this.#isHeld && !this.#isOver) this.#exchange.resumeBody();
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#bytesIn += chunk.byteLength;
    this.#pieces.push(chunk);
    this.#piecesBytes += chunk.byteLength;
    this.#deliver();
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      if (this.#piecesBytes > 0 || this.#sent === 0) this.#send(this.#piecesBytes);
    } catch (error) {
      this.#sink?.onRequestFault(error);
      return;
    }
    this.#sink?.onRequestEnd();
  }

  onTooLarge(): void {
    // No limit was set for the whole.
  }

  #deliver(): void {
    try {
      while (!this.#isHeld && this.#piecesBytes >= this.#chunkBytes) {
        this.#isHeld = !this.#send(this.#chunkBytes);
      }
    } catch (error) {
      this.#isOver = true;
      this.#sink?.onRequestFault(error);
      return;
    }
    if (this.#isHeld) this.#exchange.pauseBody();
  }

  #send(bytes: number): boolean {
    const message = this.#assembler.assemble(this.#take(bytes));
    // As with downloads, the first message says what all of it is.
    this.#assembler.contentType = "";
    this.#sent++;
    return this.#sink?.onRequestMessage(message) ?? true;
  }

  /** The first `bytes` of what waits. */
  #take(bytes: number): Uint8Array {
    const taken: Uint8Array[] = [];
    let missing = bytes;
    while (missing > 0) {
      const [piece] = this.#pieces;
      if (piece === undefined) break;
      if (piece.byteLength > missing) {
        taken.push(piece.subarray(0, missing));
        this.#pieces[0] = piece.subarray(missing);
        missing = 0;
      } else {
        taken.push(piece);
        this.#pieces.shift();
        missing -= piece.byteLength;
      }
    }
    this.#piecesBytes -= bytes;
    const [only] = taken;
    return taken.length === 1 && only !== undefined ? only : Buffer.concat(taken, bytes);
  }
}
