/**
 * The requests of a client stream: messages are cut out of the body as it arrives, and sent one by one. What cuts them
 * (`json-messages.ts`, `upload-messages.ts`) knows nothing of back-pressure; that is all here.
 */
import type { BodyListener, HttpExchange } from "../../http/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";

/** Cuts a body into request messages. All of it throws StatusErrors, after which it is not used any more. */
export interface MessageCutter {
  /** Adds bytes, once `next` has said that the last ones hold no further message. */
  push(chunk: Uint8Array): void;
  /** The next message that is complete. */
  next(): Uint8Array | undefined;
  /** The body is complete: the last message, if one is left. */
  end(): Uint8Array | undefined;
}

/** Reads a body of any length; what waits is what the cutter keeps, and one chunk. */
export class StreamedBodyReader implements RequestReader, BodyListener {
  readonly #exchange: HttpExchange;
  readonly #cutter: MessageCutter;
  #sink: RequestSink | undefined;
  #bytesIn = 0;
  #isHeld = false;
  #isOver = false;

  constructor(exchange: HttpExchange, cutter: MessageCutter) {
    this.#exchange = exchange;
    this.#cutter = cutter;
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
    this.#cutter.push(chunk);
    this.#deliver();
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      const last = this.#cutter.end();
      if (last !== undefined) this.#sink?.onRequestMessage(last);
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
      while (!this.#isHeld) {
        const message = this.#cutter.next();
        if (message === undefined) return;
        this.#isHeld = this.#sink?.onRequestMessage(message) === false;
      }
    } catch (error) {
      this.#isOver = true;
      this.#sink?.onRequestFault(error);
      return;
    }
    this.#exchange.pauseBody();
  }
}
