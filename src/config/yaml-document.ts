/**
 * YAML text to plain values, with the place of every value.
 *
 * Not the YAML library's own conversion, because positions have to survive aliases and merge keys, environment
 * variables are to be replaced in single scalars, and duplicate keys and alias bombs are problems like any other.
 * Keys are strings; anchors, aliases and `<<` work; tags do not. Nothing here throws.
 */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Fault } from "./faults.ts";
import { type Complaint, isMapping, show } from "./reading.ts";
import type { ConfigPath } from "./types.ts";

/** The longest text that is read. */
export const MAX_DOCUMENT_BYTES: number = 1024 * 1024;

/** How many values a document may have with its aliases expanded; a large config has some thousands. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 64;
/** One mistake makes the parser complain many times; these are enough to find it. */
const MAX_SYNTAX_FAULTS = 10;
/** `- - - -` opens a level every two bytes: a megabyte of it would exhaust the parser's stack and memory. */
const COMPACT_NESTING = /^ *(?:[-?] +){17}/m;

const DEFAULT_HINT = "correct the YAML here";
const SYNTAX_HINTS: Readonly<Partial<Record<YAMLError["code"], string>>> = {
  TAB_AS_INDENT: "indent with spaces",
  MULTIPLE_DOCS: "keep one document: remove the ---",
  BAD_SCALAR_START: "put the value in quotes",
  BLOCK_AS_IMPLICIT_KEY: "check the indentation, or put a value with a colon in quotes",
  MULTILINE_IMPLICIT_KEY: "check the indentation, or put the value in quotes",
  BAD_INDENT: "check the indentation and that every bracket is closed",
  UNEXPECTED_TOKEN: "put a value with brackets, braces or a variable in quotes",
  TAG_RESOLVE_FAILED: "remove the tag",
  NON_STRING_KEY: "use plain text as key",
};

/** Replaces what stands for environment variables in one scalar. */
export type Substitution = (text: string) => {
  readonly text: string;
  readonly complaints: readonly Complaint[];
};

/** A parsed document. */
export interface YamlDocument {
  /** Plain values: mappings without duplicate keys, lists, scalars. Undefined where the text could not be parsed. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** Offset of a value (of its key for mappings and lists), or of its nearest ancestor that exists. */
  offsetOf(path: ConfigPath, at: "key" | "value"): number;
  /** Whether the document has a value at `path`. */
  has(path: ConfigPath): boolean;
  /** `file:line:col` of an offset; both count from 1, columns in UTF-16 units. */
  where(offset: number): string;
}

/** Where one value stands, and what is below it. */
interface Place {
  readonly keyOffset: number;
  readonly valueOffset: number;
  readonly children: Map<string | number, Place>;
}

