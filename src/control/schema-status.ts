/**
 * What there is to know of the schemas of all upstreams: `GET /schema`.
 */
import { formatProblem } from "../status/index.ts";
import type { HeldSchema } from "./breakages.ts";
import type { Reconciler } from "./reconciler.ts";

/** One upstream's schema. Times are ISO 8601, digests hex SHA-256 over the descriptor files. */
export interface SchemaStatus {
  readonly upstream: string;
  /**
   * `served`; `discovering` where it has not come yet; `unusable` where its sources hold none; `unopened` where the config
   * of the upstream itself is at fault.
   */
  readonly state: "served" | "discovering" | "unusable" | "unopened";
  readonly sources: readonly string[];
  /** Of the schema that is served, as for what follows. */
  readonly digest: string | undefined;
  readonly loadedAt: string | undefined;
  /** `cache`: it is that of an earlier start, while the sources cannot be read. */
  readonly from: "sources" | "cache" | undefined;
  readonly services: readonly string[];
  /** Why the sources cannot be read now; what is served stays. */
  readonly fault: string | undefined;
  /** A schema that waits for `POST /schema/confirm`. */
  readonly held: (Omit<HeldSchema, "since"> & { readonly since: string }) | undefined;
  /** A new form of the upstream is tried, while the old one serves. */
  readonly isChanging: boolean;
  /** What the last new schema changed. */
  readonly lastChange: { readonly at: string; readonly changes: readonly string[] } | undefined;
  readonly problems: readonly string[];
}

/** One entry an upstream, in the order of the config. */
export function schemaStatuses(
  reconciler: Pick<Reconciler, "footing" | "held" | "schemaChanges">,
): readonly SchemaStatus[] {
  const { footing, held, schemaChanges } = reconciler;
  if (footing === undefined) return [];
  return footing.config.upstreams.map(({ name }) => {
    const served = footing.served.get(name);
    const waiting = footing.next.get(name);
    const live = (served ?? waiting)?.live;
    const waits = held.get(name);
    const last = schemaChanges.get(name)?.last;
    const fault = waiting?.live.follower.fault ?? live?.follower.fault;
    return {
      upstream: name,
      state: stateOf(served, live),
      sources: live?.unit.sources.map((source) => source.name) ?? [],
      digest: served?.found.digest,
      loadedAt: served === undefined ? undefined : isoTime(served.found.loadedAt),
      from: served?.live.follower.found?.from,
      services: served?.schema.services.map(({ fullName }) => fullName) ?? [],
      fault,
      held: waits === undefined ? undefined : { ...waits, since: isoTime(waits.since) },
      isChanging: served !== undefined && waiting !== undefined,
      lastChange: last === undefined ? undefined : { at: isoTime(last.at), changes: last.changes },
      problems: (live?.follower.found?.problems ?? []).map(formatProblem),
    };
  });
}

function stateOf(
  served: object | undefined,
  live: { readonly follower: { readonly found: object | undefined } } | undefined,
): SchemaStatus["state"] {
  if (served !== undefined) return "served";
  if (live === undefined) return "unopened";
  return live.follower.found === undefined ? "discovering" : "unusable";
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
