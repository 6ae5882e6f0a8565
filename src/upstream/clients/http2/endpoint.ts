/**
 * One endpoint of an upstream: a socket address, the connections to it, and when to try the next one.
 *
 * A connection that is lost is opened again at once if it had been of use; otherwise, and after failures, the next
 * attempt waits: exponential backoff with jitter (gRPC, "Connection Backoff Protocol", with a shorter first step). One
 * that has grown old is replaced: the next one is opened first, then the old one takes no more calls and ends with its
 * last. So are all of them when they are to be made in another way.
 */
import { nameOf } from "../../address.ts";
import type { Candidate } from "../../balancer.ts";
import type { Call, CallListener, Metadata } from "../../channel.ts";
import type { EndpointStats } from "../../channel-stats.ts";
import type { Connectivity } from "../../connectivity.ts";
import type { EndpointObserver, EndpointView } from "../../endpoint.ts";
import type { ResolvedEndpoint } from "../../resolver.ts";
import { AgeTimers } from "./age-timers.ts";
import type { Http2Call } from "./call.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOptions, ConnectionOwner } from "./connection-ports.ts";

const FIRST_BACKOFF_MS = 100;

const MAX_BACKOFF_MS = 3000;

const BACKOFF_FACTOR = 1.6;

const JITTER = 0.2;

/** A connection that lived this long was of use even if nobody called. */
const USEFUL_AGE_MS = 1000;

/** The pause before a lost connection is replaced without a call that asks for it. */
const REPLACE_MS = 50;

/** What an endpoint tells its pool, and asks of it. */
export interface EndpointOwner {
  readonly random: () => number;
  /** How connections are made. */
  connectionOptions(endpoint: ResolvedEndpoint): ConnectionOptions;
  /** Most connections to one endpoint. */
  readonly perEndpoint: number;
  /** A connection is replaced when it is this old, or up to a tenth earlier; Infinity is never. */
  readonly maxAgeMs: number;
  /** Who hears of the endpoint, if anybody does. */
  observe(endpoint: Endpoint): EndpointObserver | undefined;
  /** Opens a call that goes to this endpoint and no other. */
  openOn(endpoint: Endpoint, path: string, metadata: Metadata, deadlineMs: number, to: CallListener): Call;
  /** One more connection takes calls. */
  onReady(endpoint: Endpoint): void;
  /** A connection takes no calls any more. */
  onGone(endpoint: Endpoint): void;
  /** A stream ended, or the upstream allows more. */
  onFree(): void;
  /** No connection could be had; `fault` says why. */
  onFailed(endpoint: Endpoint, fault: string): void;
  /** The last connection has gone, in good order or after good service, and may be replaced at once. */
  onIdle(endpoint: Endpoint): void;
  /** A pause is over, and a connection may be opened. */
  onRested(endpoint: Endpoint): void;
}

/** One endpoint. */
export class Endpoint implements Candidate, EndpointView, ConnectionOwner<Connection> {
  readonly #owner: EndpointOwner;
  readonly #options: ConnectionOptions;
  readonly name: string;
  weight: number;
  readonly observer: EndpointObserver | undefined;
  /** Those that take calls, the oldest first. */
  readonly #ready: Connection[] = [];
  /** The one that is being opened; there is never more than one. */
  #opening: Connection | undefined;
  /** Whether that began before a replacement of all connections was asked for. */
  #isOpeningOutdated = false;
  /** Those of the ready ones that wait for a replacement. */
  #aged: Connection[] = [];
  readonly #ages: AgeTimers;
  /** Those that take no more calls, while their last ones are under way. */
  readonly #draining: Connection[] = [];
  #picks = 0;
  #connects = 0;
  #connectFailures = 0;
  /** Of connections that are closed. */
  #sentBytes = 0;
  #receivedBytes = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isInBackoff = false;
  #isClosed = false;

  constructor(owner: EndpointOwner, resolved: ResolvedEndpoint) {
    this.#owner = owner;
    this.#options = owner.connectionOptions(resolved);
    this.name = nameOf(resolved.address);
    this.weight = resolved.weight;
    this.#ages = new AgeTimers(owner.maxAgeMs, owner.random, (connection) => this.onAged(connection));
    this.observer = owner.observe(this);
  }

  get isReady(): boolean {
    return this.#ready.length > 0;
  }

  get isConnecting(): boolean {
    return this.#opening !== undefined;
  }

  get isAvailable(): boolean {
    return this.observer === undefined || this.observer.isAvailable;
  }

  get state(): Connectivity {
    if (this.isReady) return "ready";
    if (this.isConnecting) return "connecting";
    return this.#isInBackoff ? "failing" : "idle";
  }

  /** Connections that take calls. */
  get readyConnections(): number {
    return this.#ready.length;
  }

