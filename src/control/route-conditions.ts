/**
 * Conditions of config held against routes: which overrides and route sets mean a route. Asked when a route table is
 * compiled. `config/route-conditions.ts` says what patterns mean.
 */
import {
  type PathPattern,
  type PatternSegment,
  type RouteCondition,
  selectorMatches,
} from "../config/index.ts";
import type { PathTemplate, TemplateSegment } from "../routing/index.ts";

/** What conditions look at: a binding, and whose it is. */
export interface RouteSubject {
  readonly upstream: string;
  /** `package.Service.Method`. */
  readonly methodName: string;
  /** As of the binding: `*` for any. */
  readonly httpMethod: string;
  readonly template: PathTemplate;
}

/** Holds conditions against routes, and remembers which of them meant any. */
export class ConditionLog {
  readonly #used = new Set<RouteCondition>();

  /** Whether everything that `condition` gives holds for `subject`. */
  holds(condition: RouteCondition, subject: RouteSubject): boolean {
    const { selector, path, methods, upstream } = condition;
    if (upstream !== undefined && upstream !== subject.upstream) return false;
    if (selector !== undefined && !selectorMatches(selector, subject.methodName)) return false;
    if (methods !== undefined && !methods.includes(subject.httpMethod)) return false;
    if (path !== undefined && !patternTakes(path, subject.template)) return false;
    this.#used.add(condition);
    return true;
  }

  /** Whether `condition` has held for any route so far. */
  wasUsed(condition: RouteCondition): boolean {
    return this.#used.has(condition);
  }
}

/** A condition for people: `path /v1/books/** and methods GET`. */
export function describeCondition({ selector, path, methods, upstream }: RouteCondition): string {
  const parts = [
    upstream === undefined ? [] : `upstream ${upstream}`,
    selector === undefined ? [] : `selector ${selector}`,
    path === undefined ? [] : `path ${path.text}`,
    methods === undefined ? [] : `methods ${methods.join(", ")}`,
  ];
  return parts.flat().join(" and ");
}

/** Whether `pattern` takes every segment of `template`, and its verb. */
export function patternTakes(pattern: PathPattern, template: PathTemplate): boolean {
  if (pattern.verb !== undefined && pattern.verb !== template.verb) return false;
  const { segments } = pattern;
  const targets = pattern.verb === undefined ? withVerb(template) : template.segments;
  // Where the last `**` stands, and up to where it has taken segments: if what follows does not fit, it takes one more.
  let [at, target] = [0, 0];
  let [multi, taken] = [-1, 0];
  while (target < targets.length) {
    const segment = segments[at];
    if (segment?.kind === "**") {
      [multi, taken] = [at++, target];
    } else if (segment !== undefined && segmentTakes(segment, targets[target])) {
      at++;
      target++;
    } else if (multi >= 0) {
      at = multi + 1;
      target = ++taken;
    } else return false;
  }
  return segments.slice(at).every(({ kind }) => kind === "**");
}

function segmentTakes(segment: PatternSegment, target: TemplateSegment | undefined): boolean {
  if (segment.kind === "literal") return target?.kind === "literal" && target.text === segment.text;
  return target?.kind !== "**";
}

/** The segments of a template, its verb in the last one if that is a literal; wildcards take every verb. */
function withVerb({ segments, verb }: PathTemplate): readonly TemplateSegment[] {
  const last = segments.at(-1);
  if (verb === "" || last?.kind !== "literal") return segments;
  return [...segments.slice(0, -1), { kind: "literal", text: `${last.text}:${verb}` }];
}
