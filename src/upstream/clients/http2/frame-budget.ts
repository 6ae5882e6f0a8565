/**
 * A limit on frames that do nothing for any call: SETTINGS, PING, DATA that is empty or all padding, frames of streams
 * that are gone.
 *
 * Real work earns them: a server that answers pings its client, opens windows and resets streams in proportion to the
 * calls. One that sends nothing else is after something (CVE-2019-9512, -9515, -9518 and their kin).
 */
import { ErrorCode, Http2Error } from "./http2-error.ts";

/** Idle frames that are always had: per connection, and again every second. */
const FRAMES_PER_SECOND = 5000;

const REFILL_MS = 1000;

/** Idle frames that each frame of work brings at most, and how many of them can be had at once. */
const FRAMES_PER_WORK = 4;
const MAX_EARNED = 500_000;

/** The budget of one connection. */
export class FrameBudget {
  readonly #now: () => number;
  #left = FRAMES_PER_SECOND;
  #refilledAt: number;
  /** What streams that were reset may still bring. */
  #lateBytes = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#refilledAt = now();
  }

  /** A frame for which a server may well send a few without content. */
  earn(): void {
    if (this.#left < MAX_EARNED) this.#left += FRAMES_PER_WORK;
  }

  /**
   * A frame without content came.
   * @throws {Http2Error} ENHANCE_YOUR_CALM if there were too many.
   */
  spend(): void {
    if (--this.#left > 0) return;
    const now = this.#now();
    if (now - this.#refilledAt < REFILL_MS) {
      throw new Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "a flood of frames without content");
    }
    this.#refilledAt = now;
    this.#left = FRAMES_PER_SECOND;
  }

  /** A stream was reset of which so many bytes may be under way: a server that fills its window does nothing wrong. */
  allowLate(bytes: number): void {
    this.#lateBytes += Math.max(0, bytes);
  }

  /**
   * DATA of a stream that is gone came.
   * @throws {Http2Error} as `spend`.
   */
  spendLate(bytes: number): void {
    if (bytes === 0 || bytes > this.#lateBytes) this.spend();
    else this.#lateBytes -= bytes;
  }
}
