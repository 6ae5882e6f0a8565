/**
 * The request side's twin of `message-renderer.ts`: pieces of a request body to request messages of one binding.
 */
import { findHeader, type HttpExchange } from "../../http/index.ts";
import type { FormPart, RequestParts, StreamedFile, Transcoder } from "../../transcode/index.ts";
import { refuseCodedBody } from "./request-body.ts";

const EMPTY = new Uint8Array(0);
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
    if (body.byteLength > 0) refuseCodedBody(this.#exchange.headers);
    return this.#assemble({ contentType: this.contentType, body });
  }

  /**
   * One message, from the parts of a `multipart/form-data` body.
   * @throws {StatusError} INVALID_ARGUMENT, naming part and value.
   */
  assembleForm(form: readonly FormPart[]): Uint8Array {
    return this.#assemble({ contentType: this.contentType, body: EMPTY, form });
  }

  /** How a file of a form that becomes several messages is sent; see `Transcoder.streamedFile`. */
  streamedFile(name: string, before: readonly string[]): StreamedFile | undefined {
    return this.#transcoder.streamedFile(name, before);
  }

  #assemble(parts: Pick<RequestParts, "contentType" | "body" | "form">): Uint8Array {
    const from = performance.now();
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const assembled = this.#transcoder.assemble({
      ...parts,
      captures: isFirst ? this.#captures : NO_CAPTURES,
      query: isFirst ? this.#exchange.query : "",
    });
    if (isFirst) {
      this.#unknownFields = assembled.unknownFields;
      this.#pretty = assembled.pretty;
    }
    this.#elapsedMs += performance.now() - from;
    return assembled.message;
  }
}
