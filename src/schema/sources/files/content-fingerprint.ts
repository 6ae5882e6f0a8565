/**
 * Whether the files below some paths have changed, by their content: touching a file, or writing again what was in it,
 * changes nothing.
 *
 * Looking is cheap: a file is read again only if the file system tells it from what it was. A file may change twice
 * within the resolution of its timestamps, so what was read is trusted only once two looks in a row have found the same
 * state; looks are seconds apart.
 */
import { createHash } from "node:crypto";
import { FileReadError, type FoundFile, type FoundFiles, readFoundFile } from "./find-files.ts";

interface KnownFile {
  readonly version: string;
  readonly digest: string;
  readonly isTrusted: boolean;
}

/** Remembers the files of the last look. */
export class ContentFingerprint {
  #known: ReadonlyMap<string, KnownFile> = new Map();

  /**
   * A text that is equal for equal names and contents, and where nothing could be read for equal reasons. Files longer
   * than `limitBytes` count by their length. Never rejects but on abort.
   */
  async of(found: readonly FoundFiles[], limitBytes: number, signal: AbortSignal): Promise<string> {
    const known = new Map<string, KnownFile>();
    const hash = createHash("sha256");
    for (const { files, faults } of found) {
      for (const file of files) {
        const look = await this.#look(file, limitBytes, signal);
        known.set(file.path, look);
        hash.update(JSON.stringify([file.name, look.digest]));
      }
      for (const { name, what } of faults) hash.update(JSON.stringify([name, what, "fault"]));
      hash.update("\n");
    }
    this.#known = known;
    return hash.digest("hex");
  }

  async #look(file: FoundFile, limitBytes: number, signal: AbortSignal): Promise<KnownFile> {
    const { version, path } = file;
    const known = this.#known.get(path);
    const isSame = known?.version === version;
    if (isSame && known.isTrusted) return known;
    try {
      const bytes = await readFoundFile(file, limitBytes, signal);
      const digest = createHash("sha256").update(bytes).digest("hex");
      return { version, digest, isTrusted: isSame };
    } catch (error) {
      if (!(error instanceof FileReadError)) throw error;
      return { version, digest: error.fault.what, isTrusted: false };
    }
  }
}
