/**
 * What the engine keeps about one connection: how many exchanges are under way, and whether more may start.
 */
import type { Socket } from "node:net";

/** An exchange as its connection sees it. */
export interface Carried {
  /** The connection is gone; may come after the exchange was released. */
  connectionClosed(): void;
}

export class NodeConnection {
  /** Longest silence within a body. */
  readonly idleTimeoutMs: number;
  readonly #socket: Socket;
  readonly #exchanges = new Set<Carried>();
  #isDraining = false;
  #isSealed = false;

  constructor(socket: Socket, idleTimeoutMs: number) {
    this.idleTimeoutMs = idleTimeoutMs;
    this.#socket = socket;
  }

  /** Whether replies close the connection because the listener drains. */
  get isDraining(): boolean {
    return this.#isDraining;
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
  }

  /** A reply that closes the connection has begun: requests behind it must not run. */
  seal(): void {
    this.#isSealed = true;
  }

  /** The exchange is over, its reply flushed or broken off. */
  release(exchange: Carried): void {
    this.#exchanges.delete(exchange);
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
