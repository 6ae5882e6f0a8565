/**
 * The requests of a client stream: JSON messages read and sent one by one, as they arrive (semantics 7).
 */
import type { BodyListener, HttpExchange } from "../../http/index.ts";
import { gatewayStatus, StatusError } from "../../status/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import { type JsonSequence, JsonValues } from "./json-values.ts";
import type { MessageAssembler } from "./message-assembler.ts";

const EMPTY = new Uint8Array(0);

/**
 * Reads a body of any length; what waits is one message and one chunk. A body without messages is one message if path or
 * query have something to say, else none.
 */
export class JsonStreamReader implements RequestReader, BodyListener {
  readonly #exchange: HttpExchange;
  readonly #assembler: MessageAssembler;
  readonly #values: JsonValues;
  #sink: RequestSink | undefined;
  #bytesIn = 0;
  #isHeld = false;
  #isOver = false;

  /** `limitBytes` is for each message. */
  constructor(
    exchange: HttpExchange,
    assembler: MessageAssembler,
    sequence: JsonSequence,
    limitBytes: number,
  ) {
    this.#exchange = exchange;
    this.#assembler = assembler;
    this.#values = new JsonValues(sequence, limitBytes);
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
    this.#values.push(chunk);
    this.#deliver();
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      const last = this.#values.end();
      if (last !== undefined) this.#send(last);
      else if (this.#values.count === 0) this.#sendUnlessEmpty();
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
        const value = this.#values.next();
        if (value === undefined) return;
        this.#isHeld = !this.#send(value);
      }
      this.#exchange.pauseBody();
    } catch (error) {
      this.#isOver = true;
      this.#sink?.onRequestFault(error);
    }
  }

  #send(value: Uint8Array): boolean {
    let message: Uint8Array;
    try {
      message = this.#assembler.assemble(value);
    } catch (error) {
      throw inMessage(this.#values.count, error);
    }
    return this.#sink?.onRequestMessage(message) ?? true;
  }

  #sendUnlessEmpty(): void {
    const message = this.#assembler.assemble(EMPTY);
    if (message.byteLength > 0) this.#sink?.onRequestMessage(message);
  }
}

/** Says which message of the stream is meant. */
function inMessage(ordinal: number, error: unknown): unknown {
  if (!(error instanceof StatusError) || error.status.reason === undefined) return error;
  const { reason, message, violations } = error.status;
  return new StatusError(gatewayStatus(reason, `message ${ordinal}: ${message}`, violations));
}
