/** The metrics of repeated calls. docs/upstreams.md lists them. */
import { codeName } from "../status/index.ts";
import type { Reading, Sample } from "../telemetry/index.ts";
import type { RetryStats } from "../upstream/index.ts";

/** By upstream name, whatever has such stats; read at each scrape. */
type Sources = Iterable<readonly [upstream: string, source: { readonly stats: RetryStats }]>;

/** One metric; the labels besides the upstream, and their values with the counts. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (stats: RetryStats) => readonly Sample[];
}

const METRICS: readonly Metric[] = [
  {
    name: "sluice_upstream_retries_total",
    help: "Calls sent again after a failure, by the gRPC code of the failure.",
    labels: ["reason"],
    read: ({ retries }) => [...retries].map(([code, count]) => [[codeName(code)], count]),
  },
  {
    name: "sluice_upstream_hedges_total",
    help: "Further copies of calls sent by hedging.",
    labels: [],
    read: ({ hedges }) => [[[], hedges]],
  },
  {
    name: "sluice_upstream_repeated_calls_total",
    help: "Calls that were sent more than once, by how they ended: success or failure.",
    labels: ["outcome"],
    read: ({ recovered, lost }) => [
      [["success"], recovered],
      [["failure"], lost],
    ],
  },
  {
    name: "sluice_upstream_retry_budget_exhausted_total",
    help: "Calls that were not sent again for want of retry budget.",
    labels: [],
    read: ({ refusals }) => [[[], refusals]],
  },
];

/** All of them for these upstreams, by name. */
export function retryReadings(sources: Sources): readonly Reading[] {
  return METRICS.map(({ name, help, labels, read }) => ({
    name,
    help,
    kind: "counter",
    labels: ["upstream", ...labels],
    read: () =>
      [...sources].flatMap(([upstream, { stats }]) =>
        read(stats).map(([values, count]): Sample => [[upstream, ...values], count]),
      ),
  }));
}
