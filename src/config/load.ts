/**
 * From text, file or flags to a Config or problems. All problems of a file come in one go, in the file's order.
 * A fault in one HTTP rule drops that rule; any other fault leaves no config.
 */
import { dirname, resolve } from "node:path";
import type { Problem } from "../status/index.ts";
import {
  checkListenAddresses,
  checkSharedSockets,
  dropFaultyRules,
  faultsOfIssues,
  isRuleFault,
} from "./checks.ts";
import { checkEngines } from "./engine-needs.ts";
import { type Environment, substitute } from "./environment.ts";
import { type Fault, formatPath } from "./faults.ts";
import { toRuleConfig } from "./http-rules.ts";
import { checkListenerRoutes } from "./listener-routes.ts";
import { type ConfigText, configSchema } from "./schema.ts";
import type { Config, ConfigPath } from "./types.ts";
import { checkUpstreams } from "./upstream-checks.ts";
import { MAX_DOCUMENT_BYTES, parseYaml, type YamlDocument } from "./yaml-document.ts";

/** What came of reading a config. Without a config there is at least one problem of severity `error`. */
export interface ConfigResult {
  readonly config: Config | undefined;
  readonly problems: readonly Problem[];
}

/** Reads a file whole; rejects as `fs.readFile` does. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** Where a config file is, and what it needs from outside. */
export interface ConfigSource {
  /** As given by the user; problems name it this way. Relative paths start at the working directory. */
  readonly path: string;
  readonly readFile: ReadFile;
  readonly environment: Environment;
}

/**
 * Gives a function that loads a config file and never rejects. It may be called again and again: making the schema costs
 * ten times what reading a small file with it does.
 */
export function configLoader({ path, readFile, environment }: ConfigSource): () => Promise<ConfigResult> {
  const schema = configSchema(dirname(resolve(path)));
  return async () => {
    const read = await readText(path, readFile);
    if (read.problem !== undefined) return { config: undefined, problems: [read.problem] };
    return readConfigText(read.text, path, environment, schema);
  };
}

/** Parses the text of a config file. Relative paths in it start at the folder of `fileName`. Never throws. */
export function parseConfigText(text: string, fileName: string, environment: Environment): ConfigResult {
  return readConfigText(text, fileName, environment, configSchema(dirname(resolve(fileName))));
}

function readConfigText(
  text: string,
  fileName: string,
  environment: Environment,
  schema: ConfigSchema,
): ConfigResult {
  const document = parseYaml(text, fileName, (scalar) => substitute(scalar, environment));
  return readDocument(document, schema, fileName, placeInFile(document));
}

/** The flags of `sluice serve` that stand for a config file. */
export interface ConfigFlags {
  /** `host:port` or `unix:/path`, one or several of the same service. */
  readonly upstream?: string | readonly string[] | undefined;
  /** Descriptor set files; without any, the schema comes by reflection. */
  readonly descriptors?: readonly string[] | undefined;
  /** `0.0.0.0:8080` unless given. */
  readonly listen?: string | undefined;
  /** `127.0.0.1:9901` unless given. */
  readonly admin?: string | undefined;
  /** As the key `workers`; 1 unless given. */
  readonly workers?: string | undefined;
}

/**
 * The config that flags stand for: one upstream, named `upstream`. Relative paths start at `directory`, which must be
 * absolute. Problems name flags instead of lines.
 */
export function configFromFlags(flags: ConfigFlags, directory: string): ConfigResult {
  const { upstream, descriptors = [], listen = "0.0.0.0:8080", admin, workers } = flags;
  const schema = descriptors.length > 0 ? { descriptors: [...descriptors] } : { reflection: true };
  const value = {
    listeners: [{ address: listen }],
    admin: admin === undefined ? {} : { address: admin },
    ...(workers === undefined ? {} : { workers }),
    upstreams: { upstream: { address: upstream, schema } },
  };
  return readDocument({ value, faults: [] }, configSchema(directory), "command line", {
    order: () => 0,
    where: (fault) => flagOf(fault.path),
    subject: () => "",
    name: flagOf,
  });
}

type ConfigSchema = ReturnType<typeof configSchema>;

/** How faults are placed and named. */
interface Placing {
  order(fault: Fault): number;
  where(fault: Fault): string;
  /** What stands before the complaint: the value's path and a colon, or nothing. */
  subject(fault: Fault): string;
  /** A path as messages name it. */
  readonly name: (path: ConfigPath) => string;
}

