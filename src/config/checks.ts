/**
 * Checks across sections. They look at the plain values rather than the schema's output, so that they run even when
 * something else in the file is wrong, and every problem comes in one go.
 */
import { addressesCollide, parseListenAddress } from "./addresses.ts";
import { type Fault, isWithin } from "./faults.ts";
import { ruleSchema } from "./http-rules.ts";
import { isMapping, show, valueAt } from "./reading.ts";
import type { AddressConfig, ConfigPath } from "./types.ts";

/**
 * No two listeners, the admin one included, may want the same port of the same interface. `nameOf` names a path in
 * messages.
 */
export function checkListenAddresses(value: unknown, nameOf: (path: ConfigPath) => string): readonly Fault[] {
  const listeners = valueAt(value, ["listeners"]);
  const paths: ConfigPath[] = (Array.isArray(listeners) ? listeners : []).map((_, i) => [
    "listeners",
    i,
    "address",
  ]);
  const adminEnabled = valueAt(value, ["admin", "enabled"]);
  if (adminEnabled !== false && adminEnabled !== "false") paths.push(["admin", "address"]);

  const faults: Fault[] = [];
  const taken: { readonly path: ConfigPath; readonly address: AddressConfig }[] = [];
  for (const path of paths) {
    const given = valueAt(value, path) ?? (path[0] === "admin" ? "127.0.0.1:9901" : undefined);
    const reading = parseListenAddress(given);
    if (reading.complaint !== undefined) continue;
    const address = reading.value;
    const other = taken.find((earlier) => addressesCollide(earlier.address, address));
    taken.push({ path, address });
    if (other === undefined) continue;
    const what = `${show(given)} is taken by ${nameOf(other.path)}`;
    faults.push({ path, what, hint: "give each listener a port of its own" });
  }
  return faults;
}

/** A unix socket has one process behind it. */
export function checkSharedSockets(value: unknown): readonly Fault[] {
  const workers = valueAt(value, ["workers"]);
  const listeners = valueAt(value, ["listeners"]);
  if (workers === undefined || workers === 1 || workers === "1" || !Array.isArray(listeners)) return [];
  return listeners.flatMap((_, index): readonly Fault[] => {
    const path: ConfigPath = ["listeners", index, "address"];
    const given = valueAt(value, path);
    if (parseListenAddress(given).value?.path === undefined) return [];
    const what = `${show(given)} cannot be shared by workers`;
    return [{ path, what, hint: "write workers: 1, or host:port" }];
  });
}

/** What remains of a file's values without the rules that are at fault. */
export interface SoundRules {
  /** The values with sound rules only; the input itself is not changed. */
  readonly value: unknown;
  /** For each upstream that has rules: the index in the file of each rule that is left. */
  readonly indexes: ReadonlyMap<string, readonly number[]>;
  readonly faults: readonly Fault[];
}

/**
 * Takes the rules out that are at fault: a bad rule is dropped alone, the rest of the file serves.
 * `broken` are paths with faults of their own, such as a missing environment variable.
 */
export function dropFaultyRules(value: unknown, broken: readonly ConfigPath[]): SoundRules {
  const upstreams = valueAt(value, ["upstreams"]);
  const indexes = new Map<string, readonly number[]>();
  if (!isMapping(value) || !isMapping(upstreams)) return { value, indexes, faults: [] };
  const schema = ruleSchema();
  const faults: Fault[] = [];
  const sound: Record<string, unknown> = {};
  for (const [name, upstream] of Object.entries(upstreams)) {
    sound[name] = upstream;
    const http = valueAt(upstream, ["http"]);
    const rules = valueAt(http, ["rules"]);
    if (!isMapping(upstream) || !isMapping(http) || !Array.isArray(rules)) continue;
    const kept: number[] = [];
    for (const [i, rule] of rules.entries()) {
      const path = ["upstreams", name, "http", "rules", i];
      const found = faultsOfIssues(schema.safeParse(rule).error?.issues ?? [], path, broken);
      faults.push(...found);
      const isBroken = found.length > 0 || broken.some((other) => isWithin(other, path));
      if (!isBroken) kept.push(i);
    }
    indexes.set(name, kept);
    // Indexes come from the same list.
    const left: unknown[] = kept.map((i) => rules[i] as unknown);
    sound[name] = { ...upstream, http: { ...http, rules: left } };
  }
  return { value: { ...value, upstreams: sound }, indexes, faults };
}

/** Whether a fault at `path` concerns one rule alone. */
export function isRuleFault(path: ConfigPath): boolean {
  const [upstreams, , http, rules, index] = path;
  return upstreams === "upstreams" && http === "http" && rules === "rules" && typeof index === "number";
}

/** What a zod issue tells, as far as this module reads it. */
interface Issue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** Issues of the schema as faults below `base`; those at or below a `broken` path have been told already. */
export function faultsOfIssues(
  issues: readonly Issue[],
  base: ConfigPath,
  broken: readonly ConfigPath[],
): readonly Fault[] {
  const faults: Fault[] = [];
  for (const issue of issues) {
    const path = [...base, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
    if (broken.some((other) => isWithin(path, other))) continue;
    const hint = typeof issue.params?.hint === "string" ? issue.params.hint : "see docs/configuration.md";
    const at = issue.params?.at === "key" ? ({ at: "key" } as const) : {};
    faults.push({ path, what: issue.message, hint, ...at });
  }
  return faults;
}
