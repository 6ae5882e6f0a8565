/** The version of this build, as package.json says it. */
import { readFileSync } from "node:fs";
import { packageFile } from "./package-file.ts";

/** `1.2.3`, or `?` where the manifest has none. */
export function productVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(packageFile("package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "?";
}
