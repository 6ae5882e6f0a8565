/** Parameters that routes exempt from binding: exact names, and prefixes written with a final `*`. */
export class IgnoredNames {
  readonly #exact: ReadonlySet<string>;
  readonly #prefixes: readonly string[];

  constructor(patterns: readonly string[]) {
    this.#exact = new Set(patterns.filter((pattern) => !pattern.endsWith("*")));
    this.#prefixes = patterns
      .filter((pattern) => pattern.endsWith("*"))
      .map((pattern) => pattern.slice(0, -1));
  }

  has(name: string): boolean {
    if (this.#exact.has(name)) return true;
    for (const prefix of this.#prefixes) {
      if (name.startsWith(prefix)) return true;
    }
    return false;
  }
}
