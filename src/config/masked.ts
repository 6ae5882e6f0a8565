/**
 * The config as it may be shown: all values with their defaults, secrets replaced.
 */
import type { Config, ConfigPath } from "./types.ts";

/** Stands for a secret. */
export const MASK = "***";

/** Names of keys and of header fields whose values are kept to ourselves. */
const SECRET_NAME = /secret|passw|token|api[-_]?key|authorization|cookie|private/i;

/** Whether what stands at `path` is not to be shown. */
export function holdsSecrets(path: ConfigPath): boolean {
  return path.some((part, i) => isSecretTable(part, path[i - 1]) || SECRET_NAME.test(String(part)));
}

/** A value as it may be shown under the key `name`: of a URL without its query, where keys may stand. */
export function withoutQuery(name: string | number | undefined, value: unknown): unknown {
  return name === "endpoint" && typeof value === "string" ? value.replace(/\?.*$/, `?${MASK}`) : value;
}

/**
 * The config as plain values for JSON: paths of files as they were written, lists of names and values as tables. What could
 * be a secret by its name or place is `***`; what files hold is never part of a config.
 */
export function maskedConfig(config: Config): unknown {
  const { fileName, locate: _locate, ...values } = config;
  return { file: fileName, ...Object.fromEntries(maskedEntries(values, "")) };
}

/** Tables of metadata and header fields that the gateway sends of its own: every value may be a credential. */
function isSecretTable(key: string | number, parent: string | number | undefined): boolean {
  return key === "metadata" || (key === "headers" && parent === "exporter");
}

function maskedEntries(values: object, parent: string): readonly (readonly [string, unknown])[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined && typeof value !== "function")
    .map(([key, value]) => [key, isSecretTable(key, parent) ? maskedTable(value) : maskedValue(key, value)]);
}

function maskedValue(key: string, value: unknown): unknown {
  if (typeof value === "string")
    return value !== "" && SECRET_NAME.test(key) ? MASK : withoutQuery(key, value);
  if (Array.isArray(value)) return value.map((item) => maskedValue(key, item));
  if (value instanceof Map) return Object.fromEntries(maskedEntries(Object.fromEntries(value), key));
  if (value instanceof Set) return [...value];
  if (typeof value !== "object" || value === null) return value;
  if (isFilePath(value)) return value.text;
  return Object.fromEntries(maskedEntries(value, key));
}

/** `[name, value, …]` or a table: the names alone are shown. */
function maskedTable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const names = value.filter((_, index) => index % 2 === 0).map(String);
    return Object.fromEntries(names.map((name) => [name, MASK]));
  }
  if (typeof value !== "object" || value === null) return MASK;
  return Object.fromEntries(Object.keys(value).map((name) => [name, MASK]));
}

function isFilePath(value: object): value is { readonly text: string } {
  return "resolved" in value && "text" in value && typeof value.text === "string";
}
