/**
 * Schemas from .proto files, without protoc: files and folders of them, and what they import.
 *
 * What comes out is what protoc makes of the same files, options and comments with it.
 */
import { basename, dirname, join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Problem } from "../../../status/index.ts";
import { printable } from "../../check-file.ts";
import { readDescriptorFile, type SchemaFiles, type SchemaSource } from "../../index.ts";
import { ContentFingerprint, type FileFault, type FoundFiles, findFiles } from "../files/index.ts";
import { compileProtos } from "./compile-protos.ts";
import { orderByImports } from "./order-imports.ts";
import type { FaultOrigin } from "./proto-fault.ts";
import { type ImportRoot, importName, ProtoReader, type ReadUnit } from "./read-protos.ts";

/** All files together; those of Google's public APIs have 60 MB. */
const LIMIT_BYTES = 128 * 1024 * 1024;

/** Problems told of one loading. */
const MAX_PROBLEMS = 100;

const SUFFIXES: readonly string[] = [".proto"];

/** A path that config names. */
export interface NamedPath {
  readonly path: string;
  /** As the operator wrote it, for people. */
  readonly shown: string;
}

/** What to compile. */
export interface ProtoFilesOptions {
  /** Files, and folders of which every .proto is compiled. */
  readonly paths: readonly NamedPath[];
  /** Folders that imports start at, besides `paths` themselves. */
  readonly importPaths: readonly NamedPath[];
  /** How much is read in all. */
  readonly limitBytes?: number;
}

interface FoundPath {
  readonly named: NamedPath;
  readonly found: FoundFiles;
}

/** A source over .proto files. It answers every fault of theirs with a problem and never throws but on abort. */
export class ProtoFilesSource implements SchemaSource {
  readonly name: string;
  readonly #paths: readonly NamedPath[];
  readonly #importPaths: readonly NamedPath[];
  readonly #limitBytes: number;
  readonly #fingerprint: ContentFingerprint;
  /** Where the last `load` looked for imports. */
  #imported: ReadonlySet<string>;

  constructor({ paths, importPaths, limitBytes = LIMIT_BYTES }: ProtoFilesOptions) {
    this.name = paths.map(({ shown }) => shown).join(", ");
    this.#paths = paths;
    this.#importPaths = importPaths;
    this.#limitBytes = limitBytes;
    this.#fingerprint = new ContentFingerprint();
    this.#imported = new Set();
  }

  async load(signal: AbortSignal): Promise<SchemaFiles> {
    const found = await this.#find(signal);
    const roots = this.#rootsOf(found);
    const reader = new ProtoReader(roots, this.#limitBytes, signal, turnOnce);
    for (const { named, found: within } of found) {
      for (const { name, path } of within.files) {
        const full = name === "" ? named.path : join(named.path, name);
        const shown = name === "" ? named.shown : `${named.shown}/${name}`;
        await reader.readEntry({ name: importName(full, roots) ?? basename(full), path, shown });
      }
    }
    await reader.readImports();
    this.#imported = reader.importPaths;
    await compileProtos(orderByImports(reader.units), turnOnce);
    signal.throwIfAborted();
    const problems = [
      ...problemsOf(found),
      ...reader.faults.map(problemOf),
      ...reader.read.flatMap((unit) => faultsOf(unit, "own")),
      // Last, since a list that is cut should still tell what it comes from.
      ...reader.read.flatMap((unit) => faultsOf(unit, "import")),
    ];
    const files = reader.read
      .filter(({ faults }) => faults.length === 0)
      .map(({ proto }) => readDescriptorFile(toBinary(FileDescriptorProtoSchema, proto)));
    return { files, problems: cut(problems, this.name) };
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    const found = (await this.#find(signal)).map((each) => each.found);
    for (const path of this.#imported) found.push(await findFiles(path, SUFFIXES, signal));
    return this.#fingerprint.of(found, this.#limitBytes, signal);
  }

  async #find(signal: AbortSignal): Promise<readonly FoundPath[]> {
    const found: FoundPath[] = [];
    for (const named of this.#paths)
      found.push({ named, found: await findFiles(named.path, SUFFIXES, signal) });
    return found;
  }

  #rootsOf(found: readonly FoundPath[]): readonly ImportRoot[] {
    const own = found.map(({ named: { path, shown }, found: { isFolder } }) =>
      isFolder ? { path, shown } : { path: dirname(path), shown: dirname(shown) },
    );
    const seen = new Set<string>();
    return [...this.#importPaths, ...own].filter(({ path }) => !seen.has(path) && seen.add(path));
  }
}

/** Lets the process do what else there is to do. */
async function turnOnce(): Promise<void> {
  await turn();
}

function problemsOf(found: readonly FoundPath[]): readonly Problem[] {
  return found.flatMap(({ named: { shown }, found: { isFolder, files, faults } }) => {
    const problems = faults.map((fault) =>
      problemOf({ ...fault, name: fault.name === "" ? shown : `${shown}/${fault.name}` }),
    );
    const isEmpty = isFolder && files.length === 0 && faults.length === 0;
    return isEmpty ? [...problems, emptyFolder(shown)] : problems;
  });
}

function emptyFolder(shown: string): Problem {
  const hint = "name a folder of .proto files, or a file";
  return { severity: "error", where: shown, what: "no .proto is in this folder", hint };
}

function problemOf({ name, what, hint }: FileFault): Problem {
  return { severity: "error", where: name, what, hint };
}

function faultsOf({ shown, faults }: ReadUnit, origin: FaultOrigin): readonly Problem[] {
  return faults
    .filter((fault) => fault.origin === origin)
    .map(({ at, what, hint }) => ({
      severity: "error",
      where: `${shown}:${at.line}:${at.column}`,
      what: printable(what),
      hint: printable(hint),
    }));
}

function cut(problems: readonly Problem[], name: string): readonly Problem[] {
  if (problems.length <= MAX_PROBLEMS) return problems;
  const more = (problems.length - MAX_PROBLEMS).toLocaleString("en-US");
  const what = `... and ${more} more problems of these files`;
  return [
    ...problems.slice(0, MAX_PROBLEMS),
    { severity: "error", where: name, what, hint: "see to the first ones first" },
  ];
}
