/** The metrics of TLS files: what became of those that had changed, and when certificates end. */
import type { ListenerTlsTarget, TlsOwner, TlsTarget, TlsWatcherParts } from "../control/index.ts";
import type { Reading, Sample } from "../telemetry/index.ts";

/** Counts reloads, and reads the metrics. */
export interface TlsMetrics {
  readonly onReload: TlsWatcherParts["onReload"];
  readonly readings: readonly Reading[];
}

/** The metrics of these upstreams and listeners. */
export function tlsMetrics(
  upstreams: readonly TlsTarget[],
  listeners: readonly ListenerTlsTarget[],
): TlsMetrics {
  const reloads = {
    upstream: countersOf(upstreams.map(({ owner }) => owner)),
    listener: countersOf(listeners.map(({ owner }) => owner)),
  };
  return {
    onReload: ({ kind, name }, result) => {
      const counts = reloads[kind].get(name);
      if (counts !== undefined) counts[result]++;
    },
    readings: [
      {
        name: "sluice_upstream_tls_reloads_total",
        help: "TLS files of the upstream that had changed, by whether they are in use now or broken and left.",
        kind: "counter",
        labels: ["upstream", "result"],
        read: () => samplesOf(reloads.upstream),
      },
      {
        name: "sluice_upstream_tls_certificate_expiry_seconds",
        help: "When the gateway's own certificate towards the upstream ends, in seconds since the epoch.",
        kind: "gauge",
        labels: ["upstream"],
        read: (): Sample[] =>
          upstreams.flatMap(({ upstream, credentials: { expiresAt } }) =>
            expiresAt === undefined ? [] : [[[upstream], expiresAt / 1000]],
          ),
      },
      {
        name: "sluice_listener_tls_reloads_total",
        help: "TLS files of the listener that had changed, by whether they are in use now or broken and left.",
        kind: "counter",
        labels: ["listener", "result"],
        read: () => samplesOf(reloads.listener),
      },
      {
        name: "sluice_listener_tls_certificate_expiry_seconds",
        help: "When a certificate of the listener ends, in seconds since the epoch, by its place in the config.",
        kind: "gauge",
        labels: ["listener", "certificate"],
        read: (): Sample[] =>
          listeners.flatMap(({ owner, tls }) =>
            tls.certificates.map(({ expiresAt }, i): Sample => [[owner.name, String(i)], expiresAt / 1000]),
          ),
      },
    ],
  };
}

type Counters = ReadonlyMap<string, { success: number; failure: number }>;

function countersOf(owners: readonly TlsOwner[]): Counters {
  return new Map(owners.map(({ name }) => [name, { success: 0, failure: 0 }]));
}

function samplesOf(reloads: Counters): Sample[] {
  return [...reloads].flatMap(([name, { success, failure }]): Sample[] => [
    [[name, "success"], success],
    [[name, "failure"], failure],
  ]);
}
