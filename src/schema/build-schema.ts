/**
 * From descriptor files, however they were come by, to one consistent SchemaSet.
 *
 * The files are untrusted: an upstream may have sent them. Whatever is wrong with one is a problem that leaves out
 * that file and those that need it; the rest serves. The steps: merge by name, check each file by itself, resolve
 * types across files, order by imports, try out what the checks do not cover. All of it works on outlines; descriptors
 * are built when types are used.
 */
import { createHash } from "node:crypto";
import { create, type DescFile, getExtension } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import type { Problem } from "../status/index.ts";
import { MAX_NESTING, printable } from "./check-file.ts";
import type { DescriptorFile } from "./file-outline.ts";
import { LazyRegistry, UnbuildableFile } from "./lazy-registry.ts";
import { dropDependants, type LinkedFile, type LinkedFiles, linkFiles } from "./link-files.ts";
import { servicesIn } from "./linked-services.ts";
import { mergeFiles, type SchemaFile, type SourceFiles, schemaFile, whereOf } from "./merge-files.ts";
import { MessageShapes } from "./message-shape.ts";
import { orderFiles } from "./order-files.ts";
import type { SchemaSet, ServiceSchema } from "./service-schema.ts";
import { type FileNames, namesOf } from "./type-names.ts";
import { BUILT_IN, eachWellKnownFile, isWellKnownFile } from "./well-known-files.ts";
import { writeDescriptorSet } from "./write-descriptor-set.ts";

/** Files that pass every check and still cannot be built, of which more make the whole set given up. */
const MAX_UNBUILDABLE = 16;

/** Services about the server itself that are not offered to routing. */
const NOT_ROUTED = "grpc.reflection.";

