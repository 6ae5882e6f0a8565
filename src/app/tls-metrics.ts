/** The metrics of TLS files: what became of those that had changed, and when certificates end. */
import type { ListenerTlsTarget, TlsOwner, TlsTarget, TlsWatcherParts } from "../control/index.ts";
import type { Reading, Sample } from "../telemetry/index.ts";

/** Counts reloads, and reads the metrics. */
export interface TlsMetrics {
  readonly onReload: TlsWatcherParts["onReload"];
  readonly readings: readonly Reading[];
}

/** The metrics of upstreams, which come and go. */
export function upstreamTlsMetrics(
  targets: Iterable<Pick<TlsTarget, "owner" | "upstream" | "credentials">>,
): TlsMetrics {
  const { onReload, reading } = reloads("upstream", targets);
  const expiry: Reading = {
    name: "sluice_upstream_tls_certificate_expiry_seconds",
    help: "When the gateway's own certificate towards the upstream ends, in seconds since the epoch.",
    kind: "gauge",
    labels: ["upstream"],
    read: (): Sample[] =>
      [...targets].flatMap(({ upstream, credentials: { expiresAt } }) =>
        expiresAt === undefined ? [] : [[[upstream], expiresAt / 1000]],
      ),
  };
  return { onReload, readings: [reading, expiry] };
}

/** The metrics of listeners. */
export function listenerTlsMetrics(targets: Iterable<ListenerTlsTarget>): TlsMetrics {
  const { onReload, reading } = reloads("listener", targets);
  const expiry: Reading = {
    name: "sluice_listener_tls_certificate_expiry_seconds",
    help: "When a certificate of the listener ends, in seconds since the epoch, by its place in the config.",
    kind: "gauge",
    labels: ["listener", "certificate"],
    read: (): Sample[] =>
      [...targets].flatMap(({ owner, tls }) =>
        tls.certificates.map(({ expiresAt }, i): Sample => [[owner.name, String(i)], expiresAt / 1000]),
      ),
  };
  return { onReload, readings: [reading, expiry] };
}

/** Counts what became of files that had changed. */
function reloads(
  kind: TlsOwner["kind"],
  targets: Iterable<{ readonly owner: TlsOwner }>,
): { readonly onReload: TlsMetrics["onReload"]; readonly reading: Reading } {
  const counts = new Map<string, { success: number; failure: number }>();
  return {
    onReload: ({ name }, result) => {
      const count = counts.get(name) ?? { success: 0, failure: 0 };
      counts.set(name, count);
      count[result]++;
    },
    reading: {
      name: `sluice_${kind}_tls_reloads_total`,
      help: `TLS files of the ${kind} that had changed, by whether they are in use now or broken and left.`,
      kind: "counter",
      labels: [kind, "result"],
      read: (): Sample[] =>
        [...targets].flatMap(({ owner: { name } }): Sample[] => {
          const { success, failure } = counts.get(name) ?? { success: 0, failure: 0 };
          return [
            [[name, "success"], success],
            [[name, "failure"], failure],
          ];
        }),
    },
  };
}
