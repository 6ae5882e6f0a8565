/**
 * The Channel port on this client: calls, deadlines and limits of one upstream over a pool of connections.
 */
import { gatewayStatus, refuse, type Status } from "../../../status/index.ts";
import { authorityOf } from "../../address.ts";
import { createBalancer } from "../../balancer.ts";
import { CallSlots } from "../../call-slots.ts";
import type { Call, CallListener, Channel, ChannelFactory, ChannelOptions, Metadata } from "../../channel.ts";
import type { ChannelStats, ResendReason } from "../../channel-stats.ts";
import type { Connectivity } from "../../connectivity.ts";
import { DeadlineWheel } from "../../deadline-wheel.ts";
import { type DefaultMetadata, readDefaultMetadata } from "../../default-metadata.ts";
import type { WatchEndpoints } from "../../endpoint.ts";
import { watchHealth } from "../../health/upstream-health.ts";
import { isMetadataText } from "../../metadata-fields.ts";
import { RefusedCall } from "../../refused-call.ts";
import { unreachable } from "../../reply-faults.ts";
import { RequestCompression } from "../../request-compression.ts";
import type { ResolvedEndpoint } from "../../resolver.ts";
import { createResolver, type LookUp, lookUp } from "../../resolvers/index.ts";
import { type CallOwner, Http2Call } from "./call.ts";
import type { ConnectionOptions } from "./connection-ports.ts";
import type { Endpoint } from "./endpoint.ts";
import { MetadataEncoder } from "./metadata-encoder.ts";
import { openSocket } from "./open-socket.ts";
import { Pool } from "./pool.ts";

const SETTINGS_TIMEOUT_MS = 10_000;

/** What a channel takes from its surroundings. */
export interface Surroundings {
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly lookUp: LookUp;
  /** The first stream of every connection; 1 outside of tests. */
  readonly firstStreamId: number;
  /** How long an upstream may take to acknowledge SETTINGS. */
  readonly settingsTimeoutMs: number;
  /** Judges the endpoints in place of the options' `health`; undefined outside of tests. */
  readonly watch: WatchEndpoints | undefined;
}

