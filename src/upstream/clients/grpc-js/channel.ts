/**
 * The Channel port on @grpc/grpc-js: connections, balancing and reconnection are grpc-js's, the calls are `call.ts`.
 *
 * A grpc-js channel cannot change its credentials or its compression, so those changes put a new one in its place.
 */
import {
  type ChannelCredentials,
  compressionAlgorithms,
  connectivityState,
  credentials,
  type ChannelOptions as GrpcOptions,
  logVerbosity,
  setLogVerbosity,
} from "@grpc/grpc-js";
import { gatewayStatus } from "../../../status/index.ts";
import { CallSlots } from "../../call-slots.ts";
import type { Call, CallListener, Channel, ChannelFactory, ChannelOptions, Metadata } from "../../channel.ts";
import type { ChannelStats } from "../../channel-stats.ts";
import type { Connectivity } from "../../connectivity.ts";
import { type DefaultMetadata, readDefaultMetadata } from "../../default-metadata.ts";
import { RefusedCall } from "../../refused-call.ts";
import { RequestCompression } from "../../request-compression.ts";
import { type CallOwner, GrpcJsCall } from "./call.ts";
import { Generation } from "./generation.ts";
import { toGrpcMetadata } from "./metadata.ts";
import { type Balancing, registerListResolver, type Target, targetOf } from "./target.ts";

/** The longest time that a timer of Node can wait; a deadline beyond it is none. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const CONNECTIVITY: ReadonlyMap<connectivityState, Connectivity> = new Map([
  [connectivityState.IDLE, "idle"],
  [connectivityState.CONNECTING, "connecting"],
  [connectivityState.READY, "ready"],
  [connectivityState.TRANSIENT_FAILURE, "failing"],
  [connectivityState.SHUTDOWN, "closed"],
]);

/** Makes channels on grpc-js. */
export const grpcJs: ChannelFactory = { name: "grpc-js", connect: (options) => new GrpcJsChannel(options) };

