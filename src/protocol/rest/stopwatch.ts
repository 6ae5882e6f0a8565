/** Times a work that is done in laps, one a message. */

/** Adds up laps. All times in milliseconds, those of the clock as `performance.now()` gives them. */
export class Stopwatch {
  /** When the first lap began; 0 before that. */
  fromMs = 0;
  /** When the last lap ended. */
  toMs = 0;
  laps = 0;
  /** All laps together. */
  busyMs = 0;

  /** Counts a lap. */
  add(fromMs: number, toMs: number): void {
    if (this.laps === 0) this.fromMs = fromMs;
    this.toMs = toMs;
    this.laps++;
    this.busyMs += toMs - fromMs;
  }
}
