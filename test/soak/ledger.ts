/** What came of the requests: right, failed for a reason that the soak made itself, or wrong. */

/** Failures after a disturbance are excused for this long: connections are found dead, back-off passes. */
const AFTERMATH_MS = 3000;
const MOST_TOLD = 20;

/** A failure that is only right while the upstream is disturbed. */
export class UpstreamFailure extends Error {}

/** Counts. */
export class Ledger {
  readonly right: Map<string, number> = new Map();
  excused = 0;
  wrong = 0;
  /** The first ones, in words. */
  readonly told: string[] = [];
  #disturbedUntil = 0;

  /** The upstream is away from now until `settled` is called. */
  disturbed(): void {
    this.#disturbedUntil = Number.POSITIVE_INFINITY;
  }

  settled(): void {
    this.#disturbedUntil = performance.now() + AFTERMATH_MS;
  }

  /** Runs one request; `attempt` throws where the answer is wrong. */
  async note(kind: string, attempt: () => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    try {
      await attempt();
      this.right.set(kind, (this.right.get(kind) ?? 0) + 1);
    } catch (error) {
      if (error instanceof UpstreamFailure && startedAt < this.#disturbedUntil) {
        this.excused += 1;
        return;
      }
      this.wrong += 1;
      if (this.told.length < MOST_TOLD) this.told.push(`${kind}: ${String(error)}`);
    }
  }
}
