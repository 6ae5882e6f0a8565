/**
 * What is served of an upstream, and what becomes of it: the values that the reconciler plans with. Pure.
 */
import type { Config, ServiceConfig, UpstreamConfig } from "../config/index.ts";
import type { SchemaSet } from "../schema/index.ts";
import type { Problem } from "../status/index.ts";
import type { FoundSchema } from "./schema-follower.ts";
import type { LiveUnit } from "./unit-pool.ts";

/** How an upstream is to be: its config, and the unit made of it. */
export interface UpstreamForm {
  readonly config: UpstreamConfig;
  readonly serviceConfig: ServiceConfig | undefined;
  readonly live: LiveUnit;
}

/** A form with the schema that its routes come from. */
export interface ServedUpstream extends UpstreamForm {
  readonly found: FoundSchema;
  readonly schema: SchemaSet;
}

/** All upstreams that have routes, by name, in the order of the config. */
export type Plan = ReadonlyMap<string, ServedUpstream>;

/** What the reconciler stands on, or may stand on next. */
export interface Footing {
  readonly config: Config;
  readonly served: Plan;
  /** Forms whose schema has not come yet, or waits to be confirmed; what is in `served` under their names goes on. */
  readonly next: ReadonlyMap<string, UpstreamForm>;
}

/** What could be served on a footing, now that so much of the schemas is known. */
export function planFor({ config, served, next }: Footing): Plan {
  const plan = new Map<string, ServedUpstream>();
  for (const { name } of config.upstreams) {
    const serving = served.get(name);
    const planned = withFound(next.get(name), serving) ?? withFound(serving, serving);
    if (planned !== undefined) plan.set(name, planned);
  }
  return plan;
}

/** The upstreams of which a schema may still come, and none is served. */
export function pendingOn({ config, next }: Pick<Footing, "config" | "next">, plan: Plan): readonly string[] {
  return config.upstreams
    .map(({ name }) => name)
    .filter((name) => !plan.has(name) && next.get(name)?.live.follower.found === undefined && next.has(name));
}

/** Whether nothing would change for any request. */
export function isSamePlan(a: Plan, b: Plan): boolean {
  if (a.size !== b.size) return false;
  const order = [...b.keys()];
  return [...a].every(([name, served], i) => order[i] === name && isSameServed(served, b.get(name)));
}

/** Whether the same routes come from both. */
export function isSameServed(a: ServedUpstream, b: ServedUpstream | undefined): boolean {
  return (
    b !== undefined &&
    a.config === b.config &&
    a.serviceConfig === b.serviceConfig &&
    a.live === b.live &&
    a.found === b.found
  );
}

/** The units that a footing keeps alive. */
export function unitsOf({ served, next }: Pick<Footing, "served" | "next">): ReadonlySet<LiveUnit> {
  return new Set([...served.values(), ...next.values()].map(({ live }) => live));
}

/** The part of a config that the snapshot as a whole is made of; its upstreams are compared one by one. */
export function routingOf({ defaults, routes, listeners, upstreams }: Config): unknown {
  return { defaults, routes, listeners, names: upstreams.map(({ name }) => name) };
}

/** The problems of all schemas in it. */
export function problemsOf(plan: Plan): readonly Problem[] {
  return [...plan.values()].flatMap(({ found }) => found.problems);
}

/** `plan` with the upstreams in `held` as they are served now. */
export function withoutHeld({ served }: Footing, plan: Plan, held: ReadonlySet<string>): Plan {
  const settled = new Map<string, ServedUpstream>();
  for (const [name, planned] of plan) {
    const kept = held.has(name) ? served.get(name) : planned;
    if (kept !== undefined) settled.set(name, kept);
  }
  return settled;
}

/** The forms that still wait once `plan` is served. */
export function nextAfter({ next }: Footing, plan: Plan): ReadonlyMap<string, UpstreamForm> {
  return new Map([...next].filter(([name, { live }]) => plan.get(name)?.live !== live));
}

/** What was read again and is the same keeps its identity, and with it all that was compiled of it. */
function withFound(
  form: UpstreamForm | undefined,
  serving: ServedUpstream | undefined,
): ServedUpstream | undefined {
  const latest = form?.live.follower.found;
  const found = latest?.digest === serving?.found.digest ? serving?.found : latest;
  if (form === undefined || found?.schema === undefined) return undefined;
  const { config, serviceConfig, live } = form;
  return { config, serviceConfig, live, found, schema: found.schema };
}
