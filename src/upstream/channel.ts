/**
 * The port for gRPC clients: `clients/http2`, our own, and `clients/grpc-js`. Messages cross it as raw protobuf bytes.
 */
import type { Code, Status } from "../status/index.ts";
import type { WeightedAddress } from "./address.ts";
import type { BalancingPolicy } from "./balancer.ts";
import type { ChannelStats } from "./channel-stats.ts";
import type { HealthObserver } from "./health/observer.ts";
import type { HealthOptions } from "./health/options.ts";
import type { TlsCredentials } from "./tls-credentials.ts";

/**
 * gRPC metadata as a flat list: `[name, value, …]`, names lower-case. A `-bin` value is base64, as on the wire
 * (gRPC over HTTP/2, "Custom-Metadata").
 */
export type Metadata = readonly string[];

/** Receives one call's reply: onHeaders at most once, onMessage any number of times, onStatus exactly once and last. */
export interface CallListener {
  onHeaders(metadata: Metadata): void;
  /**
   * One message; it belongs to the listener, which may give it back (`message-memory.ts`). False means: hold until
   * `Call.resume`.
   */
  onMessage(message: Uint8Array): boolean;
  /** Sending may go on after `Call.send` returned false. */
  onDrain(): void;
  /**
   * The call was sent again, or once more beside those under way, after `previousAttempts`; `afterCode` is what failed,
   * OK where nothing has. For those who want to know: nothing is to be done.
   */
  onRepeat?(previousAttempts: number, afterCode: Code): void;
  onStatus(status: Status, trailers: Metadata): void;
}

/** One call under way. Calls on it after `onStatus` do nothing. */
export interface Call {
  /**
   * Sends one message; its bytes belong to the call from now on and must not change. False means: hold until
   * `CallListener.onDrain`.
   */
  send(message: Uint8Array): boolean;
  halfClose(): void;
  /** Cancels the call; the listener gets `status` (exactly once, perhaps synchronously). */
  cancel(status: Status): void;
  /** Lets messages flow again after `onMessage` returned false. */
  resume(): void;
}

/** A connection, or several, to one upstream. */
export interface Channel {
  /**
   * Opens a call of the method at `rpcPath` (`/package.Service/Method`).
   *
   * `deadlineMs` is the time that remains, sent as `grpc-timeout`; Infinity means none. A call that fails before it
   * starts still answers through `listener.onStatus`; open itself does not throw.
   */
  open(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener): Call;
  /**
   * Opens connections before a call asks for them. Resolves when the first is ready, when none can be had now, or after
   * `timeoutMs`; never rejects.
   */
  warmUp(timeoutMs: number): Promise<void>;
  /** Cheap enough to be read at every scrape of metrics. */
  stats(): ChannelStats;
  /**
   * A request is under way that may open calls here, now or later: once its body is there, or after a pause. Until its
   * `release` a channel that closes takes them.
   */
  retain(): void;
  /** Once for each `retain`. */
  release(): void;
  /** Takes no new calls but of requests that retain it; closes the connections once these and all calls have ended. */
  close(): Promise<void>;
}

/** What a route needs of a channel; it may repeat calls (`retry/`). */
export type CallOpener = Pick<Channel, "open" | "retain" | "release">;

/** TLS towards an upstream. */
export interface TlsOptions {
  readonly credentials: TlsCredentials;
  /** The name to expect in the certificate; undefined takes the host of the address. */
  readonly serverName: string | undefined;
}

/** Connections of a channel. */
export interface ConnectionSettings {
  /** Most connections to one endpoint; a further one is opened when calls find no room on those there are. */
  readonly perEndpoint: number;
  readonly connectTimeoutMs: number;
  /** A connection is replaced when it is this old, a little earlier by chance; Infinity is never. */
  readonly maxAgeMs: number;
  /** After so much silence with calls open, a PING asks whether the upstream is still there; Infinity is never. */
  readonly keepaliveMs: number;
  /** How long its answer may take. */
  readonly keepaliveTimeoutMs: number;
  /** Names are looked up again this often; Infinity is only after a connection was lost. */
  readonly resolveIntervalMs: number;
}

/** What a channel takes on; a call beyond it is refused at once, reason UPSTREAM_OVERLOADED. */
export interface ChannelLimits {
  /** Calls that have not ended, those included that wait; Infinity is no limit. */
  readonly maxInFlight: number;
  /** Calls that wait for a connection with room. */
  readonly maxPending: number;
  /** Bytes of messages that these hold. */
  readonly maxPendingBytes: number;
}

/** How to reach an upstream. */
export interface ChannelOptions {
  /** One or several; with several, calls are spread. */
  readonly addresses: readonly WeightedAddress[];
  readonly balancing: BalancingPolicy;
  readonly connections: ConnectionSettings;
  readonly limits: ChannelLimits;
  /** Clients that cannot do it leave endpoints alone. */
  readonly health: HealthOptions;
  /** Hears of what becomes of endpoints. */
  readonly healthObserver: HealthObserver;
  /** Undefined means plaintext HTTP/2. */
  readonly tls: TlsOptions | undefined;
  /** The `:authority` of calls; "" takes `tls.serverName`, or else the address. TLS knows nothing of it. */
  readonly authority: string;
  /** Goes with every call; a call's own metadata of the same names is left out. Names and values as gRPC has them. */
  readonly metadata: Metadata;
  /** What request messages are compressed with, where that pays. */
  readonly requestCompression: "none" | "gzip";
  readonly maxReceiveMessageBytes: number;
  readonly maxSendMessageBytes: number;
}

/** Makes channels; one per client implementation. */
export interface ChannelFactory {
  readonly name: string;
  /**
   * Makes a channel; the first call connects it.
   * @throws {StatusError} UNAVAILABLE, reason UPSTREAM_UNREACHABLE, where an address cannot be used; INVALID_ARGUMENT,
   * reason HEADER_INVALID, where the default metadata cannot be sent.
   */
  connect(options: ChannelOptions): Channel;
}
