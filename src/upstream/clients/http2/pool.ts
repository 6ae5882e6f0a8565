/**
 * The endpoints of one channel, and which of them a call goes to.
 *
 * The resolver says which endpoints there are, the availability which of them calls may go to, the balancer which is
 * next. Calls wait while none is ready and one is being connected, or while every ready one is full; they fail at once
 * while every endpoint is failing.
 */

import { nameOf } from "../../address.ts";
import type { Balancer } from "../../balancer.ts";
import type { Call, CallListener, ChannelLimits, ConnectionSettings, Metadata } from "../../channel.ts";
import type { Availability, EndpointObserver, WatchEndpoints } from "../../endpoint.ts";
import { unreachable } from "../../reply-faults.ts";
import type { ResolvedEndpoint, Resolver, ResolverListener } from "../../resolver.ts";
import type { Http2Call } from "./call.ts";
import type { ConnectionOptions } from "./connection-ports.ts";
import { Endpoint, type EndpointOwner } from "./endpoint.ts";
import { WaitingCalls } from "./waiting-calls.ts";

/** What a pool is made of. */
export interface PoolOptions {
  /** For people: the configured addresses. */
  readonly address: string;
  readonly resolver: Resolver;
  readonly balancer: Balancer;
  /** Undefined where every endpoint counts as available. */
  readonly watch: WatchEndpoints | undefined;
  readonly limits: ChannelLimits;
  readonly connections: Pick<ConnectionSettings, "perEndpoint" | "maxAgeMs">;
  readonly random: () => number;
  /** How connections to an endpoint are made. */
  connectionOptions(endpoint: ResolvedEndpoint): ConnectionOptions;
  /** Opens a call that goes to this endpoint and no other. */
  openOn(endpoint: Endpoint, path: string, metadata: Metadata, deadlineMs: number, to: CallListener): Call;
}

