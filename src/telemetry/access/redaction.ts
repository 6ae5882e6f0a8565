/** Takes secrets out of what is logged, by the names that they go by. */

/** What stands in place of a secret. */
export const REDACTED = "[redacted]";

/** A set of names, in which those ending in `*` stand for all that begin so. Case does not count. */
export class RedactedNames {
  readonly #names: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  constructor(patterns: readonly string[]) {
    const folded = patterns.map((pattern) => pattern.toLowerCase());
    this.#names = new Set(folded.filter((pattern) => !pattern.endsWith("*")));
    this.#prefixes = folded.filter((pattern) => pattern.endsWith("*")).map((pattern) => pattern.slice(0, -1));
  }

  has(name: string): boolean {
    const folded = name.toLowerCase();
    return this.#names.has(folded) || this.#prefixes.some((prefix) => folded.startsWith(prefix));
  }
}

/**
 * The query with the values of `names` taken out; everything else is left as it was sent.
 *
 * A name is looked at decoded, whole and in its parts: `user.token` and `m[token]` hold a token too.
 */
export function redactQuery(query: string, names: RedactedNames): string {
  if (query === "") return "";
  return query
    .split("&")
    .map((parameter) => {
      const equals = parameter.indexOf("=");
      if (equals < 0) return parameter;
      const isSecret = holdsName(decoded(parameter.slice(0, equals)), names);
      return isSecret ? `${parameter.slice(0, equals)}=${REDACTED}` : parameter;
    })
    .join("&");
}

function holdsName(name: string, names: RedactedNames): boolean {
  return names.has(name) || name.split(/[.[\]]/).some((part) => part !== "" && names.has(part));
}

function decoded(name: string): string {
  if (!name.includes("%") && !name.includes("+")) return name;
  try {
    return decodeURIComponent(name.replaceAll("+", " ")).trim();
  } catch {
    return name;
  }
}
