/** Keeps the samples of a run and sums them up. */
import type { Sample } from "./measure.ts";

/** A contestant's samples of one workload, summed up. */
export interface Summary extends Sample {
  readonly rounds: number;
}

/** All samples of a run. */
export class Results {
  readonly #samples = new Map<string, Sample[]>();
  readonly #failures = new Map<string, string>();
  readonly #idleMb = new Map<string, number[]>();

  add(contestant: string, workload: string, sample: Sample): void {
    const key = keyOf(contestant, workload);
    this.#samples.set(key, [...(this.#samples.get(key) ?? []), sample]);
  }

  /** Why a contestant has no figures for a workload; the first reason stays. */
  fail(contestant: string, workload: string, reason: string): void {
    const key = keyOf(contestant, workload);
    if (!this.#failures.has(key)) this.#failures.set(key, reason);
  }

  failure(contestant: string, workload: string): string | undefined {
    return this.#failures.get(keyOf(contestant, workload));
  }

  addIdle(contestant: string, mb: number): void {
    this.#idleMb.set(contestant, [...(this.#idleMb.get(contestant) ?? []), mb]);
  }

  /** Resident memory before the first request, in MB; the median of the rounds. */
  idleMb(contestant: string): number | undefined {
    const values = this.#idleMb.get(contestant);
    return values === undefined ? undefined : median(values);
  }

  /**
   * The least CPU and the highest rate of all rounds: what else a machine does can only make these worse. The median
   * of latencies and memory, of which the best would flatter.
   */
  summary(contestant: string, workload: string): Summary | undefined {
    const samples = this.#samples.get(keyOf(contestant, workload));
    if (samples === undefined) return undefined;
    return {
      rounds: samples.length,
      cpuUs: Math.min(...samples.map(({ cpuUs }) => cpuUs)),
      perSecond: Math.max(...samples.map(({ perSecond }) => perSecond)),
      p50Ms: median(samples.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(samples.map(({ p99Ms }) => p99Ms)),
      rssMb: median(samples.map((sample) => sample.rssMb)),
      ownDelayP99Ms: median(samples.map(({ ownDelayP99Ms }) => ownDelayP99Ms)),
    };
  }

  /** Every sample, for a file. */
  toJSON(): unknown {
    return {
      samples: Object.fromEntries(this.#samples),
      failures: Object.fromEntries(this.#failures),
      idleMb: Object.fromEntries(this.#idleMb),
    };
  }
}

function keyOf(contestant: string, workload: string): string {
  return `${contestant} ${workload}`;
}

/** The middle one, or the mean of the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
