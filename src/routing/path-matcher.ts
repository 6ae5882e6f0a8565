/**
 * The look-up of a request's method and path in the table of rules. Immutable; made by `PathMatcherBuilder`.
 *
 * A path whose last segment ends in a registered verb is read with the verb first, the longest one before shorter ones, and
 * as data otherwise (docs/transcoding.md, "Which route"). Within one reading the precedence is that of `segment-trie.ts`;
 * the method takes part in the search, so a rule of another method never hides one that fits.
 */
import { type Candidate, explainMatch } from "./explain-match.ts";
import { ANY_METHOD, collectMethods, find, type TrieEntry, type TrieNode } from "./segment-trie.ts";
import { SplitPath, type TrailingSlash } from "./split-path.ts";

/** The answer to a look-up. */
export type MatchResult<T> =
  | {
      readonly kind: "found";
      readonly value: T /** One decoded text for each variable of the template, in its order. */;
      readonly captures: readonly string[];
    }
  | { readonly kind: "not-found" }
  | {
      readonly kind: "method-not-allowed" /** As `PathMatcher.allowedMethods`; never empty. */;
      readonly allow: readonly string[];
    };

/** What a builder hands over. */
export interface MatcherTable<T> {
  /** Rules without a verb. */
  readonly plain: TrieNode<T>;
  /** Rules with one, by the verb. */
  readonly byVerb: ReadonlyMap<string, TrieNode<T>>;
  /** Every rule, in order of declaration. */
  readonly entries: readonly TrieEntry<T>[];
}

/** What `Allow` lists where a rule takes any method. */
const COMMON_METHODS: readonly string[] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
const NOT_FOUND: { readonly kind: "not-found" } = { kind: "not-found" };

/** Finds the rule for a request. Values are the caller's; a value belongs to one rule. */
export class PathMatcher<T> {
  readonly #plain: TrieNode<T>;
  readonly #byVerb: ReadonlyMap<string, TrieNode<T>>;
  readonly #entries: readonly TrieEntry<T>[];
  /** Most colons that a verb has, its own included: more need not be tried. */
  readonly #verbColons: number;

  constructor(table: MatcherTable<T>) {
    this.#plain = table.plain;
    this.#byVerb = table.byVerb;
    this.#entries = table.entries;
    let colons = 0;
    for (const verb of table.byVerb.keys()) colons = Math.max(colons, verb.split(":").length);
    this.#verbColons = colons;
  }

  /**
   * Finds the rule for a request. HEAD takes a rule of its own, else that of GET.
   *
   * @param path as sent: percent-encoded, without the query.
   * @throws {StatusError} INVALID_ARGUMENT: PATH_ENCODING for a broken escape, bytes that are not UTF-8 or characters that
   *   must be encoded, PATH_INVALID for `.` and `..` segments, whether or not there is a rule.
   */
  match(method: string, path: string, trailingSlash: TrailingSlash = "strict"): MatchResult<T> {
    const whole = SplitPath.parse(path, trailingSlash);
    if (whole === undefined) return NOT_FOUND;
    let colon = whole.firstColon(this.#verbColons);
    while (colon >= 0) {
      const root = this.#byVerb.get(whole.textBehind(colon));
      if (root !== undefined) {
        const reading = whole.withoutVerb(colon);
        const entry = find(root, reading, 0, method);
        if (entry !== undefined) return found(entry, reading);
      }
      colon = whole.nextColon(colon);
    }
    const entry = find(this.#plain, whole, 0, method);
    if (entry !== undefined) return found(entry, whole);
    const allow = this.#methodsOf(whole);
    return allow.length === 0 ? NOT_FOUND : { kind: "method-not-allowed", allow };
  }

  /**
   * Every method that has a rule for `path`, sorted, for `Allow` and CORS preflights. HEAD is in it where GET is; a rule of
   * any method stands for the common ones. OPTIONS is in it only by a rule: that the gateway answers it is not known here.
   * @throws {StatusError} as `match`.
   */
  allowedMethods(path: string, trailingSlash: TrailingSlash = "strict"): readonly string[] {
    const whole = SplitPath.parse(path, trailingSlash);
    return whole === undefined ? [] : this.#methodsOf(whole);
  }

  /**
   * Says of every rule that shares the path or the method why it was or was not taken: the winner first, then those that
   * fit, then those whose path fits, then the near misses, closest first. For people, and slow.
   * @throws {StatusError} as `match`.
   */
  explain(method: string, path: string, trailingSlash: TrailingSlash = "strict"): readonly Candidate<T>[] {
    const whole = SplitPath.parse(path, trailingSlash);
    return whole === undefined ? [] : explainMatch(this.#entries, method, this.#readings(whole));
  }

  #methodsOf(whole: SplitPath): readonly string[] {
    const methods = new Set<string>();
    for (const [verb, reading] of this.#readings(whole)) {
      const root = verb === "" ? this.#plain : this.#byVerb.get(verb);
      if (root !== undefined) collectMethods(root, reading, 0, methods);
    }
    if (methods.has("GET")) methods.add("HEAD");
    if (methods.delete(ANY_METHOD)) for (const method of COMMON_METHODS) methods.add(method);
    return [...methods].sort();
  }

  /** Every reading of a path by the verb that it takes off, longest first; the whole path is under "". */
  #readings(whole: SplitPath): ReadonlyMap<string, SplitPath> {
    const readings = new Map<string, SplitPath>();
    for (let colon = whole.firstColon(this.#verbColons); colon >= 0; colon = whole.nextColon(colon)) {
      const verb = whole.textBehind(colon);
      if (this.#byVerb.has(verb)) readings.set(verb, whole.withoutVerb(colon));
    }
    return readings.set("", whole);
  }
}

function found<T>(entry: TrieEntry<T>, path: SplitPath): MatchResult<T> {
  const plan = entry.captures;
  const captures: string[] = [];
  for (let i = 0; i < plan.length; i += 3) {
    const from = at(plan[i], path);
    if (plan[i + 2] === 1) captures.push(path.text(from));
    else captures.push(path.capture(from, at(plan[i + 1], path), entry.reservedExpansion));
  }
  return { kind: "found", value: entry.value, captures };
}

/** A planned index, counted from the end where it is negative. */
function at(planned: number | undefined, path: SplitPath): number {
  const index = planned ?? 0;
  return index < 0 ? path.count + 1 + index : index;
}
