/**
 * Finds and parses .proto files: those that config names, and what they import.
 *
 * A file goes by its path from the import root that it is in, as for protoc: the first import path that holds it, else
 * the folder that config names (or that holds the named file). Imports are looked for in all of these, then among
 * the files that come with the gateway.
 */
import { isUtf8 } from "node:buffer";
import { join, relative, sep } from "node:path";
import { create, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { MAX_NESTING } from "../../check-file.ts";
import { namesOf } from "../../type-names.ts";
import { wellKnownFiles } from "../../well-known-files.ts";
import { type FileFault, FileReadError, readFoundFile } from "../files/index.ts";
import type { ProtoUnit } from "./compile-protos.ts";
import { parseFile } from "./parse-file.ts";
import type { DefinitionKind, ImportStatement } from "./parsed-file.ts";
import { type Position, ProtoFault } from "./proto-fault.ts";

/** A folder that imports start at. */
export interface ImportRoot {
  readonly path: string;
  /** As the operator wrote it. */
  readonly shown: string;
}

/** A file to be compiled. */
export interface ProtoEntry {
  /** As imports write it. */
  readonly name: string;
  readonly path: string;
  /** For people. */
  readonly shown: string;
}

/** A file that was read. */
export interface ReadUnit extends ProtoUnit {
  readonly shown: string;
}

/** More files than Google's public APIs have. */
const MAX_FILES = 20_000;

/** Reads files, one after the other. */
export class ProtoReader {
  readonly #roots: readonly ImportRoot[];
  readonly #signal: AbortSignal;
  readonly #pause: () => Promise<void>;
  #leftBytes: number;
  readonly #built: ReadonlyMap<string, ProtoUnit>;

  /** All files by name, those that come with the gateway and are imported among them. */
  readonly units: Map<string, ProtoUnit> = new Map();
  /** The files of config and what they import, in the order of reading. */
  readonly read: ReadUnit[] = [];
  readonly faults: FileFault[] = [];
  /** Where imports were looked for, there or not. */
  readonly importPaths: Set<string> = new Set();

  constructor(
    roots: readonly ImportRoot[],
    limitBytes: number,
    signal: AbortSignal,
    pause: () => Promise<void>,
  ) {
    this.#roots = roots;
    this.#leftBytes = limitBytes;
    this.#signal = signal;
    this.#pause = pause;
    this.#built = new Map(builtInUnits().map((unit) => [unit.name, unit]));
  }

  /** Reads a file that config names. One whose name is taken is passed over: the first counts. */
  async readEntry(entry: ProtoEntry): Promise<void> {
    if (this.units.has(entry.name)) return;
    try {
      await this.#add(entry);
    } catch (error) {
      if (!(error instanceof FileReadError)) throw error;
      this.faults.push({ ...error.fault, name: entry.shown });
    }
  }

  /** Reads what the files import, and what that imports. */
  async readImports(): Promise<void> {
    // The list grows on the way.
    for (const unit of this.read) {
      for (const statement of unit.parsed?.imports ?? []) {
        if (this.units.has(statement.name)) continue;
        const fault = await this.#import(statement);
        if (fault !== undefined) unit.faults.push(fault);
      }
    }
  }

  async #import({ name, at }: ImportStatement): Promise<ProtoFault | undefined> {
    if (!isImportName(name)) {
      const hint = "write the path from an import root, with /";
      return new ProtoFault(at, `"${name}" is no name that a file can be imported by`, hint);
    }
    for (const root of this.#roots) {
      const path = join(root.path, name);
      this.importPaths.add(path);
      try {
        await this.#add({ name, path, shown: `${root.shown}/${name}` });
        return undefined;
      } catch (error) {
        if (!(error instanceof FileReadError)) throw error;
        if (!error.fault.isAbsent)
          return new ProtoFault(at, `"${name}": ${error.fault.what}`, error.fault.hint);
      }
    }
    if (this.#addBuiltIn(name)) return undefined;
    const roots = this.#roots.map(({ shown }) => shown).join(", ");
    return new ProtoFault(
      at,
      `"${name}" is not found`,
      `looked for in ${roots}; add its folder to importPaths`,
    );
  }

  async #add({ name, path, shown }: ProtoEntry): Promise<void> {
    if (this.read.length === MAX_FILES) throw new FileReadError(tooMany(name));
    const bytes = await readFoundFile({ name, path }, this.#leftBytes, this.#signal);
    this.#leftBytes -= bytes.byteLength;
    await this.#pause();
    const unit = { ...parseUnit(name, bytes), shown };
    this.units.set(name, unit);
    this.read.push(unit);
  }

  #addBuiltIn(name: string): boolean {
    const unit = this.#built.get(name);
    if (unit === undefined) return false;
    this.units.set(name, unit);
    for (const each of unit.proto.dependency) if (!this.units.has(each)) this.#addBuiltIn(each);
    return true;
  }
}

/** The name that imports know `path` by, given the folders that it may be in; the first that holds it counts. */
export function importName(path: string, roots: readonly ImportRoot[]): string | undefined {
  for (const root of roots) {
    const name = relative(root.path, path).split(sep).join("/");
    if (isImportName(name)) return name;
  }
  return undefined;
}

function isImportName(name: string): boolean {
  const parts = name.split("/");
  return (
    !name.includes("\\") && !name.includes("\0") && !parts.some((part) => ["", ".", ".."].includes(part))
  );
}

function parseUnit(name: string, bytes: Uint8Array): ProtoUnit {
  const faults: ProtoFault[] = [];
  try {
    const parsed = parseFile(name, textOf(bytes));
    return { name, proto: parsed.proto, parsed, definitions: parsed.definitions, faults };
  } catch (error) {
    if (!(error instanceof ProtoFault)) throw error;
    const proto = create(FileDescriptorProtoSchema, { name });
    return { name, proto, parsed: undefined, definitions: [], faults: [error] };
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const hint = "descriptor sets go under descriptors";
    throw new ProtoFault(firstStrangeByte(bytes), "the file is not UTF-8 text", hint);
  }
}

/** Where `bytes` are no UTF-8 any more. */
function firstStrangeByte(bytes: Uint8Array): Position {
  let line = 1;
  let start = 0;
  for (;;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.byteLength : newline;
    if (newline === -1 || !isUtf8(bytes.subarray(start, end))) {
      const text = new TextDecoder("utf-8").decode(bytes.subarray(start, end));
      return { line, column: Math.max(0, text.indexOf("\uFFFD")) + 1 };
    }
    line++;
    start = newline + 1;
  }
}

function builtInUnits(): readonly ProtoUnit[] {
  return wellKnownFiles().map(({ outline, bytes }) => ({
    name: outline.name,
    proto: fromBinary(FileDescriptorProtoSchema, bytes),
    parsed: undefined,
    definitions: namesOf(outline, MAX_NESTING).defined.map(({ fullName, kind }) => {
      const known: DefinitionKind = kind === "map_entry" ? "message" : kind;
      return { fullName, kind: known };
    }),
    faults: [],
  }));
}

function tooMany(name: string): FileFault {
  const what = `more than ${MAX_FILES.toLocaleString("en-US")} files`;
  return { name, what, hint: "name the folder of this API alone", isAbsent: false };
}
