/**
 * One endpoint of an upstream: a socket address, the connections to it, and when to try the next one.
 *
 * A connection that is lost is opened again at once if it had been of use; otherwise, and after failures, the next
 * attempt waits: exponential backoff with jitter (gRPC, "Connection Backoff Protocol", with a shorter first step).
 */
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

/** Connections to one endpoint when calls use up what the upstream allows on each. */
const MAX_CONNECTIONS = 8;

/** What an endpoint tells its pool. */
export interface EndpointOwner {
  readonly random: () => number;
  /** Whether calls wait and no connection is ready. */
  readonly needsConnection: boolean;
  onReady(connection: Connection): void;
  /** The connection takes no calls any more. */
  onGone(connection: Connection): void;
  onFree(connection: Connection): void;
  /** No connection could be had; `fault` says why. */
  onFailed(endpoint: Endpoint, fault: string): void;
}

/** One endpoint. */
export class Endpoint implements ConnectionOwner<Connection> {
  readonly #owner: EndpointOwner;
  readonly #options: ConnectionOptions;
  readonly #connections = new Set<Connection>();
  /** Those that are to be replaced. */
  readonly #outdated = new Set<Connection>();
  /** The one that is being opened; there is never more than one. */
  #opening: Connection | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isInBackoff = false;
  #isClosed = false;

  constructor(owner: EndpointOwner, options: ConnectionOptions) {
    this.#owner = owner;
    this.#options = options;
  }

  get isConnecting(): boolean {
    return this.#opening !== undefined;
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** Opens a connection if there is none to stay, unless the last attempt failed and its pause is not over. */
  connect(): void {
    if (this.#connections.size === this.#outdated.size && !this.#isInBackoff) this.#open();
  }

  /** Opens a connection in place of those that there are; they take calls until it is ready, then end with their own. */
  renew(): void {
    for (const connection of this.#connections) this.#outdated.add(connection);
    if (this.#outdated.size > 0) this.#open();
  }

  /** Opens one more connection, for calls that find no room. */
  grow(): void {
    if (this.#connections.size < MAX_CONNECTIONS && !this.#isInBackoff) this.#open();
  }

  /** Lets calls end and opens nothing any more. */
  drain(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const connection of this.#connections) connection.drain();
  }

  onReady(connection: Connection): void {
    this.#opening = undefined;
    this.#owner.onReady(connection);
    // It was begun before its replacement was asked for.
    if (this.#outdated.has(connection)) this.#open();
    else this.#drainOutdated();
  }

  onDraining(connection: Connection): void {
    // Whoever took it out of service has seen to the rest.
    if (!this.#connections.has(connection)) return;
    this.#forget(connection);
    if (wasUseful(connection)) this.#failures = 0;
    this.#replace();
    // Counts from the second on; the first is taken for a server that shuts down just now.
    if (!wasUseful(connection)) this.#failures++;
  }

  onFree(connection: Connection): void {
    this.#owner.onFree(connection);
  }

  onClosed(connection: Connection, fault: string): void {
    if (this.#opening === connection) {
      this.#opening = undefined;
      this.#connections.delete(connection);
      // What it failed with may have been replaced since.
      if (this.#outdated.delete(connection)) this.#open();
      else this.#fail(fault);
    } else if (this.#connections.has(connection)) {
      this.#forget(connection);
      if (wasUseful(connection)) {
        this.#failures = 0;
        this.#replace();
      } else if (this.#connections.size === 0) {
        this.#fail("ECONNRESET");
      }
    }
  }

  #open(): void {
    if (this.#opening !== undefined || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#isInBackoff = false;
    const connection = new Connection(this, this.#options);
    this.#opening = connection;
    this.#connections.add(connection);
  }

  /** A connection that was ready is not any more. */
  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    this.#outdated.delete(connection);
    this.#owner.onGone(connection);
  }

  #drainOutdated(): void {
    for (const connection of this.#outdated) {
      this.#forget(connection);
      connection.drain();
    }
  }

  /**
   * The last connection went in good order, or after good service: the next one follows soon, or at the next call. Where
   * they go before they were of any use, that happens once.
   */
  #replace(): void {
    if (this.#connections.size > 0 || this.#isClosed) return;
    if (this.#failures > 0) {
      this.#backOff();
      return;
    }
    if (this.#owner.needsConnection) this.#open();
    else this.#wait(REPLACE_MS);
  }

  #fail(fault: string): void {
    if (this.#isClosed) return;
    this.#backOff();
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
      this.connect();
    }, ms).unref();
  }
}

function wasUseful(connection: Connection): boolean {
  return connection.hasAnswered || connection.ageMs >= USEFUL_AGE_MS;
}
