/** The resident memory of a process over a time (Linux: it reads /proc). */
import { rssMb } from "../../bench/process-figures.ts";

const PERIOD_MS = 25;

/** Samples until it is stopped. */
export class MemoryWatch {
  /** What there was when the watch began, in MB of 2^20 bytes. */
  readonly startMb: number;
  peakMb: number;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.startMb = rssMb(pid);
    this.peakMb = this.startMb;
    this.#timer = setInterval(() => {
      this.peakMb = Math.max(this.peakMb, rssMb(pid));
    }, PERIOD_MS);
  }

  /** Stops; gives how much there was at most above the start, in MB. */
  stop(): number {
    clearInterval(this.#timer);
    return this.peakMb - this.startMb;
  }
}