/** A channel of grpc-js, shared by any number of calls; connections are opened by the first. */
class GrpcJsChannel implements Channel {
  readonly #options: ChannelOptions;
  readonly #target: Target;
  readonly #metadata: DefaultMetadata;
  readonly #compression: RequestCompression;
  readonly #owner: CallOwner;
  readonly #forgetTls: (() => void) | undefined;
  readonly #slots: CallSlots;
  #opened = 0;
  #current: Generation;
  /** Takes the place of `#current` when it is ready. */
  #next: Generation | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ChannelOptions) {
    const addresses = options.addresses.map(({ address }) => address);
    this.#options = options;
    this.#target = targetOf(addresses);
    this.#metadata = readDefaultMetadata(options.metadata);
    this.#compression = new RequestCompression(options.requestCompression);
    registerListResolver();
    // An upstream decides what grpc-js complains of on stderr (malformed metadata, excess pings); calls tell it too.
    setLogVerbosity(logVerbosity.NONE);
    this.#current = this.#make();
    this.#owner = {
      address: addresses.join(", "),
      maxSendMessageBytes: options.maxSendMessageBytes,
      target: this.#current.channel.getTarget(),
      compression: this.#compression,
      onCallEnded: (generation) => {
        generation.onCallEnded();
        this.#slots.free();
      },
    };
    this.#slots = new CallSlots(this.#owner.address, options.limits.maxInFlight);
    this.#forgetTls = options.tls?.credentials.onChange(() => this.#renew());
  }

  open(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener): Call {
    const { address } = this.#owner;
    if (this.#closing !== undefined && !this.#slots.isRetained) {
      const what = `upstream ${address} cannot be reached: the channel is closed`;
      return new RefusedCall(gatewayStatus("UPSTREAM_UNREACHABLE", what), listener);
    }
    if (!(deadlineMs > 0)) {
      const what = `no time is left to call upstream ${address}`;
      return new RefusedCall(gatewayStatus("DEADLINE", what), listener);
    }
    const converted = toGrpcMetadata(metadata, this.#metadata);
    if ("refusal" in converted) return new RefusedCall(converted.refusal, listener);
    const deadline = deadlineMs > MAX_TIMER_MS ? Number.POSITIVE_INFINITY : Date.now() + deadlineMs;
    const refusal = this.#slots.take();
    if (refusal !== undefined) return new RefusedCall(refusal, listener);
    const generation = this.#choose();
    const raw = generation.channel.createCall(rpcPath, deadline, undefined, null, undefined);
    const call = new GrpcJsCall(raw, this.#owner, generation, listener, deadline);
    this.#opened++;
    generation.onCallStarted();
    call.start(converted.metadata);
    return call;
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
    const deadline = Date.now() + timeoutMs;
    while (this.#closing === undefined && Date.now() < deadline) {
      const { channel } = this.#current;
      const state = channel.getConnectivityState(true);
      if (state !== connectivityState.IDLE && state !== connectivityState.CONNECTING) return;
      // Called with an error at the deadline.
      await new Promise((resolve) => channel.watchConnectivityState(state, deadline, resolve));
    }
  }

  /** grpc-js tells little: all endpoints count as one. */
  stats(): ChannelStats {
    const state = this.connectivity();
    const openCalls = this.#slots.open;
    const endpoint = {
      name: this.#owner.address,
      state,
      connections: this.readyConnections,
      openStreams: openCalls,
      picks: this.#opened,
      sentBytes: undefined,
      receivedBytes: undefined,
      connects: undefined,
      connectFailures: undefined,
      isHealthy: undefined,
      ejections: {},
    };
    return {
      state,
      endpoints: [endpoint],
      openCalls,
      pendingCalls: undefined,
      pendingBytes: undefined,
      refusedCalls: { maxInFlight: this.#slots.refused },
      resentCalls: {},
    };
  }

  /** State of the connections, cheap enough for a gauge that is read at every scrape. */
  connectivity(): Connectivity {
    return CONNECTIVITY.get(this.#current.channel.getConnectivityState(false)) ?? "closed";
  }

  /** Connections that are ready, as far as grpc-js tells: 1 or 0. */
  get readyConnections(): number {
    return this.connectivity() === "ready" ? 1 : 0;
  }

  /** Calls that have not ended yet. */
  get openCalls(): number {
    return this.#slots.open;
  }

  async #close(): Promise<void> {
    await this.#slots.whenIdle();
    this.#forgetTls?.();
    this.#next?.retire();
    this.#current.retire();
  }

  #make(): Generation {
    const isCompressing = this.#compression.isOn;
    const { uri } = this.#target;
    const balancing = this.#options.balancing === "pick_first" ? "pick_first" : this.#target.balancing;
    const options = grpcOptions(this.#options, balancing, isCompressing);
    return new Generation(uri, credentialsOf(this.#options.tls), options, isCompressing);
  }

  #choose(): Generation {
    if (this.#current.isCompressing && !this.#compression.isOn) this.#replace(this.#make());
    else if (this.#next !== undefined) this.#replaceOnceReady(this.#next);
    return this.#current;
  }

  /** New material: those who call go on with the old connections until there are new ones. */
  #renew(): void {
    const next = this.#make();
    this.#next?.retire();
    this.#next = next;
    next.watch(() => {
      if (next === this.#next) this.#replaceOnceReady(next);
      return next === this.#next;
    });
    this.#replaceOnceReady(next);
  }

  #replaceOnceReady(next: Generation): void {
    // Where the old connections are of no use, nothing is gained by waiting.
    if (next.isReady || !this.#current.isReady) this.#replace(next);
  }

  #replace(next: Generation): void {
    if (this.#next !== next) this.#next?.retire();
    this.#next = undefined;
    this.#current.retire();
    this.#current = next;
  }
}

function credentialsOf(tls: ChannelOptions["tls"]): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  return credentials.createFromSecureContext(tls.credentials.context);
}

function grpcOptions(options: ChannelOptions, balancing: Balancing, isCompressing: boolean): GrpcOptions {
  const serverName = options.tls?.serverName;
  const authority = options.authority === "" ? serverName : options.authority;
  const { keepaliveMs, keepaliveTimeoutMs } = options.connections;
  return {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ [balancing]: {} }] }),
    // Retries and balancing are the gateway's to decide, not a TXT record's.
    "grpc.service_config_disable_resolution": 1,
    // An upstream is reached at the address given; http_proxy of the environment is for programs that browse.
    "grpc.enable_http_proxy": 0,
    "grpc.enable_channelz": 0,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": options.maxReceiveMessageBytes,
    // Checked in `send`, before the message is copied.
    "grpc.max_send_message_length": -1,
    // What a call keeps for the one retry after a GOAWAY; beyond it, sending follows the speed of the connection.
    "grpc.per_rpc_retry_buffer_size": 256 * 1024,
    // A restarted upstream is found again soon, a dead one costs two attempts every 3 s.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 3000,
    "grpc.dns_min_time_between_resolutions_ms": 5000,
    "grpc.keepalive_time_ms": Math.min(keepaliveMs, MAX_TIMER_MS),
    "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
    "grpc.primary_user_agent": "sluice",
    ...(isCompressing ? { "grpc.default_compression_algorithm": compressionAlgorithms.gzip } : undefined),
    ...(serverName === undefined ? undefined : { "grpc.ssl_target_name_override": serverName }),
    ...(authority === undefined ? undefined : { "grpc.default_authority": authority }),
  };
}