  get hasRoom(): boolean {
    for (const connection of this.#ready) if (connection.hasRoom) return true;
    return false;
  }

  get openStreams(): number {
    let streams = 0;
    for (const connection of this.#ready) streams += connection.openStreams;
    for (const connection of this.#draining) streams += connection.openStreams;
    return streams;
  }

  /** Read when metrics are. */
  stats(): EndpointStats {
    let sentBytes = this.#sentBytes;
    let receivedBytes = this.#receivedBytes;
    for (const connection of [...this.#ready, ...this.#draining]) {
      sentBytes += connection.sentBytes;
      receivedBytes += connection.receivedBytes;
    }
    return {
      name: this.name,
      state: this.state,
      connections: this.#ready.length,
      openStreams: this.openStreams,
      picks: this.#picks,
      sentBytes,
      receivedBytes,
      connects: this.#connects,
      connectFailures: this.#connectFailures,
      isHealthy: this.observer?.isHealthy,
      ejections: { ...this.observer?.ejections },
    };
  }

  /** Opens a stream for the call on the least loaded connection; false where none has room. */
  attach(call: Http2Call): boolean {
    let best: Connection | undefined;
    for (const connection of this.#ready) {
      if (!connection.hasRoom) continue;
      if (best === undefined || connection.openStreams < best.openStreams) best = connection;
    }
    if (best === undefined) return false;
    this.#picks++;
    call.attach(best, this);
    return true;
  }

  open(rpcPath: string, metadata: Metadata, deadlineMs: number, listener: CallListener): Call {
    return this.#owner.openOn(this, rpcPath, metadata, deadlineMs, listener);
  }

  /** Opens a connection if there is none to stay, unless the last attempt failed and its pause is not over. */
  connect(): void {
    if (this.#ready.length === 0 && !this.#isInBackoff) this.#open();
  }

  /** Replaces its connections; they take calls until new ones are ready, and end with their own. */
  renew(): void {
    this.#isOpeningOutdated = this.#opening !== undefined;
    this.#aged = [...this.#ready];
    if (this.#aged.length > 0 && !this.#isInBackoff) this.#open();
  }

  /** Whether it may have one more connection. */
  get canGrow(): boolean {
    return this.#ready.length < this.#owner.perEndpoint && !this.#isInBackoff && !this.#isClosed;
  }

  /** Opens one more connection, for calls that find no room. Only where `canGrow`. */
  grow(): void {
    this.#open();
  }

  /** Lets calls end and opens nothing any more. */
  drain(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.observer?.onRemoved();
    this.#opening?.drain();
    for (const connection of Array.from(this.#ready)) connection.drain();
  }

  onReady(connection: Connection): void {
    this.#opening = undefined;
    this.#connects++;
    this.#ready.push(connection);
    this.#ages.start(connection);
    if (this.#ready.length === 1) this.observer?.onReady();
    this.#owner.onReady(this);
    if (this.#isOpeningOutdated) {
      this.#isOpeningOutdated = false;
      this.onAged(connection);
      return;
    }
    const [aged] = this.#aged;
    if (aged !== undefined) this.#retire(aged);
  }

  /** The connection goes on until its successor is ready. */
  onAged(connection: Connection): void {
    this.#aged.push(connection);
    if (!this.#isInBackoff) this.#open();
  }

  onDraining(connection: Connection): void {
    this.#draining.push(connection);
    if (!this.#forget(connection)) return;
    if (wasUseful(connection)) this.#failures = 0;
    this.#replace();
    // Counts from the second on; the first is taken for a server that shuts down just now.
    if (!wasUseful(connection)) this.#failures++;
  }

  onFree(): void {
    this.#owner.onFree();
  }

  onClosed(connection: Connection, fault: string): void {
    const index = this.#draining.indexOf(connection);
    if (index >= 0) this.#draining.splice(index, 1);
    this.#sentBytes += connection.sentBytes;
    this.#receivedBytes += connection.receivedBytes;
    if (this.#opening === connection) {
      this.#opening = undefined;
      this.#connectFailures++;
      // What it failed with has been replaced since.
      const isOutdated = this.#isOpeningOutdated;
      this.#isOpeningOutdated = false;
      if (isOutdated) this.#open();
      else this.#fail(fault);
    } else if (this.#forget(connection)) {
      if (wasUseful(connection)) {
        this.#failures = 0;
        this.#replace();
      } else if (this.#ready.length === 0 && this.#opening === undefined) {
        this.#fail("ECONNRESET");
      }
    }
  }

  #open(): void {
    if (this.#opening !== undefined || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#opening = new Connection(this, this.#options);
  }

  /** A connection takes no calls any more; false if it did not before. */
  #forget(connection: Connection): boolean {
    const index = this.#ready.indexOf(connection);
    if (index < 0) return false;
    this.#ready.splice(index, 1);
    this.#ages.stop(connection);
    this.#aged = this.#aged.filter((aged) => aged !== connection);
    if (this.#ready.length === 0) this.observer?.onLost();
    else this.observer?.onReplaced();
    this.#owner.onGone(this);
    return true;
  }

  /** Another connection has taken the place of this one. */
  #retire(connection: Connection): void {
    this.#forget(connection);
    connection.drain();
    // Several that aged together are replaced one by one.
    if (this.#aged.length > 0) this.#open();
  }

  /**
   * The last connection went in good order, or after good service: the next one follows soon, or at the next call. Where
   * they go before they were of any use, that happens once.
   */
  #replace(): void {
    if (this.#ready.length > 0 || this.#opening !== undefined || this.#isClosed) return;
    if (this.#failures > 0) {
      this.#backOff();
      return;
    }
    this.#wait(REPLACE_MS);
    this.#owner.onIdle(this);
  }

  #fail(fault: string): void {
    if (this.#isClosed) return;
    this.#backOff();
    if (this.#ready.length === 0) this.observer?.onUnreachable();
    this.#owner.onFailed(this, fault);
  }

  #backOff(): void {
    const backoffMs = Math.min(FIRST_BACKOFF_MS * BACKOFF_FACTOR ** this.#failures, MAX_BACKOFF_MS);
    this.#failures++;
    this.#isInBackoff = true;
    this.#wait(backoffMs * (1 + JITTER * (2 * this.#owner.random() - 1)));
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isInBackoff = false;
      if (this.#aged.length > 0) this.#open();
      else this.#owner.onRested(this);
    }, ms).unref();
  }
}

function wasUseful(connection: Connection): boolean {
  return connection.hasAnswered || connection.ageMs >= USEFUL_AGE_MS;
}
