/**
 * From parsed files to descriptors: types found, options understood.
 *
 * What is wrong with a file leaves out that file and those that import it; the rest is compiled. The steps are taken for
 * all files before the next: names, types, options of protobuf's own, and last those that are extensions, since their
 * types may be in any file that is imported.
 */
import { create, createFileRegistry, type FileRegistry } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { takePseudoOptions } from "./field-defaults.ts";
import { encodeOptions, type OptionTypes } from "./interpret-options.ts";
import { checkJsonNames } from "./json-names.ts";
import { needsExtensions } from "./option-syntax.ts";
import type { DefinitionKind, OptionOwner, ParsedFile, Reference } from "./parsed-file.ts";
import { type Position, ProtoFault } from "./proto-fault.ts";
import { type NamedSymbol, SymbolTable } from "./symbol-table.ts";

/** Faults told of one file. */
const MAX_FAULTS = 10;

const MESSAGES: ReadonlySet<DefinitionKind> = new Set(["message"]);
const TYPES: ReadonlySet<DefinitionKind> = new Set(["message", "enum"]);

/** A file to be compiled, or one that others were compiled before and that it imports. */
export interface ProtoUnit {
  /** As imports write it. */
  readonly name: string;
  readonly proto: FileDescriptorProto;
  /** Undefined for a file that comes compiled. */
  readonly parsed: ParsedFile | undefined;
  /** All that it defines. */
  readonly definitions: readonly Pick<NamedSymbol, "fullName" | "kind">[];
  /** Gets what is wrong with it; a file with a fault is left out. */
  readonly faults: ProtoFault[];
}

/**
 * Compiles `units`, writing into their descriptors. They must come in the order of their imports, and have every file
 * that they import among them or a fault that says that they do not. `pause` is awaited now and then, so that a large
 * schema does not keep a process that serves from serving.
 */
export async function compileProtos(units: readonly ProtoUnit[], pause: () => Promise<void>): Promise<void> {
  const compilation = new Compilation(units);
  const { define, link, setOptions, setExtensions, dropDependants } = compilation;
  for (const step of [define, link, setOptions, setExtensions, dropDependants]) {
    for (const unit of units) {
      if (unit.faults.length === 0) {
        await pause();
        step(unit);
      }
    }
  }
}

class Compilation {
  readonly #units: ReadonlyMap<string, ProtoUnit>;
  readonly #symbols = new SymbolTable();
  /** The files whose types a file sees. */
  readonly #visible = new Map<string, ReadonlySet<string>>();
  /** What importing a file shows: itself, and what it imports publicly. */
  readonly #shown = new Map<string, ReadonlySet<string>>();
  /** The types of a file and of all that it imports, for options. */
  readonly #registries = new Map<string, FileRegistry>();

  constructor(units: readonly ProtoUnit[]) {
    this.#units = new Map(units.map((unit) => [unit.name, unit]));
  }

