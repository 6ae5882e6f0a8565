/**
 * What of a new config cannot be had without a restart. Pure.
 *
 * A config has two parts. **Routing** (upstreams and what their routes are made of) is replaced while requests run. All
 * else is **install**: sockets that are bound, processes that are forked, how this one ends. What is not known to be
 * routing is install, so that a key nobody thought of here is refused rather than ignored.
 */
import {
  type Config,
  type ConfigPath,
  type ConfigValues,
  holdsSecrets,
  type ListenerConfig,
  MASK,
  withoutQuery,
} from "../config/index.ts";
import type { Problem } from "../status/index.ts";
import { isSameConfig } from "./config-digest.ts";

const ROUTING: ReadonlySet<string> = new Set<keyof ConfigValues>([
  "upstreams",
  "defaults",
  "routes",
  "strict",
  "readiness",
  "log",
  "watch",
]);

/** Of a listener: what its routes and their policies are made of, with each snapshot. */
const ROUTING_OF_LISTENERS: ReadonlySet<string> = new Set<keyof ListenerConfig>(["routes", "cors"]);

/** About the document, not in it. */
const NOT_VALUES: ReadonlySet<string> = new Set<Exclude<keyof Config, keyof ConfigValues>>([
  "fileName",
  "locate",
]);

/** More differences than a person would read. */
const MAX_PROBLEMS = 20;

/** A problem for each value of the install part that `next` has otherwise than `running`, with both of them. */
export function installChanges(running: Config, next: Config): readonly Problem[] {
  const problems: Problem[] = [];
  const names = new Set([...Object.keys(running), ...Object.keys(next)]);
  for (const name of names) {
    if (ROUTING.has(name) || NOT_VALUES.has(name)) continue;
    compare(memberOf(running, name), memberOf(next, name), [name], (path, from, to) => {
      if (problems.length < MAX_PROBLEMS) problems.push(problemOf(next, path, from, to));
    });
  }
  return problems;
}

function isRouting([section, , key]: ConfigPath): boolean {
  return section === "listeners" && typeof key === "string" && ROUTING_OF_LISTENERS.has(key);
}

type Found = (path: ConfigPath, from: unknown, to: unknown) => void;

/** Walks down as far as both have members, and tells of each place where they part. */
function compare(from: unknown, to: unknown, path: ConfigPath, found: Found): void {
  if (isSameConfig(from, to) || isRouting(path)) return;
  if (Array.isArray(from) && Array.isArray(to)) {
    for (let i = 0; i < Math.max(from.length, to.length); i++) compare(from[i], to[i], [...path, i], found);
    return;
  }
  if (isRecord(from) && isRecord(to)) {
    const names = new Set([...Object.keys(from), ...Object.keys(to)]);
    for (const name of names) compare(from[name], to[name], [...path, name], found);
    return;
  }
  found(path, from, to);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function memberOf(config: Config, name: string): unknown {
  return Object.entries(config).find(([key]) => key === name)?.[1];
}

function problemOf(config: Config, path: ConfigPath, from: unknown, to: unknown): Problem {
  // Durations lose their unit: `idleTimeout` is `idleTimeoutMs` once it is read.
  const written = path.map((part) => (typeof part === "string" ? part.replace(/Ms$/, "") : part));
  const isSecret = holdsSecrets(path);
  const isDuration = String(path.at(-1)).endsWith("Ms");
  const show = (value: unknown): string =>
    isSecret ? MASK : shown(withoutQuery(path.at(-1), value), isDuration);
  return {
    severity: "error",
    where: config.locate(written),
    what: `${nameOf(written)} changes from ${show(from)} to ${show(to)}, which needs a restart`,
    hint: "restart the gateway, or put the old value back; nothing of this config is in use",
  };
}

function nameOf(path: ConfigPath): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
}

function shown(value: unknown, isDuration: boolean): string {
  if (value === undefined) return "nothing";
  if (value === Number.POSITIVE_INFINITY) return "no limit";
  if (isDuration && typeof value === "number") return `${value}ms`;
  // Both are of one kind only where one of them is not there: the address of a listener that is new, and the like.
  const text = JSON.stringify(value, (name, each: unknown) =>
    holdsSecrets([name]) ? MASK : withoutQuery(name, each),
  );
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
