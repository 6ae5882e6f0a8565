/**
 * The files below a path that config names: the path itself if it is a file, else what its folder holds.
 *
 * Folders are walked in the order of names. Hidden entries are passed over, links are followed, and each file and folder
 * is met once, whichever way leads there, so links in a circle end. Kubernetes mounts a ConfigMap as
 *
 *     api.binpb -> ..data/api.binpb      ..data -> ..2026_01_31_12_00_00.1/      ..2026_01_31_12_00_00.1/api.binpb
 *
 * and swaps `..data` in one step. In such a folder the files are those behind `..data`, which is resolved once: what is
 * found is then all of one version. The old version is removed after the swap; who comes too late looks again.
 */
import { type Dirent, constants as fileSystem, type Stats } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** A file that was found. */
export interface FoundFile {
  /** From the root, with `/`; "" for the root itself. */
  readonly name: string;
  readonly path: string;
  /** Differs between any two states of a file that the file system can tell apart. */
  readonly version: string;
}

/** What keeps one path from being read. */
export interface FileFault {
  /** As `FoundFile.name`. */
  readonly name: string;
  readonly what: string;
  readonly hint: string;
  /** Whether the path was not there (any more). */
  readonly isAbsent: boolean;
}

/** What is below a root. */
export interface FoundFiles {
  /** Whether the root is a folder; files in it then have names. */
  readonly isFolder: boolean;
  readonly files: readonly FoundFile[];
  readonly faults: readonly FileFault[];
}

/** How far to look. */
export interface SearchLimits {
  readonly maxFiles: number;
  /** Entries of folders that are looked at, of any kind: the path may be that of a whole disk. */
  readonly maxEntries: number;
  readonly maxDepth: number;
}

/** Enough for the 7,235 files of Google's public APIs. */
const SEARCH_LIMITS: SearchLimits = { maxFiles: 20_000, maxEntries: 100_000, maxDepth: 32 };

/** A mounted ConfigMap or Secret keeps its files behind this link. */
const MOUNTED_VERSION = "..data";

/** Looks again this often where files vanish while they are looked at. */
const MAX_TRIES = 3;

/**
 * Finds the files below `root` whose names end in one of `suffixes`, such as `.pb`; a root that is a file counts whatever
 * its name. Never rejects but on abort.
 */
export async function findFiles(
  root: string,
  suffixes: readonly string[],
  signal: AbortSignal,
  limits: SearchLimits = SEARCH_LIMITS,
): Promise<FoundFiles> {
  for (let tries = 1; ; tries++) {
    const search = new Search(suffixes, signal, limits);
    const found = await search.run(root);
    if (tries === MAX_TRIES || !found.faults.some(({ name, isAbsent }) => isAbsent && name !== ""))
      return found;
  }
}

/**
 * Reads a regular file of at most `limitBytes`.
 * @throws {FileReadError} with what keeps it from being read; the reason of an abort.
 */
export async function readFoundFile(
  { name, path }: Pick<FoundFile, "name" | "path">,
  limitBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  try {
    // Without waiting: a pipe that took the place of a file would have nobody at its other end.
    const handle = await open(path, fileSystem.O_RDONLY | fileSystem.O_NONBLOCK);
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new FileReadError(notAFile(name));
      if (found.size > limitBytes) throw new FileReadError(tooLong(name, found.size, limitBytes));
      const bytes = await handle.readFile({ signal });
      if (bytes.byteLength > limitBytes) throw new FileReadError(tooLong(name, bytes.byteLength, limitBytes));
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof FileReadError ? error : new FileReadError(faultOf(name, path, error));
  }
}

/** A file that could not be read. */
export class FileReadError extends Error {
  readonly fault: FileFault;

  constructor(fault: FileFault) {
    super(fault.what);
    this.name = "FileReadError";
    this.fault = fault;
  }
}

class Search {
  readonly #suffixes: readonly string[];
  readonly #signal: AbortSignal;
  readonly #limits: SearchLimits;
  readonly #files: FoundFile[] = [];
  readonly #faults: FileFault[] = [];
  /** Files and folders met, by device and inode. */
  readonly #met = new Set<string>();
  #entries = 0;
  #isOver = false;

