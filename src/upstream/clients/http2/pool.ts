/**
 * The connections of one channel: endpoints from addresses, and which connection a call goes to.
 *
 * Calls go to the less loaded of two ready connections chosen by chance. They wait while none is ready and one is being
 * opened, or while every ready one is full; they fail at once while every endpoint is failing.
 */
import { gatewayStatus } from "../../../status/index.ts";
import { unreachable } from "../../reply-faults.ts";
import { type Address, authorityOf, isOneEndpoint } from "./address.ts";
import type { Http2Call } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./connection-ports.ts";
import { Endpoint, type EndpointOwner } from "./endpoint.ts";
import type { Resolve } from "./resolver.ts";

const MAX_WAITING_CALLS = 10_000;

const MAX_WAITING_BYTES: number = 64 * 1024 * 1024;

/** A name is not looked up again before this. */
const MIN_RESOLVE_MS = 5000;

/** After a failed look-up, the next call may try again this much later. */
const RESOLVE_RETRY_MS = 500;

/** What a pool is made of. */
export interface PoolOptions {
  /** For people: the configured addresses. */
  readonly address: string;
  readonly addresses: readonly Address[];
  readonly resolve: Resolve;
  readonly random: () => number;
  readonly now: () => number;
  /** How connections to an endpoint are made; `name` is the host that was configured. */
  connectionOptions(endpoint: Address, name: string): ConnectionOptions;
}

/** One configured address and what it resolved to. */
interface Group {
  readonly address: Address;
  /** By authority. */
  readonly endpoints: Map<string, Endpoint>;
  isResolving: boolean;
  /** Not before this is the name looked up again. */
  resolveAt: number;
}

