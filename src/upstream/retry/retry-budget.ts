/**
 * How many calls to an upstream may be sent again, so that retries do not multiply the load of an outage.
 *
 * Calls pay in, repeated calls are paid for. What is not used runs out over some ten seconds, as water does through a
 * hole in a bucket: with `c` calls a second, some `10 * (c * percent / 100 + minPerSecond)` may be repeated at once, and
 * `c * percent / 100 + minPerSecond` each second from then on.
 */

/** How long unused payments last on average. */
const LIFETIME_MS = 10_000;

/** The size of a budget. */
export interface RetryBudgetOptions {
  /** For 100 calls, so many may be repeated. */
  readonly percent: number;
  /** So many more each second, for upstreams with few calls. */
  readonly minPerSecond: number;
}

/** The budget of one upstream. */
export class RetryBudget {
  readonly #perCall: number;
  readonly #perMs: number;
  readonly #now: () => number;
  #balance: number;
  #settledAt: number;
  /** Since `#settledAt`: a call only counts, so that it does not need the time. */
  #calls = 0;

  /** `now` is a clock in milliseconds that never goes back. */
  constructor({ percent, minPerSecond }: RetryBudgetOptions, now: () => number) {
    this.#perCall = percent / 100;
    this.#perMs = minPerSecond / 1000;
    this.#now = now;
    this.#balance = this.#perMs * LIFETIME_MS;
    this.#settledAt = now();
  }

  /** A call has been made, for the first time. */
  payIn(): void {
    this.#calls++;
  }

  /** Pays for one repetition; false if there is not enough. */
  take(): boolean {
    this.#settle();
    // Fractions add up to a little less than they should.
    if (this.#balance < 1 - 1e-6) return false;
    this.#balance -= 1;
    return true;
  }

  /** Payments and loss since the last time, as if the payments had come evenly. */
  #settle(): void {
    const now = this.#now();
    const elapsedMs = now - this.#settledAt;
    const paid = this.#calls * this.#perCall + elapsedMs * this.#perMs;
    const lifetimes = elapsedMs / LIFETIME_MS;
    const lost = -Math.expm1(-lifetimes);
    const keptShare = lifetimes < 1e-9 ? 1 : lost / lifetimes;
    this.#balance = this.#balance * (1 - lost) + paid * keptShare;
    this.#settledAt = now;
    this.#calls = 0;
  }
}
