/**
 * The request of one message: the whole body, up to the route's limit.
 */
import { type BodyListener, findHeader, type HeaderList, type HttpExchange } from "../../http/index.ts";
import { gatewayStatus, type Status, StatusError } from "../../status/index.ts";
import type { RequestReader, RequestSink } from "../protocol.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import { Pieces } from "./pieces.ts";

const EMPTY = new Uint8Array(0);

/**
 * Refuses a compressed body: nothing here decodes it, and metadata carry no `content-*`, so that the upstream would take
 * the compressed bytes for the real ones.
 * @throws {StatusError} INVALID_ARGUMENT, reason CONTENT_CODING_UNSUPPORTED. Source: RFC 9110, sections 8.4 and 15.5.16.
 */
export function refuseCodedBody(headers: HeaderList): void {
  const coding = findHeader(headers, "content-encoding");
  if (coding === undefined || coding === "" || coding.toLowerCase() === "identity") return;
  const what = `content-encoding ${JSON.stringify(coding.slice(0, 64))} is not decoded here; send the body as it is`;
  throw new StatusError(gatewayStatus("CONTENT_CODING_UNSUPPORTED", what));
}

/** BODY_TOO_LARGE for a body beyond the route's limit. */
export function bodyTooLarge(limitBytes: number): Status {
  return gatewayStatus("BODY_TOO_LARGE", `the body is longer than the limit of ${limitBytes} bytes`);
}

/** BODY_TIMEOUT for a body that has not come within the listener's limit. */
export function bodyTooSlow(timeoutMs: number): Status {
  return gatewayStatus("BODY_TIMEOUT", `the body did not arrive within ${timeoutMs} ms`);
}

/** Gathers the pieces of a body and assembles one message from the whole. */
export class WholeBodyReader implements RequestReader, BodyListener {
  readonly #exchange: HttpExchange;
  readonly #assembler: MessageAssembler;
  readonly #limitBytes: number;
  readonly #body = new Pieces();
  #sink: RequestSink | undefined;
  #bytesIn = 0;

  constructor(exchange: HttpExchange, assembler: MessageAssembler, limitBytes: number) {
    this.#exchange = exchange;
    this.#assembler = assembler;
    this.#limitBytes = limitBytes;
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  start(sink: RequestSink): void {
    this.#sink = sink;
    this.#exchange.readBody(this.#limitBytes, this);
  }

  resume(): void {
    // There is one message, and all of it has been read by then.
  }

  onChunk(chunk: Uint8Array): void {
    this.#body.push(chunk);
    this.#bytesIn += chunk.byteLength;
  }

  onEnd(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    let message: Uint8Array;
    try {
      message = this.#assembler.assemble(this.#bytesIn === 0 ? EMPTY : this.#body.takeAll());
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

  onTooSlow(timeoutMs: number): void {
    this.#sink?.onRequestFault(new StatusError(bodyTooSlow(timeoutMs)));
  }
}
