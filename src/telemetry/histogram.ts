/**
 * A histogram in the Prometheus text format whose series are looked up once and kept by their users.
 *
 * prom-client's would do, but it validates and hashes the labels of every observation: 0.3 µs each, three times a
 * request.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */

/** One combination of label values. */
export interface HistogramSeries {
  observe(value: number): void;
}

/** All series of one name. */
export class Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #labelNames: readonly string[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Buckets>();

  /** `bounds` are the upper bounds of the buckets, ascending; `+Inf` goes without saying. */
  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#labelNames = labelNames;
    this.#bounds = bounds;
  }

  /** The series of these label values, in the order of the names. To be kept: the look-up is the dear part. */
  series(labelValues: readonly string[]): HistogramSeries {
    const labels = this.#labelNames
      .map((name, i) => `${name}="${escapeLabelValue(labelValues[i] ?? "")}"`)
      .join(",");
    const known = this.#series.get(labels);
    if (known !== undefined) return known;
    const buckets = new Buckets(this.#bounds);
    this.#series.set(labels, buckets);
    return buckets;
  }

  /** The lines of every series that has been fed, each ended by a line break. */
  render(): string {
    const lines = [`# HELP ${this.#name} ${this.#help}`, `# TYPE ${this.#name} histogram`];
    for (const [labels, buckets] of this.#series) {
      if (buckets.count > 0) this.#renderSeries(labels, buckets, lines);
    }
    return `${lines.join("\n")}\n`;
  }

  #renderSeries(labels: string, { counts, count, sum }: Buckets, lines: string[]): void {
    let below = 0;
    for (const [i, bound] of this.#bounds.entries()) {
      below += counts[i] ?? 0;
      lines.push(`${this.#name}_bucket{le="${bound}",${labels}} ${below}`);
    }
    lines.push(
      `${this.#name}_bucket{le="+Inf",${labels}} ${count}`,
      `${this.#name}_sum{${labels}} ${sum}`,
      `${this.#name}_count{${labels}} ${count}`,
    );
  }
}

class Buckets implements HistogramSeries {
  readonly #bounds: readonly number[];
  /** Observations by bucket, not cumulated; the last are above every bound. */
  readonly counts: Float64Array;
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && value > (bounds[i] ?? 0)) i++;
    this.counts[i] = (this.counts[i] ?? 0) + 1;
    this.count++;
    this.sum += value;
  }
}

function escapeLabelValue(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
