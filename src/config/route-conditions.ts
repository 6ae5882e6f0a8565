/**
 * Which routes a part of the config speaks of: by selector, by path pattern, by HTTP method, by upstream. A condition
 * holds for a route as a whole, and is asked when the route table is compiled, never for a request.
 *
 *     Pattern  = "/" | 1*( "/" Segment ) [ ":" Verb ]
 *     Segment  = "*" | "**" | LITERAL
 *
 * A pattern is compared with a route's path template, segment by segment. `*` takes one segment, a literal one or that of
 * a variable; `**` takes any number of segments, also none; a literal takes its like. A variable counts as the segments
 * that it stands for: `{name=shelves/*}` as `shelves/*`, and `{name=**}` as `**`, which only `**` takes. A pattern that
 * ends in a wildcard takes every verb; `*:cancel` takes that verb alone.
 */
import type * as z from "zod";
import { type Fail, list, section, text } from "./fields.ts";
import { parseSelector } from "./names.ts";
import { complain, type Reading, show } from "./reading.ts";

/** One segment of a pattern; the text of a literal is percent-decoded. */
export type PatternSegment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "*" }
  | { readonly kind: "**" };

/** A path pattern, read. */
export interface PathPattern {
  /** As written. */
  readonly text: string;
  /** A literal at the end holds its verb, colon and all. */
  readonly segments: readonly PatternSegment[];
  /** The verb behind a wildcard at the end; undefined takes every verb there. */
  readonly verb: string | undefined;
}

/** All of what is given must hold; at least one is. */
export interface RouteCondition {
  /** `package.Service.Method`, `package.*` or `*`. */
  readonly selector?: string | undefined;
  readonly path?: PathPattern | undefined;
  /** HTTP methods as bindings name them; `*` is that of a binding for any method. */
  readonly methods?: readonly string[] | undefined;
  /** The name of an upstream. */
  readonly upstream?: string | undefined;
}

/** The keys of conditions in sections that have further ones. */
export type ConditionShape = {
  readonly selector: z.ZodOptional<z.ZodType<string>>;
  readonly path: z.ZodOptional<z.ZodType<PathPattern>>;
  readonly methods: z.ZodOptional<z.ZodType<readonly string[]>>;
};

/** The keys of a condition on the routes of any upstream. */
export function conditionShape(): ConditionShape {
  return {
    selector: text(
      "selector",
      "The routes of these methods: `package.Service.Method`, `package.*` or `*`.",
      parseSelector,
    ).optional(),
    path: text(
      "path pattern",
      "The routes whose path template it takes: `/v1/books/**`. `*` is one segment, `**` any number; a variable counts as the segments that it stands for.",
      parsePathPattern,
    ).optional(),
    methods: list(
      "The routes of these HTTP methods: `GET`, or `[PUT, PATCH]`; GET means HEAD, too.",
      text("HTTP method", "One method.", parseMethod),
      { least: "write methods such as GET, or remove the key", single: "allowed" },
    ).optional(),
  };
}

/** Refuses a section that says nothing about which routes are meant. */
export function checkCondition(value: Readonly<Record<string, unknown>>, fail: Fail): void {
  const keys = ["selector", "path", "methods", "upstream"];
  if (keys.every((key) => value[key] === undefined)) {
    fail("does not say which routes are meant", "add path: /v1/** or selector: package.Service.*");
  }
}

/** A condition that may also name an upstream. */
export function conditionSection(description: string): z.ZodType<RouteCondition> {
  return section(
    description,
    {
      ...conditionShape(),
      upstream: text("upstream", "The routes of this upstream.", parseUpstream).optional(),
    },
    checkCondition,
  );
}

/** Reads a path pattern. */
export function parsePathPattern(value: unknown): Reading<PathPattern> {
  const hint = "write /v1/books/* for one segment, or /v1/books/** for everything below";
  const refuse = (why: string, instead = hint): Reading<PathPattern> =>
    complain(`${show(value)} is not a path pattern: ${why}`, instead);
  if (typeof value !== "string") return refuse("it is not text");
  if (!value.startsWith("/")) return refuse("it does not begin with /");
  if (value.length > 1024) return refuse("it is too long", "at most 1024 characters");
  if (/[{}]/.test(value)) return refuse("it names a variable", "write * or ** in its place");
  if (/[?#]/.test(value)) return refuse("a path has no ? or #", "leave them away, or write %3F and %23");
  if (/[^\x21-\x7e]/.test(value)) {
    return refuse("it holds a character that a path cannot", "percent-encode it: %20 for a blank");
  }
  if (value === "/") return { value: { text: value, segments: [], verb: undefined } };
  const parts = value.slice(1).split("/");
  const verb = /^\*{1,2}:(.+)$/.exec(parts.at(-1) ?? "")?.[1];
  if (verb !== undefined) parts.push((parts.pop() ?? "").slice(0, -verb.length - 1));
  const segments: PatternSegment[] = [];
  for (const part of parts) {
    const decoded = part === "*" || part === "**" ? part : decodeLiteral(part);
    if (part === "") return refuse("it has an empty segment", "leave the slash away");
    if (decoded === undefined) return refuse(`${show(part)} is not percent-encoded UTF-8`);
    if (part === "*" || part === "**") segments.push({ kind: part });
    else if (part.includes("*")) return refuse("a * stands for a whole segment");
    else segments.push({ kind: "literal", text: decoded });
  }
  const decodedVerb = verb === undefined ? undefined : decodeLiteral(verb);
  if (verb !== undefined && (decodedVerb === undefined || verb.includes("*"))) {
    return refuse(`${show(verb)} is not a verb`, "write a verb as in the template: /v1/books/*:archive");
  }
  return { value: { text: value, segments, verb: decodedVerb } };
}

function decodeLiteral(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Methods are compared with their case, and clients send capitals. */
function parseMethod(value: unknown): Reading<string> {
  if (typeof value !== "string" || !/^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,64}$/.test(value)) {
    return complain(`${show(value)} is not an HTTP method`, "write a method such as GET");
  }
  if (value === value.toUpperCase()) return { value };
  return complain(`${show(value)} has lower-case letters`, `write ${value.toUpperCase()}`);
}

function parseUpstream(value: unknown): Reading<string> {
  if (typeof value === "string" && /^[a-z][a-z0-9_-]{0,62}$/.test(value)) return { value };
  return complain(`${show(value)} is not the name of an upstream`, "write a key of upstreams");
}
