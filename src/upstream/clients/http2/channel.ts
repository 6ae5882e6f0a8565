/**
 * The Channel port on this client: calls, deadlines and limits of one upstream over a pool of connections.
 */
import { gatewayStatus, refuse } from "../../../status/index.ts";
import type { Call, CallListener, Channel, ChannelFactory, ChannelOptions, Metadata } from "../../channel.ts";
import type { Connectivity } from "../../connectivity.ts";
import { type DefaultMetadata, readDefaultMetadata } from "../../default-metadata.ts";
import { isMetadataText } from "../../metadata-fields.ts";
import { RefusedCall } from "../../refused-call.ts";
import { RequestCompression } from "../../request-compression.ts";
import { type Address, authorityOf, parseAddress } from "./address.ts";
import { type CallOwner, Http2Call } from "./call.ts";
import type { ConnectionOptions } from "./connection-ports.ts";
import { DeadlineWheel } from "./deadline-wheel.ts";
import { MetadataEncoder } from "./metadata-encoder.ts";
import { openSocket } from "./open-socket.ts";
import { Pool } from "./pool.ts";
import { type Resolve, resolveName } from "./resolver.ts";

const CONNECT_TIMEOUT_MS = 20_000;

const SETTINGS_TIMEOUT_MS = 10_000;

/** What a channel takes from its surroundings. */
export interface Surroundings {
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly resolve: Resolve;
  /** The first stream of every connection; 1 outside of tests. */
  readonly firstStreamId: number;
  /** After so much silence a PING asks whether the upstream is still there. */
  readonly keepaliveMs: number;
  /** How long its answer may take. */
  readonly keepaliveTimeoutMs: number;
  /** How long an upstream may take to acknowledge SETTINGS. */
  readonly settingsTimeoutMs: number;
}

/** Those of a process that serves. */
export const SURROUNDINGS: Surroundings = {
  now: () => performance.now(),
  random: Math.random,
  resolve: resolveName,
  firstStreamId: 1,
  // Servers in Go and Java close connections that ping more often.
  keepaliveMs: 5 * 60 * 1000,
  keepaliveTimeoutMs: 20_000,
  settingsTimeoutMs: SETTINGS_TIMEOUT_MS,
};

/** Makes channels of this client; `userAgent` goes with every call. */
export function createHttp2Client(userAgent: string): ChannelFactory {
  return { name: "http2", connect: (options) => new Http2Channel(options, userAgent) };
}

/** A channel over connections of its own, shared by any number of calls. */
export class Http2Channel implements Channel {
  readonly #pool: Pool;
  readonly #owner: CallOwner;
  readonly #deadlines: DeadlineWheel;
  readonly #now: () => number;
  readonly #forgetTls: (() => void) | undefined;
  #openCalls = 0;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  /**
   * Makes a channel; the first call connects it.
   * @throws {StatusError} UNAVAILABLE, reason UPSTREAM_UNREACHABLE, where an address cannot be used; INVALID_ARGUMENT, reason
   * HEADER_INVALID, where the default metadata cannot be sent.
   */
  constructor(options: ChannelOptions, userAgent: string, surroundings: Surroundings = SURROUNDINGS) {
    const { now, random, resolve } = surroundings;
    const addresses = options.addresses.map(parseAddress);
    if (addresses.length === 0) throw refuse("UPSTREAM_UNREACHABLE", "the upstream has no address");
    const metadata = readDefaultMetadata(options.metadata);
    const address = options.addresses.join(", ");
    const pool = new Pool({
      address,
      addresses,
      resolve,
      random,
      now,
      connectionOptions: (endpoint, name) =>
        connectionOptions(endpoint, name, options, metadata, userAgent, surroundings),
    });
    this.#pool = pool;
    this.#forgetTls = options.tls?.credentials.onChange(() => pool.renew());
    this.#now = now;
    this.#deadlines = new DeadlineWheel(now);
    this.#owner = {
      address,
      maxReceiveMessageBytes: options.maxReceiveMessageBytes,
      maxSendMessageBytes: options.maxSendMessageBytes,
      encoder: new MetadataEncoder(metadata),
      compression: new RequestCompression(options.requestCompression),
      now,
      place: (call) => pool.place(call),
      mayWait: (call, bytes) => pool.mayWait(call, bytes),
      onPlaced: (call) => pool.forget(call),
      onEnded: (call) => this.#onEnded(call),
    };
  }

  open(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener): Call {
    const { address } = this.#owner;
    if (this.#closing !== undefined) {
      const what = `upstream ${address} cannot be reached: the channel is closed`;
      return new RefusedCall(gatewayStatus("UPSTREAM_UNREACHABLE", what), listener);
    }
    if (!(deadlineMs > 0)) {
      const what = `no time is left to call upstream ${address}`;
      return new RefusedCall(gatewayStatus("DEADLINE", what), listener);
    }
    if (!isMetadataText(rpcPath)) {
      return new RefusedCall(gatewayStatus("HEADER_INVALID", "the method's path is not ASCII"), listener);
    }
    const hasDeadline = deadlineMs !== Number.POSITIVE_INFINITY;
    const expiresAt = hasDeadline ? this.#now() + deadlineMs : deadlineMs;
    const call = new Http2Call(this.#owner, listener, rpcPath, metadata, expiresAt);
    this.#openCalls++;
    if (hasDeadline) this.#deadlines.add(call);
    this.#pool.place(call);
    return call;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** State of the connections. */
  connectivity(): Connectivity {
    if (this.#closing !== undefined) return "closed";
    if (this.#pool.readyConnections > 0) return "ready";
    if (this.#pool.isConnecting) return "connecting";
    return this.#pool.isFailing ? "failing" : "idle";
  }

  /** Connections that are ready for calls. */
  get readyConnections(): number {
    return this.#pool.readyConnections;
  }

  /** Calls that have not ended yet. */
  get openCalls(): number {
    return this.#openCalls;
  }

  async #close(): Promise<void> {
    if (this.#openCalls > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#forgetTls?.();
    this.#deadlines.close();
    this.#pool.close();
  }

  #onEnded(call: Http2Call): void {
    if (call.expiresAt !== Number.POSITIVE_INFINITY) this.#deadlines.remove(call);
    this.#openCalls--;
    if (this.#openCalls === 0) this.#onIdle?.();
  }
}

function connectionOptions(
  endpoint: Address,
  name: string,
  { tls, authority }: ChannelOptions,
  metadata: DefaultMetadata,
  userAgent: string,
  { now, firstStreamId, keepaliveMs, keepaliveTimeoutMs, settingsTimeoutMs }: Surroundings,
): ConnectionOptions {
  const named: Address = endpoint.kind === "tcp" ? { ...endpoint, host: name } : endpoint;
  return {
    open: (onConnected, onBytes) => openSocket(endpoint, name, tls, onConnected, onBytes),
    sharedFields: [
      [":method", "POST"],
      [":scheme", tls === undefined ? "http" : "https"],
      [":authority", authority === "" ? (tls?.serverName ?? authorityOf(named)) : authority],
      ["te", "trailers"],
      ["content-type", "application/grpc"],
      ["user-agent", userAgent],
      ["grpc-accept-encoding", "identity,gzip"],
      ...metadata.fields,
    ],
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    settingsTimeoutMs,
    keepaliveMs,
    keepaliveTimeoutMs,
    now,
    firstStreamId,
  };
}