/** Parses `text`; faults of syntax leave `value` undefined, all others do not. */
export function parseYaml(text: string, fileName: string, substitution: Substitution): YamlDocument {
  // A byte order mark is not part of the first line's columns.
  const source = text.startsWith("\u{feff}") ? text.slice(1) : text;
  const lines = new LineCounter();
  const root: Place = { keyOffset: 0, valueOffset: 0, children: new Map() };
  const { value, faults } = convert(source, lines, root, substitution);
  return {
    value,
    faults,
    offsetOf(path, at) {
      const { place, isExact } = nearestPlace(root, path);
      return isExact && at === "value" ? place.valueOffset : place.keyOffset;
    },
    has: (path) => nearestPlace(root, path).isExact,
    where(offset) {
      const { line, col } = lines.linePos(offset);
      // An empty text has no first line.
      return `${fileName}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
    },
  };
}

function nearestPlace(root: Place, path: ConfigPath): { readonly place: Place; readonly isExact: boolean } {
  let place = root;
  for (const part of path) {
    const child = place.children.get(part);
    if (child === undefined) return { place, isExact: false };
    place = child;
  }
  return { place, isExact: true };
}

function convert(
  text: string,
  lines: LineCounter,
  root: Place,
  substitution: Substitution,
): { readonly value: unknown; readonly faults: readonly Fault[] } {
  const tooDeep = { path: [], what: "the document is nested too deeply", hint: "flatten the document" };
  const compact = COMPACT_NESTING.exec(text);
  if (compact !== null) return { value: undefined, faults: [{ ...tooDeep, offset: compact.index }] };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      // Its check is quadratic and does not name the first of the two.
      uniqueKeys: false,
      schema: "core",
      resolveKnownTags: false,
      logLevel: "error",
    });
    const syntax = [...document.errors, ...document.warnings];
    const exhausted = syntax.find((error) => error.code === "RESOURCE_EXHAUSTION");
    if (exhausted !== undefined) {
      return { value: undefined, faults: [{ ...tooDeep, offset: exhausted.pos[0] }] };
    }
    if (syntax.length > 0) {
      return { value: undefined, faults: syntax.slice(0, MAX_SYNTAX_FAULTS).map(syntaxFault) };
    }
    const targets = resolveAliases(document.contents);
    const converter = new Converter(targets, substitution, (offset) => lines.linePos(offset).line);
    return { value: converter.toValue(document.contents, [], root, 0), faults: converter.faults };
  } catch (error) {
    // The parser recurses; what its own guard misses ends here.
    if (error instanceof RangeError) return { value: undefined, faults: [tooDeep] };
    const what = `the YAML cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return { value: undefined, faults: [{ path: [], what, hint: DEFAULT_HINT }] };
  }
}

function syntaxFault(error: YAMLError): Fault {
  const what =
    error.code === "MULTIPLE_DOCS" ? "the file holds more than one document" : firstLine(error.message);
  return { path: [], offset: error.pos[0], what, hint: SYNTAX_HINTS[error.code] ?? DEFAULT_HINT };
}

function firstLine(message: string): string {
  const line = message.split("\n", 1)[0] ?? "";
  return line.length <= 160 ? line : `${line.slice(0, 157)}...`;
}

/** The node that each alias means: the latest anchor of its name before it (YAML 1.2.2, section 3.2.2.2). */
function resolveAliases(contents: ParsedNode | null): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  if (contents === null) return targets;
  visit(contents, {
    Value(_key, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Alias(_key, node) {
      const target = anchors.get(node.source);
      if (target !== undefined) targets.set(node, target);
    },
  });
  return targets;
}

/** Walks the tree of nodes once, building values and places side by side. */
class Converter {
  readonly faults: Fault[] = [];
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #substitution: Substitution;
  readonly #lineOf: (offset: number) => number;
  readonly #open = new Set<Node>();
  #values = 0;

  constructor(
    targets: ReadonlyMap<Alias, Node>,
    substitution: Substitution,
    lineOf: (offset: number) => number,
  ) {
    this.#targets = targets;
    this.#substitution = substitution;
    this.#lineOf = lineOf;
  }

  toValue(node: unknown, path: ConfigPath, place: Place, depth: number): unknown {
    if (isAlias(node)) return this.#aliased(node, path, place, depth);
    this.#values++;
    if (this.#values === MAX_VALUES) {
      this.faults.push({
        path: [],
        offset: place.keyOffset,
        what: `the document has more than ${MAX_VALUES} values`,
        hint: "aliases are counted expanded; use fewer",
      });
    }
    if (this.#values >= MAX_VALUES) return undefined;
    if (isScalar(node)) return this.#scalar(node.value, path, place);
    if (!isMap(node) && !isSeq(node)) return null;
    if (depth >= MAX_DEPTH) {
      const what = "the document is nested too deeply";
      this.faults.push({ path, offset: place.keyOffset, what, hint: "flatten the document" });
      return undefined;
    }
    this.#open.add(node);
    const value = isMap(node)
      ? this.#mapping(node, path, place, depth)
      : this.#list(node, path, place, depth);
    this.#open.delete(node);
    return value;
  }

  #aliased(alias: Alias, path: ConfigPath, place: Place, depth: number): unknown {
    const target = this.#targets.get(alias);
    if (target !== undefined && !this.#open.has(target)) return this.toValue(target, path, place, depth);
    const what =
      target === undefined
        ? `no anchor &${alias.source} stands before *${alias.source}`
        : `*${alias.source} contains itself`;
    this.faults.push({ path, offset: startOf(alias, place.keyOffset), what, hint: "name an earlier anchor" });
    return undefined;
  }

  #scalar(value: unknown, path: ConfigPath, place: Place): unknown {
    if (typeof value !== "string") return value;
    const { text, complaints } = this.#substitution(value);
    for (const complaint of complaints) this.faults.push({ ...complaint, path, offset: place.valueOffset });
    return complaints.length === 0 ? text : undefined;
  }

  #list(node: YAMLSeq, path: ConfigPath, place: Place, depth: number): unknown[] {
    return node.items.map((item, i) => {
      const offset = startOf(item, place.keyOffset);
      const child: Place = { keyOffset: offset, valueOffset: offset, children: new Map() };
      place.children.set(i, child);
      return this.toValue(item, [...path, i], child, depth + 1);
    });
  }

  #mapping(node: YAMLMap, path: ConfigPath, place: Place, depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const merges: Pair[] = [];
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? pair.key : undefined;
      if (key?.value === "<<" && key.type === "PLAIN") {
        merges.push(pair);
        continue;
      }
      // `stringKeys` makes every key text; `: x` has none.
      const name = typeof key?.value === "string" ? key.value : "";
      const keyOffset = startOf(pair.key, place.keyOffset);
      const first = place.children.get(name);
      if (first !== undefined || name === "__proto__") {
        const what =
          first === undefined
            ? `${show(name)} cannot be a key`
            : `the key ${show(name)} is there twice, first in line ${this.#lineOf(first.keyOffset)}`;
        this.faults.push({ path: [...path, name], offset: keyOffset, what, hint: "remove one" });
        continue;
      }
      const simple = isScalar(pair.value) && pair.value.value !== null;
      const valueOffset = simple ? startOf(pair.value, keyOffset) : keyOffset;
      const child: Place = { keyOffset, valueOffset, children: new Map() };
      place.children.set(name, child);
      value[name] = this.toValue(pair.value, [...path, name], child, depth + 1);
    }
    for (const pair of merges) this.#merge(pair, value, path, place, depth);
    return value;
  }

  /** `<<: *a` or `<<: [*a, *b]`: adds the keys that are not there yet. Source: https://yaml.org/type/merge.html */
  #merge(pair: Pair, into: Record<string, unknown>, path: ConfigPath, place: Place, depth: number): void {
    const keyOffset = startOf(pair.key, place.keyOffset);
    const holder: Place = { keyOffset, valueOffset: keyOffset, children: new Map() };
    const value = this.toValue(pair.value, path, holder, depth + 1);
    const sources = Array.isArray(value)
      ? value.map((source: unknown, i) => ({ source, children: holder.children.get(i)?.children }))
      : [{ source: value, children: holder.children }];
    for (const { source, children } of sources) {
      // Undefined has its fault already.
      if (source === undefined) continue;
      if (!isMapping(source)) {
        const what = `<< merges mappings, not ${show(source)}`;
        this.faults.push({ path, offset: keyOffset, what, hint: "write <<: *anchor of a mapping" });
        continue;
      }
      for (const [key, merged] of Object.entries(source)) {
        if (place.children.has(key)) continue;
        into[key] = merged;
        const child = children?.get(key);
        if (child !== undefined) place.children.set(key, child);
      }
    }
  }
}

function startOf(node: unknown, otherwise: number): number {
  if (!isScalar(node) && !isMap(node) && !isSeq(node) && !isAlias(node)) return otherwise;
  return node.range?.[0] ?? otherwise;
}
