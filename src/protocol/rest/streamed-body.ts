/**
 * The messages that are cut out of a body as it arrives, and sent one by one. What cuts them (`json-messages.ts`,
 * `upload-messages.ts`, `form-messages.ts`, `whole-form.ts`) knows nothing of back-pressure; that is all here.
 */
import { StatusError } from "../../status/index.ts";
import type { BodySink, BodySource } from "../coding/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import { bodyTooLarge } from "./request-body.ts";

/** Cuts a body into request messages. `push` and `next` throw StatusErrors, after which the cutter is not used any more. */
export interface MessageCutter {
  /** Adds bytes, once `next` has said that the last ones hold no further message. */
  push(chunk: Uint8Array): void;
  /** Whether `push` keeps what it is given; if not, the memory may be used again once it returns. */
  readonly keepsChunks: boolean;
  /** The body is complete; its last messages come from `next`. */
  end(): void;
  /** The next message that is complete; undefined where there is none before more has come. */
  next(): Uint8Array | undefined;
  /** Whether the body has ended and `next` has given its last message. */
  readonly isDone: boolean;
}

/** Reads a body up to a limit for the whole, which may be Infinity; what waits is what the cutter keeps, and one chunk. */
export class StreamedBodyReader implements RequestReader, BodySink {
  readonly #body: BodySource;
  readonly #limitBytes: number;
  readonly #cutter: MessageCutter;
  readonly onLentChunk: ((chunk: Uint8Array) => void) | undefined;
  #sink: RequestSink | undefined;
  #bytesIn = 0;
  #isHeld = false;
  #isOver = false;

  /** `makeCutter` is given `wake`, to be called when `next` may have more to say though nothing was added. */
  constructor(body: BodySource, limitBytes: number, makeCutter: (wake: () => void) => MessageCutter) {
    this.#body = body;
    this.#limitBytes = limitBytes;
    this.#cutter = makeCutter(() => this.#deliver());
    this.onLentChunk = this.#cutter.keepsChunks ? undefined : (chunk) => this.onChunk(chunk);
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  start(sink: RequestSink): void {
    this.#sink = sink;
    this.#body.readBody(this.#limitBytes, this);
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#deliver();
    if (!this.#isHeld && !this.#isOver) this.#body.resumeBody();
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#bytesIn += chunk.byteLength;
    this.#deliver(chunk);
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#cutter.end();
    this.#deliver();
  }

  onTooLarge(): void {
    this.#fail(new StatusError(bodyTooLarge(this.#limitBytes)));
  }

  onBroken(error: StatusError): void {
    this.#fail(error);
  }

  #deliver(chunk?: Uint8Array): void {
    if (this.#isOver) return;
    try {
      if (chunk !== undefined) this.#cutter.push(chunk);
      while (!this.#isHeld) {
        const message = this.#cutter.next();
        if (message === undefined) break;
        this.#isHeld = this.#sink?.onRequestMessage(message) === false;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#cutter.isDone) {
      // Said even to a sink that holds, so that the call can end with its last message.
      this.#isOver = true;
      this.#sink?.onRequestEnd();
    } else if (this.#isHeld) this.#body.pauseBody();
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink?.onRequestFault(error);
  }
}
