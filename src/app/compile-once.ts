/**
 * One pass of the control plane without a gateway: for `check`, `routes` and `explain`.
 */
import type { Config } from "../config/index.ts";
import { discover } from "../control/index.ts";
import type { RoutingSnapshot } from "../gateway/index.ts";
import type { SchemaSet } from "../schema/index.ts";
import { type Problem, StatusError } from "../status/index.ts";
import { createLogger } from "../telemetry/index.ts";
import type { Builtins } from "./builtins.ts";
import { openListenerTls } from "./listener-tls.ts";
import { provision } from "./provisioning.ts";

/** What `config` gives now. */
export interface OnePass {
  readonly snapshot: RoutingSnapshot;
  readonly problems: readonly Problem[];
}

/** Loads every schema once and compiles the route table. An upstream that cannot be reached is a problem. */
export async function compileOnce(config: Config, builtins: Builtins): Promise<OnePass> {
  // What becomes of endpoints meanwhile is not what was asked for.
  const parts = await provision(config, builtins, createLogger("silent"));
  const { problems: ofListeners } = await openListenerTls(config, Date.now);
  const problems: Problem[] = [...parts.problems, ...ofListeners];
  const schemas = new Map<string, SchemaSet>();
  try {
    for (const { upstream, sources } of parts.targets) {
      try {
        const found = await discover(sources, new AbortController().signal);
        problems.push(...found.problems);
        if (found.schema !== undefined) schemas.set(upstream, found.schema);
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        problems.push({
          severity: "error",
          where: config.locate(["upstreams", upstream, "schema"]),
          what: `upstream ${upstream}: no schema: ${error.status.message}`,
          hint: "start the upstream with server reflection, or give a descriptor set under `descriptors`",
        });
      }
    }
    const compiled = parts.compile(schemas, [], 1);
    return { snapshot: compiled.snapshot, problems: [...problems, ...compiled.problems] };
  } finally {
    await parts.close();
  }
}
