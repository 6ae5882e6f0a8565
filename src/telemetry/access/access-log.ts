/** One line for each finished request, or for a share of them. */
import { Code } from "../../status/index.ts";
import type { AccessRecord, RequestObserver } from "../access-record.ts";
import type { LineChannel } from "../lines/index.ts";
import type { AccessFormat } from "./access-format.ts";

/** Which requests have a line. */
export interface AccessSampling {
  /** 0 to 1. */
  readonly ratio: number;
  /** `always`: a request that failed has a line in any case. */
  readonly errors: "always" | "sampled";
}

/** What an access log is made of. */
export interface AccessLogParts {
  readonly format: AccessFormat;
  readonly sampling: AccessSampling;
  readonly lines: Pick<LineChannel, "write">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The access log: the observer that writes it. */
export class AccessLog implements RequestObserver {
  readonly #parts: AccessLogParts;

  constructor(parts: AccessLogParts) {
    this.#parts = parts;
  }

  requestStarted(): void {
    // A line tells of the whole request.
  }

  requestFinished(record: AccessRecord): void {
    const { format, lines, now } = this.#parts;
    if (this.#isTaken(record)) lines.write(format(record, now()));
  }

  #isTaken({ httpStatus, code }: AccessRecord): boolean {
    const { sampling, random } = this.#parts;
    if (sampling.ratio === 1) return true;
    // A stream can fail after its 200.
    if (sampling.errors === "always" && (httpStatus >= 400 || code !== Code.OK)) return true;
    return random() < sampling.ratio;
  }
}
