/**
 * One pass of the control plane without a gateway: for `check`, `routes` and `explain`.
 */
import type { Config, ServiceConfig } from "../config/index.ts";
import { type Discovery, discover, type UpstreamUnit } from "../control/index.ts";
import type { RoutingSnapshot } from "../gateway/index.ts";
import type { SchemaSet, SchemaSource } from "../schema/index.ts";
import { type Problem, type Status, StatusError } from "../status/index.ts";
import { createLogger } from "../telemetry/index.ts";
import type { Builtins } from "./builtins.ts";
import { openListenerTls } from "./listener-tls.ts";
import { Provision, readServiceConfig, timeSlices } from "./provisioning.ts";

/** What `config` gives now. */
export interface OnePass {
  readonly snapshot: RoutingSnapshot;
  readonly problems: readonly Problem[];
}

/** Loads every schema once and compiles the route table. An upstream that cannot be reached is a problem. */
export async function compileOnce(config: Config, builtins: Builtins): Promise<OnePass> {
  // What becomes of endpoints meanwhile is not what was asked for.
  const provision = new Provision(builtins, createLogger("silent"), () => undefined);
  const units = new Map<string, UpstreamUnit>();
  const schemas = new Map<string, SchemaSet>();
  const serviceConfigs = new Map<string, ServiceConfig>();
  const { problems: ofListeners } = await openListenerTls(config, Date.now);
  const problems: Problem[] = [...ofListeners];
  try {
    for (const upstream of config.upstreams) {
      const { name } = upstream;
      const opened = await provision.openUnit(config, upstream);
      problems.push(...opened.problems);
      if (opened.unit === undefined) continue;
      units.set(name, opened.unit);
      const document = await readServiceConfig(config, upstream);
      problems.push(...document.problems);
      if (document.serviceConfig !== undefined) serviceConfigs.set(name, document.serviceConfig);
    }
    const pending: string[] = [];
    for (const [name, { sources }] of units) {
      const found = await discoverNow(config, name, sources);
      problems.push(...found.problems);
      if (found.schema !== undefined) schemas.set(name, found.schema);
      if (found.isPending) pending.push(name);
    }
    const input = { config, schemas, units, serviceConfigs, pending, revision: 1 };
    const compiled = await provision.compile(input);
    return { snapshot: compiled.snapshot, problems: [...problems, ...compiled.problems] };
  } finally {
    await Promise.all([...units.values()].map((unit) => unit.close()));
    provision.close();
  }
}

/** What to see to where reflection gave no schema. */
function asksFor({ reason }: Status): string {
  const isNotMet =
    reason === "UPSTREAM_UNREACHABLE" || reason === "DEADLINE" || reason === "UPSTREAM_PROTOCOL";
  return isNotMet
    ? "see that a gRPC server listens there, and whether it wants `tls`"
    : "start the upstream with server reflection";
}

/** `isPending`: a gateway would try again until the schema is there, and answer 503 meanwhile. */
async function discoverNow(
  config: Config,
  upstream: string,
  sources: readonly SchemaSource[],
): Promise<Discovery & { readonly isPending: boolean }> {
  try {
    return { ...(await discover(sources, new AbortController().signal, timeSlices())), isPending: false };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const problem: Problem = {
      severity: "error",
      where: config.locate(["upstreams", upstream, "schema"]),
      what: `upstream ${upstream}: no schema: ${error.status.message}`,
      hint: `${asksFor(error.status)}, or give a descriptor set: schema.descriptors, --descriptors`,
    };
    return { schema: undefined, problems: [problem], isPending: true };
  }
}
