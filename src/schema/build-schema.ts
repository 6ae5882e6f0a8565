/**
 * From descriptor files, however they were come by, to one consistent SchemaSet.
 *
 * The files are untrusted: an upstream may have sent them. Whatever is wrong with one is a problem that leaves out
 * that file and those that need it; the rest serves. The steps: merge by name, check each file by itself, resolve
 * types across files, order by imports, build descriptors, try them out.
 */
import { createHash } from "node:crypto";
import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMethod,
  type DescService,
  type FileRegistry,
  getExtension,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Problem } from "../status/index.ts";
import { MAX_NESTING, printable } from "./check-file.ts";
import { dropDependants, type LinkedFile, linkFiles } from "./link-files.ts";
import { mergeFiles, type SchemaFile, type SourceFiles, schemaFile, whereOf } from "./merge-files.ts";
import { orderFiles } from "./order-files.ts";
import type { MethodSchema, SchemaSet, ServiceSchema } from "./service-schema.ts";
import { namesOf } from "./type-names.ts";
import { BUILT_IN, isWellKnownFile, wellKnownFiles } from "./well-known-files.ts";

/** Files that pass every check and still cannot be built, after which the whole set is given up. */
const MAX_REBUILDS = 16;

/** Services about the server itself that are not offered to routing. */
const NOT_ROUTED = "grpc.reflection.";

