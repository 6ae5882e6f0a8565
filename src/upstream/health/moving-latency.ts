/**
 * The latency of an endpoint: a moving geometric mean, because latencies of different methods differ by orders of
 * magnitude, and one call of an hour must not outweigh a thousand of a millisecond.
 */

/** Calls that the mean remembers, roughly. */
const MEMORY_SAMPLES = 32;

/** Below this everything is equally fast; also keeps the logarithm finite. */
const LEAST_MS = 0.01;

/** The moving mean of one endpoint. */
export class MovingLatency {
  #logMs = 0;
  #samples = 0;

  /** Calls since it began, or since `clear`. */
  get samples(): number {
    return this.#samples;
  }

  /** Milliseconds; 0 without a sample. */
  get typicalMs(): number {
    return this.#samples === 0 ? 0 : Math.exp(this.#logMs);
  }

  add(ms: number): void {
    this.#samples++;
    const weight = 1 / Math.min(this.#samples, MEMORY_SAMPLES);
    this.#logMs += weight * (Math.log(Math.max(ms, LEAST_MS)) - this.#logMs);
  }

  clear(): void {
    this.#logMs = 0;
    this.#samples = 0;
  }
}

/**
 * The median of `sorted` (ascending) without one occurrence of `own`, which it holds; undefined where nothing is left.
 * The upper one of two middles: of three endpoints, two that are slow are not outliers.
 */
export function medianOfOthers(sorted: readonly number[], own: number): number | undefined {
  if (sorted.length < 2) return undefined;
  const middle = (sorted.length - 1) >> 1;
  const value = sorted[middle];
  // Taking out what stands at or before the middle moves the rest down by one.
  return value !== undefined && own <= value ? sorted[middle + 1] : value;
}
