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
import {
  type Dialogue,
  isClientStream,
  type Protocol,
  type ReplyWriter,
  type RequestSink,
} from "../protocol/index.ts";
import {
  MessageAssembler,
  MessageRenderer,
  requestDeadlineMs,
  requestMetadata,
  sendError,
} from "../protocol/rest/index.ts";
import { type Code, gatewayStatus, OK, type Status, StatusError } from "../status/index.ts";
import type { Call, CallListener, Metadata } from "../upstream/index.ts";
import { CallTrace } from "./call-trace.ts";
import type { OpenStream, OpenStreams } from "./open-streams.ts";
import type { RequestScope } from "./request-scope.ts";
import type { Route } from "./route.ts";

/** What all requests share. */
export interface RelaySurroundings {
  readonly streams: OpenStreams;
  /** Turns whatever was thrown into the status that the client sees. */
  readonly statusOf: (error: unknown, scope: RequestScope) => Status;
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
  #writer: ReplyWriter | undefined;
  #call: Call | undefined;
  #callTrace: CallTrace | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** `#movedNow` when the idle timer was started last. */
  #moved = 0;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #hasMessage = false;
  /** The gateway's end is told to this request, too. */
  #isListed = false;
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
    scope.reply.compression = route.settings.replyCompression;
  }

  /** Starts reading. Everything after that is driven by the exchange and the call. */
  start(): void {
    const { exchange, reply } = this.#scope;
    const route = this.#route;
    const { settings, method } = route;
    route.channel.retain();
    let dialogue: Dialogue;
    try {
      // A stream has an idle timeout instead of the route's deadline; what the client asks for holds for both.
      const limitMs = method.kind === "unary" ? settings.deadlineMs : Number.POSITIVE_INFINITY;
      this.#deadlineMs = requestDeadlineMs(exchange.headers, limitMs);
      const request = { reply, route, assembler: this.#assembler, renderer: this.#renderer };
      dialogue = this.#protocol.open(request);
      this.#dialogue = dialogue;
      exchange.onAbort = () => this.#onAbort();
      if (dialogue.opensAtOnce) this.#open(dialogue);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#isFinished) return;
    dialogue.reader.start(this);
    // A WebSocket lasts from here on, with or without a call.
    if (reply.state === "started" && this.#call === undefined) this.#list();
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
    this.#restartIdleTimer();
    try {
      const call = this.#call ?? this.#open(this.#dialogue);
      return call === undefined || call.send(message);
    } catch (error) {
      this.#refuse(error);
      return true;
    }
  }

  onRequestEnd(): void {
    if (!this.#isFinished) this.#call?.halfClose();
  }

  onRequestFault(error: unknown): void {
    this.#refuse(error);
  }

  onHeaders(metadata: Metadata): void {
    if (!this.#isFinished) this.#writer?.headers(metadata);
  }

  onMessage(message: Uint8Array): boolean {
    if (this.#isFinished || this.#writer === undefined) return true;
    this.#restartIdleTimer();
    try {
      const mayGoOn = this.#writer.message(message);
      if (this.#scope.reply.isHeadAlone) this.#endEarly();
      return mayGoOn;
    } catch (error) {
      this.#call?.cancel(this.#statusOf(error));
      return true;
    }
  }

  onDrain(): void {
    this.#dialogue?.reader.resume();
  }

  onRepeat(previousAttempts: number, afterCode: Code): void {
    this.#callTrace?.repeated(previousAttempts, afterCode);
  }

  onStatus(status: Status, trailers: Metadata): void {
    this.#callTrace?.ended(status.code);
    this.#finish(status, trailers);
  }

  drain(): void {
    if (this.#isFinished) return;
    if (this.#call === undefined && this.#scope.reply.state !== "open") {
      this.#refuse(new StatusError(gatewayStatus("DRAINING", "the gateway is shutting down")));
      return;
    }
    if (this.#writer?.drain() !== "ended") return;
    const status = gatewayStatus("DRAINING", "the gateway is shutting down; the client is to come back");
    this.#close(status);
    this.#call?.cancel(status);
  }

  cut(status: Status): void {
    this.#call?.cancel(status);
  }

  #statusOf(error: unknown): Status {
    return this.#surroundings.statusOf(error, this.#scope);
  }

  #onFirstMessage(): void {
    this.#hasMessage = true;
    const { unknownFields, pretty } = this.#assembler;
    this.#renderer.pretty = pretty;
    if (unknownFields.length > 0) {
      this.#scope.reply.commonHeaders.push("sluice-unknown-fields", headerList(unknownFields));
    }
  }

  /**
   * Opens the call; undefined if the gateway drains and the client is to come back instead.
   * @throws {StatusError} if the headers do not make metadata, or if the deadline has passed.
   */
  #open(dialogue: Dialogue | undefined): Call | undefined {
    const { exchange, listener, reply, requestId, startedAt, trace } = this.#scope;
    const { channel, method, settings, target } = this.#route;
    const { peer, tls } = exchange;
    const source = { headers: dialogue?.headers ?? exchange.headers, peer, tls };
    const { trustedHops } = listener;
    const metadata = requestMetadata(source, settings.requestHeaders, trustedHops, requestId, trace);
    const now = performance.now();
    const remainingMs = this.#deadlineMs - (now - startedAt);
    if (remainingMs <= 0) {
      throw new StatusError(gatewayStatus("DEADLINE", "the deadline passed before the request was complete"));
    }
    reply.onDrain = () => this.#call?.resume();
    this.#writer = dialogue?.makeWriter();
    if (method.kind !== "unary") this.#list();
    if (this.#isFinished) return undefined;
    this.#upstreamFrom = now;
    if (trace?.isSampled === true) this.#callTrace = new CallTrace(now, target);
    this.#startIdleTimer();
    const call = channel.open(method.rpcPath, metadata, remainingMs, this);
    this.#call = call;
    return call;
  }

  #list(): void {
    if (this.#isListed || this.#isFinished) return;
    this.#isListed = true;
    this.#surroundings.streams.add(this);
  }

  #startIdleTimer(): void {
    const { method, settings } = this.#route;
    if (method.kind === "unary" || settings.idleTimeoutMs === Number.POSITIVE_INFINITY) return;
    this.#moved = this.#movedNow();
    this.#idleTimer = setTimeout(() => this.#onIdle(), settings.idleTimeoutMs);
  }

  #restartIdleTimer(): void {
    if (this.#idleTimer === undefined) return;
    this.#moved = this.#movedNow();
    this.#idleTimer.refresh();
  }

  /** Grows with what comes of a message that is not whole yet, and with what a slow client takes of one. */
  #movedNow(): number {
    return (this.#dialogue?.reader.bytesIn ?? 0) + this.#scope.reply.drains;
  }

  #onIdle(): void {
    if (this.#movedNow() !== this.#moved) {
      this.#startIdleTimer();
      return;
    }
    const what = `the stream was silent for ${this.#route.settings.idleTimeoutMs} ms`;
    this.#call?.cancel(gatewayStatus("DEADLINE", what));
  }

  #onAbort(): void {
    const status = gatewayStatus("CLIENT_GONE", "the client closed the connection");
    if (this.#isFinished) return;
    this.#close(status);
    this.#call?.cancel(status);
  }

  #endEarly(): void {
    this.#finish(OK, []);
    this.#call?.cancel(gatewayStatus("CLIENT_GONE", "a reply without a body wants no messages"));
  }

  /** Ends a request that, as a rule, has not reached the upstream. */
  #refuse(error: unknown): void {
    if (this.#isFinished) return;
    const status = this.#statusOf(error);
    if (this.#call !== undefined) {
      this.#call.cancel(status);
      return;
    }
    const { reply } = this.#scope;
    if (reply.state === "open") sendError(reply, status, this.#route.settings.errors, []);
    else {
      this.#writer ??= this.#dialogue?.makeWriter();
      this.#writer?.finish(status, []);
    }
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
    this.#route.channel.release();
    clearTimeout(this.#idleTimer);
    this.#writer?.release();
    this.#dialogue?.body?.release?.();
    if (this.#isListed) this.#surroundings.streams.remove(this);
    const assembling = this.#assembler.watch;
    const rendering = this.#renderer.watch;
    const figures = {
      upstreamMs: this.#upstreamFrom === 0 ? 0 : performance.now() - this.#upstreamFrom,
      transcodeMs: assembling.busyMs + rendering.busyMs,
      bytesIn: this.#dialogue?.reader.bytesIn ?? 0,
      unknownFields: this.#assembler.unknownFields,
    };
    if (this.#scope.trace?.isSampled !== true) {
      this.#scope.finish(status, this.#route, figures);
      return;
    }
    this.#callTrace?.ended(status.code);
    this.#scope.finish(status, this.#route, figures, {
      assembling: assembling.laps === 0 ? undefined : assembling,
      rendering: rendering.laps === 0 ? undefined : rendering,
      call: this.#callTrace?.figures,
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
