/** The metrics of TLS towards upstreams: what became of files that had changed, and when certificates end. */
import type { TlsTarget, TlsWatcherParts } from "../control/index.ts";
import type { Reading, Sample } from "../telemetry/index.ts";

/** Counts reloads, and reads both metrics. */
export interface TlsMetrics {
  readonly onReload: TlsWatcherParts["onReload"];
  readonly readings: readonly Reading[];
}

/** The metrics of `targets`, which come and go. */
export function tlsMetrics(targets: Iterable<Pick<TlsTarget, "upstream" | "credentials">>): TlsMetrics {
  const reloads = new Map<string, { success: number; failure: number }>();
  return {
    onReload: (upstream, result) => {
      const counts = reloads.get(upstream) ?? { success: 0, failure: 0 };
      reloads.set(upstream, counts);
      counts[result]++;
    },
    readings: [
      {
        name: "sluice_upstream_tls_reloads_total",
        help: "TLS files of the upstream that had changed, by whether they are in use now or broken and left.",
        kind: "counter",
        labels: ["upstream", "result"],
        read: (): Sample[] =>
          [...targets].flatMap(({ upstream }) => {
            const { success, failure } = reloads.get(upstream) ?? { success: 0, failure: 0 };
            return [
              [[upstream, "success"], success],
              [[upstream, "failure"], failure],
            ];
          }),
      },
      {
        name: "sluice_upstream_tls_certificate_expiry_seconds",
        help: "When the gateway's own certificate towards the upstream ends, in seconds since the epoch.",
        kind: "gauge",
        labels: ["upstream"],
        read: (): Sample[] =>
          [...targets].flatMap(({ upstream, credentials: { expiresAt } }) =>
            expiresAt === undefined ? [] : [[[upstream], expiresAt / 1000]],
          ),
      },
    ],
  };
}
