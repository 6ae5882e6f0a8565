/**
 * One request on its way: reads the body, assembles the message, opens the call, and hands what comes back to the reply
 * writer. The one stateful object of a request; unary is a stream of one.
 *
 *   reading --body--> calling --status--> finished
 *      |                 |
 *      +----- refusal, abort, fault -----> finished
 */
import { findHeader } from "../http/index.ts";
import type { ReplyWriter } from "../protocol/index.ts";
import {
  chooseReplyWriter,
  MessageRenderer,
  RequestBody,
  refuseCodedBody,
  requestDeadlineMs,
  requestMetadata,
  sendError,
} from "../protocol/rest/index.ts";
import { gatewayStatus, OK, type Status, StatusError } from "../status/index.ts";
import type { AssembledRequest } from "../transcode/index.ts";
import type { Call, CallListener, Metadata } from "../upstream/index.ts";
import type { RequestScope } from "./request-scope.ts";
import type { Route } from "./route.ts";

/** Carries one matched request to its end. */
export class Relay implements CallListener {
  readonly #scope: RequestScope;
  readonly #route: Route;
  readonly #captures: readonly string[];
  readonly #statusOf: (error: unknown) => Status;
  readonly #renderer: MessageRenderer;
  readonly #body: RequestBody;
  #writer: ReplyWriter | undefined;
  #call: Call | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #isFinished = false;
  #upstreamFrom = 0;
  #assembleMs = 0;
  #unknownFields: readonly string[] = [];

