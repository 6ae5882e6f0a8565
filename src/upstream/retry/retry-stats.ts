/** What repeating calls has come to, for the metrics of one upstream. */
import { Code } from "../../status/index.ts";

/** Counts since the start, to be read at each scrape. */
export interface RetryStats {
  /** Retries sent, by the code of the failure before them. */
  readonly retries: ReadonlyMap<Code, number>;
  /** Copies sent while the call was unanswered or had failed, after the first. */
  readonly hedges: number;
  /** Calls that were sent more than once and ended well. */
  readonly recovered: number;
  /** Calls that were sent more than once and failed all the same. */
  readonly lost: number;
  /** Retries and copies that were not sent for want of budget. */
  readonly refusals: number;
}

/** The counts, as the calls keep them. */
export class RetryCounts implements RetryStats {
  readonly retries: Map<Code, number> = new Map();
  hedges = 0;
  recovered = 0;
  lost = 0;
  refusals = 0;

  /** A call that failed with `code` is sent again. */
  countRetry(code: Code): void {
    this.retries.set(code, (this.retries.get(code) ?? 0) + 1);
  }

  /** A call that was sent more than once has ended. */
  countEnd(code: Code): void {
    if (code === Code.OK) this.recovered++;
    else this.lost++;
  }
}