  constructor(suffixes: readonly string[], signal: AbortSignal, limits: SearchLimits) {
    this.#suffixes = suffixes;
    this.#signal = signal;
    this.#limits = limits;
  }

  async run(root: string): Promise<FoundFiles> {
    let isFolder = false;
    try {
      const found = await stat(root);
      isFolder = found.isDirectory();
      if (isFolder) await this.#walk(root, "", 1);
      else this.#addFile("", root, found);
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#faults.push(faultOf("", root, error));
    }
    return { isFolder, files: this.#files, faults: this.#faults };
  }

  async #walk(folder: string, name: string, depth: number): Promise<void> {
    let entries: readonly Dirent[];
    let path = folder;
    try {
      entries = await readdir(path, { withFileTypes: true });
      if (entries.some((entry) => entry.name === MOUNTED_VERSION)) {
        path = await realpath(join(folder, MOUNTED_VERSION));
        entries = await readdir(path, { withFileTypes: true });
      }
    } catch (error) {
      this.#faults.push(faultOf(name, path, error));
      return;
    }
    // Code units, not the locale's order: the first of two files of a name counts, on every machine.
    for (const entry of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      this.#signal.throwIfAborted();
      if (this.#isOver) return;
      if (++this.#entries > this.#limits.maxEntries) {
        this.#stop(`holds more than ${this.#limits.maxEntries.toLocaleString("en-US")} entries`);
        return;
      }
      if (!entry.name.startsWith(".")) await this.#visit(entry, path, name, depth);
    }
  }

  async #visit(entry: Dirent, folder: string, folderName: string, depth: number): Promise<void> {
    const isWanted = this.#suffixes.some((suffix) => entry.name.endsWith(suffix));
    if (!isWanted && !entry.isDirectory() && !entry.isSymbolicLink()) return;
    const path = join(folder, entry.name);
    const name = folderName === "" ? entry.name : `${folderName}/${entry.name}`;
    let found: Stats;
    try {
      found = await stat(path);
    } catch (error) {
      // Links of other kinds that lead nowhere are nobody's business here.
      if (isWanted) this.#faults.push(faultOf(name, path, error));
      return;
    }
    if (!found.isDirectory()) {
      if (isWanted) this.#addFile(name, path, found);
      return;
    }
    if (depth === this.#limits.maxDepth) {
      const what = `folders are nested more than ${this.#limits.maxDepth} deep`;
      this.#faults.push({ name, what, hint: "name the folder of the files", isAbsent: false });
      return;
    }
    if (this.#isFirst(found)) await this.#walk(path, name, depth + 1);
  }

  #addFile(name: string, path: string, found: Stats): void {
    if (!found.isFile()) {
      this.#faults.push(notAFile(name));
      return;
    }
    if (!this.#isFirst(found)) return;
    if (this.#files.length === this.#limits.maxFiles) {
      this.#stop(`holds more than ${this.#limits.maxFiles.toLocaleString("en-US")} such files`);
      return;
    }
    const { dev, ino, size, mtimeMs, ctimeMs } = found;
    this.#files.push({ name, path, version: `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}` });
  }

  #isFirst({ dev, ino }: Stats): boolean {
    const key = `${dev}:${ino}`;
    if (this.#met.has(key)) return false;
    this.#met.add(key);
    return true;
  }

  #stop(what: string): void {
    this.#isOver = true;
    this.#faults.push({ name: "", what, hint: "name the folder of this API alone", isAbsent: false });
  }
}

function notAFile(name: string): FileFault {
  return { name, what: "this is not a regular file", hint: "name a file or a folder", isAbsent: false };
}

function tooLong(name: string, size: number, limitBytes: number): FileFault {
  const what = `${size} bytes are more than the limit of ${limitBytes}`;
  return { name, what, hint: "give the schema of this API alone", isAbsent: false };
}

function faultOf(name: string, path: string, error: unknown): FileFault {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return { name, what: "the file does not exist", hint: `looked for at ${path}`, isAbsent: true };
    case "EACCES":
    case "EPERM":
      return {
        name,
        what: "the file may not be read",
        hint: "let the user that the gateway runs as read it",
        isAbsent: false,
      };
    default: {
      const what = `the file cannot be read (${typeof code === "string" ? code : "unknown fault"})`;
      return { name, what, hint: "check the path", isAbsent: false };
    }
  }
}
