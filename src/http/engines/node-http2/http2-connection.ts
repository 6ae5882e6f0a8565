/**
 * HTTP/2 (RFC 9113) on one socket that was accepted elsewhere, over node:http2. Its streams are exchanges.
 *
 * Bounds: 100 streams at a time, each with a window of 64 KiB, so that a connection holds at most 6.4 MB of bodies that
 * nobody reads; header blocks of 64 KiB, whatever the listener's limit is (beyond it Node resets the stream); Node ends a connection whose client floods it with PINGs, SETTINGS, CONTINUATIONs or streams that it resets. A
 * connection without streams has the listener's idle time, whatever else its client sends. Extended CONNECT (RFC 8441) is
 * not offered, so WebSockets take HTTP/1.1, as every browser then does by itself. HTTP/1.1's `Upgrade: h2c` is not taken.
 */
import type { EventEmitter } from "node:events";
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { TlsClient } from "../../exchange.ts";
import {
  type ConnectionOwner,
  type HeadFacts,
  headTooLarge,
  isPlainMethod,
  NOT_HTTP,
  REFUSAL_HEADERS,
  type Refusal,
  readHeadFacts,
  refusalOfHead,
} from "../common/index.ts";
import { Http2Exchange } from "./http2-exchange.ts";
import { type Http2Head, readHead } from "./http2-head.ts";

/** A socket whose next bytes are the preface of HTTP/2. */
export interface Http2Socket {
  readonly socket: Socket;
  /** As those of `HttpExchange`. */
  readonly peer: string;
  readonly tls: TlsClient | undefined;
}

/** Streams that a client may have open at a time: enough for any browser or balancer, little enough to be held. */
const MAX_STREAMS = 100;
/** What a field counts at least, besides its name and value (RFC 9113, section 6.5.2). */
const LEAST_FIELD_BYTES = 32;

/** One connection. */
export class Http2Connection {
  /** As those of `HttpExchange`. */
  readonly peer: string;
  readonly tls: TlsClient | undefined;
  readonly owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #onFault: (detail: string) => void;
  readonly #idle: NodeJS.Timeout;
  #streams = 0;
  #requests = 0;

  /** `onFault` is told how the client broke the protocol; the connection is closed then. */
  constructor({ socket, peer, tls }: Http2Socket, owner: ConnectionOwner, onFault: (detail: string) => void) {
    this.peer = peer;
    this.tls = tls;
    this.owner = owner;
    this.#socket = socket;
    this.#onFault = onFault;
    // Streams end one by one; a client that closes its side of the connection has left.
    socket.allowHalfOpen = false;
    const { maxHeaderBytes, idleTimeoutMs } = owner.limits;
    // Beyond it Node resets a stream that nobody has been told of; what is less is answered.
    const maxHeaderListSize = 2 * maxHeaderBytes;
    this.#session = performServerHandshake(socket, {
      maxHeaderListPairs: Math.ceil(maxHeaderListSize / LEAST_FIELD_BYTES),
      settings: {
        enablePush: false,
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize,
      },
    });
    this.#idle = setTimeout(() => this.#onIdle(), idleTimeoutMs);
    // The published types miss the last argument, the only form of the fields with their order and repetitions.
    const events: EventEmitter = this.#session;
    events.on(
      "stream",
      (stream: ServerHttp2Stream, _fields: unknown, flags: number, rawHeaders: readonly string[]) =>
        this.#onStream(stream, flags, rawHeaders),
    );
    this.#session.on("error", (error: NodeJS.ErrnoException) => this.#onError(error));
  }

  /**
   * Takes no more streams and tells the client which was the last one (GOAWAY): it knows that later ones, which may be on
   * their way, have not run (RFC 9113, section 6.8). Streams under way go on; without any the connection is closed.
   */
  drain(): void {
    // A first GOAWAY that names no last stream would be kinder, but Node takes no streams after any of them.
    if (!this.#session.destroyed) this.#session.close();
  }

  /** The socket is gone. */
  closed(): void {
    clearTimeout(this.#idle);
  }

  /** A stream of the connection is gone. */
  release(): void {
    this.#streams--;
    if (this.#streams === 0) this.#idle.refresh();
  }

  /** Closes the connection with all its streams, whatever the client has not read yet. */
  cut(): void {
    this.#socket.destroy();
  }

  #onIdle(): void {
    // With streams under way their own times count; the last one starts this anew.
    if (this.#streams > 0) return;
    if (this.#session.closed) {
      // Node waits for the client to close its side, and for the end of a head that it has begun.
      this.cut();
      return;
    }
    this.drain();
    this.#idle.refresh();
  }

  #onError(error: NodeJS.ErrnoException): void {
    // What the socket says of a client that left without a word is no fault of the protocol.
    if (error.code?.startsWith("ERR_HTTP2_") === true) this.#onFault(error.message);
  }

  #onStream(stream: ServerHttp2Stream, flags: number, rawHeaders: readonly string[]): void {
    stream.on("error", () => undefined);
    this.#streams++;
    this.#requests++;
    if (this.#requests === this.owner.limits.requestsPerConnection) {
      this.owner.retiring();
      this.drain();
    }
    const head = readHead(rawHeaders);
    const facts = readHeadFacts(head.headers);
    const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    const exchange = new Http2Exchange(stream, head, facts, hasBody, this);
    const refusal = this.#refusalOf(head, facts);
    if (refusal === undefined) {
      this.owner.handler(exchange);
      return;
    }
    exchange.respond(refusal.status, REFUSAL_HEADERS, refusal.body);
    this.owner.refused(refusal, exchange);
  }

  #refusalOf(head: Http2Head, facts: HeadFacts): Refusal | undefined {
    const { limits } = this.owner;
    if (head.bytes > limits.maxHeaderBytes) return headTooLarge(limits);
    if (!isPlainMethod(head.method)) return NOT_HTTP;
    const { path, query, headers } = head;
    return refusalOfHead({ path, query, headers, facts, hostsNeeded: 1 }, limits);
  }
}