  readonly define = (unit: ProtoUnit): void => {
    if (this.#lacksImport(unit)) return;
    const taken = this.#symbols.add(unit.name, unit.proto.package, unit.definitions);
    if (taken === undefined) return;
    const definition = unit.parsed?.definitions[taken.index];
    const at = definition?.at ?? { line: 1, column: 1 };
    const what = `${definition?.fullName ?? "a name"} is defined in ${taken.file} already`;
    unit.faults.push(
      new ProtoFault(at, what, "a name may be defined once; look for a second copy of the file"),
    );
  };

  readonly link = (unit: ProtoUnit): void => {
    // A file that it imports may have turned out faulty since.
    if (this.#lacksImport(unit)) return;
    const shown = new Set([unit.name]);
    const visible = new Set([unit.name]);
    const { dependency, publicDependency, optionDependency } = unit.proto;
    for (const [i, name] of dependency.entries()) {
      const isPublic = publicDependency.includes(i);
      for (const each of this.#shown.get(name) ?? []) {
        visible.add(each);
        if (isPublic) shown.add(each);
      }
    }
    this.#shown.set(unit.name, shown);
    this.#visible.set(unit.name, visible);
    for (const reference of unit.parsed?.references ?? []) this.#resolve(unit, reference, visible);
    // Only options may use what these define.
    for (const name of optionDependency) for (const each of this.#shown.get(name) ?? []) visible.add(each);
  };

  readonly setOptions = (unit: ProtoUnit): void => {
    for (const owner of unit.parsed?.owners ?? []) {
      attempt(unit, () => {
        const { field, statements } = owner;
        if (field !== undefined)
          statements.splice(0, statements.length, ...takePseudoOptions(field, statements, unit.proto.syntax));
        this.#assign(unit, owner, "own");
      });
    }
    const { parsed } = unit;
    if (parsed !== undefined) attempt(unit, () => checkJsonNames(parsed));
  };

  readonly setExtensions = (unit: ProtoUnit): void => {
    for (const owner of unit.parsed?.owners ?? []) {
      if (!owner.statements.some(needsExtensions)) continue;
      attempt(unit, () => this.#assign(unit, owner, "all"));
    }
  };

  /** Files that import what has turned out faulty in a later step. */
  readonly dropDependants = (unit: ProtoUnit): void => {
    this.#lacksImport(unit);
  };

  #assign(unit: ProtoUnit, { schema, scope, statements, assign }: OptionOwner, which: "own" | "all"): void {
    const chosen = which === "all" ? statements : statements.filter((each) => !needsExtensions(each));
    if (chosen.length > 0) assign(encodeOptions(schema, scope, chosen, this.#typesFor(unit)));
  }

  /** Whether a file that `unit` imports was left out, which is then told. */
  #lacksImport(unit: ProtoUnit): boolean {
    for (const { name, at } of unit.parsed?.imports ?? []) {
      const imported = this.#units.get(name);
      if (imported !== undefined && imported.faults.length === 0) continue;
      const hint = "see the problem of that file";
      unit.faults.push(new ProtoFault(at, `imports ${name}, which was left out`, hint, "import"));
      return true;
    }
    return false;
  }

  #resolve(unit: ProtoUnit, reference: Reference, visible: ReadonlySet<string>): void {
    const { name, scope, at, wants, resolve } = reference;
    const symbol = this.#symbols.resolve(name, scope, visible, wants === "message" ? MESSAGES : TYPES);
    const kind = symbol?.kind;
    if (symbol !== undefined && (kind === "message" || (kind === "enum" && wants !== "message"))) {
      resolve(symbol.fullName, kind);
      return;
    }
    const found =
      symbol === undefined
        ? undefined
        : `"${name}" is ${kind === "enum" || kind === "extension" ? "an" : "a"} ${kind}, not a ${wants}`;
    addFault(
      unit,
      found === undefined ? this.#unknown(`type "${name}"`, name, at) : new ProtoFault(at, found),
    );
  }

  #unknown(what: string, name: string, at: Position): ProtoFault {
    const file = this.#symbols.fileOf(name.replace(/^\./, ""));
    const hint = file === undefined ? "look at its spelling and its package" : `add import "${file}";`;
    return new ProtoFault(at, `${what} is not defined, or not imported`, hint);
  }

  #typesFor(unit: ProtoUnit): OptionTypes {
    const visible = this.#visible.get(unit.name) ?? new Set();
    const find = (name: string, scope: string, kind: NamedSymbol["kind"], at: Position): NamedSymbol => {
      const symbol = this.#symbols.resolve(name, scope, visible, new Set([kind]));
      if (symbol?.kind === kind) return symbol;
      throw this.#unknown(`${kind} "${name}"`, name, at);
    };
    return {
      extension: (name, scope, at) => {
        const { fullName, file } = find(name, scope, "extension", at);
        const extension = this.#registryOf(file, at).getExtension(fullName);
        if (extension === undefined) throw this.#unknown(`extension "${name}"`, name, at);
        return extension;
      },
      message: (name, at) => {
        const { fullName, file } = find(`.${name}`, "", "message", at);
        const message = this.#registryOf(file, at).getMessage(fullName);
        if (message === undefined) throw this.#unknown(`message "${name}"`, name, at);
        return message;
      },
    };
  }

  #registryOf(name: string, at: Position): FileRegistry {
    const known = this.#registries.get(name);
    if (known !== undefined) return known;
    const needed = new Set([name]);
    // A set is walked with what is added to it on the way.
    for (const each of needed)
      for (const file of this.#units.get(each)?.proto.dependency ?? []) needed.add(file);
    const file = [...this.#units.values()].filter((unit) => needed.has(unit.name)).map(({ proto }) => proto);
    try {
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
      this.#registries.set(name, registry);
      return registry;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ProtoFault(at, `what ${name} defines cannot be used: ${why}`, "see that file");
    }
  }
}

/** Runs `step`; a fault that it throws becomes one of the unit. */
function attempt(unit: ProtoUnit, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof ProtoFault)) throw error;
    addFault(unit, error);
  }
}

function addFault({ faults }: ProtoUnit, fault: ProtoFault): void {
  if (faults.length < MAX_FAULTS) faults.push(fault);
}
