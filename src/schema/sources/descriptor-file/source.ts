/**
 * Schemas from binary FileDescriptorSets: `protoc --descriptor_set_out --include_imports`, or `buf build -o api.binpb`.
 */
import { readFile, stat } from "node:fs/promises";
import type { Problem } from "../../../status/index.ts";
import { type DescriptorFile, readDescriptorSet, type SchemaFiles, type SchemaSource } from "../../index.ts";

/** Larger files are refused unread. The whole of googleapis compiles to some 80 MiB with comments. */
const LIMIT_BYTES = 128 * 1024 * 1024;

const COMPILE =
  "compile it with protoc --descriptor_set_out=api.binpb --include_imports, or buf build -o api.binpb";

/** A source over one file. It answers every fault of the file with a problem and never throws but on abort. */
export class DescriptorFileSource implements SchemaSource {
  readonly name: string;
  readonly #path: string;
  readonly #limitBytes: number;

  /** `name` is the path as the operator wrote it, for people; `limitBytes` the longest file that is read. */
  constructor(path: string, name: string = path, limitBytes: number = LIMIT_BYTES) {
    this.name = name;
    this.#path = path;
    this.#limitBytes = limitBytes;
  }

  load(signal: AbortSignal): Promise<SchemaFiles> {
    return load(this.#path, this.name, this.#limitBytes, signal);
  }
}

async function load(
  path: string,
  name: string,
  limitBytes: number,
  signal: AbortSignal,
): Promise<SchemaFiles> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > limitBytes) {
      const what = `${size} bytes are more than the limit of ${limitBytes}`;
      return unusable(name, what, "give a descriptor set of this API alone");
    }
    bytes = await readFile(path, { signal });
  } catch (error) {
    signal.throwIfAborted();
    return unusable(name, ...readFault(path, error));
  }
  return parse(name, bytes);
}

/** The files of a descriptor set in `bytes`; `path` is where they were read, for problems. */
function parse(path: string, bytes: Uint8Array): SchemaFiles {
  if (bytes.length === 0) return unusable(path, "the file is empty", COMPILE);
  let files: readonly DescriptorFile[];
  try {
    files = readDescriptorSet(bytes);
  } catch {
    return unusable(path, ...formatFault(bytes));
  }
  // Bytes of many another kind decode as unknown fields, or as files without a name.
  if (files.length === 0 || files.some(({ outline }) => outline.name === ""))
    return unusable(path, ...formatFault(bytes));
  return { files, problems: [] };
}

function unusable(path: string, what: string, hint: string): SchemaFiles {
  const problem: Problem = { severity: "error", where: path, what, hint };
  return { files: [], problems: [problem] };
}

function readFault(path: string, error: unknown): [what: string, hint: string] {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return ["the file does not exist", `looked for at ${path}`];
    case "EISDIR":
      return ["this is a directory", "name the descriptor set in it"];
    case "EACCES":
    case "EPERM":
      return ["the file may not be read", "let the user that the gateway runs as read it"];
    default:
      return [
        `the file cannot be read (${typeof code === "string" ? code : "unknown fault"})`,
        "check the path",
      ];
  }
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
