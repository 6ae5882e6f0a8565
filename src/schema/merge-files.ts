/**
 * Brings the files of several sources together, one of each name.
 */
import { createHash } from "node:crypto";
import { clearField, clone, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Problem } from "../status/index.ts";
import { printable } from "./check-file.ts";
import { isWellKnownFile } from "./well-known-files.ts";

/** What one source gave. */
export interface SourceFiles {
  /** For people: the name of the source. */
  readonly origin: string;
  readonly files: readonly FileDescriptorProto[];
}

/** A file on its way into a schema. */
export interface SchemaFile {
  readonly name: string;
  readonly origin: string;
  /** A copy that belongs to the schema, without comments (`source_code_info`). */
  readonly proto: FileDescriptorProto;
  /** SHA-256 over the copy as it came. */
  readonly sha256: Buffer;
}

/** The files by name, in the order in which they came. A second, different file of a name is a problem; the first stays. */
export function mergeFiles(sources: readonly SourceFiles[], problems: Problem[]): Map<string, SchemaFile> {
  const merged = new Map<string, SchemaFile>();
  for (const { origin, files } of sources) {
    for (const original of files) {
      const file = schemaFile(original, origin, problems);
      if (file === undefined) continue;
      const earlier = merged.get(file.name);
      if (earlier === undefined) merged.set(file.name, file);
      else if (!earlier.sha256.equals(file.sha256)) problems.push(conflict(earlier, file));
    }
  }
  return merged;
}

/** Takes a file over: a copy, without what says nothing about the schema. */
export function schemaFile(
  original: FileDescriptorProto,
  origin: string,
  problems: Problem[],
): SchemaFile | undefined {
  try {
    const proto = clone(FileDescriptorProtoSchema, original);
    clearField(proto, FileDescriptorProtoSchema.field.sourceCodeInfo);
    // buf puts its image extension (field 8042) here; nothing else of a file's own fields is unknown.
    proto.$unknown = undefined;
    if (proto.name === "") throw new Error("it has no name");
    const sha256 = createHash("sha256").update(toBinary(FileDescriptorProtoSchema, proto)).digest();
    return { name: proto.name, origin, proto, sha256 };
  } catch (error) {
    const why = error instanceof Error ? printable(error.message) : "unknown fault";
    problems.push({
      severity: "error",
      where: whereOf(origin, original.name),
      what: `not a usable descriptor file: ${why}`,
      hint: "compile the descriptors again",
    });
    return undefined;
  }
}

/** The `where` of a problem with a file. */
export function whereOf(origin: string, name: string): string {
  return `${origin}: ${printable(name)}`;
}

function conflict(first: SchemaFile, second: SchemaFile): Problem {
  const isSameOrigin = first.origin === second.origin;
  return {
    // Versions of protoc ship different versions of these; any will do.
    severity: isWellKnownFile(first.name) ? "warning" : "error",
    where: whereOf(second.origin, second.name),
    what: isSameOrigin
      ? `${first.origin} has two different files of this name; the first is used`
      : `differs from the file of this name in ${first.origin}, which is used`,
    hint: "compile all descriptors from the same version of the protos, or give the file another name",
  };
}
