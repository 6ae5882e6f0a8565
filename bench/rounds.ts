/** How all benchmarks of the codec measure: rounds of all contestants in turn, the best of each counts. */

const ROUNDS = 12;
const ROUND_MS = 120;

/**
 * The best rate of each run, in calls a second. Rounds alternate, so that what else the machine does hits all alike.
 */
export function bestRates(runs: readonly (() => unknown)[]): readonly number[] {
  const best = runs.map(() => 0);
  for (let round = 0; round < ROUNDS; round++) {
    runs.forEach((run, index) => {
      best[index] = Math.max(best[index] ?? 0, ratePerSecond(run));
    });
  }
  return best;
}

/** A rate as a column. */
export function column(rate: number): string {
  return Math.round(rate).toLocaleString("en").padStart(11);
}

/** How many times faster `own` is than `peer`, as a column. */
export function ratio(own: number, peer: number): string {
  return `${(own / peer).toFixed(2)}x`.padStart(7);
}

function ratePerSecond(run: () => unknown): number {
  const start = process.hrtime.bigint();
  let count = 0;
  let elapsedNs = 0;
  for (let batch = 1; elapsedNs < ROUND_MS * 1e6; batch = Math.min(batch * 2, 256)) {
    for (let index = 0; index < batch; index++) run();
    count += batch;
    elapsedNs = Number(process.hrtime.bigint() - start);
  }
  return (count * 1e9) / elapsedNs;
}
