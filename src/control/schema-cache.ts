/**
 * The last good schema of each upstream, on disk: with it a gateway can start while its upstream is away.
 *
 * A cache file is a FileDescriptorSet that any tool reads, followed by a seal:
 *
 *   file*                       field 1, a serialized FileDescriptorProto each, one of each name
 *   seal                        field 50,000: SHA-256 over the key, a zero byte and everything before the seal
 *
 * The key is what the schema was asked for: the upstream's name, its addresses and its sources. It is also in the file's
 * name, `{upstream}-{16 hex digits}.binpb`, so that an upstream that has moved, or that is described by other files now,
 * has another file; the seal makes sure of it. The seal finds what broke by accident. It is no signature: what comes out
 * of the cache is as untrusted as what comes from an upstream, and goes the same way.
 *
 * Writing goes through a folder of its own, fsync and rename, so that a reader, another gateway or the next start after
 * a power cut finds the old file or the new one, whole. Nothing here rejects: without a cache the gateway serves as well.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { UpstreamConfig } from "../config/index.ts";
import { readDescriptorSet, type SourceFiles } from "../schema/index.ts";
import type { Problem } from "../status/index.ts";

/** As much as a source may give. */
const MAX_BYTES: number = 128 * 1024 * 1024;

/** Cache files of one upstream's name that are kept, the newest: for its addresses and sources of late. */
const MAX_FILES_OF_UPSTREAM = 4;

const FILE_TAG = 0x0a;
/** The tag of the seal, then its length. */
const SEAL_HEAD: Uint8Array = Uint8Array.of(0x82, 0xb5, 0x18, 32);
const SEAL_BYTES = SEAL_HEAD.byteLength + 32;

/** Folders of writers begin with this; those older than an hour are of writers that were killed. */
const DRAFT_PREFIX = ".draft-";
const DRAFT_AGE_MS = 3_600_000;

/** Where the last good schema of one upstream is kept. */
export interface SchemaCache {
  /** The files as they were stored, the receiver's own; undefined where there are none that can be trusted. Never rejects. */
  load(): Promise<SourceFiles | undefined>;
  /** Keeps the files that a good schema was built of, and reads nothing of them later. Never rejects. */
  store(sources: readonly SourceFiles[]): Promise<void>;
}

/** What a cache on disk works with. */
export interface DiskSchemaCacheOptions {
  /** Absolute; made when it is first written to. */
  readonly directory: string;
  readonly upstream: string;
  /** What the schema was asked for, as `schemaCacheKey` gives it. */
  readonly key: string;
  /** Hears, once each, what keeps the cache from working. */
  readonly report: (problem: Problem) => void;
  /** Bytes of the longest cache file that is written or read; 128 MiB if left out. */
  readonly maxBytes?: number;
}

/** What a schema of `upstream` is asked for: equal keys mean that one may stand in for the other. */
export function schemaCacheKey({ name, addresses, schema }: UpstreamConfig): string {
  return JSON.stringify([
    name,
    addresses.map(({ address }) => address),
    schema.reflection !== undefined,
    schema.descriptors.map(({ resolved }) => resolved),
  ]);
}

/** A cache file of one upstream. */
export class DiskSchemaCache implements SchemaCache {
  readonly #directory: string;
  readonly #upstream: string;
  readonly #key: string;
  readonly #report: (problem: Problem) => void;
  readonly #maxBytes: number;
  readonly #path: string;
  readonly #reported: Set<string>;
  /** The seal of what this process last stored: discovering the same again writes nothing. */
  #stored: Buffer | undefined;
  /** Ends when the last `store` has. */
  #writing: Promise<void>;

  constructor(options: DiskSchemaCacheOptions) {
    const { directory, upstream, key, report, maxBytes = MAX_BYTES } = options;
    const digest = createHash("sha256").update(key).digest("hex").slice(0, 16);
    this.#directory = directory;
    this.#upstream = upstream;
    this.#key = key;
    this.#report = report;
    this.#maxBytes = maxBytes;
    this.#path = join(directory, `${upstream}-${digest}.binpb`);
    this.#reported = new Set();
    this.#stored = undefined;
    this.#writing = Promise.resolve();
  }

