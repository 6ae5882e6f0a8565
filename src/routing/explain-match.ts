/**
 * Why a rule was taken for a request, or was not: for `sluice explain`. Compares templates one by one, in plain sight, and so
 * doubles as a check of the search tree; not for the request path.
 */
import { type PathTemplate, segmentText, type TemplateSegment } from "./path-template.ts";
import { shown } from "./percent-decoding.ts";
import { ANY_METHOD, type TrieEntry } from "./segment-trie.ts";
import type { SplitPath } from "./split-path.ts";

/** One rule, judged. */
export interface Candidate<T> {
  readonly value: T;
  readonly outcome: "matched" | "lost";
  /** For people: `segment 3: literal "books" of GET /v1/books wins over *`. */
  readonly why: string;
}

/** How far a template fits a path. `fitting` counts segments met, for sorting. */
interface Fit {
  readonly fits: boolean;
  readonly fitting: number;
  readonly why: string;
}

interface Judged<T> {
  readonly entry: TrieEntry<T>;
  readonly fit: Fit;
  readonly takesMethod: boolean;
}

/** Judges every rule that shares the path or the method. `readings` is by verb; "" is the whole path. */
export function explainMatch<T>(
  entries: readonly TrieEntry<T>[],
  method: string,
  readings: ReadonlyMap<string, SplitPath>,
): readonly Candidate<T>[] {
  const judged: Judged<T>[] = entries
    .map((entry) => ({
      entry,
      fit: fitOf(entry.template, readings),
      takesMethod: methodRank(entry.method, method) < 3,
    }))
    .filter(({ fit, takesMethod }) => fit.fits || takesMethod);
  const verbs = [...readings.keys()];
  const taking = judged
    .filter(({ fit, takesMethod }) => fit.fits && takesMethod)
    .sort((a, b) => (precedes(a.entry, b.entry, method, verbs).first === "a" ? -1 : 1));
  const winner = taking[0]?.entry;
  const others = judged
    .filter(({ fit, takesMethod }) => !(fit.fits && takesMethod))
    .sort((a, b) => Number(b.fit.fits) - Number(a.fit.fits) || b.fit.fitting - a.fit.fitting);

  return [...taking, ...others].map(({ entry, fit }) => {
    if (entry === winner) {
      return { value: entry.value, outcome: "matched", why: matchedWhy(entry, method, taking.length) };
    }
    const why =
      !fit.fits || winner === undefined || methodRank(entry.method, method) === 3
        ? lostAloneWhy(entry, fit, method)
        : precedes(winner, entry, method, verbs).why;
    return { value: entry.value, outcome: "lost", why };
  });
}

function matchedWhy<T>(entry: TrieEntry<T>, method: string, rivals: number): string {
  const how =
    rivals === 1 ? "the only rule that fits path and method" : `highest of ${rivals} rules that fit`;
  if (entry.method === method) return how;
  return `${how}; ${entry.method === ANY_METHOD ? "it takes any method" : `${method} runs the ${entry.method} rule`}`;
}

function lostAloneWhy<T>(entry: TrieEntry<T>, fit: Fit, method: string): string {
  return fit.fits ? `the path fits, but the rule is for ${entry.method}, not ${method}` : fit.why;
}

/** 0 for a rule of the method itself, 1 for GET to a HEAD, 2 for any, 3 for a rule that does not take the method. */
function methodRank(ruleMethod: string, method: string): number {
  if (ruleMethod === method) return 0;
  if (ruleMethod === "GET" && method === "HEAD") return 1;
  return ruleMethod === ANY_METHOD ? 2 : 3;
}

function fitOf(template: PathTemplate, readings: ReadonlyMap<string, SplitPath>): Fit {
  const path = readings.get(template.verb);
  if (path === undefined) {
    return { fits: false, fitting: 0, why: `the path does not end in the verb :${template.verb}` };
  }
  const { segments } = template;
  const multi = segments.findIndex((segment) => segment.kind === "**");
  const least = multi < 0 ? segments.length : segments.length - 1;
  const shift = path.count - segments.length;
  let fitting = 0;
  for (const [i, segment] of segments.entries()) {
    if (segment.kind === "**") {
      if (path.count < least) break;
      continue;
    }
    const at = multi >= 0 && i > multi ? i + shift : i;
    if (at >= path.count) break;
    const text = path.text(at);
    if (segment.kind === "literal" && text !== segment.text) {
      return { fits: false, fitting, why: `segment ${at + 1} "${shown(text)}" is not "${segment.text}"` };
    }
    if (segment.kind === "*" && text === "") {
      return { fits: false, fitting, why: `segment ${at + 1} is empty, and * needs text` };
    }
    fitting++;
  }
  if (path.count < least || (multi < 0 && path.count > segments.length)) {
    const wanted = multi < 0 ? `${least}` : `at least ${least}`;
    return { fits: false, fitting, why: `the path has ${path.count} segments, not ${wanted}` };
  }
  return { fits: true, fitting, why: "" };
}

const ORDER: Readonly<Record<TemplateSegment["kind"] | "end", number>> = {
  literal: 0,
  "*": 1,
  end: 2,
  "**": 3,
};

/**
 * Which of two rules that both fit comes first, and why the other does not.
 * Order: the reading's verb, segments left to right, the suffix behind `**`, the method.
 */
function precedes<T>(
  a: TrieEntry<T>,
  b: TrieEntry<T>,
  method: string,
  verbs: readonly string[],
): { readonly first: "a" | "b"; readonly why: string } {
  const byVerb = verbs.indexOf(a.template.verb) - verbs.indexOf(b.template.verb);
  if (byVerb !== 0) {
    const winner = byVerb < 0 ? a : b;
    return {
      first: byVerb < 0 ? "a" : "b",
      why: `${nameOf(winner)} reads :${winner.template.verb} as its verb`,
    };
  }
  const bySegments = compareSegments(a, b);
  if (bySegments !== undefined) return bySegments;
  const winner = methodRank(a.method, method) <= methodRank(b.method, method) ? a : b;
  const loser = winner === a ? b : a;
  return {
    first: winner === a ? "a" : "b",
    why: `the method of ${nameOf(winner)} is closer to ${method} than ${loser.method}`,
  };
}

function compareSegments<T>(
  a: TrieEntry<T>,
  b: TrieEntry<T>,
): { readonly first: "a" | "b"; readonly why: string } | undefined {
  const [left, right] = [a.template.segments, b.template.segments];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [one, other] = [left[i], right[i]];
    const byKind = ORDER[one?.kind ?? "end"] - ORDER[other?.kind ?? "end"];
    if (byKind !== 0) {
      const [first, winner, better, worse] =
        byKind < 0 ? (["a", a, one, other] as const) : (["b", b, other, one] as const);
      const described =
        better === undefined ? "the end" : better.kind === "literal" ? `literal "${better.text}"` : "*";
      const beaten = worse === undefined ? "the end" : segmentText(worse);
      return { first, why: `segment ${i + 1}: ${described} of ${nameOf(winner)} wins over ${beaten}` };
    }
    if (one?.kind === "**" && left.length !== right.length) {
      const winner = left.length > right.length ? a : b;
      return { first: winner === a ? "a" : "b", why: `${nameOf(winner)} has more segments behind **` };
    }
  }
  return undefined;
}

function nameOf<T>(entry: TrieEntry<T>): string {
  return `${entry.method} ${entry.template.text}`;
}
