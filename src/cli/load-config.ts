/**
 * From command-line options to a config.
 */
import { readFile } from "node:fs/promises";
import { type Config, configFromFlags, loadConfig } from "../config/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";

/** The options that every command shares. */
export interface ConfigOptions {
  readonly config?: string;
  readonly upstream?: string;
  readonly descriptors?: readonly string[];
  readonly listen?: string;
  readonly admin?: string;
}

/** A config, or why there is none; `problems` may also hold faults that the config survived. */
export interface LoadedConfig {
  readonly config: Config | undefined;
  readonly problems: readonly Problem[];
}

/** Reads the config file, or makes a config of the flags. */
export async function loadConfigOf(options: ConfigOptions): Promise<LoadedConfig> {
  const { config, upstream, descriptors, listen, admin } = options;
  const flags = Object.entries({ upstream, descriptors, listen, admin }).filter(
    ([, value]) => value !== undefined,
  );
  if (config === undefined) {
    if (upstream === undefined) return usage("neither --config nor --upstream is given", "give one of them");
    return configFromFlags({ upstream, descriptors, listen, admin }, process.cwd());
  }
  const [flag] = flags;
  if (flag !== undefined)
    return usage(`--${flag[0]} does not go with --config`, "put it into the config file");
  return await loadConfig({ path: config, readFile: (path) => readFile(path), environment: process.env });
}

/** Writes one line a problem. */
export function printProblems(problems: readonly Problem[], to: NodeJS.WritableStream): void {
  for (const problem of problems) to.write(`${problem.severity}: ${formatProblem(problem)}\n`);
}

function usage(what: string, hint: string): LoadedConfig {
  return { config: undefined, problems: [{ severity: "error", where: "command line", what, hint }] };
}

/** The files that `options` name, for whoever watches them. */
export function configFilesOf({ config }: ConfigOptions): readonly string[] {
  return config === undefined ? [] : [config];
}
