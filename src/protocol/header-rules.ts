/**
 * Which header fields cross the gateway, and under which names: one set of rules for each direction of a route.
 */
import type { HeaderList } from "../http/index.ts";

/** The rules as config states them. All names are lower-case; a `*` at the end of a pattern matches any rest. */
export interface HeaderRuleOptions {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly rename: Readonly<Record<string, string>>;
  /**
   * What metadata names carry in front on the HTTP side (`grpc-metadata-` is grpc-gateway's convention): taken off
   * request headers that have it, put before the names of reply metadata unless they are renamed. "" for nothing.
   */
  readonly prefix: string;
  /** Fields by their name on the far side, which take the place of whatever would cross under it; "" sets none. */
  readonly set?: Readonly<Record<string, string>>;
}

/** Compiled rules, one function for each direction. */
export interface HeaderRules {
  /** The metadata name of a request header, or undefined where it may not cross. */
  toMetadata(name: string): string | undefined;
  /** The reply header name of a metadata key, or undefined where it may not cross. */
  toHeader(name: string): string | undefined;
  /** Fields that are there in any case. Nothing crosses under their names. */
  readonly fixed: HeaderList;
}

/** Compiles the rules of one direction. */
export function compileHeaderRules(options: HeaderRuleOptions): HeaderRules {
  const { prefix } = options;
  const rename = new Map(Object.entries(options.rename));
  const allow = compilePatterns(options.allow);
  const deny = compilePatterns(options.deny);
  const fixed = Object.entries(options.set ?? {}).filter(([, value]) => value !== "");
  if (allow.any && deny.isEmpty && rename.size === 0 && prefix === "" && fixed.length === 0) return PASS_ALL;
  const taken = new Set(fixed.map(([name]) => name));
  const unlessTaken = (name: string): string | undefined => (taken.has(name) ? undefined : name);
  const isAllowed = (name: string): boolean => !deny.matches(name) && allow.matches(name);
  return {
    toMetadata: (name) => {
      const bare = prefix !== "" && name.startsWith(prefix) ? name.slice(prefix.length) : name;
      return isAllowed(bare) ? unlessTaken(rename.get(bare) ?? bare) : undefined;
    },
    toHeader: (name) => (isAllowed(name) ? unlessTaken(rename.get(name) ?? prefix + name) : undefined),
    fixed: fixed.flat(),
  };
}

const PASS_ALL: HeaderRules = { toMetadata: (name) => name, toHeader: (name) => name, fixed: [] };

interface Patterns {
  readonly any: boolean;
  readonly isEmpty: boolean;
  matches(name: string): boolean;
}

function compilePatterns(patterns: readonly string[]): Patterns {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith("*")));
  const starts = patterns.filter((pattern) => pattern.endsWith("*")).map((pattern) => pattern.slice(0, -1));
  return {
    any: starts.includes(""),
    isEmpty: patterns.length === 0,
    matches: (name) => exact.has(name) || starts.some((start) => name.startsWith(start)),
  };
}
