/** The metric of connections that listeners closed without an answer. */
import type { ConnectionFault, ConnectionRefusalListener } from "../http/index.ts";
import type { Logger, Reading, Sample } from "../telemetry/index.ts";

/** Counts what the engines refuse. */
export class RefusedConnections {
  readonly #log: Logger;
  readonly #counts = new Map<string, Map<ConnectionFault, number>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The metric. */
  readonly reading: Reading = {
    name: "sluice_refused_connections_total",
    help: "Connections that were closed without an answer, by why.",
    kind: "counter",
    labels: ["listener", "fault"],
    read: () =>
      [...this.#counts].flatMap(([listener, faults]) =>
        [...faults].map(([fault, count]): Sample => [[listener, fault], count]),
      ),
  };

  /** What `listener`, by its name, refuses from now on. */
  listenerFor(listener: string): ConnectionRefusalListener {
    const faults = new Map<ConnectionFault, number>();
    this.#counts.set(listener, faults);
    return ({ fault, peer, detail }) => {
      faults.set(fault, (faults.get(fault) ?? 0) + 1);
      // Anyone can cause any number of them.
      this.#log.debug({ listener, peer, fault, detail }, "connection refused");
    };
  }
}
