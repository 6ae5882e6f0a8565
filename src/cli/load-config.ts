/**
 * From command-line options to a config.
 */
import { readFile } from "node:fs/promises";
import {
  type Config,
  type ConfigDocument,
  type ConfigResult,
  configOf,
  loadConfig,
} from "../config/index.ts";
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
export async function loadConfigOf(options: ConfigOptions): Promise<LoadedConfig> {
  const { config, upstream, descriptors, listen, admin, workers } = options;
  const flags = { upstream, descriptors, listen, admin, workers };
  if (config === undefined) {
    if (upstream === undefined) return usage("neither --config nor --upstream is given", "give one of them");
    const document: ConfigDocument = { kind: "flags", flags, directory: process.cwd() };
    return loaded(document, await configOf(document, process.env));
  }
  const flag = Object.entries(flags).find(([, value]) => value !== undefined);
  if (flag !== undefined)
    return usage(`--${flag[0]} does not go with --config`, "put it into the config file");
  let bytes: Uint8Array = new Uint8Array();
  const result = await loadConfig({
    path: config,
    readFile: async (path) => {
      bytes = await readFile(path);
      return bytes;
    },
    environment: process.env,
  });
  return loaded({ kind: "file", path: config, bytes }, result);
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

/** The files that `options` name, for whoever watches them. */
export function configFilesOf({ config }: ConfigOptions): readonly string[] {
  return config === undefined ? [] : [config];
}
