/** The way from templates to a matcher: the only place where the trie of a route table changes. */
import { PathMatcher } from "./path-matcher.ts";
import type { PathTemplate } from "./path-template.ts";
import type { ReservedExpansion } from "./percent-decoding.ts";
import { insert, type TrieEntry, TrieNode, trieEntry } from "./segment-trie.ts";

/** How one rule decodes. */
export interface RuleOptions {
  /** What captures of several segments keep encoded; `all-except-slash` if absent. */
  readonly reservedExpansion?: ReservedExpansion;
}

/**
 * Collects rules and makes a {@link PathMatcher} of them, once.
 *
 * The order of `add` does not decide who wins: precedence does, and two rules that it cannot tell apart are a conflict.
 */
export class PathMatcherBuilder<T extends object> {
  readonly #plain: TrieNode<T>;
  readonly #byVerb: Map<string, TrieNode<T>>;
  readonly #entries: TrieEntry<T>[];
  #isBuilt: boolean;

  constructor() {
    this.#plain = new TrieNode();
    this.#byVerb = new Map();
    this.#entries = [];
    this.#isBuilt = false;
  }

  /**
   * Adds a rule.
   *
   * @param method an HTTP method, upper-case as requests send it, or `*` for any.
   * @returns the value of an earlier rule of the same method and shape (equal literals, wildcards and verb, whatever the
   *   variables are called), which stays; the caller makes a problem of it that names both. Else undefined.
   * @throws {Error} after `build`.
   */
  add(method: string, template: PathTemplate, value: T, options: RuleOptions = {}): T | undefined {
    if (this.#isBuilt) throw new Error("PathMatcherBuilder.add after build: the matcher is immutable");
    const entry = trieEntry(method, template, value, options.reservedExpansion ?? "all-except-slash");
    const earlier = insert(this.#rootFor(template.verb), entry);
    if (earlier !== undefined) return earlier.value;
    this.#entries.push(entry);
    return undefined;
  }

  /** Makes the matcher of what was added. */
  build(): PathMatcher<T> {
    this.#isBuilt = true;
    return new PathMatcher({ plain: this.#plain, byVerb: this.#byVerb, entries: this.#entries });
  }

  #rootFor(verb: string): TrieNode<T> {
    if (verb === "") return this.#plain;
    let root = this.#byVerb.get(verb);
    if (root === undefined) {
      root = new TrieNode();
      this.#byVerb.set(verb, root);
    }
    return root;
  }
}
