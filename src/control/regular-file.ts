/**
 * Reads files that are looked at again and again while the gateway serves. Regular ones alone: a pipe that took the place
 * of a file would be waited for without end, and everything behind it, the end of the process too; a device may never end.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** Far above what config, its documents and certificates may have; their own limits have better words. */
const MAX_FILE_BYTES: number = 64 * 1024 * 1024;

/**
 * Reads a regular file whole.
 * @throws {Error} (rejects) as `fs.readFile` does, and where it is something else or has more than 64 MiB.
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    // Of folders the reading says EISDIR, which has words of its own.
    if (!found.isFile() && !found.isDirectory()) throw new Error("it is not a regular file");
    if (found.size > MAX_FILE_BYTES) {
      throw new Error(`it has ${found.size} bytes, and at most ${MAX_FILE_BYTES} are read`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
