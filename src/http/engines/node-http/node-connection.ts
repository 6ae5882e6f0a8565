/**
 * What the engine keeps about one HTTP/1.1 connection: how many exchanges are under way, and whether more may start.
 */
import type { Socket } from "node:net";
import type { TlsClient } from "../../exchange.ts";
import type { BodyDeadlines, ConnectionOwner } from "../common/index.ts";

/** An exchange as its connection sees it. */
export interface Carried {
  /** Whether the client has to send or to read something now: silence is the client's. */
  readonly isClientsTurn: boolean;
  /** The connection is gone; may come after the exchange was released. */
  connectionClosed(): void;
}

/** One connection and the exchanges on it. */
export class NodeConnection {
  /** As those of `HttpExchange`. */
  readonly peer: string;
  readonly tls: TlsClient | undefined;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #exchanges = new Set<Carried>();
  #requests = 0;
  #isDraining = false;
  #isSealed = false;

  constructor(socket: Socket, peer: string, tls: TlsClient | undefined, owner: ConnectionOwner) {
    this.#socket = socket;
    this.peer = peer;
    this.tls = tls;
    this.#owner = owner;
  }

  /** The times of bodies. */
  get bodies(): BodyDeadlines {
    return this.#owner.bodies;
  }

  /** Whether replies close the connection: the listener drains, or it has carried as many requests as it may. */
  get isLeaving(): boolean {
    return this.#isDraining || this.#requests >= this.#owner.limits.requestsPerConnection;
  }

  /** Whether a reply that closes the connection has begun. */
  get isSealed(): boolean {
    return this.#isSealed;
  }

  /** Whether an exchange is under way. */
  get isBusy(): boolean {
    return this.#exchanges.size > 0;
  }

  acquire(exchange: Carried): void {
    this.#exchanges.add(exchange);
    this.#requests++;
    if (this.#requests === this.#owner.limits.requestsPerConnection) this.#owner.retiring();
  }

  /**
   * Starts, or stops, the time of silence, which ends the connection: the exchanges say whose turn it is. Between exchanges
   * Node counts by itself.
   */
  watchSilence(): void {
    if (this.#exchanges.size === 0) return;
    let isClientsTurn = false;
    for (const exchange of this.#exchanges) isClientsTurn ||= exchange.isClientsTurn;
    // Node starts it anew as long as bytes move.
    this.#socket.setTimeout(isClientsTurn ? this.#owner.limits.idleTimeoutMs : 0);
  }

  /** A reply that closes the connection has begun: requests behind it must not run. */
  seal(): void {
    this.#isSealed = true;
  }

  /** The exchange is over, its reply flushed or broken off. */
  release(exchange: Carried): void {
    this.#exchanges.delete(exchange);
    this.watchSilence();
    // A reply that began before the drain did not say `connection: close`.
    if (this.#isDraining && this.#exchanges.size === 0) this.#socket.destroySoon();
  }

  /** Closes the connection now if it is idle, else after the exchanges under way. */
  drain(): void {
    this.#isDraining = true;
    if (this.#exchanges.size === 0) this.#socket.destroy();
  }

  /**
   * Tells every exchange that the socket is gone. node tells only the one whose reply is being written; those of
   * requests pipelined behind it would never hear of it.
   */
  closed(): void {
    for (const exchange of this.#exchanges) exchange.connectionClosed();
  }
}
