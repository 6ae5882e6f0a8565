/**
 * The matcher as docs/transcoding.md words it, with no regard to speed: every rule is tried, those that fit are ranked.
 * Shares nothing with the search tree but the parsed templates.
 */
import type { PathTemplate, TemplateSegment } from "../../../src/routing/index.ts";

export interface ReferenceRule {
  readonly method: string;
  readonly template: PathTemplate;
}

export interface ReferenceMatch {
  readonly rule: ReferenceRule;
  /** For each segment of the template, the segments of the path that it took. */
  readonly taken: readonly (readonly string[])[];
}

/** The rule that wins. `path` holds no escapes. */
export function referenceMatch(
  rules: readonly ReferenceRule[],
  method: string,
  path: string,
): ReferenceMatch | undefined {
  const verbs = new Set(rules.map(({ template }) => template.verb));
  // A verb is in the last segment, so its colon stands behind the last slash.
  const readings = [...verbs]
    .filter((verb) => verb !== "" && path.endsWith(`:${verb}`))
    .filter((verb) => path.length - verb.length - 1 > path.lastIndexOf("/"))
    .sort((a, b) => b.length - a.length);
  for (const verb of [...readings, ""]) {
    const text = verb === "" ? path : path.slice(0, -verb.length - 1);
    const segments = text === "/" ? [] : text.slice(1).split("/");
    const matches = rules
      .filter((rule) => rule.template.verb === verb && methodRank(rule.method, method) !== undefined)
      .flatMap((rule) => {
        const taken = take(rule.template.segments, segments);
        return taken === undefined ? [] : [{ rule, taken }];
      })
      .sort((a, b) => compare(a.rule, b.rule, method));
    if (matches[0] !== undefined) return matches[0];
  }
  return undefined;
}

function take(
  template: readonly TemplateSegment[],
  path: readonly string[],
): readonly (readonly string[])[] | undefined {
  const [segment, ...rest] = template;
  if (segment === undefined) return path.length === 0 ? [] : undefined;
  if (segment.kind === "**") {
    for (let length = 0; length <= path.length; length++) {
      const behind = take(rest, path.slice(length));
      if (behind !== undefined) return [path.slice(0, length), ...behind];
    }
    return undefined;
  }
  const [first, ...others] = path;
  if (first === undefined || first === "") return undefined;
  if (segment.kind === "literal" && segment.text !== first) return undefined;
  const behind = take(rest, others);
  return behind === undefined ? undefined : [[first], ...behind];
}

function methodRank(ruleMethod: string, method: string): number | undefined {
  if (ruleMethod === method) return 0;
  if (method === "HEAD" && ruleMethod === "GET") return 1;
  return ruleMethod === "*" ? 2 : undefined;
}

/** What orders templates that fit the same path: smaller is stronger, left to right. */
function rank({ segments }: PathTemplate): readonly number[] {
  const codes = { literal: 0, "*": 1, "**": 3 };
  const multi = segments.findIndex(({ kind }) => kind === "**");
  const ranks = segments.map(({ kind }) => codes[kind]);
  if (multi >= 0) ranks.splice(multi + 1, 0, -(segments.length - multi));
  return [...ranks, 2];
}

function compare(a: ReferenceRule, b: ReferenceRule, method: string): number {
  const [left, right] = [rank(a.template), rank(b.template)];
  for (const [i, code] of left.entries()) {
    const difference = code - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return (methodRank(a.method, method) ?? 0) - (methodRank(b.method, method) ?? 0);
}
