/**
 * Finds the endpoints of one upstream that fail, or are slow, where the others are not, by what becomes of calls that
 * are made anyway. Nothing is computed for a call but a mean; latencies are compared once a second while calls come.
 *
 * Sources: gRFC A50 (outlier detection), Envoy "Outlier detection".
 */
import { medianOfOthers } from "./moving-latency.ts";
import type { EjectionOptions } from "./options.ts";
import { type MemberListener, type MemberOwner, OutlierMember } from "./outlier-member.ts";

/** How often latencies are compared. */
const COMPARE_MS = 1000;

/** An endpoint is not judged by fewer calls, nor others by it. */
const MIN_SAMPLES = 20;

/** What an endpoint took longer ago says nothing of the others now. */
const FRESH_MS = 60_000;

/** Below this difference no one is slow, whatever the factor. */
const MIN_EXCESS_MS = 10;

/** The endpoints of one upstream. */
export class OutlierDetector implements MemberOwner {
  readonly options: EjectionOptions;
  readonly now: () => number;
  readonly random: () => number;
  readonly #members = new Set<OutlierMember>();
  #ejected = 0;
  #compareAt = 0;
  /** Typical latencies of those that serve, as of the last comparison, ascending. */
  #latencies: readonly number[] = [];

  /** `now` is a clock in milliseconds that never goes back; `random` is uniform in [0, 1). */
  constructor(options: EjectionOptions, now: () => number, random: () => number) {
    this.options = options;
    this.now = now;
    this.random = random;
  }

  add(listener: MemberListener): OutlierMember {
    const member = new OutlierMember(this, listener);
    this.#members.add(member);
    return member;
  }

  /** The endpoint is gone. */
  remove(member: OutlierMember): void {
    if (!this.#members.delete(member)) return;
    if (member.isEjected) this.#ejected--;
    member.close();
  }

  /** A single endpoint is never ejected: there is nobody to compare it with, and nowhere else to go. */
  get mayEject(): boolean {
    const count = this.#members.size;
    const percent = this.options.maxEjectedPercent;
    if (count < 2 || percent === 0) return false;
    return this.#ejected < Math.max(1, Math.floor((count * percent) / 100));
  }

  onChanged(member: OutlierMember): void {
    this.#ejected += member.isEjected ? 1 : -1;
  }

  onLatency(now: number): void {
    if (now < this.#compareAt || this.options.latencyFactor === Number.POSITIVE_INFINITY) return;
    this.#compareAt = now + COMPARE_MS;
    const known: { readonly member: OutlierMember; readonly typicalMs: number }[] = [];
    for (const member of this.#members) {
      const { samples, typicalMs } = member.latency;
      if (samples >= MIN_SAMPLES && now - member.heardAt < FRESH_MS) known.push({ member, typicalMs });
    }
    known.sort((a, b) => a.typicalMs - b.typicalMs);
    const latencies = known.map(({ typicalMs }) => typicalMs);
    // The slowest first: not all of them may be ejected.
    for (const { member, typicalMs } of known.toReversed()) {
      if (!this.#isOver(typicalMs, medianOfOthers(latencies, typicalMs))) break;
      member.onSlow();
    }
    this.#latencies = known.filter(({ member }) => !member.isEjected).map(({ typicalMs }) => typicalMs);
  }

  isSlow(member: OutlierMember): boolean {
    const others = this.#latencies;
    return this.#isOver(member.latency.typicalMs, others[others.length >> 1]);
  }

  #isOver(typicalMs: number, medianMs: number | undefined): boolean {
    if (medianMs === undefined) return false;
    return typicalMs > medianMs * this.options.latencyFactor && typicalMs > medianMs + MIN_EXCESS_MS;
  }
}
