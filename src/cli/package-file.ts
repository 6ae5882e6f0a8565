/** Finds what the package ships besides its code. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The path of a file of this package, by its path from the folder that package.json is in. The code does not know how deep
 * it lies there: the bundle's files are elsewhere than the sources.
 *
 * @throws {Error} if no folder above has a package.json
 */
export function packageFile(path: string): string {
  for (let folder = new URL("./", import.meta.url); ; folder = new URL("../", folder)) {
    if (existsSync(new URL("package.json", folder))) return fileURLToPath(new URL(path, folder));
    if (folder.pathname === "/") throw new Error(`Sluice's package.json is missing above ${import.meta.url}`);
  }
}