/** What could be built. */
export interface BuiltSchema {
  /** Undefined where no file was usable. */
  readonly schema: SchemaSet | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Builds one schema from the files of all `sources`.
 *
 * - The same file twice is fine, comments and buf's additions aside; of two different files of a name the first stays.
 * - Imports of google/protobuf, google/api and google/rpc that no source has are supplied, and so is every other file of
 *   theirs whose names are free, for `Any`. Copies of them under other file names give way to them.
 * - `services` leaves out `grpc.reflection.*`. `grpc.health.*` and all others can be routed to.
 * - Options keep their extensions: `getOption(method.descriptor, http)` works. Comments are not kept.
 */
export function buildSchema(sources: readonly SourceFiles[]): BuiltSchema {
  const problems: Problem[] = [];
  const merged = mergeFiles(sources, problems);
  const own = new Set(merged.keys());
  addWellKnownFiles(merged);
  const linked = linkFiles(merged, problems);
  const { registry, files } = buildRegistry(linked, problems);
  if (!files.some(({ name }) => own.has(name))) {
    if (problems.length === 0) problems.push(nothingIn(sources));
    return { schema: undefined, problems };
  }
  const services = servicesOf(files, registry);
  if (services.length === 0) problems.push(nothingIn(sources));
  return { schema: { services, registry, digest: digestOf(files) }, problems };
}

/**
 * Adds the built-in files, except where a source defines their names itself.
 *
 * Copies of them under other file names give way: servers that rebuild descriptors send google.protobuf as one file,
 * in which little is as it should be.
 */
function addWellKnownFiles(files: Map<string, SchemaFile>): void {
  const builtIn = new Set(wellKnownFiles.flatMap(definedIn));
  const copies = new Set<string>();
  const taken = new Set<string>();
  for (const { name, proto } of files.values()) {
    const defined = definedIn(proto);
    const isCopy = proto.package === "google.protobuf" || defined.every((fullName) => builtIn.has(fullName));
    if (isCopy && defined.length > 0 && !isWellKnownFile(name)) copies.add(name);
    else for (const fullName of defined) taken.add(fullName);
  }
  for (const name of copies) files.delete(name);
  for (const { proto } of files.values()) {
    if (proto.dependency.some((name) => copies.has(name))) {
      // Types bring the right import back; the numbers of these lists point into the first.
      proto.dependency = proto.dependency.filter((name) => !copies.has(name));
      proto.publicDependency = [];
      proto.weakDependency = [];
    }
  }
  for (const original of wellKnownFiles) {
    if (files.has(original.name) || definedIn(original).some((fullName) => taken.has(fullName))) continue;
    const file = schemaFile(original, BUILT_IN, []);
    if (file !== undefined) files.set(file.name, file);
  }
}

function definedIn(file: FileDescriptorProto): readonly string[] {
  return namesOf(file, MAX_NESTING).defined.map(({ fullName }) => fullName);
}

/** Builds the descriptors; a file that the checks passed and the registry does not is found and left out. */
function buildRegistry(
  linked: Map<string, LinkedFile>,
  problems: Problem[],
): { readonly registry: FileRegistry; readonly files: readonly LinkedFile[] } {
  for (let i = 0; i < MAX_REBUILDS; i++) {
    const ordered = orderFiles(linked, problems);
    const culprit = tryBuild(ordered);
    if ("registry" in culprit) return { registry: culprit.registry, files: ordered };
    const { file, why } = culprit;
    problems.push({
      severity: "error",
      where: whereOf(file.origin, file.name),
      what: printable(`not a usable descriptor file: ${why}`),
      hint: "compile the descriptors again with protoc or buf",
    });
    // Files in circles were reported with this order; without them the next order has nothing new to say.
    const kept = new Set(ordered.map(({ name }) => name));
    for (const name of linked.keys()) if (!kept.has(name)) linked.delete(name);
    dropDependants(linked, new Map([[file.name, why]]), problems);
    for (const { proto } of linked.values()) {
      proto.dependency = proto.dependency.filter((name) => linked.has(name));
    }
  }
  problems.push({
    severity: "error",
    where: "descriptor files",
    what: `more than ${MAX_REBUILDS} of them are unusable; none is used`,
    hint: "compile the descriptors again with protoc or buf",
  });
  return { registry: createFileRegistry(), files: [] };
}

type BuildResult = { readonly registry: FileRegistry } | { readonly file: LinkedFile; readonly why: string };

function tryBuild(ordered: readonly LinkedFile[]): BuildResult {
  let registry: FileRegistry;
  try {
    registry = registryOf(ordered);
  } catch {
    return firstUnbuildable(ordered);
  }
  for (const file of ordered) {
    const desc = registry.getFile(file.name);
    const why = desc === undefined ? "it has no descriptor" : trialFault(desc);
    if (why !== undefined) return { file, why };
  }
  return { registry };
}

/** The first file with which building fails; the order puts all that it needs before it. */
function firstUnbuildable(ordered: readonly LinkedFile[]): BuildResult {
  let built = 0;
  let failing = ordered.length;
  let why = "";
  while (failing - built > 1) {
    const middle = (built + failing) >> 1;
    try {
      registryOf(ordered.slice(0, middle));
      built = middle;
    } catch (error) {
      failing = middle;
      why = messageOf(error);
    }
  }
  const file = ordered[failing - 1];
  if (file === undefined) throw new Error("an empty list of files does not build");
  if (why === "") {
    try {
      registryOf(ordered.slice(0, failing));
    } catch (error) {
      why = messageOf(error);
    }
  }
  return { file, why };
}

function registryOf(files: readonly LinkedFile[]): FileRegistry {
  return createFileRegistry(create(FileDescriptorSetSchema, { file: files.map(({ proto }) => proto) }));
}

/** Makes a message of every type and reads every default, which the library does only when it needs them. */
function trialFault(file: DescFile): string | undefined {
  try {
    for (const type of nestedTypes(file)) {
      if (type.kind === "message") create(type);
      else if (type.kind === "extension") getExtension(create(type.extendee), type);
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function servicesOf(files: readonly LinkedFile[], registry: FileRegistry): readonly ServiceSchema[] {
  return files
    .flatMap(({ name }) => registry.getFile(name)?.services ?? [])
    .filter(({ typeName }) => !typeName.startsWith(NOT_ROUTED))
    .map(serviceSchema)
    .sort((a, b) => (a.fullName < b.fullName ? -1 : 1));
}

function serviceSchema(service: DescService): ServiceSchema {
  return {
    fullName: service.typeName,
    file: service.file.proto.name,
    methods: service.methods.map(methodSchema),
  };
}

function methodSchema(method: DescMethod): MethodSchema {
  return {
    fullName: `${method.parent.typeName}.${method.name}`,
    rpcPath: `/${method.parent.typeName}/${method.name}`,
    kind: method.methodKind,
    input: method.input,
    output: method.output,
    descriptor: method,
  };
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
