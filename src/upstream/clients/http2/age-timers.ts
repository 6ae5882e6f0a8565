/** Tells when connections have grown old; those that were opened together not all at once. */
import type { Connection } from "./connection.ts";

/** How much earlier than its age a connection may be told, at most. */
const JITTER = 0.1;

/** The timers of one endpoint's connections. */
export class AgeTimers {
  readonly #maxAgeMs: number;
  readonly #random: () => number;
  readonly #onAged: (connection: Connection) => void;
  readonly #timers = new Map<Connection, NodeJS.Timeout>();

  /** `maxAgeMs` of Infinity is never; `random` is uniform in [0, 1). */
  constructor(maxAgeMs: number, random: () => number, onAged: (connection: Connection) => void) {
    this.#maxAgeMs = maxAgeMs;
    this.#random = random;
    this.#onAged = onAged;
  }

  /** Counts from now. */
  start(connection: Connection): void {
    if (this.#maxAgeMs === Number.POSITIVE_INFINITY) return;
    const ms = this.#maxAgeMs * (1 - JITTER * this.#random());
    this.#timers.set(connection, setTimeout(() => this.#onAged(connection), ms).unref());
  }

  /** The connection takes no calls any more, whatever its age. */
  stop(connection: Connection): void {
    clearTimeout(this.#timers.get(connection));
    this.#timers.delete(connection);
  }
}
