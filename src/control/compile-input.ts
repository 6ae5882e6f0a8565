/**
 * What goes into the snapshot compiler and what comes out: the values between it and the reconciler. Pure.
 */
import type { Config, ServiceConfig } from "../config/index.ts";
import type { RoutingSnapshot } from "../gateway/index.ts";
import type { SchemaSet } from "../schema/index.ts";
import type { Problem } from "../status/index.ts";
import { type Footing, type Plan, pendingOn } from "./served-upstream.ts";
import type { UpstreamUnit } from "./unit-pool.ts";

/** What a snapshot is compiled from. */
export interface CompileInput {
  readonly config: Config;
  readonly schemas: ReadonlyMap<string, SchemaSet>;
  readonly units: ReadonlyMap<string, UpstreamUnit>;
  readonly serviceConfigs: ReadonlyMap<string, ServiceConfig>;
  readonly pending: readonly string[];
  readonly revision: number;
}

/** A snapshot compiled from the schemas known so far. */
export interface CompiledSnapshot {
  readonly snapshot: RoutingSnapshot;
  readonly problems: readonly Problem[];
}

/** The input for `plan`, of which each upstream may still have the config that it is served with. */
export function compileInputFor(
  footing: Pick<Footing, "config" | "next">,
  plan: Plan,
  revision: number,
): CompileInput {
  const planned = [...plan];
  const { config } = footing;
  const upstreams = config.upstreams.map((upstream) => plan.get(upstream.name)?.config ?? upstream);
  return {
    config: { ...config, upstreams },
    schemas: new Map(planned.map(([name, { schema }]) => [name, schema])),
    units: new Map(planned.map(([name, { live }]) => [name, live.unit])),
    serviceConfigs: new Map(
      planned.flatMap(([name, { serviceConfig }]) =>
        serviceConfig === undefined ? [] : [[name, serviceConfig]],
      ),
    ),
    pending: pendingOn(footing, plan),
    revision,
  };
}
