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

/** One server. */
export interface AddonApp {
  any(pattern: string, handler: (response: AddonResponse, request: AddonRequest) => void): this;
  /** Calls back on every connection: 1 when it opens, -1 when it closes. */
  filter(take: (response: AddonResponse, change: number) => void): this;
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: AddonListenSocket | false | null) => void,
  ): this;
  /** Closes the listening sockets and all connections at once. */
  close(): this;
}

/** The module. */
export interface Addon {
  App(): AddonApp;
  us_listen_socket_close(socket: AddonListenSocket): void;
  us_socket_local_port(socket: AddonListenSocket): number;
  /** Process-wide settings by number; see {@link SILENT}. */
  _cfg?(key: string): void;
}

/** Makes the addon leave out its `uWebSockets` reply header. */
export const SILENT = "999999990007";

/** Fails if the port is taken, instead of sharing it (SO_REUSEPORT). */
export const EXCLUSIVE_PORT = 1;
