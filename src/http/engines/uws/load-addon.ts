/**
 * Finds a uWebSockets.js addon that runs here.
 *
 * It is an optional dependency under two names: `uWebSockets.js-next`, newer and stricter but for few platforms, and
 * `uWebSockets.js`. Both may be replaced by the official package (a git tag) under the same name.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Addon, SILENT } from "./addon.ts";

/** An addon and the version of the package that it came from, or why there is none. */
export type AddonLoad =
  | { readonly addon: Addon; readonly version: string }
  | { readonly addon: undefined; readonly reason: string };

const CANDIDATES = ["uWebSockets.js-next", "uWebSockets.js"] as const;

/** The repackaged addon: a wrapper, and one package per platform and Node major beside it. */
const REPACK = "@uwsjs/core";
const REPACK_SCOPE = "@uwsjs";

/** The longest head that the addon buffers, in bytes; for the whole process, read once, as the addon is loaded. */
const HEAD_BUFFER_VARIABLE = "UWS_HTTP_MAX_HEADERS_SIZE";

/**
 * Loads the first addon that works.
 *
 * @param headBufferBytes the longest head that the addon accepts, for all listeners of the process. Only the first
 * load in a process sets it, and the environment's `UWS_HTTP_MAX_HEADERS_SIZE` wins over it.
 */
export function loadAddon(headBufferBytes: number): AddonLoad {
  process.env[HEAD_BUFFER_VARIABLE] ??= String(headBufferBytes);
  const reasons: string[] = [];
  for (const name of CANDIDATES) {
    const load = loadCandidate(name);
    if (load.addon !== undefined) return load;
    reasons.push(load.reason);
  }
  return { addon: undefined, reason: reasons.join("; ") };
}

function loadCandidate(name: string): AddonLoad {
  const require = createRequire(import.meta.url);
  try {
    const entry = require.resolve(name);
    const own = readPackage(dirname(entry));
    if (own.name === REPACK) assertOwnBinary(entry, own.version);
    // The interface is that of uWebSockets.js 20; what it lacks would show in the contract tests.
    const addon = require(name) as Addon;
    addon._cfg?.(SILENT);
    return { addon, version: own.version };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // The addon's own message repeats the loader's cause over several lines; the last one names it.
    const lines = message.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("- "));
    return { addon: undefined, reason: `${name}: ${lines.at(lines.length > 1 ? 1 : 0) ?? "unknown"}` };
  }
}

/**
 * Makes sure that the wrapper will load the binary of its own version. Where npm left that one out (not built for this
 * platform or Node), the wrapper would silently take the binary of the other version, hoisted beside it.
 */
function assertOwnBinary(entry: string, version: string): void {
  const major = process.versions.node.split(".")[0] ?? "";
  const binary = `${REPACK_SCOPE}/${process.platform}-${process.arch}-${major}`;
  let found: string;
  try {
    found = createRequire(entry).resolve(binary);
  } catch {
    throw new Error(`${binary}@${version} is not installed (no build for this platform or Node)`);
  }
  const { version: foundVersion } = readPackage(dirname(found));
  if (foundVersion !== version)
    throw new Error(`${binary}@${version} is not installed, only ${foundVersion}`);
}

function readPackage(folder: string): { readonly name: string; readonly version: string } {
  const text: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (typeof text === "object" && text !== null && "name" in text && "version" in text) {
    return { name: String(text.name), version: String(text.version) };
  }
  throw new Error(`${folder}: package.json has no name or version`);
}
