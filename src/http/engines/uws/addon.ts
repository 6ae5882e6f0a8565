/**
 * The part of uWebSockets.js's interface that the engine uses.
 *
 * Declared here and not taken from the package's types: the package is optional, exists under two names in two
 * versions, and its types miss the four-argument `listen` that both have.
 */

/** A text as the addon takes it; strings go out as UTF-8. */
export type AddonText = string | Uint8Array;

/** Valid until the reply has ended or `onAborted` came; any call after that throws. */
export interface AddonResponse {
  writeStatus(status: AddonText): this;
  writeHeader(name: AddonText, value: AddonText): this;
  /** Writes a chunk; false if bytes that were written earlier wait in the addon. Everything is kept in any case. */
  write(chunk: AddonText): boolean;
  end(body?: AddonText, closeConnection?: boolean): this;
  /** Ends without a body; without an argument also without `content-length`. */
  endWithoutBody(): this;
  /** Writes what goes without waiting; `[nothing waits, reply has ended]`. */
  tryEnd(rest: AddonText, totalBytes: number): [boolean, boolean];
  getWriteOffset(): number;
  close(): this;
  cork(write: () => void): this;
  pause(): void;
  resume(): void;
  onData(take: (chunk: ArrayBuffer, isLast: boolean) => void): this;
  onWritable(take: (offset: number) => boolean): this;
  onAborted(take: () => void): this;
  getRemoteAddress(): ArrayBuffer;
  /**
   * Accepts a handshake within the behaviour of `context`; kills the response. Calls `open` before it returns. What
   * `getUserData` gives has the properties of `userData`, without its prototype.
   */
  upgrade(
    userData: AddonUserData,
    key: AddonText,
    protocol: AddonText,
    extensions: AddonText,
    context: AddonSocketContext,
  ): void;
}

/** What is kept with a WebSocket. */
export interface AddonUserData {
  readonly connection: unknown;
}

/** The behaviour that a handshake came to; opaque. */
export type AddonSocketContext = { readonly nativeSocketContext: unique symbol };

/** Valid until `close` has been called; within that only `getUserData` is. */
export interface AddonWebSocket {
  /** 1: sent or about to be; 0: kept, and sent as the client reads; 2: dropped, since `maxBackpressure` is exceeded. */
  send(message: AddonText, isBinary: boolean, compress: boolean): number;
  ping(): number;
  getBufferedAmount(): number;
  /** Sends a close frame and FIN; calls `close` before it returns. What the client still sends is ignored. */
  end(code: number, reason: AddonText): void;
  /** Closes the socket; calls `close` before it returns. */
  close(): void;
  getUserData(): AddonUserData;
}

/** Settings and handlers of all WebSockets of a server. Buffers are valid until the handler returns. */
export interface AddonWebSocketBehavior {
  readonly maxPayloadLength: number;
  readonly maxBackpressure: number;
  readonly closeOnBackpressureLimit: boolean;
  readonly idleTimeout: number;
  readonly sendPingsAutomatically: boolean;
  readonly upgrade: (response: AddonResponse, request: AddonRequest, context: AddonSocketContext) => void;
  readonly open: (socket: AddonWebSocket) => void;
  readonly message: (socket: AddonWebSocket, message: ArrayBuffer, isBinary: boolean) => void;
  readonly pong: (socket: AddonWebSocket) => void;
  readonly drain: (socket: AddonWebSocket) => void;
  readonly close: (socket: AddonWebSocket, code: number, reason: ArrayBuffer) => void;
}

/** Valid until the route handler returns. */
export interface AddonRequest {
  getCaseSensitiveMethod(): string;
  getUrl(): string;
  getQuery(): string | undefined;
  forEach(take: (name: string, value: string) => void): void;
}

/** A native listening socket; opaque. */
export type AddonListenSocket = { readonly nativeListenSocket: unique symbol };

/** Where a TLS app finds its certificate, read once; TLS 1.2 at least. */
export interface AddonTlsOptions {
  readonly cert_file_name: string;
  readonly key_file_name: string;
  /** As OpenSSL writes them; those of TLS 1.3 cannot be chosen. */
  readonly ssl_ciphers?: string;
  /** Frees the buffers of connections that are silent. */
  readonly ssl_prefer_low_memory_usage: boolean;
}

/** An app, for the app that hands connections to it; opaque. */
export type AddonDescriptor = { readonly nativeDescriptor: unique symbol };

/** One server. */
export interface AddonApp {
  /** A certificate for clients that name `host`, `*.example.com` included; it needs handlers of its own. TLS only. */
  addServerName(host: string, options: AddonTlsOptions): this;
  /** Handlers set from now on are for clients that name `host`. Writes a line to standard output. */
  domain(host: string): this;
  getDescriptor(): AddonDescriptor;
  /** Hands the connections that come to that app from now on, to several in turn. It must be of the same kind. */
  addChildAppDescriptor(app: AddonDescriptor): void;
  removeChildAppDescriptor(app: AddonDescriptor): void;
  any(pattern: string, handler: (response: AddonResponse, request: AddonRequest) => void): this;
  /** Takes GETs whose `sec-websocket-key` is 24 characters long; all others go on to `any`. */
  ws(pattern: string, behavior: AddonWebSocketBehavior): this;
  /** Calls back on every connection: 1 when it opens, -1 when it closes as an HTTP connection. */
  filter(take: (response: AddonResponse, change: number) => void): this;
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: AddonListenSocket | false | null) => void,
  ): this;
  /** The arguments stand the other way round than in `listen`. An existing file at `path` is removed, whatever it is. */
  listen_unix(done: (socket: AddonListenSocket | false | null) => void, path: string): this;
  /** Closes the listening sockets and all connections at once. */
  close(): this;
}

/** The module. */
export interface Addon {
  App(): AddonApp;
  /** @throws {Error} if the files make no certificate. */
  SSLApp(options: AddonTlsOptions): AddonApp;
  us_listen_socket_close(socket: AddonListenSocket): void;
  us_socket_local_port(socket: AddonListenSocket): number;
  /** Process-wide settings by number; see {@link SILENT}. */
  _cfg?(key: string): void;
}

/** Makes the addon leave out its `uWebSockets` reply header. */
export const SILENT = "999999990007";

/** Fails if the port is taken, instead of sharing it. */
export const EXCLUSIVE_PORT = 1;

/**
 * Shares the port with every process of the same user that does the same (SO_REUSEPORT): the kernel gives each of them
 * its part of the new connections. Port 0 is never shared.
 */
export const SHARED_PORT = 0;
