/**
 * A fault in what the operator gave (config, descriptors, rules), as a value: problems are collected, never thrown
 * across modules. An `error` drops the part that it names (a rule, an upstream); the rest serves.
 */
export interface Problem {
  readonly severity: "error" | "warning";
  /** Where it stands: `file:line:col`, a descriptor file, or a full method name. */
  readonly where: string;
  /** What is wrong, with the value found. */
  readonly what: string;
  /** What to do about it. */
  readonly hint: string;
}

/** One line for people: `where: what (hint)`. */
export function formatProblem(problem: Problem): string {
  return `${problem.where}: ${problem.what} (${problem.hint})`;
}
