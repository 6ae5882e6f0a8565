/**
 * Schemas from binary FileDescriptorSets: `protoc --descriptor_set_out --include_imports`, or `buf build -o api.binpb`.
 * A folder is all the sets in it, such as a mounted ConfigMap.
 */
import type { Problem } from "../../../status/index.ts";
import { type DescriptorFile, readDescriptorSet, type SchemaFiles, type SchemaSource } from "../../index.ts";
import {
  ContentFingerprint,
  type FileFault,
  FileReadError,
  findFiles,
  readFoundFile,
} from "../files/index.ts";

/** More is refused unread. The whole of googleapis compiles to some 80 MiB with comments. */
const LIMIT_BYTES = 128 * 1024 * 1024;

/** What descriptor sets are called in folders; a file that is named itself may be called anything. */
const SUFFIXES: readonly string[] = [".binpb", ".pb", ".desc", ".protoset"];

const COMPILE =
  "compile it with protoc --descriptor_set_out=api.binpb --include_imports, or buf build -o api.binpb";

/**
 * A source over one file, or over every descriptor set in a folder and below it. It answers every fault with a problem
 * that leaves out that file, and never throws but on abort.
 */
export class DescriptorFileSource implements SchemaSource {
  readonly name: string;
  readonly #path: string;
  readonly #limitBytes: number;
  readonly #fingerprint: ContentFingerprint;

  /** `name` is the path as the operator wrote it, for people; `limitBytes` how much is read in all. */
  constructor(path: string, name: string = path, limitBytes: number = LIMIT_BYTES) {
    this.name = name;
    this.#path = path;
    this.#limitBytes = limitBytes;
    this.#fingerprint = new ContentFingerprint();
  }

  async load(signal: AbortSignal): Promise<SchemaFiles> {
    const found = await findFiles(this.#path, SUFFIXES, signal);
    const files: DescriptorFile[] = [];
    const problems: Problem[] = found.faults.map((fault) => this.#problem(fault));
    let leftBytes = this.#limitBytes;
    for (const file of found.files) {
      try {
        const bytes = await readFoundFile(file, leftBytes, signal);
        leftBytes -= bytes.byteLength;
        files.push(...parse(file.name, bytes));
      } catch (error) {
        if (!(error instanceof FileReadError)) throw error;
        problems.push(this.#problem(error.fault));
      }
    }
    if (found.isFolder && found.files.length === 0 && problems.length === 0) {
      const what = `no descriptor set is in this folder: no file ends in ${SUFFIXES.join(", ")}`;
      problems.push(this.#problem({ name: "", what, hint: COMPILE }));
    }
    return { files, problems };
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    const found = await findFiles(this.#path, SUFFIXES, signal);
    return this.#fingerprint.of([found], this.#limitBytes, signal);
  }

  #problem({ name, what, hint }: Omit<FileFault, "isAbsent">): Problem {
    return { severity: "error", where: name === "" ? this.name : `${this.name}/${name}`, what, hint };
  }
}

/**
 * The files of a descriptor set in `bytes`.
 * @throws {FileReadError} if `bytes` are none.
 */
function parse(name: string, bytes: Uint8Array): readonly DescriptorFile[] {
  if (bytes.length === 0) throw unusable(name, "the file is empty", COMPILE);
  let files: readonly DescriptorFile[];
  try {
    files = readDescriptorSet(bytes);
  } catch {
    throw unusable(name, ...formatFault(bytes));
  }
  // Bytes of many another kind decode as unknown fields, or as files without a name.
  if (files.length === 0 || files.some(({ outline }) => outline.name === "")) {
    throw unusable(name, ...formatFault(bytes));
  }
  return files;
}

function unusable(name: string, what: string, hint: string): FileReadError {
  return new FileReadError({ name, what, hint, isAbsent: false });
}

/** What `bytes`, which are no descriptor set, seem to be. */
function formatFault(bytes: Uint8Array): [what: string, hint: string] {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    return ["the file is compressed with gzip", "decompress it first (gunzip)"];
  }
  const text = Buffer.from(bytes.subarray(0, 4096))
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (text.startsWith("{") || text.startsWith("[")) {
    return [
      "the file holds JSON, not a binary descriptor set",
      "use the binary form: buf build -o api.binpb",
    ];
  }
  if (/^(syntax|edition|package|import|option|message|service|enum)\b|^\/[/*]/.test(text)) {
    return ["the file holds .proto source, not a binary descriptor set", COMPILE];
  }
  if (/^(file|#)\b|^#|^file\s*[:{]/.test(text)) {
    return [
      "the file holds the text form, not a binary descriptor set",
      "use the binary form: buf build -o api.binpb",
    ];
  }
  return [
    "the file is not a binary FileDescriptorSet",
    "was it compiled with protoc --descriptor_set_out --include_imports?",
  ];
}
