/**
 * The port between an HTTP engine and the gateway: one request and its reply.
 */
import type { HeaderList } from "./header-list.ts";
import type { WebSocketConnection, WebSocketListener, WebSocketOptions } from "./web-socket.ts";

/**
 * Receives a request body. Exactly one of `onEnd`, `onTooLarge` and `onTooSlow` comes, last; none comes after
 * `HttpExchange.onAbort`.
 */
export interface BodyListener {
  /** A piece of the body. It belongs to the listener: engines copy what they reuse. */
  onChunk(chunk: Uint8Array): void;
  /**
   * A piece that is the engine's again once this returns. Called instead of `onChunk`, where it is there, by engines that
   * use their memory again.
   */
  readonly onLentChunk?: ((chunk: Uint8Array) => void) | undefined;
  /** The body is complete. */
  onEnd(): void;
  /**
   * The body is, or announces itself to be, longer than the limit. The engine reads no further; the reply that the
   * listener now gives closes the connection.
   */
  onTooLarge(): void;
  /**
   * The body has not come within `EngineLimits.bodyTimeoutMs`; the reply that the listener now gives closes the connection.
   * Listeners that take a stream, which may last, leave it away, and have no such limit.
   */
  onTooSlow?(timeoutMs: number): void;
}

/** What a TLS connection knows of its client; one object for all requests of a connection. */
export interface TlsClient {
  /**
   * The client's verified certificate as one element of `x-forwarded-client-cert`
   * (`Hash=…;Subject="…";URI=…;DNS=…`, see `client-certificate.ts`); empty without one.
   */
  readonly certificate: string;
}

/**
 * One HTTP request and its reply, whichever engine carries it.
 *
 * The reply is either one `respond`, or `start`, any number of `write`s and `end`. Calls after the reply has ended or
 * after `onAbort` do nothing. A HEAD request's reply carries the headers of the GET (`content-length` included) and no
 * body, whatever is written. Engines drop fields whose value holds control characters, so that nothing can split a
 * reply, and those that they write themselves (`content-length`, `date`, …); values beyond ASCII go out as UTF-8.
 * A `connection: close` header closes the connection after the reply. Bytes and header lists given to a reply belong to
 * the engine from then on: it may send them later, and does not copy them.
 */
export interface HttpExchange {
  readonly method: string;
  /** The path as sent, still percent-encoded, without the query; starts with `/`. */
  readonly path: string;
  /** The query as sent, without the `?`; empty if there is none. */
  readonly query: string;
  readonly headers: HeaderList;
  readonly httpVersion: 1 | 2;
  /** The address of the peer, without port; that of a PROXY header where there is one; empty for a unix socket. */
  readonly peer: string;
  /** Undefined for a request that came in the clear. */
  readonly tls: TlsClient | undefined;
  /** Whether `end` can bring trailers to this client: the protocol, the engine and the client's `te` (RFC 9110, 6.5.1). */
  readonly takesTrailers: boolean;
  /**
   * Whether the client asks for a WebSocket, and the listener has them: a GET without a body whose `upgrade` and
   * `connection` say so. Key and version have not been looked at.
   */
  readonly offersWebSocket: boolean;

  /** Starts reading the body; may be called once. Without a body, `onEnd` comes at once (perhaps synchronously). */
  readBody(limitBytes: number, listener: BodyListener): void;
  /**
   * Holds the body: no `onChunk` or `onEnd` until `resumeBody`, and the client is held by the socket. A client that goes
   * away meanwhile may be noticed only then.
   */
  pauseBody(): void;
  resumeBody(): void;

  /**
   * Sends the whole reply in one write; sets `content-length` (not for 204 and 304). `onTaken` is called when the engine
   * has no more need of the body's bytes, perhaps at once: from then on they may be written on. Never called where an
   * engine does not know.
   */
  respond(status: number, headers: HeaderList, body: Uint8Array | string, onTaken?: () => void): void;
  /** Sends status and headers of a reply whose length is not known; an engine may hold them for the first `write`. */
  start(status: number, headers: HeaderList): void;
  /** Writes a piece, flushed at once. False means: hold until `onDrain`, which comes whatever is written in between. */
  write(chunk: Uint8Array | string): boolean;
  /** Ends a started reply, after what was written; trailers go out where `takesTrailers`, else they are dropped. */
  end(trailers?: HeaderList): void;
  /** Breaks off: RST_STREAM, or closes the socket. The only honest end of a reply that failed midway. */
  destroy(): void;

  /**
   * Accepts a handshake with a well-formed key and version, instead of any other reply: from then on frames are what is
   * read and written, and `listener` alone is told of the end. Undefined if the client is gone already.
   */
  upgrade(options: WebSocketOptions, listener: WebSocketListener): WebSocketConnection | undefined;

  /** Called when writing may go on after `write`, or `WebSocketConnection.send`, returned false. */
  onDrain: (() => void) | undefined;
  /** Called once if the client goes away before the reply ended; not after `upgrade`. */
  onAbort: (() => void) | undefined;
}
