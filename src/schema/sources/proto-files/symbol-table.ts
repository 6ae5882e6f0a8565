/**
 * What names stand for, across files: the scoping rules of the protobuf language.
 *
 * A name `a.B` in scope `x.y` is looked for from the inside out by its first part: where `x.y.a`, `x.a` or `a` is a
 * package, message, enum or service, the whole name must be in there, or it is nowhere. A name of one part passes over what
 * is not of the kind that is looked for. A file sees what is in itself, in
 * the files that it imports, and in those that these import publicly.
 * Source: protobuf's compiler, `DescriptorBuilder::LookupSymbol`.
 */
import type { Definition, DefinitionKind } from "./parsed-file.ts";

/** What a full name stands for. */
export interface NamedSymbol {
  readonly fullName: string;
  readonly kind: DefinitionKind;
  /** The file that defines it. */
  readonly file: string;
}

/** All names of all files. */
export class SymbolTable {
  readonly #symbols = new Map<string, NamedSymbol>();
  /** The files of each package, and of each that it is in. */
  readonly #packages = new Map<string, Set<string>>();

  /** Adds what a file defines. Gives the first definition whose name is taken, and by which file. */
  add(
    file: string,
    packageName: string,
    definitions: readonly Pick<Definition, "fullName" | "kind">[],
  ): { readonly index: number; readonly file: string } | undefined {
    for (let name = packageName; name !== ""; name = parentOf(name)) {
      const files = this.#packages.get(name) ?? new Set();
      this.#packages.set(name, files.add(file));
    }
    for (const [index, { fullName, kind }] of definitions.entries()) {
      const other = this.#symbols.get(fullName);
      if (other !== undefined) return { index, file: other.file };
      this.#symbols.set(fullName, { fullName, kind, file });
    }
    return undefined;
  }

  /**
   * What `name`, as written in `scope`, stands for in a file that sees the files `visible`, which should be one of
   * `kinds`; where there is none of them, what else has the name.
   */
  resolve(
    name: string,
    scope: string,
    visible: ReadonlySet<string>,
    kinds: ReadonlySet<DefinitionKind>,
  ): NamedSymbol | undefined {
    if (name.startsWith(".")) return this.#find(name.slice(1), visible);
    const dot = name.indexOf(".");
    let other: NamedSymbol | undefined;
    for (let outer = scope; ; outer = parentOf(outer)) {
      const prefix = outer === "" ? "" : `${outer}.`;
      const first = dot === -1 ? name : name.slice(0, dot);
      if (dot === -1 || this.#isAggregate(prefix + first, visible)) {
        const found = this.#find(prefix + name, visible);
        if (dot !== -1 || (found !== undefined && kinds.has(found.kind))) return found;
        other ??= found;
      }
      if (outer === "") return other;
    }
  }

  /** The file of any of the files that defines `fullName`, seen or not: for hints. */
  fileOf(fullName: string): string | undefined {
    return this.#symbols.get(fullName)?.file;
  }

  #find(fullName: string, visible: ReadonlySet<string>): NamedSymbol | undefined {
    const symbol = this.#symbols.get(fullName);
    return symbol !== undefined && visible.has(symbol.file) ? symbol : undefined;
  }

  #isAggregate(fullName: string, visible: ReadonlySet<string>): boolean {
    const symbol = this.#find(fullName, visible);
    if (symbol !== undefined) return symbol.kind !== "extension";
    const files = this.#packages.get(fullName);
    if (files === undefined) return false;
    const [fewer, more] = files.size < visible.size ? [files, visible] : [visible, files];
    for (const file of fewer) if (more.has(file)) return true;
    return false;
  }
}

/** `a.b` of `a.b.C`; "" of `a`. */
function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(".")));
}
