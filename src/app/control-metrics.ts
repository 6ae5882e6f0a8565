/**
 * The metrics of the control plane: reloads, the snapshot that serves, and the schemas of upstreams.
 * docs/reloading.md lists them.
 */
import type { Reconciler, Reloads } from "../control/index.ts";
import type { Reading, Sample } from "../telemetry/index.ts";

/** All of them, by name. */
export function controlReadings(
  reconciler: Pick<Reconciler, "footing" | "held" | "revision" | "retiring" | "schemaChanges">,
  reloads: Pick<Reloads, "counts">,
): readonly Reading[] {
  const upstreams = (): readonly string[] =>
    (reconciler.footing?.config.upstreams ?? []).map(({ name }) => name);
  return [
    {
      name: "sluice_config_revision",
      help: "Counts the snapshots that were published since the start.",
      kind: "gauge",
      labels: [],
      read: (): Sample[] => [[[], reconciler.revision]],
    },
    {
      name: "sluice_reloads_total",
      help: "Reloads of the config by what became of them: applied, unchanged or refused.",
      kind: "counter",
      labels: ["result"],
      read: (): Sample[] => Object.entries(reloads.counts).map(([result, count]) => [[result], count]),
    },
    {
      name: "sluice_schema_changes_total",
      help: "Published changes of methods, fields and routes, by kind: added, removed or changed.",
      kind: "counter",
      labels: ["upstream", "kind"],
      read: (): Sample[] =>
        [...reconciler.schemaChanges].flatMap(([upstream, { counts }]) =>
          Object.entries(counts).map(([kind, count]): Sample => [[upstream, kind], count]),
        ),
    },
    {
      name: "sluice_schema_loaded_timestamp_seconds",
      help: "When the schema that is served was read, in seconds since the epoch.",
      kind: "gauge",
      labels: ["upstream"],
      read: (): Sample[] =>
        [...(reconciler.footing?.served ?? [])].map(([name, { found }]) => [[name], found.loadedAt / 1000]),
    },
    {
      name: "sluice_schema_stale",
      help: "1 while the sources of the upstream cannot be read or linked, and what was read before is served.",
      kind: "gauge",
      labels: ["upstream"],
      read: (): Sample[] => {
        const { served, next } = reconciler.footing ?? {};
        return [...(served ?? [])].map(([name, { live }]) => {
          const { fault } = next?.get(name)?.live.follower ?? live.follower;
          return [[name], Number(fault !== undefined)];
        });
      },
    },
    {
      name: "sluice_schema_held",
      help: "1 while a new schema of the upstream waits for POST /schema/confirm.",
      kind: "gauge",
      labels: ["upstream"],
      read: (): Sample[] => upstreams().map((name) => [[name], Number(reconciler.held.has(name))]),
    },
    {
      name: "sluice_upstreams_retiring",
      help: "Upstreams, or earlier forms of them, that are out of use and have requests under way.",
      kind: "gauge",
      labels: [],
      read: (): Sample[] => [[[], reconciler.retiring]],
    },
  ];
}
