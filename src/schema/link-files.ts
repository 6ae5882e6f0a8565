/**
 * Resolves every type name across files, and drops what does not hold together, with all that needs it.
 *
 * Types are found by their names, not through imports: sources that rebuild descriptors (reflection above all) leave
 * imports out or name files that nobody has, and the names of types are still right. Imports are then rewritten to
 * say what is really used, because the registry of @bufbuild/protobuf goes by them.
 */
import { isFieldSet } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import type { Problem } from "../status/index.ts";
import { faultsOf, MAX_NESTING, printable } from "./check-file.ts";
import { type SchemaFile, whereOf } from "./merge-files.ts";
import { candidatesFor, type FileNames, namesOf, type SymbolKind } from "./type-names.ts";
import { BUILT_IN } from "./well-known-files.ts";

/** A file whose every type is known. */
export interface LinkedFile extends SchemaFile {
  /** Names of the other files that define its types. */
  readonly uses: ReadonlySet<string>;
}

interface Symbol {
  readonly file: string;
  readonly kind: SymbolKind;
}

/** The files that hold together. `problems` gets what is wrong with the others. */
export function linkFiles(
  files: ReadonlyMap<string, SchemaFile>,
  problems: Problem[],
): Map<string, LinkedFile> {
  const names = new Map<string, FileNames>();
  const dropped = new Map<string, string>();
  for (const file of files.values()) {
    const faults = faultsOf(file.proto);
    if (faults.length === 0) names.set(file.name, namesOf(file.proto, MAX_NESTING));
    else drop(file, faults.join("; "), "compile the descriptors again with protoc or buf", dropped, problems);
  }
  const symbols = indexSymbols(files, names, dropped, problems);
  const linked = new Map<string, LinkedFile>();
  for (const [name, { references }] of names) {
    const file = files.get(name);
    if (file === undefined || dropped.has(name)) continue;
    fillJsonNames(file.proto);
    const uses = new Set<string>();
    const missing: string[] = [];
    for (const reference of references) {
      const found = resolve(reference.name, reference.scope, symbols);
      const kind = found?.symbol.kind === "map_entry" ? "message" : found?.symbol.kind;
      if (found === undefined || (kind !== "message" && kind !== "enum")) {
        missing.push(`${reference.where} needs type "${reference.name}", which nothing defines`);
      } else if (reference.wants !== undefined && reference.wants !== kind) {
        missing.push(`${reference.where} needs type "${reference.name}" to be of another kind`);
      } else {
        reference.resolveTo(found.fullName, kind);
        if (found.symbol.file !== name) uses.add(found.symbol.file);
      }
    }
    if (missing.length === 0) linked.set(name, { ...file, uses });
    else dropForMissing(file, missing, files, dropped, problems);
  }
  dropDependants(linked, dropped, problems);
  for (const file of linked.values()) rewriteImports(file, linked, problems);
  return linked;
}

/** Drops, again and again, every file that uses a dropped one. */
export function dropDependants(
  linked: Map<string, LinkedFile>,
  dropped: Map<string, string>,
  problems: Problem[],
): void {
  const usedBy = new Map<string, LinkedFile[]>();
  for (const file of linked.values()) {
    for (const used of file.uses) {
      const users = usedBy.get(used);
      if (users === undefined) usedBy.set(used, [file]);
      else users.push(file);
    }
  }
  const queue = [...dropped.keys()];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    linked.delete(name);
    for (const file of usedBy.get(name) ?? []) {
      if (!linked.has(file.name)) continue;
      linked.delete(file.name);
      const what = `needs ${printable(name)}, which was left out`;
      drop(file, what, "see the problem of that file", dropped, problems);
      queue.push(file.name);
    }
  }
}

function indexSymbols(
  files: ReadonlyMap<string, SchemaFile>,
  names: ReadonlyMap<string, FileNames>,
  dropped: Map<string, string>,
  problems: Problem[],
): ReadonlyMap<string, Symbol> {
  const symbols = new Map<string, Symbol>();
  for (const [name, { defined }] of names) {
    const file = files.get(name);
    if (file === undefined) continue;
    const own = new Set<string>();
    const taken = defined.find(({ fullName }) => {
      const isTaken = symbols.has(fullName) || own.has(fullName);
      own.add(fullName);
      return isTaken;
    });
    if (taken !== undefined) {
      const other = symbols.get(taken.fullName)?.file ?? name;
      const what = `defines ${taken.fullName}, which ${printable(other)} defines already`;
      drop(file, what, "a name may be defined once; look for a second copy of the file", dropped, problems);
      continue;
    }
    for (const { fullName, kind } of defined) symbols.set(fullName, { file: name, kind });
  }
  return symbols;
}

function resolve(
  name: string,
  scope: string,
  symbols: ReadonlyMap<string, Symbol>,
): { readonly fullName: string; readonly symbol: Symbol } | undefined {
  if (name === "") return undefined;
  for (const fullName of candidatesFor(name, scope)) {
    const symbol = symbols.get(fullName);
    if (symbol !== undefined) return { fullName, symbol };
  }
  return undefined;
}

function dropForMissing(
  file: SchemaFile,
  missing: readonly string[],
  files: ReadonlyMap<string, SchemaFile>,
  dropped: Map<string, string>,
  problems: Problem[],
): void {
  const imports = file.proto.dependency.filter((name) => !files.has(name));
  const [first = ""] = missing;
  if (imports.length > 0) {
    const what = `imports ${imports.slice(0, 5).join(", ")}, which no source has; ${first}`;
    drop(file, what, "compile with protoc --include_imports, or with buf", dropped, problems);
  } else {
    drop(file, first, "compile the descriptors again with protoc or buf", dropped, problems);
  }
}

function drop(
  file: SchemaFile,
  what: string,
  hint: string,
  dropped: Map<string, string>,
  problems: Problem[],
): void {
  dropped.set(file.name, what);
  problems.push({
    severity: "error",
    where: whereOf(file.origin, file.name),
    what: printable(what),
    hint,
  });
}

function rewriteImports(
  file: LinkedFile,
  linked: ReadonlyMap<string, LinkedFile>,
  problems: Problem[],
): void {
  const declared = file.proto.dependency;
  const missing = declared.filter((name) => !linked.has(name));
  if (missing.length > 0 && file.origin !== BUILT_IN) {
    problems.push({
      severity: "warning",
      where: whereOf(file.origin, file.name),
      what: printable(
        `imports ${missing.slice(0, 5).join(", ")}, which cannot be had; no type of it is used`,
      ),
      hint: "compile with protoc --include_imports, or with buf, if options of it matter",
    });
  }
  const kept = declared.filter((name) => linked.has(name) && name !== file.name);
  const dependency = [...new Set([...kept, ...file.uses])];
  if (dependency.length === declared.length && dependency.every((name, i) => name === declared[i])) return;
  file.proto.dependency = dependency;
  // They point into the list that was.
  file.proto.publicDependency = [];
  file.proto.weakDependency = [];
}

/** Descriptors of protobufjs come without JSON names. */
function fillJsonNames(file: FileDescriptorProto): void {
  const fill = (message: DescriptorProto): void => {
    for (const field of message.field) {
      if (!isFieldSet(field, FieldDescriptorProtoSchema.field.jsonName)) {
        field.jsonName = jsonNameOf(field.name);
      }
    }
    for (const nested of message.nestedType) fill(nested);
  };
  for (const message of file.messageType) fill(message);
}

/** Source: protobuf's C++ compiler, ToJsonName: underscores go, and the letter after one is upper-case. */
function jsonNameOf(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}