/** Places calls on connections. */
export class Pool implements EndpointOwner, ResolverListener {
  readonly #options: PoolOptions;
  readonly #availability: Availability | undefined;
  /** By address and name, in the resolver's order. */
  #endpoints: ReadonlyMap<string, Endpoint> = new Map();
  /** Those that calls may go to. */
  #available: readonly Endpoint[] = [];
  /** Those of them that are connected. */
  #candidates: readonly Endpoint[] = [];
  readonly #waiting: WaitingCalls;
  /** Told once a connection is ready or none can be had. */
  #warming: (() => void)[] = [];
  #fault = "";
  #isStarted = false;
  #isClosed = false;
  readonly random: () => number;
  readonly perEndpoint: number;
  readonly maxAgeMs: number;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.random = options.random;
    this.perEndpoint = options.connections.perEndpoint;
    this.maxAgeMs = options.connections.maxAgeMs;
    this.#waiting = new WaitingCalls(options.address, options.limits);
    this.#availability = options.watch?.(() => this.#onAvailability());
  }

  /** The endpoints that the resolver names, in its order. */
  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  get waiting(): WaitingCalls {
    return this.#waiting;
  }

  /** Connections that take calls. */
  get readyConnections(): number {
    let connections = 0;
    for (const endpoint of this.endpoints) connections += endpoint.readyConnections;
    return connections;
  }

  /** Whether a call has something to wait for: a name that is looked up, a connection that is being opened. */
  get isConnecting(): boolean {
    if (this.#options.resolver.isResolving) return true;
    for (const endpoint of this.#available) if (endpoint.isConnecting) return true;
    return false;
  }

  /** Whether the last attempt to connect failed. */
  get isFailing(): boolean {
    return this.#fault !== "" && this.#candidates.length === 0;
  }

  /** Attaches the call to a connection, now or when one is there, or refuses it. */
  place(call: Http2Call): void {
    if (this.#waiting.count === 0 && this.#attach(call)) return;
    if (this.#candidates.length > 0) this.#grow();
    else this.#connect();
    if (this.#candidates.length === 0 && !this.isConnecting) {
      call.refuse(unreachable(this.#options.address, this.#faultNow));
      return;
    }
    const refusal = this.#waiting.add(call);
    if (refusal !== undefined) call.refuse(refusal);
  }

  /** Connects what there is, and calls `onSettled` once a connection is ready or none can be had now. */
  warmUp(onSettled: () => void): void {
    this.#warming.push(onSettled);
    this.#connect();
    this.#settle();
  }

  /** Replaces every connection by a new one, once that is ready; calls under way end where they are. */
  renew(): void {
    for (const endpoint of this.endpoints) endpoint.renew();
  }

  /** Closes what has no calls and lets the rest end. */
  close(): void {
    this.#isClosed = true;
    this.#settle();
    this.#options.resolver.stop();
    for (const endpoint of this.endpoints) endpoint.drain();
  }

  connectionOptions(endpoint: ResolvedEndpoint): ConnectionOptions {
    return this.#options.connectionOptions(endpoint);
  }

  observe(endpoint: Endpoint): EndpointObserver | undefined {
    return this.#availability?.observe(endpoint);
  }

  openOn(endpoint: Endpoint, path: string, metadata: Metadata, deadlineMs: number, to: CallListener): Call {
    return this.#options.openOn(endpoint, path, metadata, deadlineMs, to);
  }

  onEndpoints(found: readonly ResolvedEndpoint[]): void {
    if (this.#isClosed) return;
    const before = this.#endpoints;
    const endpoints = new Map<string, Endpoint>();
    for (const [key, resolved] of distinct(found)) {
      const known = before.get(key);
      if (known !== undefined) known.weight = resolved.weight;
      endpoints.set(key, known ?? new Endpoint(this, resolved));
    }
    this.#endpoints = endpoints;
    this.#refresh();
    // The new ones first: what the old ones leave behind must find them.
    this.#connect();
    for (const [key, endpoint] of before) if (!endpoints.has(key)) endpoint.drain();
    // Without those that have left, too few of the rest may be healthy.
    this.#refresh();
  }

  onFault(fault: string): void {
    // "" would read as no fault; a peer that hangs up without a word gives no other.
    this.#fault = fault === "" ? "no connection" : fault;
    this.#failWaiting();
  }

  onReady(): void {
    this.#fault = "";
    this.#refresh();
    this.#settle();
    this.#serve();
  }

  onGone(): void {
    this.#refresh();
    this.#options.resolver.resolveNow();
  }

  onFree(): void {
    if (this.#waiting.count > 0) this.#serve();
  }

  onFailed(_endpoint: Endpoint, fault: string): void {
    this.#refresh();
    // Where one at a time is connected, the next one has its turn.
    if (this.#options.balancer.reach === "first") this.#connect();
    this.onFault(fault);
    this.#options.resolver.resolveNow();
  }

  onIdle(): void {
    if (this.#candidates.length === 0 && this.#waiting.count > 0) this.#connect();
  }

  onRested(): void {
    this.#connect();
  }

  #onAvailability(): void {
    this.#refresh();
    // Those that were left may be idle, where one at a time is connected.
    this.#connect();
    this.#serve();
    this.#failWaiting();
  }

  get #faultNow(): string {
    return this.#endpoints.size > 0 && this.#available.length === 0 ? NONE_HEALTHY : this.#fault;
  }

  #failWaiting(): void {
    if (this.#candidates.length > 0 || this.isConnecting) return;
    this.#settle();
    // A listener may open calls meanwhile; those are not of this failure.
    const failed = Array.from(this.#waiting);
    for (const call of failed) {
      this.#waiting.remove(call);
      call.cancel(unreachable(this.#options.address, this.#faultNow));
    }
  }

  #settle(): void {
    if (this.#candidates.length === 0 && this.isConnecting && !this.#isClosed) return;
    const told = this.#warming;
    this.#warming = [];
    for (const onSettled of told) onSettled();
  }

  /** Which endpoints are available, and which of them connected, now that something has changed. */
  #refresh(): void {
    this.#available = Array.from(this.#endpoints.values()).filter((endpoint) => endpoint.isAvailable);
    this.#candidates = this.#available.filter((endpoint) => endpoint.isReady);
  }

  #attach(call: Http2Call): boolean {
    const endpoint = this.#options.balancer.pick(this.#candidates);
    if (endpoint?.attach(call) !== true) return false;
    // One that has been ill may take a single call to begin with.
    if (!endpoint.isAvailable) this.#refresh();
    return true;
  }

  #serve(): void {
    for (const call of this.#waiting) {
      if (!this.#attach(call)) {
        this.#grow();
        return;
      }
      this.#waiting.remove(call);
    }
  }

  /** Every ready endpoint is full: one more connection, where there are fewest. */
  #grow(): void {
    const isOne = this.#options.balancer.reach === "first";
    let least: Endpoint | undefined;
    for (const endpoint of isOne ? this.#candidates : this.#available) {
      // One at a time; but an endpoint that is not connected yet may never be.
      if (endpoint.isConnecting && endpoint.isReady) return;
      if (endpoint.isConnecting || !endpoint.canGrow) continue;
      if (least === undefined || endpoint.readyConnections < least.readyConnections) least = endpoint;
    }
    least?.grow();
  }

  #connect(): void {
    if (this.#isClosed) return;
    const { resolver, balancer } = this.#options;
    if (!this.#isStarted) {
      this.#isStarted = true;
      resolver.start(this);
      return;
    }
    if (this.#endpoints.size === 0) resolver.resolveNow();
    if (balancer.reach === "first") this.#connectFirst();
    else for (const endpoint of this.#endpoints.values()) endpoint.connect();
  }

  /** Connects the first endpoint that can be, unless one is or is about to be. */
  #connectFirst(): void {
    // A name that is not known yet may be the first.
    if (this.#options.resolver.isResolving) return;
    if (this.#available.some((endpoint) => endpoint.isReady || endpoint.isConnecting)) return;
    for (const endpoint of this.#available) {
      endpoint.connect();
      if (endpoint.isConnecting) return;
    }
  }
}

/** No endpoint is connected that its health checks and ejections leave, in words that `unreachable` knows. */
const NONE_HEALTHY = "no healthy endpoint";

/** By address and name; what two addresses lead to is one endpoint, with the weight of both. */
function distinct(found: readonly ResolvedEndpoint[]): ReadonlyMap<string, ResolvedEndpoint> {
  const endpoints = new Map<string, ResolvedEndpoint>();
  for (const endpoint of found) {
    const key = `${nameOf(endpoint.address)} ${endpoint.host}`;
    const same = endpoints.get(key);
    const weight = (same?.weight ?? 0) + endpoint.weight;
    endpoints.set(key, { ...endpoint, weight });
  }
  return endpoints;
}
