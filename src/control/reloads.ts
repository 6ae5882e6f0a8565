/**
 * Reloading the config: read, compared with what needs a restart, and applied, one reload at a time.
 *
 * Those who ask while one runs share the next one: a hundred signals are two reloads. A config with a fault is refused as
 * a whole, and everything goes on as it was.
 */
import type { Config, ConfigResult } from "../config/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { installChanges } from "./install-changes.ts";
import type { Applied, Reconciler } from "./reconciler.ts";

/** Who asked: a person by `POST /reload`, a signal, or the watcher of the config's files. */
export type ReloadCause = "request" | "signal" | "file";

/** What the reloads work with. */
export interface ReloadsParts {
  /** The config that serves when this is made. */
  readonly config: Config;
  /** Reads the config again; never rejects. */
  readonly read: () => Promise<ConfigResult>;
  readonly reconciler: Pick<Reconciler, "apply" | "look" | "revision">;
  /** A new config is in force; what is not the reconciler's follows it. */
  readonly onApplied: (config: Config, earlier: Config) => void;
  readonly log: Logger;
}

/** Runs reloads. */
export class Reloads {
  readonly #parts: ReloadsParts;
  readonly #counts: Record<Applied["result"], number> = { applied: 0, unchanged: 0, refused: 0 };
  #config: Config;
  /** The last that was asked for; never rejects. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The one that has not begun. */
  #waiting: Promise<Applied> | undefined;
  #isClosed = false;

  constructor(parts: ReloadsParts) {
    this.#parts = parts;
    this.#config = parts.config;
  }

  /** The config in force. */
  get config(): Config {
    return this.#config;
  }

  /** How many reloads there were, by what became of them. */
  get counts(): Readonly<Record<Applied["result"], number>> {
    return this.#counts;
  }

  /** Reads and applies the config as it is now, or later than now. Never rejects. */
  reload(cause: ReloadCause): Promise<Applied> {
    // One that has not begun reads what is there when it begins.
    this.#waiting ??= this.#queue(cause);
    return this.#waiting;
  }

  /** Refuses every reload from now on; resolves when none runs. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
  }

  #queue(cause: ReloadCause): Promise<Applied> {
    const outcome = this.#turn.then(() => {
      this.#waiting = undefined;
      return this.#run(cause);
    });
    this.#turn = outcome;
    return outcome;
  }

  async #run(cause: ReloadCause): Promise<Applied> {
    const { log } = this.#parts;
    let outcome: Applied;
    try {
      outcome = await this.#reload(cause);
    } catch (error) {
      log.error({ err: error }, "a reload failed inside the gateway");
      outcome = this.#refused([fault("the reload failed inside the gateway", "the log has the cause")]);
    }
    this.#counts[outcome.result]++;
    const { result, revision, changes } = outcome;
    const problems = outcome.problems.map(formatProblem);
    if (result === "refused") log.error({ cause, problems }, "reload refused; everything goes on as it was");
    else log.info({ cause, result, revision, changes: changes.length }, "reloaded");
    return outcome;
  }

  async #reload(cause: ReloadCause): Promise<Applied> {
    if (this.#isClosed)
      return this.#refused([fault("the gateway is about to end", "ask the one that follows it")]);
    const { read, reconciler, onApplied } = this.#parts;
    const { config, problems } = await read();
    if (config === undefined || problems.some(({ severity }) => severity === "error"))
      return this.#refused(problems);
    const install = installChanges(this.#config, config);
    if (install.length > 0) return this.#refused(install);
    // Whoever asks wants to see what is there now; a changed config file says nothing about schemas.
    if (cause !== "file") await reconciler.look();
    const applied = await reconciler.apply(config);
    if (applied.result === "refused") return applied;
    const earlier = this.#config;
    this.#config = config;
    onApplied(config, earlier);
    return { ...applied, problems: [...problems, ...applied.problems] };
  }

  #refused(problems: readonly Problem[]): Applied {
    return { result: "refused", revision: this.#parts.reconciler.revision, changes: [], problems };
  }
}

function fault(what: string, hint: string): Problem {
  return { severity: "error", where: "reload", what, hint };
}
