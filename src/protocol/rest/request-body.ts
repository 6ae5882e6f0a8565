/**
 * The request of one message: the whole body, up to the route's limit.
 */
import { Pieces } from "../../http/index.ts";
import { gatewayStatus, type Status, StatusError } from "../../status/index.ts";
import type { BodySink, BodySource } from "../coding/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import type { MessageAssembler } from "./message-assembler.ts";

const EMPTY = new Uint8Array(0);

/** BODY_TOO_LARGE for a body beyond the route's limit. */
export function bodyTooLarge(limitBytes: number): Status {
  return gatewayStatus("BODY_TOO_LARGE", `the body is longer than the limit of ${limitBytes} bytes`);
}

/** BODY_TIMEOUT for a body that has not come within the listener's limit. */
function bodyTooSlow(timeoutMs: number): Status {
  return gatewayStatus("BODY_TIMEOUT", `the body did not arrive within ${timeoutMs} ms`);
}

/** Gathers the pieces of a body and assembles one message from the whole. */
export class WholeBodyReader implements RequestReader, BodySink {
  readonly #body: BodySource;
  readonly #assembler: MessageAssembler;
  readonly #limitBytes: number;
  readonly #pieces = new Pieces();
  #sink: RequestSink | undefined;
  #bytesIn = 0;

  constructor(body: BodySource, assembler: MessageAssembler, limitBytes: number) {
    this.#body = body;
    this.#assembler = assembler;
    this.#limitBytes = limitBytes;
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  start(sink: RequestSink): void {
    this.#sink = sink;
    this.#body.readBody(this.#limitBytes, this);
  }

  resume(): void {
    // There is one message, and all of it has been read by then.
  }

  onChunk(chunk: Uint8Array): void {
    this.#pieces.push(chunk);
    this.#bytesIn += chunk.byteLength;
  }

  onEnd(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    let message: Uint8Array;
    try {
      message = this.#assembler.assemble(this.#bytesIn === 0 ? EMPTY : this.#pieces.takeAll());
    } catch (error) {
      sink.onRequestFault(error);
      return;
    }
    sink.onRequestMessage(message);
    sink.onRequestEnd();
  }

  onTooLarge(): void {
    this.#sink?.onRequestFault(new StatusError(bodyTooLarge(this.#limitBytes)));
  }

  onBroken(error: StatusError): void {
    this.#sink?.onRequestFault(error);
  }

  onTooSlow(timeoutMs: number): void {
    this.#sink?.onRequestFault(new StatusError(bodyTooSlow(timeoutMs)));
  }
}
