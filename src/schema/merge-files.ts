/**
 * Brings the files of several sources together, one of each name.
 */
import { createHash } from "node:crypto";
import { clearField, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Problem } from "../status/index.ts";
import { printable } from "./check-file.ts";
import type { DescriptorFile } from "./file-outline.ts";
import { isWellKnownFile } from "./well-known-files.ts";

/** What one source gave. */
export interface SourceFiles {
  /** For people: the name of the source. */
  readonly origin: string;
  /** The receiver's own, as `DescriptorFile` says. */
  readonly files: readonly DescriptorFile[];
}

/** A file on its way into a schema. */
export interface SchemaFile extends DescriptorFile {
  readonly name: string;
  readonly origin: string;
  /** SHA-256 over the bytes as they came. */
  readonly sha256: Buffer;
}

/** The files by name, in the order in which they came. A second, different file of a name is a problem; the first stays. */
export function mergeFiles(sources: readonly SourceFiles[], problems: Problem[]): Map<string, SchemaFile> {
  const merged = new Map<string, SchemaFile>();
  for (const { origin, files } of sources) {
    for (const original of files) {
      if (original.outline.name === "") {
        problems.push(withoutName(origin));
        continue;
      }
      const file = schemaFile(original, origin);
      const earlier = merged.get(file.name);
      if (earlier === undefined) merged.set(file.name, file);
      else if (!isSame(earlier, file)) problems.push(conflict(earlier, file));
    }
  }
  return merged;
}

/** Takes a file over. */
export function schemaFile({ outline, bytes }: DescriptorFile, origin: string): SchemaFile {
  const sha256 = createHash("sha256").update(bytes).digest();
  return { name: outline.name, origin, outline, bytes, sha256 };
}

/** The `where` of a problem with a file. */
export function whereOf(origin: string, name: string): string {
  return `${origin}: ${printable(name)}`;
}

/** Whether two files say the same, however their writers put it into bytes. */
function isSame(a: SchemaFile, b: SchemaFile): boolean {
  if (a.sha256.equals(b.sha256)) return true;
  try {
    return Buffer.compare(rewritten(a.bytes), rewritten(b.bytes)) === 0;
  } catch {
    return false;
  }
}

function rewritten(bytes: Uint8Array): Uint8Array {
  const proto = fromBinary(FileDescriptorProtoSchema, bytes);
  clearField(proto, FileDescriptorProtoSchema.field.sourceCodeInfo);
  proto.$unknown = undefined;
  return toBinary(FileDescriptorProtoSchema, proto);
}

function withoutName(origin: string): Problem {
  return {
    severity: "error",
    where: whereOf(origin, ""),
    what: "not a usable descriptor file: it has no name",
    hint: "compile the descriptors again",
  };
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
