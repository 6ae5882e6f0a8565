/**
 * The port for HTTP servers: `engines/uws`, `engines/node-http`.
 */
import type { Reason } from "../status/index.ts";
import type { HttpExchange } from "./exchange.ts";

/** A TCP host and port (0 picks a free one). */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
  readonly path?: undefined;
}

/** A unix socket: an absolute path, and the permissions that its file gets. */
export interface UnixAddress {
  readonly path: string;
  readonly mode: number;
}

/** Where to listen. */
export type ListenAddress = TcpAddress | UnixAddress;

/** Limits that an engine enforces before a request reaches its handler. */
export interface EngineLimits {
  /** Longest request head (request line and fields); longer ones are answered 431 and closed. */
  readonly maxHeaderBytes: number;
  /** Longest silence of a kept-alive connection, and within a body. */
  readonly idleTimeoutMs: number;
  /** Open connections, WebSockets included; further ones are answered 503 and closed. Infinity is no limit. */
  readonly connections: number;
  /** Fields of a head; more are answered 431. */
  readonly maxHeaders: number;
  /** Path and query; longer ones are answered 414. */
  readonly maxUrlBytes: number;
  /** Time for the head of a request to arrive; a late one is answered 408, or closed without a word. */
  readonly headTimeoutMs: number;
  /** Time for a body whose listener has `onTooSlow`; Infinity is no limit. */
  readonly bodyTimeoutMs: number;
  /** Requests after which a connection is closed; Infinity is no limit. */
  readonly requestsPerConnection: number;
  /** Undefined serves no WebSocket: handshakes are then plain requests. */
  readonly webSocket?: WebSocketLimits | undefined;
}

/** Limits of every WebSocket connection of a listener. */
export interface WebSocketLimits {
  /** Longest message of any connection; each may be accepted with less. */
  readonly maxMessageBytes: number;
  /** What an engine that cannot stop reading keeps of a connection that is held. */
  readonly maxHeldBytes: number;
}

/** Takes one exchange; it must not throw. */
export type ExchangeHandler = (exchange: HttpExchange) => void;

/** A request that the engine answered by itself: its head was not fit to be handed over. */
export interface RefusedRequest {
  readonly reason: Reason;
  readonly httpStatus: number;
  /** As `HttpExchange.peer`. */
  readonly peer: string;
  /** What could be read of the head; empty where nothing could. */
  readonly method: string;
  readonly path: string;
  /** Bytes of the reply's body. */
  readonly bytesOut: number;
}

/** Is told of requests that never become exchanges, for logs and metrics; it must not throw. */
export type RefusalListener = (refused: RefusedRequest) => void;

/** Connections of a listener, counted since it listens. */
export interface ConnectionCounts {
  /** Open now, WebSockets included. */
  readonly open: number;
  readonly accepted: number;
  /** Closed at once because `EngineLimits.connections` were open. */
  readonly refused: number;
  /** Closed because they had carried `EngineLimits.requestsPerConnection`. */
  readonly retired: number;
}

/** A listening socket. */
export interface HttpListener {
  readonly address: ListenAddress;
  readonly connections: ConnectionCounts;
  /**
   * Stops accepting connections and closes idle ones (at the latest when the last request has been answered);
   * requests in flight go on, and their replies say `connection: close`. Resolves when the last connection is gone.
   */
  drain(): Promise<void>;
  /** Closes everything at once. */
  close(): void;
}

/** An HTTP server implementation. */
export interface HttpEngine {
  readonly name: string;
  /** @throws {ListenError} (rejects) if the address cannot be bound, with the address and the cause in its message. */
  listen(
    address: ListenAddress,
    limits: EngineLimits,
    handler: ExchangeHandler,
    onRefused?: RefusalListener,
  ): Promise<HttpListener>;
}