/** What could be built. */
export interface BuiltSchema {
  /** Undefined where no file was usable. */
  readonly schema: SchemaSet | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Builds one schema from the files of all `sources`, and takes the files over: little by little, for whoever has other
 * things to do in between.
 *
 * - The same file twice is fine, comments and buf's additions aside; of two different files of a name the first stays.
 * - Imports of google/protobuf, google/api and google/rpc that no source has are supplied, and so is every other file of
 *   theirs whose names are free, for `Any`. Copies of them under other file names give way to them.
 * - `services` leaves out `grpc.reflection.*`. `grpc.health.*` and all others can be routed to.
 * - Options keep their extensions: `getOption(method.descriptor, http)` works. Comments are not kept.
 */
export function* buildSchemaInSteps(sources: readonly SourceFiles[]): Generator<undefined, BuiltSchema> {
  const problems: Problem[] = [];
  const merged = mergeFiles(sources, problems);
  yield;
  const own = new Set(merged.keys());
  const names = yield* addWellKnownFiles(merged);
  const linked = linkFiles(merged, names, problems);
  yield;
  const { files, registry } = yield* tryFiles(linked, problems);
  if (![...files.keys()].some((name) => own.has(name))) {
    if (problems.length === 0) problems.push(nothingIn(sources));
    return { schema: undefined, problems };
  }
  const types = { registry, shapes: new MessageShapes(linked.symbols) };
  const services = routedServices([...files.values()].flatMap((file) => servicesIn(file, types)));
  if (services.length === 0) problems.push(nothingIn(sources));
  const digest = digestOf([...files.values()]);
  const toDescriptorSet = (): Uint8Array => writeDescriptorSet([...files.values()].map(({ bytes }) => bytes));
  return { schema: { services, registry, digest, toDescriptorSet }, problems };
}

/**
 * Adds the built-in files, except where a source defines their names itself, and gives the names in all files.
 *
 * Copies of them under other file names give way: servers that rebuild descriptors send google.protobuf as one file,
 * in which little is as it should be.
 */
function* addWellKnownFiles(
  files: Map<string, SchemaFile>,
): Generator<undefined, ReadonlyMap<string, FileNames>> {
  const originals: { readonly file: DescriptorFile; readonly names: FileNames }[] = [];
  for (const file of eachWellKnownFile()) {
    originals.push({ file, names: namesOf(file.outline, MAX_NESTING) });
    yield;
  }
  const builtIn = new Set(originals.flatMap(({ names }) => names.defined.map(({ fullName }) => fullName)));
  const names = new Map<string, FileNames>();
  const copies = new Set<string>();
  const taken = new Set<string>();
  for (const { name, outline } of files.values()) {
    yield;
    const inFile = namesOf(outline, MAX_NESTING);
    const { defined } = inFile;
    const isCopy =
      outline.package === "google.protobuf" || defined.every(({ fullName }) => builtIn.has(fullName));
    if (isCopy && defined.length > 0 && !isWellKnownFile(name)) {
      copies.add(name);
      continue;
    }
    names.set(name, inFile);
    for (const { fullName } of defined) if (builtIn.has(fullName)) taken.add(fullName);
  }
  for (const name of copies) files.delete(name);
  for (const { outline } of files.values()) {
    // Types bring the right import back.
    const rest = outline.dependency.filter((name) => !copies.has(name));
    if (rest.length < outline.dependency.length) outline.dependency = rest;
  }
  for (const original of originals) {
    const { name } = original.file.outline;
    if (files.has(name) || original.names.defined.some(({ fullName }) => taken.has(fullName))) continue;
    files.set(name, schemaFile(original.file, BUILT_IN));
    names.set(name, original.names);
  }
  return names;
}

/**
 * Puts the files into the order of their imports, and builds those of which the checks cannot say whether that can be done.
 * One that cannot be built is left out, with all that need it.
 */
function* tryFiles(
  { files: linked, symbols }: LinkedFiles,
  problems: Problem[],
): Generator<undefined, TriedFiles> {
  const files = new Map(orderFiles(linked, problems).map((file) => [file.name, file]));
  const registry = new LazyRegistry({ files, symbols });
  let unbuildable = 0;
  for (const file of files.values()) {
    if (file.outline.isPlain || !files.has(file.name)) continue;
    yield;
    const fault = faultOf(file, registry);
    if (fault === undefined) continue;
    problems.push({
      severity: "error",
      where: whereOf(fault.file.origin, fault.file.name),
      what: printable(`not a usable descriptor file: ${fault.why}`),
      hint: "compile the descriptors again with protoc or buf",
    });
    unbuildable++;
    if (unbuildable > MAX_UNBUILDABLE) return noFiles(problems);
    leaveOut(fault.file, fault.why, files, problems);
  }
  return { files, registry };
}

interface TriedFiles {
  readonly files: ReadonlyMap<string, LinkedFile>;
  readonly registry: LazyRegistry;
}

interface BuildFault {
  readonly file: LinkedFile;
  readonly why: string;
}

/** Builds `file` and what it imports, and uses all of its types, as the library finds some faults only then. */
function faultOf(file: LinkedFile, registry: LazyRegistry): BuildFault | undefined {
  try {
    const desc = registry.getFile(file.name);
    if (desc !== undefined) useTypes(desc);
    return undefined;
  } catch (error) {
    if (error instanceof UnbuildableFile) return error;
    return { file, why: error instanceof Error ? error.message : String(error) };
  }
}

function useTypes(file: DescFile): void {
  for (const type of nestedTypes(file)) {
    if (type.kind === "message") create(type);
    else if (type.kind === "extension") getExtension(create(type.extendee), type);
  }
}

/** Takes a file out of `files`, with all that use it; others may import it for nothing. */
function leaveOut(file: LinkedFile, why: string, files: Map<string, LinkedFile>, problems: Problem[]): void {
  dropDependants(files, new Map([[file.name, why]]), problems);
  for (const { outline } of files.values()) {
    const rest = outline.dependency.filter((name) => files.has(name));
    if (rest.length < outline.dependency.length) outline.dependency = rest;
  }
}

function noFiles(problems: Problem[]): TriedFiles {
  problems.push({
    severity: "error",
    where: "descriptor files",
    what: `more than ${MAX_UNBUILDABLE} of them are unusable; none is used`,
    hint: "compile the descriptors again with protoc or buf",
  });
  const files = new Map<string, LinkedFile>();
  return { files, registry: new LazyRegistry({ files, symbols: new Map() }) };
}

function routedServices(services: readonly ServiceSchema[]): readonly ServiceSchema[] {
  return services
    .filter(({ fullName }) => !fullName.startsWith(NOT_ROUTED))
    .sort((a, b) => (a.fullName < b.fullName ? -1 : 1));
}

function digestOf(files: readonly SchemaFile[]): string {
  const hash = createHash("sha256");
  // Code units, not the locale's order: digests are compared between machines.
  const byName = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { sha256 } of byName) hash.update(sha256);
  return hash.digest("hex");
}

function nothingIn(sources: readonly SourceFiles[]): Problem {
  return {
    severity: "warning",
    where: sources.map(({ origin }) => origin).join(", ") || "descriptor files",
    what: "no service is declared",
    hint: "give the descriptors of the protos that declare the services, with all imports",
  };
}
