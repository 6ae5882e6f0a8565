/**
 * One request on its way: hands the messages of the request's reader to the call, and what comes back to the reply's
 * writer. The one stateful object of a request; unary is a stream of one.
 *
 *   reading --first message--> calling --status--> finished
 *      |                          |
 *      +------ refusal, abort, fault ------------> finished
 *
 * A method whose requests are streams is called before anything has been read, so that an upstream which refuses the
 * call can do so at once.
 */
import { type Dialogue, isClientStream, type Protocol, type RequestSink } from "../protocol/index.ts";
import {
  MessageAssembler,
  MessageRenderer,
  requestDeadlineMs,
  requestMetadata,
  sendError,
} from "../protocol/rest/index.ts";
import { gatewayStatus, OK, type Status, StatusError } from "../status/index.ts";
import type { Call, CallListener, Metadata } from "../upstream/index.ts";
import type { OpenStream, OpenStreams } from "./open-streams.ts";
import type { RequestScope } from "./request-scope.ts";
import type { Route } from "./route.ts";

/** What all requests share. */
export interface RelaySurroundings {
  readonly streams: OpenStreams;
  /** Turns whatever was thrown into the status that the client sees. */
  readonly statusOf: (error: unknown) => Status;
}

/** Carries one matched request to its end. */
export class Relay implements RequestSink, CallListener, OpenStream {
  readonly #scope: RequestScope;
  readonly #route: Route;
  readonly #protocol: Protocol;
  readonly #surroundings: RelaySurroundings;
  readonly #assembler: MessageAssembler;
  readonly #renderer: MessageRenderer;
  #dialogue: Dialogue | undefined;
  #call: Call | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #hasMessage = false;
  #isFinished = false;
  #upstreamFrom = 0;

  constructor(
    scope: RequestScope,
    route: Route,
    captures: readonly string[],
    protocol: Protocol,
    surroundings: RelaySurroundings,
  ) {
    this.#scope = scope;
    this.#route = route;
    this.#protocol = protocol;
    this.#surroundings = surroundings;
    this.#assembler = new MessageAssembler(route, scope.exchange, captures);
    this.#renderer = new MessageRenderer(route.transcoder);
  }

