/** The metrics of the connections of listeners, read when they are scraped. */
import { type ConnectionCounts, formatAddress, type HttpListener } from "../http/index.ts";
import type { Reading } from "../telemetry/index.ts";

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: Reading["kind"];
  readonly read: (counts: ConnectionCounts) => number;
}

const METRICS: readonly Metric[] = [
  {
    name: "sluice_connections",
    help: "Open connections of clients, WebSockets included.",
    kind: "gauge",
    read: ({ open }) => open,
  },
  {
    name: "sluice_connections_total",
    help: "Connections of clients that were opened, those included that were refused.",
    kind: "counter",
    read: ({ accepted }) => accepted,
  },
  {
    name: "sluice_connections_retired_total",
    help: "Connections closed because they had carried limits.requestsPerConnection.",
    kind: "counter",
    read: ({ retired }) => retired,
  },
];

/** The metrics of `listeners`, to which more may be added later; one without a name goes by its address. */
export function connectionReadings(
  listeners: readonly { readonly listener: HttpListener; readonly name: string | undefined }[],
): readonly Reading[] {
  return METRICS.map(({ name, help, kind, read }) => ({
    name,
    help,
    kind,
    labels: ["listener"],
    read: () =>
      listeners.map(({ listener, name }) => [
        [name ?? formatAddress(listener.address)],
        read(listener.connections),
      ]),
  }));
}
