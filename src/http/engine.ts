/**
 * The port for HTTP servers: `engines/uws`, `engines/node-http`.
 */
import type { Reason } from "../status/index.ts";
import type { HttpExchange } from "./exchange.ts";
import type { ServerTls } from "./server-tls.ts";

/** A TCP address to listen on. */
export interface TcpAddress {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly path?: undefined;
}

/** A unix socket to listen on. The file of one that nobody listens on any more is replaced. */
export interface UnixAddress {
  /** Absolute. */
  readonly path: string;
  /** Permissions of the file, e.g. 0o660. */
  readonly mode: number;
}

/** Where to listen. */
export type ListenAddress = TcpAddress | UnixAddress;

/** Limits that an engine enforces before a request reaches its handler; Infinity is none. */
export interface EngineLimits {
  /** Longest request head (request line and fields); longer ones are answered 431 and closed. */
  readonly maxHeaderBytes: number;
  /** Most fields of a request head; more are answered 431 and closed. */
  readonly maxHeaders: number;
  /** Longest path and query, as sent; longer ones are answered 414 and closed. */
  readonly maxUrlBytes: number;
  /** Open connections, WebSockets included; a further one is answered 503, where it speaks HTTP/1.1 in the clear, and closed. */
  readonly connections: number;
  /** Time for the head of a request to arrive; a late one is answered 408, or closed without a word. */
  readonly headTimeoutMs: number;
  /** Idle time of a kept-alive connection, and longest silence of a body that is being read. */
  readonly idleTimeoutMs: number;
  /** Time for a body whose listener has `onTooSlow`. */
  readonly bodyTimeoutMs: number;
  /** Requests after which a connection is closed. */
  readonly requestsPerConnection: number;
  /** Undefined serves no WebSocket: handshakes are then plain requests. */
  readonly webSocket?: WebSocketLimits | undefined;
}

/** Which PROXY headers a listener takes (the specification of HAProxy, "The PROXY protocol", versions 1 and 2). */
export interface ProxyProtocolOptions {
  readonly versions: "v1" | "v2" | "any";
  /**
   * The networks of the balancers, as `10.0.0.0/8` or `fd00::/8`. Whoever comes from them has to begin with a header;
   * connections from elsewhere are closed, since they could claim any address. Peers on a unix socket are believed.
   */
  readonly from: readonly string[];
}

/** How a listener speaks with its clients. */
export interface ListenOptions {
  readonly limits: EngineLimits;
  /** Undefined is plaintext. */
  readonly tls?: ServerTls | undefined;
  /** Whether HTTP/2 is spoken besides HTTP/1.1: by ALPN over TLS, by prior knowledge in the clear. "off" if absent. */
  readonly http2?: "on" | "off" | undefined;
  /** Undefined takes none: a connection begins with TLS or HTTP. */
  readonly proxyProtocol?: ProxyProtocolOptions | undefined;
  /** Is told of requests that never become exchanges. */
  readonly onRefused?: RefusalListener | undefined;
  /** Is told of connections that end before their first request could be read. */
  readonly onConnectionRefused?: ConnectionRefusalListener | undefined;
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

/** Why a connection was closed without an answer. */
export type ConnectionFault =
  /** There are as many as the listener may have. */
  | "connection-limit"
  /** PROXY header: malformed, of another version, or missing. */
  | "proxy-header"
  /** The peer is in none of the networks that may send one. */
  | "proxy-peer"
  /** The handshake failed; also for want of a common version or cipher. */
  | "tls-handshake"
  /** No certificate, or one that nobody vouches for. */
  | "client-certificate"
  /** HTTP/2 that breaks the protocol, or floods; also after requests have been served. */
  | "http2"
  /** PROXY header, handshake or the first bytes did not arrive in time. */
  | "timeout";

/** A connection that was closed without an answer. */
export interface RefusedConnection {
  readonly fault: ConnectionFault;
  /** As `HttpExchange.peer`, but always the address of the socket itself. */
  readonly peer: string;
  /** For logs: what was wrong, without bytes that the client sent. */
  readonly detail: string;
}

/** Is told of connections that were closed without an answer; it must not throw. */
export type ConnectionRefusalListener = (refused: RefusedConnection) => void;

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
  /**
   * @throws {ListenError} (rejects) if the address cannot be bound, with the address and the cause in its message.
   */
  listen(address: ListenAddress, options: ListenOptions, handler: ExchangeHandler): Promise<HttpListener>;
}