function placeInFile(document: YamlDocument): Placing {
  // A lone value in place of a list has no index in the file.
  const written = (path: ConfigPath): ConfigPath =>
    typeof path.at(-1) === "number" && !document.has(path) ? path.slice(0, -1) : path;
  const order = (fault: Fault): number =>
    fault.offset ?? document.offsetOf(written(fault.path), fault.at ?? "value");
  return {
    order,
    where: (fault) => document.where(order(fault)),
    subject: ({ path }) => (path.length === 0 ? "" : `${formatPath(written(path))}: `),
    name: formatPath,
  };
}

function flagOf(path: ConfigPath): string {
  if (path[0] === "listeners") return "--listen";
  if (path[0] === "admin") return "--admin";
  if (path[0] === "workers") return "--workers";
  if (path[0] !== "upstreams") return "command line";
  return path[3] === "descriptors" ? "--descriptors" : "--upstream";
}

function readDocument(
  document: Pick<YamlDocument, "value" | "faults">,
  schema: ConfigSchema,
  fileName: string,
  placing: Placing,
): ConfigResult {
  const faults = [...document.faults];
  const values = document.value;
  let parsed: ConfigText | undefined;
  let indexes: ReadonlyMap<string, readonly number[]> = new Map();
  if (values === null && faults.length === 0) {
    faults.push({ path: [], what: "the file is empty", hint: "a config needs listeners and upstreams" });
  } else if (values !== undefined && values !== null) {
    const broken = document.faults.map((fault) => fault.path).filter((path) => path.length > 0);
    const sound = dropFaultyRules(values, broken);
    const result = schema.safeParse(sound.value);
    faults.push(...sound.faults);
    faults.push(...faultsOfIssues(result.error?.issues ?? [], [], broken));
    faults.push(...checkListenAddresses(values, placing.name), ...checkSharedSockets(values));
    faults.push(...checkUpstreams(values), ...checkListenerRoutes(values));
    ({ indexes } = sound);
    parsed = result.data;
    faults.push(...checkEngines(parsed?.listeners ?? []));
  }
  const isFatal = faults.some((fault) => !isRuleFault(fault.path));
  const problems = faults
    .toSorted((a, b) => placing.order(a) - placing.order(b) || a.path.length - b.path.length)
    .map((fault) => toProblem(fault, placing));
  if (parsed === undefined || isFatal) return { config: undefined, problems };
  const locate = (path: ConfigPath): string => placing.where({ path, what: "", hint: "" });
  return { config: toConfig(parsed, fileName, indexes, locate), problems };
}

function toProblem(fault: Fault, placing: Placing): Problem {
  const what = `${placing.subject(fault)}${fault.what}`;
  return { severity: "error", where: placing.where(fault), what, hint: fault.hint };
}

function toConfig(
  parsed: ConfigText,
  fileName: string,
  indexes: ReadonlyMap<string, readonly number[]>,
  locate: (path: ConfigPath) => string,
): Config {
  const upstreams = Object.entries(parsed.upstreams).map(([name, { http, ...upstream }]) => {
    const rules = http.rules.map((rule, i) => {
      const index = indexes.get(name)?.[i] ?? i;
      return toRuleConfig(rule, ["upstreams", name, "http", "rules", index], locate);
    });
    return { name, ...upstream, http: { rules, serviceConfig: http.serviceConfig } };
  });
  return { ...parsed, upstreams, fileName, locate };
}

/** The text of a file, or the problem why there is none. */
export async function readText(
  path: string,
  readFile: ReadFile,
): Promise<
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: Problem }
> {
  const refuse = (what: string, hint: string): { readonly problem: Problem } => ({
    problem: { severity: "error", where: path, what, hint },
  });
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const { what, hint } = whyUnreadable(error);
    return refuse(what, hint);
  }
  if (bytes.length > MAX_DOCUMENT_BYTES) {
    return refuse(
      `the file has ${bytes.length} bytes`,
      `at most ${MAX_DOCUMENT_BYTES}; is it the right file?`,
    );
  }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return refuse("the file is not UTF-8", "save it as UTF-8");
  }
}

function whyUnreadable(error: unknown): { readonly what: string; readonly hint: string } {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return { what: "the file does not exist", hint: "check the path" };
    case "EACCES":
      return { what: "the file may not be read", hint: "check its permissions" };
    case "EISDIR":
      return { what: "this is a folder", hint: "name the file in it" };
    default: {
      const cause = error instanceof Error ? error.message : String(error);
      return { what: `the file cannot be read: ${cause}`, hint: "check the path" };
    }
  }
}