  /** Starts reading. Everything after that is driven by the exchange and the call. */
  start(): void {
    const { exchange, reply } = this.#scope;
    const route = this.#route;
    const { settings, method } = route;
    let dialogue: Dialogue;
    try {
      // A stream has an idle timeout instead of the route's deadline; what the client asks for holds for both.
      const limitMs = method.kind === "unary" ? settings.deadlineMs : Number.POSITIVE_INFINITY;
      this.#deadlineMs = requestDeadlineMs(exchange.headers, limitMs);
      const request = { reply, route, assembler: this.#assembler, renderer: this.#renderer };
      dialogue = this.#protocol.open(request);
      this.#dialogue = dialogue;
      exchange.onAbort = () => this.#onAbort();
      if (method.kind !== "unary") this.#surroundings.streams.add(this);
      if (dialogue.opensAtOnce && !this.#isFinished) this.#open(dialogue);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (!this.#isFinished) dialogue.reader.start(this);
  }

  onRequestHead(): void {
    if (this.#isFinished || this.#call !== undefined || !isClientStream(this.#route)) return;
    try {
      this.#open(this.#dialogue);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onRequestMessage(message: Uint8Array): boolean {
    if (this.#isFinished) return true;
    if (!this.#hasMessage) this.#onFirstMessage();
    this.#idleTimer?.refresh();
    try {
      return (this.#call ?? this.#open(this.#dialogue)).send(message);
    } catch (error) {
      this.#refuse(error);
      return true;
    }
  }

  onRequestEnd(): void {
    if (!this.#isFinished) this.#call?.halfClose();
  }

  onRequestFault(error: unknown): void {
    if (this.#isFinished) return;
    if (this.#call === undefined) this.#refuse(error);
    else this.#call.cancel(this.#statusOf(error));
  }

  onHeaders(metadata: Metadata): void {
    if (!this.#isFinished) this.#dialogue?.writer.headers(metadata);
  }

  onMessage(message: Uint8Array): boolean {
    const writer = this.#dialogue?.writer;
    if (this.#isFinished || writer === undefined) return true;
    this.#idleTimer?.refresh();
    try {
      const mayGoOn = writer.message(message);
      // The reply to a HEAD request is complete with its head.
      if (this.#scope.exchange.method === "HEAD" && this.#scope.reply.state === "started") this.#endEarly();
      return mayGoOn;
    } catch (error) {
      this.#call?.cancel(this.#statusOf(error));
      return true;
    }
  }

  onDrain(): void {
    this.#dialogue?.reader.resume();
  }

  onStatus(status: Status, trailers: Metadata): void {
    this.#finish(status, trailers);
  }

  drain(): void {
    if (this.#isFinished || this.#dialogue?.writer.drain() !== "ended") return;
    const status = gatewayStatus("DRAINING", "the gateway is shutting down; the client is to come back");
    this.#close(status);
    this.#call?.cancel(status);
  }

  cut(status: Status): void {
    if (this.#isFinished) return;
    if (this.#call === undefined) this.#refuse(new StatusError(status));
    else this.#call.cancel(status);
  }

  #statusOf(error: unknown): Status {
    return this.#surroundings.statusOf(error);
  }

  #onFirstMessage(): void {
    this.#hasMessage = true;
    const { unknownFields, pretty } = this.#assembler;
    this.#renderer.pretty = pretty;
    if (unknownFields.length > 0) {
      this.#scope.reply.commonHeaders.push("sluice-unknown-fields", headerList(unknownFields));
    }
  }

  /** @throws {StatusError} if the headers do not make metadata, or if the deadline has passed. */
  #open(dialogue: Dialogue | undefined): Call {
    const { exchange, listener, reply, requestId, startedAt } = this.#scope;
    const { channel, method, settings } = this.#route;
    const source = { headers: dialogue?.headers ?? exchange.headers, peer: exchange.peer };
    const metadata = requestMetadata(source, settings.requestHeaders, listener.trustedHops, requestId);
    const now = performance.now();
    const remainingMs = this.#deadlineMs - (now - startedAt);
    if (remainingMs <= 0) {
      throw new StatusError(gatewayStatus("DEADLINE", "the deadline passed before the request was complete"));
    }
    reply.onDrain = () => this.#call?.resume();
    this.#upstreamFrom = now;
    this.#startIdleTimer();
    const call = channel.open(method.rpcPath, metadata, remainingMs, this);
    this.#call = call;
    return call;
  }

  #startIdleTimer(): void {
    const { method, settings } = this.#route;
    if (method.kind === "unary" || settings.idleTimeoutMs === Number.POSITIVE_INFINITY) return;
    this.#idleTimer = setTimeout(() => {
      const what = `the stream was silent for ${settings.idleTimeoutMs} ms`;
      this.#call?.cancel(gatewayStatus("DEADLINE", what));
    }, settings.idleTimeoutMs);
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
    const { reply } = this.#scope;
    if (reply.state === "open") sendError(reply, status, this.#route.settings.errors, []);
    else this.#dialogue?.writer.finish(status, []);
    this.#close(status);
  }

  #finish(status: Status, trailers: Metadata): void {
    if (this.#isFinished) return;
    let final = status;
    try {
      this.#dialogue?.writer.finish(status, trailers);
    } catch (error) {
      final = this.#statusOf(error);
      this.#dialogue?.writer.finish(final, []);
    }
    this.#close(final);
  }

  #close(status: Status): void {
    this.#isFinished = true;
    clearTimeout(this.#idleTimer);
    this.#dialogue?.writer.release();
    if (this.#route.method.kind !== "unary") this.#surroundings.streams.remove(this);
    this.#scope.finish(status, this.#route, {
      upstreamMs: this.#upstreamFrom === 0 ? 0 : performance.now() - this.#upstreamFrom,
      transcodeMs: this.#assembler.elapsedMs + this.#renderer.elapsedMs,
      bytesIn: this.#dialogue?.reader.bytesIn ?? 0,
      unknownFields: this.#assembler.unknownFields,
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