/** Places calls on connections. */
export class Pool implements EndpointOwner {
  readonly #options: PoolOptions;
  readonly #groups: readonly Group[];
  readonly #ready: Connection[] = [];
  /** In the order of their coming, with the bytes that each holds. */
  readonly #waiting = new Map<Http2Call, number>();
  #waitingBytes = 0;
  #fault = "";
  #isClosed = false;
  readonly random: () => number;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.random = options.random;
    this.#groups = options.addresses.map((address) => ({
      address,
      endpoints: new Map(),
      isResolving: false,
      resolveAt: 0,
    }));
  }

  /** Connections that take calls. */
  get readyConnections(): number {
    return this.#ready.length;
  }

  get needsConnection(): boolean {
    return this.#ready.length === 0 && this.#waiting.size > 0;
  }

  /** Whether a connection is being opened or an address looked up. */
  get isConnecting(): boolean {
    for (const { isResolving, endpoints } of this.#groups) {
      if (isResolving) return true;
      for (const endpoint of endpoints.values()) if (endpoint.isConnecting) return true;
    }
    return false;
  }

  /** Whether the last attempt to connect failed. */
  get isFailing(): boolean {
    return this.#fault !== "" && this.#ready.length === 0;
  }

  /** Attaches the call to a connection, now or when one is there, or refuses it. */
  place(call: Http2Call): void {
    const connection = this.#waiting.size === 0 ? this.#pick() : undefined;
    if (connection !== undefined) {
      call.attach(connection);
      return;
    }
    if (this.#ready.length > 0) this.#grow();
    else this.#connect();
    if (this.#ready.length === 0 && !this.isConnecting) {
      call.refuse(unreachable(this.#options.address, this.#fault));
      return;
    }
    const bytes = call.outbox.unsentBytes;
    if (this.#waiting.size >= MAX_WAITING_CALLS || this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      const what = `more calls wait for upstream ${this.#options.address} than may wait`;
      call.refuse(gatewayStatus("UPSTREAM_OVERLOADED", what));
      return;
    }
    this.#waiting.set(call, bytes);
    this.#waitingBytes += bytes;
  }

  /** A waiting call has grown; false if that is more than may wait. */
  mayWait(call: Http2Call, bytes: number): boolean {
    const before = this.#waiting.get(call);
    if (before === undefined) return true;
    this.#waiting.set(call, before + bytes);
    this.#waitingBytes += bytes;
    return this.#waitingBytes <= MAX_WAITING_BYTES;
  }

  /** The call waits no more. */
  forget(call: Http2Call): void {
    this.#waitingBytes -= this.#waiting.get(call) ?? 0;
    this.#waiting.delete(call);
  }

  /** Replaces every connection by a new one, once that is ready; calls under way end where they are. */
  renew(): void {
    for (const { endpoints } of this.#groups) for (const endpoint of endpoints.values()) endpoint.renew();
  }

  /** Closes what has no calls and lets the rest end. */
  close(): void {
    this.#isClosed = true;
    for (const { endpoints } of this.#groups) for (const endpoint of endpoints.values()) endpoint.drain();
  }

  onReady(connection: Connection): void {
    this.#ready.push(connection);
    this.#fault = "";
    this.#serve();
  }

  onGone(connection: Connection): void {
    const index = this.#ready.indexOf(connection);
    if (index >= 0) this.#ready.splice(index, 1);
    this.#resolveAgain();
  }

  onFree(): void {
    if (this.#waiting.size > 0) this.#serve();
  }

  onFailed(_endpoint: Endpoint, fault: string): void {
    this.#onFault(fault);
    this.#resolveAgain();
  }

  #onFault(fault: string): void {
    // "" would read as no fault; a peer that hangs up without a word gives no other.
    this.#fault = fault === "" ? "no connection" : fault;
    if (this.#ready.length > 0 || this.isConnecting) return;
    // A listener may open calls meanwhile; those are not of this failure.
    const failed = Array.from(this.#waiting.keys());
    for (const call of failed) {
      this.forget(call);
      call.cancel(unreachable(this.#options.address, this.#fault));
    }
  }

  #pick(): Connection | undefined {
    const ready = this.#ready;
    const count = ready.length;
    if (count === 0) return undefined;
    let best = ready[count === 1 ? 0 : Math.floor(this.random() * count)];
    if (count > 1) {
      const other = ready[Math.floor(this.random() * count)];
      if (best === undefined || (other !== undefined && other.openStreams < best.openStreams)) best = other;
    }
    if (best?.hasRoom === true) return best;
    return ready.find((connection) => connection.hasRoom);
  }

  #serve(): void {
    for (const call of this.#waiting.keys()) {
      const connection = this.#pick();
      if (connection === undefined) {
        this.#grow();
        return;
      }
      this.forget(call);
      call.attach(connection);
    }
  }

  /** Every ready connection is full: one more, where there are fewest. */
  #grow(): void {
    let least: Endpoint | undefined;
    for (const { endpoints } of this.#groups) {
      for (const endpoint of endpoints.values()) {
        if (endpoint.isConnecting) return;
        if (least === undefined || endpoint.connections.size < least.connections.size) least = endpoint;
      }
    }
    least?.grow();
  }

  #connect(): void {
    for (const group of this.#groups) {
      if (group.endpoints.size === 0) this.#resolve(group);
      for (const endpoint of group.endpoints.values()) endpoint.connect();
    }
  }

  #resolveAgain(): void {
    for (const group of this.#groups) if (!isOneEndpoint(group.address)) this.#resolve(group);
  }

  #resolve(group: Group): void {
    const now = this.#options.now();
    if (group.isResolving || this.#isClosed || now < group.resolveAt) return;
    if (isOneEndpoint(group.address)) {
      this.#update(group, [group.address]);
      return;
    }
    group.isResolving = true;
    group.resolveAt = now + MIN_RESOLVE_MS;
    this.#options.resolve(group.address).then(
      (found) => {
        group.isResolving = false;
        if (found.length > 0) this.#update(group, found);
      },
      (error: NodeJS.ErrnoException) => {
        group.isResolving = false;
        group.resolveAt = now + RESOLVE_RETRY_MS;
        this.#onFault(`${error.code ?? "ENOTFOUND"} ${error.message}`);
      },
    );
  }

  #update(group: Group, found: readonly Address[]): void {
    if (this.#isClosed) return;
    const name = group.address.kind === "tcp" ? group.address.host : "";
    const keys = new Set<string>();
    for (const address of found) {
      const key = address.kind === "tcp" ? authorityOf(address) : address.path;
      keys.add(key);
      if (group.endpoints.has(key)) continue;
      const endpoint = new Endpoint(this, this.#options.connectionOptions(address, name));
      group.endpoints.set(key, endpoint);
      endpoint.connect();
    }
    for (const [key, endpoint] of group.endpoints) {
      if (keys.has(key)) continue;
      group.endpoints.delete(key);
      endpoint.drain();
    }
  }
}
