/**
 * The request side's twin of `message-renderer.ts`: pieces of a request body to request messages of one binding.
 */
import { findHeader, type HttpExchange } from "../../http/index.ts";
import type { FormPart, StreamedFile } from "../../transcode/index.ts";
import type { ProtocolRoute, RouteSettings } from "../protocol.ts";
import { lastEventId } from "./reply-writer.ts";
import { Stopwatch } from "./stopwatch.ts";

const NO_CAPTURES: readonly string[] = [];
const NOTHING = new Uint8Array(0);

/** What an assembler needs to know of a route. */
export interface AssembledRoute extends Pick<ProtocolRoute, "transcoder" | "wholeMessages"> {
  readonly settings: Pick<RouteSettings, "stream">;
}

/** Assembles the messages of one request and adds up the time that it took. Path and query go into the first message. */
export class MessageAssembler {
  readonly #route: AssembledRoute;
  readonly #exchange: HttpExchange;
  readonly #captures: readonly string[];
  /** The media type of what {@link assemble} is given; that of the request unless a reader knows better. */
  contentType: string;
  /** The time that assembling takes. */
  readonly watch: Stopwatch = new Stopwatch();
  #isFirst = true;
  #unknownFields: readonly string[] = [];
  #pretty = false;

  /** Streams that the route resumes go on behind the `Last-Event-ID` of the request. */
  constructor(route: AssembledRoute, exchange: HttpExchange, captures: readonly string[]) {
    this.#route = route;
    this.#exchange = exchange;
    this.#captures = captures;
    this.contentType = findHeader(exchange.headers, "content-type") ?? "";
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
    return this.#assemble(body, undefined);
  }

  /**
   * One message, from the parts of a `multipart/form-data` body.
   * @throws {StatusError} INVALID_ARGUMENT, naming part and value.
   */
  assembleForm(form: readonly FormPart[]): Uint8Array {
    return this.#assemble(NOTHING, form);
  }

  /** How a file of a form that becomes several messages is sent; see `Transcoder.streamedFile`. */
  streamedFile(name: string, before: readonly string[]): StreamedFile | undefined {
    return this.#route.transcoder.streamedFile(name, before);
  }

  #assemble(body: Uint8Array, form: readonly FormPart[] | undefined): Uint8Array {
    const from = performance.now();
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const assembled = this.#route.transcoder.assemble({
      contentType: this.contentType,
      body,
      form,
      captures: isFirst ? this.#captures : NO_CAPTURES,
      query: isFirst ? this.#exchange.query : "",
    });
    if (isFirst) {
      this.#unknownFields = assembled.unknownFields;
      this.#pretty = assembled.pretty;
    }
    const message = isFirst ? this.#resumed(assembled.message) : assembled.message;
    this.watch.add(from, performance.now());
    return message;
  }

  /**
   * One message of a WebSocket: from the bytes of a body, or of a whole message where the binding of a stream has none.
   * @throws {StatusError} INVALID_ARGUMENT, naming field and value.
   */
  assembleFrame(body: Uint8Array): Uint8Array {
    const { wholeMessages } = this.#route;
    if (wholeMessages === undefined) return this.assemble(body);
    const from = performance.now();
    const { contentType } = this;
    const whole = wholeMessages.assemble({ captures: NO_CAPTURES, query: "", contentType, body });
    this.watch.add(from, performance.now());
    const isFirst = this.#isFirst;
    const message = this.complete(whole.message);
    if (isFirst) this.#unknownFields = [...whole.unknownFields, ...this.#unknownFields];
    return message;
  }

  /**
   * One message that came encoded.
   * @throws {StatusError} INVALID_ARGUMENT, naming field and value.
   */
  complete(message: Uint8Array): Uint8Array {
    if (!this.#isFirst) return message;
    this.#isFirst = false;
    const from = performance.now();
    const { transcoder } = this.#route;
    const completed = transcoder.complete(message, this.#captures, this.#exchange.query);
    this.#unknownFields = completed.unknownFields;
    this.#pretty = completed.pretty;
    this.watch.add(from, performance.now());
    return completed.message;
  }

  /**
   * Looks at path and query before there is a message.
   * @throws {StatusError} INVALID_ARGUMENT, naming field and value.
   */
  check(): void {
    this.#route.transcoder.complete(NOTHING, this.#captures, this.#exchange.query);
  }

  /** What the client got last counts more than where it said to begin: EventSource repeats its URL. */
  #resumed(message: Uint8Array): Uint8Array {
    const { stream } = this.#route.settings;
    const id = lastEventId(this.#exchange.headers, stream);
    return id === undefined ? message : (stream.sse.resumeAfter?.(message, id) ?? message);
  }
}
