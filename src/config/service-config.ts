/**
 * Reads `http` out of a `google.api.Service` document in YAML, as gRPC-JSON transcoding is configured for APIs whose
 * protos are not annotated. The document's other keys belong to other tools and are ignored; nothing is substituted.
 * Source: google/api/service.proto, google/api/http.proto.
 */
import type { Problem } from "../status/index.ts";
import { faultsOfIssues } from "./checks.ts";
import { type Fault, formatPath } from "./faults.ts";
import { hintForKey } from "./fields.ts";
import { ruleSchema, toRuleConfig } from "./http-rules.ts";
import { type ReadFile, readText } from "./load.ts";
import { isMapping, show, valueAt } from "./reading.ts";
import type { ConfigPath, FilePath, HttpRuleConfig } from "./types.ts";
import { parseYaml } from "./yaml-document.ts";

/** The HTTP part of a service config. Faulty rules are problems and left out. */
export interface ServiceConfig {
  readonly rules: readonly HttpRuleConfig[];
  /** `http.fully_decode_reserved_expansion`, or undefined where the document does not say. */
  readonly fullyDecodeReservedExpansion: boolean | undefined;
  readonly problems: readonly Problem[];
}

const SERVICE_TYPE = "google.api.Service";
const HTTP_KEYS = ["rules", "fullyDecodeReservedExpansion", "fully_decode_reserved_expansion"];

/** Loads a service config from its file. Never rejects. */
export async function loadServiceConfig(file: FilePath, readFile: ReadFile): Promise<ServiceConfig> {
  const read = await readText(file.resolved, readFile);
  if (read.problem === undefined) return readServiceConfig(read.text, file.text);
  const problem = { ...read.problem, where: file.text };
  return { rules: [], fullyDecodeReservedExpansion: undefined, problems: [problem] };
}

/** Reads the text of a service config; `fileName` is for problems. Never throws. */
export function readServiceConfig(text: string, fileName: string): ServiceConfig {
  const document = parseYaml(text, fileName, (scalar) => ({ text: scalar, complaints: [] }));
  const faults = [...document.faults];
  const rules: HttpRuleConfig[] = [];
  const broken = faults.map((fault) => fault.path).filter((path) => path.length > 0);
  const locate = (path: ConfigPath): string => document.where(document.offsetOf(path, "value"));
  const isReadable = document.value !== undefined;
  if (isReadable) faults.push(...checkDocument(document.value));
  const given = valueAt(document.value, ["http", "rules"]);
  const schema = ruleSchema();
  for (const [i, rule] of (Array.isArray(given) ? given : []).entries()) {
    const path = ["http", "rules", i];
    const result = schema.safeParse(rule);
    faults.push(...faultsOfIssues(result.error?.issues ?? [], path, broken));
    const isBroken = broken.some((other) => path.every((part, n) => other[n] === part));
    if (result.success && !isBroken) rules.push(toRuleConfig(result.data, path, locate));
  }
  const offsetOf = (fault: Fault): number =>
    fault.offset ?? document.offsetOf(fault.path, fault.at ?? "value");
  const problems = faults
    .toSorted((a, b) => offsetOf(a) - offsetOf(b))
    .map((fault): Problem => {
      const subject = fault.path.length === 0 ? "" : `${formatPath(fault.path)}: `;
      const { hint } = fault;
      return {
        severity: "error",
        where: document.where(offsetOf(fault)),
        what: `${subject}${fault.what}`,
        hint,
      };
    });
  return { rules, fullyDecodeReservedExpansion: fullyDecode(document.value), problems };
}

function checkDocument(value: unknown): readonly Fault[] {
  if (value === null) return [{ path: [], what: "the file is empty", hint: `write a ${SERVICE_TYPE}` }];
  if (!isMapping(value)) {
    return [{ path: [], what: `${show(value)} is not a mapping`, hint: `write a ${SERVICE_TYPE}` }];
  }
  const faults: Fault[] = [];
  if (value.type !== SERVICE_TYPE) {
    const hint = `write type: ${SERVICE_TYPE}`;
    const what = value.type === undefined ? "is missing" : `${show(value.type)} is not a ${SERVICE_TYPE}`;
    faults.push({ path: ["type"], what, hint });
  }
  const { http } = value;
  if (!isMapping(http)) {
    const what = http === undefined ? "is missing" : `${show(http)} is not a mapping`;
    return [...faults, { path: ["http"], what, hint: "write http: { rules: [...] }" }];
  }
  for (const key of Object.keys(http)) {
    if (HTTP_KEYS.includes(key)) continue;
    const hint = hintForKey(key, HTTP_KEYS);
    faults.push({ path: ["http", key], what: "is not a key here", hint, at: "key" });
  }
  if (http.rules !== undefined && !Array.isArray(http.rules)) {
    const what = `${show(http.rules)} is not a list`;
    faults.push({ path: ["http", "rules"], what, hint: "write a list of rules" });
  }
  for (const key of HTTP_KEYS.slice(1)) {
    if (http[key] === undefined || typeof http[key] === "boolean") continue;
    const what = `${show(http[key])} is not a boolean`;
    faults.push({ path: ["http", key], what, hint: "write true or false" });
  }
  return faults;
}

function fullyDecode(value: unknown): boolean | undefined {
  const found =
    valueAt(value, ["http", "fullyDecodeReservedExpansion"]) ??
    valueAt(value, ["http", "fully_decode_reserved_expansion"]);
  return typeof found === "boolean" ? found : undefined;
}
