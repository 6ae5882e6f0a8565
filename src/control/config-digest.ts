/**
 * When two parts of a config say the same: whether what was made of one can go on under the other.
 */
import { createHash } from "node:crypto";
import type { UpstreamConfig } from "../config/index.ts";

/**
 * A digest of all that an upstream's channel and schema sources are made of. What only the route table is made of is left
 * out, and so is what is asked when it is needed; a key that is new here counts, which is the safe side.
 */
export function unitDigest(upstream: UpstreamConfig): string {
  const {
    http: _http,
    autoMapping: _mapping,
    options: _options,
    routes: _routes,
    schema,
    ...link
  } = upstream;
  const { onBreakingChange: _policy, ...sources } = schema;
  return createHash("sha256").update(canonical({ link, sources })).digest("hex");
}

/** Whether two parsed values of a config are the same, members in any order. */
export function isSameConfig(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** JSON with sorted keys, in which Infinity is not null and what is undefined is not there. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, each: unknown) => {
      if (typeof each === "number" && !Number.isFinite(each)) return `number ${each}`;
      if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
      return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? ""
  );
}