  /** `statusOf` turns whatever was thrown into the status that the client sees. */
  constructor(
    scope: RequestScope,
    route: Route,
    captures: readonly string[],
    statusOf: (error: unknown) => Status,
  ) {
    this.#scope = scope;
    this.#route = route;
    this.#captures = captures;
    this.#statusOf = statusOf;
    this.#renderer = new MessageRenderer(route.transcoder);
    this.#body = new RequestBody(
      (body) => this.#onBody(body),
      () => this.#onTooLarge(),
    );
  }

  /** Starts reading. Everything after that is driven by the exchange and the call. */
  start(): void {
    const { exchange, reply } = this.#scope;
    const { settings, method } = this.#route;
    try {
      // A stream has an idle timeout instead of the route's deadline; what the client asks for holds for both.
      const limitMs = method.kind === "unary" ? settings.deadlineMs : Number.POSITIVE_INFINITY;
      this.#deadlineMs = requestDeadlineMs(exchange.headers, limitMs);
      this.#writer = chooseReplyWriter(reply, this.#route, this.#renderer);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    exchange.onAbort = () => this.#onAbort();
    exchange.readBody(settings.maxRequestBodyBytes, this.#body);
  }

  onHeaders(metadata: Metadata): void {
    if (!this.#isFinished) this.#writer?.headers(metadata);
  }

  onMessage(message: Uint8Array): boolean {
    if (this.#isFinished || this.#writer === undefined) return true;
    this.#idleTimer?.refresh();
    try {
      const mayGoOn = this.#writer.message(message);
      // The reply to a HEAD request is complete with its head.
      if (this.#scope.exchange.method === "HEAD" && this.#scope.reply.state === "started") this.#endEarly();
      return mayGoOn;
    } catch (error) {
      this.#call?.cancel(this.#statusOf(error));
      return true;
    }
  }

  onDrain(): void {
    // A request is one message, sent whole: there is nothing to hold back.
  }

  onStatus(status: Status, trailers: Metadata): void {
    this.#finish(status, trailers);
  }

  #onBody(body: Uint8Array): void {
    if (this.#isFinished) return;
    try {
      const assembled = this.#assemble(body);
      this.#open(assembled);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #assemble(body: Uint8Array): AssembledRequest {
    const from = performance.now();
    const { exchange, reply } = this.#scope;
    if (body.byteLength > 0) refuseCodedBody(exchange.headers);
    const assembled = this.#route.transcoder.assemble({
      captures: this.#captures,
      query: exchange.query,
      contentType: findHeader(exchange.headers, "content-type") ?? "",
      body,
    });
    this.#assembleMs = performance.now() - from;
    this.#renderer.pretty = assembled.pretty;
    if (assembled.unknownFields.length > 0) {
      this.#unknownFields = assembled.unknownFields;
      reply.commonHeaders.push("sluice-unknown-fields", headerList(assembled.unknownFields));
    }
    return assembled;
  }

  #open(assembled: AssembledRequest): void {
    const { exchange, listener, requestId, startedAt } = this.#scope;
    const { channel, method, settings } = this.#route;
    const metadata = requestMetadata(exchange, settings.requestHeaders, listener.trustedHops, requestId);
    const now = performance.now();
    const remainingMs = this.#deadlineMs - (now - startedAt);
    if (remainingMs <= 0) {
      throw new StatusError(gatewayStatus("DEADLINE", "the deadline passed before the request was complete"));
    }
    exchange.onDrain = () => this.#call?.resume();
    this.#upstreamFrom = now;
    this.#startIdleTimer();
    const call = channel.open(method.rpcPath, metadata, remainingMs, this);
    this.#call = call;
    call.send(assembled.message);
    call.halfClose();
  }

  #startIdleTimer(): void {
    const { method, settings } = this.#route;
    if (method.kind === "unary" || settings.idleTimeoutMs === Number.POSITIVE_INFINITY) return;
    this.#idleTimer = setTimeout(() => {
      const what = `the stream was silent for ${settings.idleTimeoutMs} ms`;
      this.#call?.cancel(gatewayStatus("DEADLINE", what));
    }, settings.idleTimeoutMs);
  }

  #onTooLarge(): void {
    const limit = this.#route.settings.maxRequestBodyBytes;
    const status = gatewayStatus("BODY_TOO_LARGE", `the body is longer than the limit of ${limit} bytes`);
    this.#refuse(new StatusError(status));
  }

  #onAbort(): void {
    const status = gatewayStatus("CLIENT_GONE", "the client closed the connection");
    if (this.#isFinished) return;
    this.#close(status);
    this.#call?.cancel(status);
  }

  #endEarly(): void {
    this.#finish(OK, []);
    this.#call?.cancel(gatewayStatus("CLIENT_GONE", "a HEAD request wants no messages"));
  }

  /** Ends a request that has not reached the upstream. */
  #refuse(error: unknown): void {
    if (this.#isFinished) return;
    const status = this.#statusOf(error);
    sendError(this.#scope.reply, status, this.#route.settings.errors, []);
    this.#close(status);
  }

  #finish(status: Status, trailers: Metadata): void {
    if (this.#isFinished) return;
    let final = status;
    try {
      this.#writer?.finish(status, trailers);
    } catch (error) {
      final = this.#statusOf(error);
      this.#writer?.finish(final, []);
    }
    this.#close(final);
  }

  #close(status: Status): void {
    this.#isFinished = true;
    clearTimeout(this.#idleTimer);
    this.#scope.finish(status, this.#route, {
      upstreamMs: this.#upstreamFrom === 0 ? 0 : performance.now() - this.#upstreamFrom,
      transcodeMs: this.#assembleMs + this.#renderer.elapsedMs,
      bytesIn: this.#body.byteLength,
      unknownFields: this.#unknownFields,
    });
  }
}

/** At most this much of a client's own names goes back to it in one header field. */
const MAX_HEADER_LENGTH = 1024;

/** Names come from the client, so they go back percent-encoded, but for the slashes of JSON pointers. */
function headerList(names: readonly string[]): string {
  const text = names.map((name) => encodeURIComponent(name).replaceAll("%2F", "/")).join(", ");
  return text.length <= MAX_HEADER_LENGTH ? text : `${text.slice(0, MAX_HEADER_LENGTH)}...`;
}
