/** The metrics of repeated calls. */
import { codeName } from "../status/index.ts";
import type { Meters } from "../telemetry/index.ts";
import type { RetryStats } from "../upstream/index.ts";

/** By upstream name, whatever has such stats. */
type Sources = ReadonlyMap<string, { readonly stats: RetryStats }>;

/** Adds them; `sources` are read at each scrape. */
export function addRetryMetrics(meters: Meters, sources: Sources): void {
  meters.addUpstreamCounter(
    "sluice_upstream_retries_total",
    "Calls sent again after a failure, by the gRPC code of the failure.",
    ["reason"],
    () =>
      [...sources].flatMap(([upstream, { stats }]) =>
        [...stats.retries].map(([code, count]) => [{ upstream, reason: codeName(code) }, count] as const),
      ),
  );
  meters.addUpstreamCounter(
    "sluice_upstream_hedges_total",
    "Further copies of calls sent by hedging.",
    [],
    () => [...sources].map(([upstream, { stats }]) => [{ upstream }, stats.hedges] as const),
  );
  meters.addUpstreamCounter(
    "sluice_upstream_repeated_calls_total",
    "Calls that were sent more than once, by how they ended: success or failure.",
    ["outcome"],
    () =>
      [...sources].flatMap(
        ([upstream, { stats }]) =>
          [
            [{ upstream, outcome: "success" }, stats.recovered],
            [{ upstream, outcome: "failure" }, stats.lost],
          ] as const,
      ),
  );
  meters.addUpstreamCounter(
    "sluice_upstream_retry_budget_exhausted_total",
    "Calls that were not sent again for want of retry budget.",
    [],
    () => [...sources].map(([upstream, { stats }]) => [{ upstream }, stats.refusals] as const),
  );
}