  async load(): Promise<SourceFiles | undefined> {
    let bytes: Buffer | undefined;
    try {
      bytes = await readBounded(this.#path, this.#maxBytes);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") this.#complain(`the cached schema cannot be read: ${reasonOf(error)}`);
      return undefined;
    }
    if (bytes === undefined) {
      this.#complain(`the cached schema is not a file of at most ${this.#maxBytes} bytes; it is not used`);
      return undefined;
    }
    const content = bytes.subarray(0, Math.max(0, bytes.byteLength - SEAL_BYTES));
    const seal = bytes.subarray(content.byteLength);
    try {
      if (!this.#sealOf(content).equals(seal)) throw new Error("the seal is broken");
      return { origin: `cached schema ${basename(this.#path)}`, files: readDescriptorSet(content) };
    } catch {
      this.#complain("the cached schema is damaged; it is not used");
      return undefined;
    }
  }

  store(sources: readonly SourceFiles[]): Promise<void> {
    // One after the other, so that the last one given stays.
    this.#writing = this.#writing.then(() => this.#store(sources));
    return this.#writing;
  }

  async #store(sources: readonly SourceFiles[]): Promise<void> {
    const content = contentOf(sources);
    const size = content.byteLength + SEAL_BYTES;
    if (size > this.#maxBytes) {
      this.#complain(`the schema is not cached: ${size} bytes are more than the limit of ${this.#maxBytes}`);
      return;
    }
    const seal = this.#sealOf(content);
    try {
      if (this.#stored?.equals(seal) === true && (await isThere(this.#path))) return;
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await replaceFile(this.#path, [content, seal]);
      this.#stored = seal;
      await this.#tidy();
    } catch (error) {
      this.#complain(`the schema cannot be cached: ${reasonOf(error)}`);
    }
  }

  #sealOf(content: Uint8Array): Buffer {
    const digest = createHash("sha256").update(this.#key).update("\0").update(content).digest();
    return Buffer.concat([SEAL_HEAD, digest]);
  }

  /** Removes what is left of writers that were killed, and all but the newest files of the upstream. */
  async #tidy(): Promise<void> {
    const names = await readdir(this.#directory);
    const newest = (await stat(this.#path)).mtimeMs;
    const own: { readonly path: string; readonly mtimeMs: number }[] = [];
    for (const name of names) {
      const path = join(this.#directory, name);
      const start = `${this.#upstream}-`;
      const isFile = name.startsWith(start) && /^[0-9a-f]{16}\.binpb$/.test(name.slice(start.length));
      if (!isFile && !name.startsWith(DRAFT_PREFIX)) continue;
      const entry = await stat(path).catch(() => undefined);
      if (entry === undefined) continue;
      if (isFile) own.push({ path, mtimeMs: entry.mtimeMs });
      else if (newest - entry.mtimeMs > DRAFT_AGE_MS) await rm(path, { recursive: true, force: true });
    }
    own.sort((a, b) => b.mtimeMs - a.mtimeMs);
    for (const { path } of own.slice(MAX_FILES_OF_UPSTREAM)) await rm(path, { force: true });
  }

  #complain(what: string): void {
    if (this.#reported.has(what)) return;
    this.#reported.add(what);
    this.#report({
      severity: "warning",
      where: this.#path,
      what: `upstream ${this.#upstream}: ${what}`,
      hint: "let the gateway read and write the folder that schemaCache names, or remove the file",
    });
  }
}

/** The files of all sources, one of each name, as the fields of a FileDescriptorSet. */
function contentOf(sources: readonly SourceFiles[]): Buffer {
  const names = new Set<string>();
  const parts: Uint8Array[] = [];
  for (const { files } of sources) {
    for (const { outline, bytes } of files) {
      // Of several files of a name the first counts.
      if (names.has(outline.name)) continue;
      names.add(outline.name);
      parts.push(fileHead(bytes.byteLength), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** The tag of a file, and its length as a varint. */
function fileHead(length: number): Uint8Array {
  const head = [FILE_TAG];
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...head, rest);
}

/** The file's bytes; undefined where it is no file, or longer than `maxBytes`. */
async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  // Without waiting: a pipe in the place of the file would have nobody at its other end.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size > maxBytes) return undefined;
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Puts a file of `parts` in the place of `path`, in one step and for good. */
async function replaceFile(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const folder = dirname(path);
  // A folder of a name that the system finds: two gateways may share the cache, and may have one process id.
  const drafts = await mkdtemp(join(folder, DRAFT_PREFIX));
  try {
    const draft = join(drafts, basename(path));
    await withHandle(await open(draft, "wx", 0o600), async (handle) => {
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
    });
    await rename(draft, path);
    await withHandle(await open(folder, "r"), (handle) => handle.sync());
  } finally {
    await rm(drafts, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function withHandle(handle: FileHandle, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The system's word for it (`EACCES`); its whole text would repeat the path. */
function reasonOf(error: unknown): string {
  return codeOf(error) ?? String(error);
}
