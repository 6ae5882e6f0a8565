/**
 * The request side's twin of `message-renderer.ts`: pieces of a request body to request messages of one binding.
 */
import { findHeader, type HttpExchange } from "../../http/index.ts";
import type { Transcoder } from "../../transcode/index.ts";
import { refuseCodedBody } from "./request-body.ts";

const NO_CAPTURES: readonly string[] = [];

/** Assembles the messages of one request and adds up the time that it took. Path and query go into the first message. */
export class MessageAssembler {
  readonly #transcoder: Transcoder;
  readonly #exchange: HttpExchange;
  readonly #captures: readonly string[];
  /** The media type of what {@link assemble} is given; that of the request unless a reader knows better. */
  contentType: string;
  #isFirst = true;
  #elapsedMs = 0;
  #unknownFields: readonly string[] = [];
  #pretty = false;

  constructor(transcoder: Transcoder, exchange: HttpExchange, captures: readonly string[]) {
    this.#transcoder = transcoder;
    this.#exchange = exchange;
    this.#captures = captures;
    this.contentType = findHeader(exchange.headers, "content-type") ?? "";
  }

  /** Milliseconds spent so far. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Unknown names of the first message, under `unknownFields: report`. */
  get unknownFields(): readonly string[] {
    return this.#unknownFields;
  }

  /** Whether the reply is to be indented; known with the first message. */
  get pretty(): boolean {
    return this.#pretty;
  }

  /**
   * One message, from the bytes of a body.
   * @throws {StatusError} INVALID_ARGUMENT, naming field and value.
   */
  assemble(body: Uint8Array): Uint8Array {
    const from = performance.now();
    const { headers, query } = this.#exchange;
    if (body.byteLength > 0) refuseCodedBody(headers);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const assembled = this.#transcoder.assemble({
      captures: isFirst ? this.#captures : NO_CAPTURES,
      query: isFirst ? query : "",
      contentType: this.contentType,
      body,
    });
    if (isFirst) {
      this.#unknownFields = assembled.unknownFields;
      this.#pretty = assembled.pretty;
    }
    this.#elapsedMs += performance.now() - from;
    return assembled.message;
  }
}
