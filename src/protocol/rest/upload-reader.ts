/**
 * The requests of a client stream of `google.api.HttpBody`: an upload, cut into messages (semantics 4).
 */
import type { BodyListener, HttpExchange } from "../../http/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import { Pieces } from "./pieces.ts";

/**
 * Sends a body of any length in messages of `chunkBytes` each, the last one perhaps shorter. An empty body is one message,
 * as its content type and the path may say something. What waits is one message and what the engine has read ahead.
 */
export class UploadReader implements RequestReader, BodyListener {
  readonly #exchange: HttpExchange;
  readonly #assembler: MessageAssembler;
  readonly #chunkBytes: number;
  #sink: RequestSink | undefined;
  /** What has not been sent. */
  readonly #pieces = new Pieces();
  /** Where the pieces of a message are joined, one message after another. */
  #block: Buffer | undefined;
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
    this.#deliver();
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      if (this.#pieces.byteLength > 0 || this.#sent === 0) {
        this.#send(this.#pieces.takeAll());
      }
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
      while (!this.#isHeld && this.#pieces.byteLength >= this.#chunkBytes) {
        this.#isHeld = !this.#send(this.#joined());
      }
    } catch (error) {
      this.#isOver = true;
      this.#sink?.onRequestFault(error);
      return;
    }
    if (this.#isHeld) this.#exchange.pauseBody();
  }

  /** The next message's worth of data; valid until the next. */
  #joined(): Uint8Array {
    this.#block ??= Buffer.allocUnsafeSlow(this.#chunkBytes);
    this.#pieces.takeInto(this.#block);
    return this.#block;
  }

  #send(data: Uint8Array): boolean {
    // A message is memory of its own: `data` can be written over.
    const message = this.#assembler.assemble(data);
    // As with downloads, the first message says what all of it is.
    this.#assembler.contentType = "";
    this.#sent++;
    return this.#sink?.onRequestMessage(message) ?? true;
  }
}
