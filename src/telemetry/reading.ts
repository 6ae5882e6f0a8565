/** Metrics that are kept elsewhere and read when they are scraped: what counts them pays nothing for them. */
import { Counter, Gauge, type Registry } from "prom-client";

/** One value of a metric; the labels' values are in the order of their names. */
export type Sample = readonly [labels: readonly string[], value: number];

/** A metric that is read. Samples with the same labels are added; those that are not read any more vanish. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly kind: "gauge" | "counter";
  readonly labels: readonly string[];
  /** Called at each scrape; counters are counted from the start. */
  readonly read: () => Iterable<Sample>;
}

/** Makes the registry read it at each scrape. */
export function registerReading({ name, help, kind, labels, read }: Reading, registry: Registry): void {
  const Metric = kind === "gauge" ? Gauge : Counter;
  new Metric({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const [values, value] of read()) {
        this.inc(Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ""])), value);
      }
    },
  });
}
