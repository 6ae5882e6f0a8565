/**
 * The search tree over path templates: one per verb. A node stands for the segments from the root to it.
 *
 * A template with `**` is two stretches: the segments before it, and those behind it in a tree of their own, kept by their
 * number. Since a template holds one `**`, a look-up knows where such a suffix must start: at the end of the path, counted
 * back. So it visits every node of the table at most once, for any path and any table; there is nothing to memoise.
 */
import type { PathTemplate, TemplateSegment } from "./path-template.ts";
import { multiIndexOf } from "./path-template.ts";
import type { ReservedExpansion } from "./percent-decoding.ts";
import type { SplitPath } from "./split-path.ts";

/** The HTTP method of a rule that takes any. */
export const ANY_METHOD = "*";

/** One rule in the table. */
export interface TrieEntry<T> {
  readonly method: string;
  readonly template: PathTemplate;
  readonly value: T;
  readonly reservedExpansion: ReservedExpansion;
  /** `multiIndexOf(template)`. */
  readonly multiIndex: number;
}

/** The rules that end at one node, by method. */
export class MethodTable<T> {
  readonly #entries: Map<string, TrieEntry<T>>;

  constructor() {
    this.#entries = new Map();
  }

  /** Adds a rule, unless there is one of this method, which is then returned. */
  add(entry: TrieEntry<T>): TrieEntry<T> | undefined {
    const earlier = this.#entries.get(entry.method);
    if (earlier === undefined) this.#entries.set(entry.method, entry);
    return earlier;
  }

  /** The rule for a request of `method`: its own, for HEAD else that of GET, else that of any method. */
  get(method: string): TrieEntry<T> | undefined {
    const exact = this.#entries.get(method);
    if (exact !== undefined) return exact;
    const asGet = method === "HEAD" ? this.#entries.get("GET") : undefined;
    return asGet ?? this.#entries.get(ANY_METHOD);
  }

  methods(): Iterable<string> {
    return this.#entries.keys();
  }
}

/** The templates that go on with `**` here and then exactly `length` segments. */
interface Suffixes<T> {
  readonly length: number;
  readonly root: TrieNode<T>;
}

/** A node. Filled by `insert`, then only read. */
export class TrieNode<T> {
  literals: Map<string, TrieNode<T>> | undefined;
  single: TrieNode<T> | undefined;
  /** Rules of the templates that end here. */
  ends: MethodTable<T> | undefined;
  /** Longest suffix first. */
  suffixes: Suffixes<T>[] | undefined;

  constructor() {
    this.literals = undefined;
    this.single = undefined;
    this.ends = undefined;
    this.suffixes = undefined;
  }
}

/** Adds a rule below `root`; if a rule of the same shape and method is there, it stays and is returned. */
export function insert<T>(root: TrieNode<T>, entry: TrieEntry<T>): TrieEntry<T> | undefined {
  const { segments } = entry.template;
  const multi = multiIndexOf(entry.template);
  let node = descend(root, multi < 0 ? segments : segments.slice(0, multi));
  if (multi >= 0) node = descend(suffixRoot(node, segments.length - multi - 1), segments.slice(multi + 1));
  node.ends ??= new MethodTable();
  return node.ends.add(entry);
}

/**
 * The rule for `method` that wins for the segments from `index` on: per segment, left to right, a literal before `*`
 * before the end before `**`; among `**`, the longest suffix. A branch without a rule for the method does not count.
 */
export function find<T>(
  node: TrieNode<T>,
  path: SplitPath,
  index: number,
  method: string,
): TrieEntry<T> | undefined {
  path.visits++;
  if (index === path.count) {
    const entry = node.ends?.get(method);
    if (entry !== undefined) return entry;
  } else {
    const text = path.text(index);
    const literal = node.literals?.get(text);
    if (literal !== undefined) {
      const entry = find(literal, path, index + 1, method);
      if (entry !== undefined) return entry;
    }
    if (node.single !== undefined && text !== "") {
      const entry = find(node.single, path, index + 1, method);
      if (entry !== undefined) return entry;
    }
  }
  if (node.suffixes === undefined) return undefined;
  const left = path.count - index;
  for (const suffixes of node.suffixes) {
    if (suffixes.length > left) continue;
    const entry = find(suffixes.root, path, path.count - suffixes.length, method);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** Adds to `methods` those of every rule whose template fits the segments from `index` on. */
export function collectMethods<T>(
  node: TrieNode<T>,
  path: SplitPath,
  index: number,
  methods: Set<string>,
): void {
  path.visits++;
  if (index === path.count) {
    for (const method of node.ends?.methods() ?? []) methods.add(method);
  } else {
    const text = path.text(index);
    const literal = node.literals?.get(text);
    if (literal !== undefined) collectMethods(literal, path, index + 1, methods);
    if (node.single !== undefined && text !== "") collectMethods(node.single, path, index + 1, methods);
  }
  const left = path.count - index;
  for (const suffixes of node.suffixes ?? []) {
    if (suffixes.length > left) continue;
    collectMethods(suffixes.root, path, path.count - suffixes.length, methods);
  }
}

/** The node that `segments` (no `**` among them) lead to, made where missing. */
function descend<T>(from: TrieNode<T>, segments: readonly TemplateSegment[]): TrieNode<T> {
  let node = from;
  for (const segment of segments) {
    if (segment.kind === "literal") {
      node.literals ??= new Map();
      let next = node.literals.get(segment.text);
      if (next === undefined) {
        next = new TrieNode();
        node.literals.set(segment.text, next);
      }
      node = next;
    } else {
      node.single ??= new TrieNode();
      node = node.single;
    }
  }
  return node;
}

function suffixRoot<T>(node: TrieNode<T>, length: number): TrieNode<T> {
  node.suffixes ??= [];
  const known = node.suffixes.find((suffixes) => suffixes.length === length);
  if (known !== undefined) return known.root;
  const root = new TrieNode<T>();
  node.suffixes.push({ length, root });
  node.suffixes.sort((a, b) => b.length - a.length);
  return root;
}
