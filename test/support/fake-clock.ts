/**
 * A clock that a test moves, with the timers on it.
 */
import type { Expiring } from "../../src/upstream/deadline-wheel.ts";

export class FakeClock {
  /** Milliseconds; whole ones unless a test says otherwise. */
  now = 1000;
  readonly #entries = new Set<Expiring>();

  /** How many timers are set. */
  get pending(): number {
    return this.#entries.size;
  }

  /** How long until the next timer; undefined if there is none. */
  get nextInMs(): number | undefined {
    const times = [...this.#entries].map(({ expiresAt }) => expiresAt - this.now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  add(entry: Expiring): void {
    if (this.#entries.has(entry)) throw new Error("an entry has one timer");
    this.#entries.add(entry);
  }

  remove(entry: Expiring): void {
    this.#entries.delete(entry);
  }

  /** Lets time pass, with every timer at its own time. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = [...this.#entries].filter(({ expiresAt }) => expiresAt <= until);
      const next = due.toSorted((a, b) => a.expiresAt - b.expiresAt)[0];
      if (next === undefined) break;
      this.now = Math.max(this.now, next.expiresAt);
      this.#entries.delete(next);
      next.onExpired();
    }
    this.now = until;
  }
}
