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
  /**
   * How to cut the captures: for each variable, from which segment to which (exclusive) and its span (1 for one segment).
   * A negative index counts back from the end of the path, -1 being the end itself: so it is for whatever stands behind `**`.
   */
  readonly captures: readonly number[];
}

/** Makes an entry of the table. */
export function trieEntry<T>(
  method: string,
  template: PathTemplate,
  value: T,
  reservedExpansion: ReservedExpansion,
): TrieEntry<T> {
  const multi = multiIndexOf(template);
  const { length } = template.segments;
  const captures = template.variables.flatMap(({ start, end, span }) => [
    multi >= 0 && start > multi ? start - length - 1 : start,
    multi >= 0 && end > multi ? end - length - 1 : end,
    span === "segment" ? 1 : 0,
  ]);
  return { method, template, value, reservedExpansion, captures };
}

/** The rules that end at one node, by method. Most nodes have one: it is kept without a Map, which costs a cache miss more. */
class MethodTable<T> {
  readonly #first: TrieEntry<T>;
  /** All of them, where there are several. */
  #all: Map<string, TrieEntry<T>> | undefined;

  constructor(first: TrieEntry<T>) {
    this.#first = first;
    this.#all = undefined;
  }

  /** Adds a rule, unless there is one of this method, which is then returned. */
  add(entry: TrieEntry<T>): TrieEntry<T> | undefined {
    if (entry.method === this.#first.method) return this.#first;
    this.#all ??= new Map([[this.#first.method, this.#first]]);
    const earlier = this.#all.get(entry.method);
    if (earlier === undefined) this.#all.set(entry.method, entry);
    return earlier;
  }

  /** The rule for a request of `method`: its own, for HEAD else that of GET, else that of any method. */
  get(method: string): TrieEntry<T> | undefined {
    const exact = this.#exactly(method);
    if (exact !== undefined) return exact;
    const asGet = method === "HEAD" ? this.#exactly("GET") : undefined;
    return asGet ?? this.#exactly(ANY_METHOD);
  }

  methods(): Iterable<string> {
    return this.#all === undefined ? [this.#first.method] : this.#all.keys();
  }

  #exactly(method: string): TrieEntry<T> | undefined {
    if (this.#first.method === method) return this.#first;
    return this.#all?.get(method);
  }
}

/** The templates that go on with `**` here and then exactly `length` segments. */
interface Suffixes<T> {
  readonly length: number;
  readonly root: TrieNode<T>;
}

/** A node. Filled by `insert`, then only read. */
export class TrieNode<T> {
  single: TrieNode<T> | undefined;
  /** Rules of the templates that end here. */
  ends: MethodTable<T> | undefined;
  /** Longest suffix first. */
  suffixes: Suffixes<T>[] | undefined;
  /** The only literal, where there is one: comparing it costs less than a Map, and most nodes are such. */
  #literalText: string | undefined;
  #literalNode: TrieNode<T> | undefined;
  /** All literals, where there are several. */
  #literals: Map<string, TrieNode<T>> | undefined;

  constructor() {
    this.single = undefined;
    this.ends = undefined;
    this.suffixes = undefined;
    this.#literalText = undefined;
    this.#literalNode = undefined;
    this.#literals = undefined;
  }

  /** Where the literal `text` leads, if it is known. */
  literal(text: string): TrieNode<T> | undefined {
    if (this.#literals !== undefined) return this.#literals.get(text);
    return this.#literalText === text ? this.#literalNode : undefined;
  }

  /** Where the literal `text` leads, from now on. */
  ensureLiteral(text: string): TrieNode<T> {
    const known = this.literal(text);
    if (known !== undefined) return known;
    const node = new TrieNode<T>();
    if (this.#literals !== undefined) this.#literals.set(text, node);
    else if (this.#literalText === undefined || this.#literalNode === undefined) {
      this.#literalText = text;
      this.#literalNode = node;
    } else {
      this.#literals = new Map([
        [this.#literalText, this.#literalNode],
        [text, node],
      ]);
    }
    return node;
  }
}

/** Adds a rule below `root`; if a rule of the same shape and method is there, it stays and is returned. */
export function insert<T>(root: TrieNode<T>, entry: TrieEntry<T>): TrieEntry<T> | undefined {
  const { segments } = entry.template;
  const multi = multiIndexOf(entry.template);
  let node = descend(root, multi < 0 ? segments : segments.slice(0, multi));
  if (multi >= 0) node = descend(suffixRoot(node, segments.length - multi - 1), segments.slice(multi + 1));
  if (node.ends !== undefined) return node.ends.add(entry);
  node.ends = new MethodTable(entry);
  return undefined;
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
    const literal = node.literal(text);
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
    const literal = node.literal(text);
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
      node = node.ensureLiteral(segment.text);
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
