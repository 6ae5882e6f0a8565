/** What the calls of one upstream share to be repeated. */
import type { CallOpener } from "../channel.ts";
import type { Expiring } from "../deadline-wheel.ts";
import type { KeptBytes } from "./kept-bytes.ts";
import type { RetryBudget } from "./retry-budget.ts";
import type { RetryCounts } from "./retry-stats.ts";

/** Tells entries when their time has come, and never before `add` has returned: a DeadlineWheel, or a test's own. */
export interface Timers {
  add(entry: Expiring): void;
  /** An entry that is not there is passed over. */
  remove(entry: Expiring): void;
}

/** The shared parts. */
export interface RepeatScope {
  /** The upstream's own. */
  readonly channel: CallOpener;
  /** Milliseconds, the clock of `timers`. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly timers: Timers;
  readonly budget: RetryBudget;
  readonly keptBytes: KeptBytes;
  readonly counts: RetryCounts;
}
