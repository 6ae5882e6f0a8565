/**
 * The requests of a client stream of `google.api.HttpBody`: an upload, cut into messages (semantics 4).
 */
import type { BodyListener, HttpExchange } from "../../http/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import { Pieces } from "./pieces.ts";

/** What is reserved for the data of a message at first. */
const FIRST_BLOCK_BYTES: number = 64 * 1024;

/**
 * Sends a body of any length in messages of `chunkBytes` each, the last one perhaps shorter. An empty body is one message,
 * as its content type and the path may say something. What waits is one message and what the engine has read ahead.
 *
 * Data is gathered in one block, again and again: chunks that are kept until a message is full would outlive their
 * generation in V8's heap, and an upload would cost the gateway some 60 MB of garbage before that is collected.
 */
export class UploadReader implements RequestReader, BodyListener {
  readonly #exchange: HttpExchange;
  readonly #assembler: MessageAssembler;
  readonly #chunkBytes: number;
  #sink: RequestSink | undefined;
  readonly isDoneAtOnce = true;
  /** What came while the call was held. */
  readonly #waiting = new Pieces();
  /** The data of the next message, as far as `#filled`. */
  #block: Buffer = NOTHING;
  #filled = 0;
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
    try {
      const taken = this.#waiting.byteLength > 0 ? 0 : this.#consume(chunk);
      // The engine may take the chunk's memory back.
      if (taken < chunk.byteLength) this.#waiting.push(Buffer.from(chunk.subarray(taken)));
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#isHeld) this.#exchange.pauseBody();
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      if (this.#filled > 0 || this.#sent === 0) this.#send();
    } catch (error) {
      this.#sink?.onRequestFault(error);
      return;
    }
    this.#sink?.onRequestEnd();
  }

  onTooLarge(): void {
    // No limit was set for the whole.
  }

  /** Sends what waited while the call was held. */
  #deliver(): void {
    try {
      while (!this.#isHeld && this.#waiting.byteLength > 0) {
        const missing = this.#chunkBytes - this.#filled;
        this.#consume(this.#waiting.take(Math.min(this.#waiting.byteLength, missing)));
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#isHeld) this.#exchange.pauseBody();
  }

  /** Gathers and sends until the call holds; gives how many of `bytes` that took. */
  #consume(bytes: Uint8Array): number {
    let at = 0;
    while (!this.#isHeld && at < bytes.byteLength) {
      const end = Math.min(at + this.#chunkBytes - this.#filled, bytes.byteLength);
      this.#append(bytes.subarray(at, end));
      at = end;
      if (this.#filled === this.#chunkBytes) this.#isHeld = !this.#send();
    }
    return at;
  }

  #append(bytes: Uint8Array): void {
    const end = this.#filled + bytes.byteLength;
    if (end > this.#block.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(end * 2, FIRST_BLOCK_BYTES), this.#chunkBytes));
      this.#block.copy(larger, 0, 0, this.#filled);
      this.#block = larger;
    }
    this.#block.set(bytes, this.#filled);
    this.#filled = end;
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    this.#sink?.onRequestFault(error);
  }

  #send(): boolean {
    // A message is memory of its own: the block can be written over.
    const message = this.#assembler.assemble(this.#block.subarray(0, this.#filled));
    this.#filled = 0;
    // As with downloads, the first message says what all of it is.
    this.#assembler.contentType = "";
    this.#sent++;
    return this.#sink?.onRequestMessage(message) ?? true;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
