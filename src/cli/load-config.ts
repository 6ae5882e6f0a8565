/**
 * From command-line options to a config.
 */
import { readFile } from "node:fs/promises";
import {
  type Config,
  type ConfigDocument,
  type ConfigResult,
  configFromFlags,
  configLoader,
} from "../config/index.ts";
import { readRegularFile } from "../control/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";

/** The options that every command shares. */
export interface ConfigOptions {
  readonly config?: string;
  readonly upstream?: string;
  readonly descriptors?: readonly string[];
  readonly listen?: string;
  readonly admin?: string;
  /** Of `serve` alone. */
  readonly workers?: string;
}

/** A config and what it was made of, or why there is none; `problems` may also hold faults that the config survived. */
export type LoadedConfig =
  | { readonly config: Config; readonly document: ConfigDocument; readonly problems: readonly Problem[] }
  | { readonly config: undefined; readonly document: undefined; readonly problems: readonly Problem[] };

/** Reads the config file, or makes a config of the flags. */
export function loadConfigOf(options: ConfigOptions): Promise<LoadedConfig> {
  return configReader(options)();
}

/** {@link loadConfigOf} for whoever reads the same config again and again, one time after the other. */
export function configReader(options: ConfigOptions): () => Promise<LoadedConfig> {
  const { config: path, upstream, descriptors, listen, admin, workers } = options;
  const flags = { upstream, descriptors, listen, admin, workers };
  if (path === undefined) {
    if (upstream === undefined)
      return async () => usage("neither --config nor --upstream is given", "give one of them");
    const directory = process.cwd();
    return async () => loaded({ kind: "flags", flags, directory }, configFromFlags(flags, directory));
  }
  const flag = Object.entries(flags).find(([, value]) => value !== undefined);
  if (flag !== undefined)
    return async () => usage(`--${flag[0]} does not go with --config`, "put it into the config file");
  let bytes: Uint8Array | undefined;
  const load = configLoader({
    path,
    readFile: async (name) => {
      // The first may come from a pipe, such as /dev/stdin; what is read while the gateway serves may not wait for one.
      bytes = await (bytes === undefined ? readFile(name) : readRegularFile(name));
      return bytes;
    },
    environment: process.env,
  });
  return async () => {
    const result = await load();
    return loaded({ kind: "file", path, bytes: bytes ?? new Uint8Array() }, result);
  };
}

/** Writes one line a problem. */
export function printProblems(problems: readonly Problem[], to: NodeJS.WritableStream): void {
  for (const problem of problems) to.write(`${problem.severity}: ${formatProblem(problem)}\n`);
}

function loaded(document: ConfigDocument, { config, problems }: ConfigResult): LoadedConfig {
  return config === undefined ? { config, document: undefined, problems } : { config, document, problems };
}

function usage(what: string, hint: string): LoadedConfig {
  const problem: Problem = { severity: "error", where: "command line", what, hint };
  return { config: undefined, document: undefined, problems: [problem] };
}

/** The file that a config was made of, for whoever watches it; none where it was made of flags. */
export function configFilesOf(document: ConfigDocument): ReadonlyMap<string, Uint8Array> {
  return document.kind === "file" ? new Map([[document.path, document.bytes]]) : new Map();
}
