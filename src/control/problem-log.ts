/** Tells the log of problems: each once, until it has gone away, and no more than a person reads. */
import { formatProblem, type Problem } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** Lines at a time: a schema that somebody else answers may have problems without number. */
const MAX_LINES = 100;

/** Remembers what has been told. */
export class ProblemLog {
  readonly #log: Logger;
  #told: ReadonlySet<string> = new Set();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `problems` are all that there are now. */
  tell(problems: readonly Problem[]): void {
    const lines = new Map(problems.map((problem) => [formatProblem(problem), problem.severity]));
    const news = [...lines].filter(([line]) => !this.#told.has(line));
    for (const [line, severity] of news.slice(0, MAX_LINES)) {
      this.#log[severity === "error" ? "error" : "warn"]({ problem: line }, "problem");
    }
    const untold = news.length - MAX_LINES;
    if (untold > 0) this.#log.warn({ untold }, "more problems; `sluice check` lists all of them");
    // One that went away and comes back is news.
    this.#told = new Set(lines.keys());
  }
}