/** Those of a process that serves. */
export const SURROUNDINGS: Surroundings = {
  now: () => performance.now(),
  random: Math.random,
  lookUp,
  firstStreamId: 1,
  settingsTimeoutMs: SETTINGS_TIMEOUT_MS,
  watch: undefined,
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
  readonly #slots: CallSlots;
  readonly #forgetTls: (() => void) | undefined;
  readonly #resent: Record<ResendReason, number> = { refused: 0, goaway: 0, never_sent: 0 };
  #closing: Promise<void> | undefined;

  /**
   * Makes a channel; the first call connects it.
   * @throws {StatusError} UNAVAILABLE, reason UPSTREAM_UNREACHABLE, where an address cannot be used; INVALID_ARGUMENT, reason
   * HEADER_INVALID, where the default metadata cannot be sent.
   */
  constructor(options: ChannelOptions, userAgent: string, surroundings: Surroundings = SURROUNDINGS) {
    const { now, random } = surroundings;
    const { addresses, limits, connections } = options;
    if (addresses.length === 0) throw refuse("UPSTREAM_UNREACHABLE", "the upstream has no address");
    const intervalMs = connections.resolveIntervalMs;
    const resolver = createResolver(addresses, { lookUp: surroundings.lookUp, now, intervalMs });
    const metadata = readDefaultMetadata(options.metadata);
    const address = addresses.map((each) => each.address).join(", ");
    const pool = new Pool({
      address,
      resolver,
      balancer: createBalancer(options.balancing, random),
      watch:
        surroundings.watch ?? watchHealth(options.health, { now, random, observer: options.healthObserver }),
      limits,
      connections,
      random,
      connectionOptions: (endpoint) =>
        connectionOptions(endpoint, metadata, userAgent, options, surroundings),
      openOn: (endpoint, path, metadata, deadlineMs, listener) => {
        const refusal = this.#faultOf(path, deadlineMs);
        if (refusal !== undefined) return new RefusedCall(refusal, listener);
        return this.#start(this.#ownerOn(endpoint), path, metadata, deadlineMs, listener);
      },
    });
    this.#pool = pool;
    this.#forgetTls = options.tls?.credentials.onChange(() => pool.renew());
    this.#slots = new CallSlots(address, limits.maxInFlight);
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
      placeAgain: (call, reason) => {
        this.#resent[reason]++;
        pool.place(call);
      },
      onGrown: (call, bytes) => pool.waiting.grow(call, bytes),
      onPlaced: (call) => pool.waiting.remove(call),
      observerOf: (endpoint) => endpoint.observer,
      onEnded: (call) => this.#onEnded(call),
    };
  }

  open(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener): Call {
    const refusal = this.#refusal(rpcPath, deadlineMs) ?? this.#slots.take();
    if (refusal !== undefined) return new RefusedCall(refusal, listener);
    return this.#start(this.#owner, rpcPath, metadata, deadlineMs, listener);
  }

  retain(): void {
    this.#slots.retain();
  }

  release(): void {
    this.#slots.release();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async warmUp(timeoutMs: number): Promise<void> {
    if (this.#closing !== undefined) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
      this.#pool.warmUp(resolve);
    });
    clearTimeout(timer);
  }

  stats(): ChannelStats {
    const { waiting, endpoints } = this.#pool;
    return {
      state: this.connectivity(),
      endpoints: Array.from(endpoints, (endpoint) => endpoint.stats()),
      openCalls: this.#slots.open,
      pendingCalls: waiting.count,
      pendingBytes: waiting.bytes,
      refusedCalls: {
        maxInFlight: this.#slots.refused,
        maxPending: waiting.refusedCalls,
        maxPendingBytes: waiting.refusedBytes,
      },
      resentCalls: { ...this.#resent },
    };
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
    return this.#slots.open;
  }

  async #close(): Promise<void> {
    await this.#slots.whenIdle();
    this.#forgetTls?.();
    this.#deadlines.close();
    this.#pool.close();
  }

  /** Why no call can be opened, whatever the upstream does. */
  #refusal(rpcPath: string, deadlineMs: number): Status | undefined {
    const isClosed = this.#closing !== undefined && !this.#slots.isRetained;
    if (isClosed) return unreachable(this.#owner.address, "Channel closed");
    return this.#faultOf(rpcPath, deadlineMs);
  }

  #faultOf(rpcPath: string, deadlineMs: number): Status | undefined {
    const { address } = this.#owner;
    if (!(deadlineMs > 0)) return gatewayStatus("DEADLINE", `no time is left to call upstream ${address}`);
    if (!isMetadataText(rpcPath)) return gatewayStatus("HEADER_INVALID", "the method's path is not ASCII");
    return undefined;
  }

  #start(
    owner: CallOwner,
    rpcPath: string,
    metadata: Metadata,
    deadlineMs: number,
    listener: CallListener,
  ): Call {
    const hasDeadline = deadlineMs !== Number.POSITIVE_INFINITY;
    const expiresAt = hasDeadline ? this.#now() + deadlineMs : deadlineMs;
    const call = new Http2Call(owner, listener, rpcPath, metadata, expiresAt);
    if (hasDeadline) this.#deadlines.add(call);
    owner.place(call);
    return call;
  }

  /** The owner of calls that go to `endpoint` and no other. */
  #ownerOn(endpoint: Endpoint): CallOwner {
    const address = endpoint.name;
    const place = (call: Http2Call): void => {
      if (endpoint.attach(call)) return;
      const full = gatewayStatus("UPSTREAM_OVERLOADED", `upstream ${address} has no connection with room`);
      call.refuse(endpoint.isReady ? full : unreachable(address, "no connection"));
    };
    return {
      ...this.#owner,
      address,
      place,
      placeAgain: place,
      observerOf: () => undefined,
      onEnded: (call) => this.#forgetDeadline(call),
    };
  }

  #onEnded(call: Http2Call): void {
    this.#forgetDeadline(call);
    this.#slots.free();
  }

  #forgetDeadline(call: Http2Call): void {
    if (call.expiresAt !== Number.POSITIVE_INFINITY) this.#deadlines.remove(call);
  }
}

function connectionOptions(
  { address, host }: ResolvedEndpoint,
  metadata: DefaultMetadata,
  userAgent: string,
  { connections, tls, authority }: ChannelOptions,
  { now, firstStreamId, settingsTimeoutMs }: Surroundings,
): ConnectionOptions {
  const { connectTimeoutMs, keepaliveMs, keepaliveTimeoutMs } = connections;
  const named = address.kind === "tcp" ? { ...address, host } : address;
  return {
    open: (onConnected, onBytes) => openSocket(address, host, tls, onConnected, onBytes),
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
    connectTimeoutMs,
    settingsTimeoutMs,
    keepaliveMs,
    keepaliveTimeoutMs,
    now,
    firstStreamId,
  };
}
