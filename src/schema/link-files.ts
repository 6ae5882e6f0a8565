/**
 * Resolves every type name across files, and drops what does not hold together, with all that needs it.
 *
 * Types are found by their names, not through imports: sources that rebuild descriptors (reflection above all) leave
 * imports out or name files that nobody has, and the names of types are still right. Imports are then rewritten to
 * say what is really used, because the registry of @bufbuild/protobuf goes by them.
 */
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import type { Problem } from "../status/index.ts";
import { faultsOf, printable } from "./check-file.ts";
import type { FileOutline, MessageOutline } from "./file-outline.ts";
import { type SchemaFile, whereOf } from "./merge-files.ts";
import { candidatesFor, type DefinedName, type FileNames, type TypeReference } from "./type-names.ts";
import { BUILT_IN } from "./well-known-files.ts";

/** A file whose every type is known. */
export interface LinkedFile extends SchemaFile {
  /** Names of the other files that define its types. */
  readonly uses: ReadonlySet<string>;
}

/** What a full name stands for, and which file says so. */
export interface LinkedSymbol {
  readonly file: string;
  readonly defined: DefinedName;
}

/** Files that hold together, and all that they define by full name; the names of files left out are among them. */
export interface LinkedFiles {
  readonly files: Map<string, LinkedFile>;
  readonly symbols: ReadonlyMap<string, LinkedSymbol>;
}

/** The files that hold together, with `names` as `namesOf` gives them. `problems` gets what is wrong with the others. */
export function linkFiles(
  files: ReadonlyMap<string, SchemaFile>,
  names: ReadonlyMap<string, FileNames>,
  problems: Problem[],
): LinkedFiles {
  const dropped = new Map<string, string>();
  for (const file of files.values()) {
    const faults = faultsOf(file.outline);
    if (faults.length === 0) continue;
    drop(file, faults.join("; "), "compile the descriptors again with protoc or buf", dropped, problems);
  }
  const symbols = indexSymbols(files, names, dropped, problems);
  const linked = new Map<string, LinkedFile>();
  for (const [name, file] of files) {
    if (dropped.has(name)) continue;
    fillJsonNames(file.outline);
    const uses = new Set<string>();
    const missing: string[] = [];
    for (const reference of names.get(name)?.references ?? []) {
      const found = resolve(reference.name, reference.scope, symbols);
      const defined = found?.symbol.defined;
      const kind = defined?.kind === "map_entry" ? "message" : defined?.kind;
      if (found === undefined || (kind !== "message" && kind !== "enum")) {
        missing.push(`${reference.where} needs type "${reference.name}", which nothing defines`);
      } else if (reference.wants !== undefined && reference.wants !== kind) {
        missing.push(`${reference.where} needs type "${reference.name}" to be of another kind`);
      } else {
        reference.resolveTo(found.fullName, kind);
        if (found.symbol.file !== name) uses.add(found.symbol.file);
        if (defined?.kind === "map_entry" && !isMapField(reference, found.fullName)) {
          file.outline.isPlain = false;
        }
      }
    }
    if (missing.length === 0) linked.set(name, { ...file, uses });
    else dropForMissing(file, missing, files, dropped, problems);
  }
  dropDependants(linked, dropped, problems);
  for (const file of linked.values()) rewriteImports(file, linked, problems);
  return { files: linked, symbols };
}

/** Whether a reference to a map entry is that of its map: a repeated message field beside it. */
function isMapField({ field, scope }: TypeReference, entry: string): boolean {
  const isRepeated = field?.label === Label.REPEATED && field.type === Type.MESSAGE;
  // An extension declared in a message refers from there as well, but has an extendee.
  return (
    isRepeated && field.extendee === "" && entry.lastIndexOf(".") === scope.length && entry.startsWith(scope)
  );
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
): ReadonlyMap<string, LinkedSymbol> {
  const symbols = new Map<string, LinkedSymbol>();
  for (const [name, file] of files) {
    if (dropped.has(name)) continue;
    const defined = names.get(name)?.defined ?? [];
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
    for (const each of defined) symbols.set(each.fullName, { file: name, defined: each });
  }
  return symbols;
}

function resolve(
  name: string,
  scope: string,
  symbols: ReadonlyMap<string, LinkedSymbol>,
): { readonly fullName: string; readonly symbol: LinkedSymbol } | undefined {
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
  const imports = file.outline.dependency.filter((name) => !files.has(name));
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
  const declared = file.outline.dependency;
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
  file.outline.dependency = dependency;
}

/** Descriptors of protobufjs come without JSON names. */
function fillJsonNames(file: FileOutline): void {
  const fill = (message: MessageOutline): void => {
    for (const field of message.fields) field.jsonName ??= jsonNameOf(field.name);
    for (const nested of message.messages) fill(nested);
  };
  for (const message of file.messages) fill(message);
}

/** Source: protobuf's C++ compiler, ToJsonName: underscores go, and the letter after one is upper-case. */
function jsonNameOf(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}
