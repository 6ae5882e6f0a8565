/**
 * The request side's twin of `message-renderer.ts`: pieces of a request body to request messages of one binding.
 */
import { findHeader, type HttpExchange } from "../../http/index.ts";
import type { ProtocolRoute } from "../protocol.ts";
import { lastEventId } from "./reply-writer.ts";
import { refuseCodedBody } from "./request-body.ts";

const NO_CAPTURES: readonly string[] = [];

/** Assembles the messages of one request and adds up the time that it took. Path and query go into the first message. */
export class MessageAssembler {
  readonly #route: ProtocolRoute;
  readonly #exchange: HttpExchange;
  readonly #captures: readonly string[];
  /** The media type of what {@link assemble} is given; that of the request unless a reader knows better. */
  contentType: string;
  #isFirst = true;
  #elapsedMs = 0;
  #unknownFields: readonly string[] = [];
  #pretty = false;

  constructor(route: ProtocolRoute, exchange: HttpExchange, captures: readonly string[]) {
    this.#route = route;
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
    const assembled = this.#route.transcoder.assemble({
      captures: isFirst ? this.#captures : NO_CAPTURES,
      query: isFirst ? query : "",
      contentType: this.contentType,
      body,
    });
    if (isFirst) {
      this.#unknownFields = assembled.unknownFields;
      this.#pretty = assembled.pretty;
    }
    const message = isFirst ? this.#resumed(assembled.message) : assembled.message;
    this.#elapsedMs += performance.now() - from;
    return message;
  }

  /** What the client got last counts more than where it said to begin: EventSource repeats its URL. */
  #resumed(message: Uint8Array): Uint8Array {
    const { stream } = this.#route.settings;
    const id = lastEventId(this.#exchange.headers, stream);
    return id === undefined ? message : (stream.sse.resumeAfter?.(message, id) ?? message);
  }
}
