/** What one writing of wire bytes as JSON works on. One state is used again and again; writings do not overlap. */
import { ByteSink } from "./byte-sink.ts";
import { EntryStack } from "./entry-order.ts";
import type { PlanCache } from "./plan.ts";
import { WireSource } from "./wire-source.ts";

const FREE_BYTES = 64 * 1024 * 1024;
const MAX_RATIO = 16;
/** Offsets are kept as int32. */
const MAX_BYTES = 1024 * 1024 * 1024;

/** What the JSON of a reply of `wireBytes` may take: a reply that is made of nothing but defaults grows a thousandfold. */
export function jsonLimitOf(wireBytes: number): number {
  return Math.min(FREE_BYTES + MAX_RATIO * wireBytes, MAX_BYTES);
}

/** The state of a writing. */
export class WriteState {
  readonly wire: WireSource = new WireSource();
  readonly json: ByteSink = new ByteSink();
  /** Entries of the maps open at the cursor. */
  readonly entries: EntryStack = new EntryStack();
  readonly plans: PlanCache;
  readonly enumsAsNumbers: boolean;
  readonly int64AsNumber: boolean;
  readonly maxDepth: number;
  /** Messages open at the cursor. */
  depth = 0;

  constructor(plans: PlanCache) {
    this.plans = plans;
    this.enumsAsNumbers = plans.options.enumsAsNumbers;
    this.int64AsNumber = plans.options.int64 === "number-if-safe";
    this.maxDepth = plans.options.maxDepth;
  }

  /** Starts a new message. */
  reset(message: Uint8Array): void {
    this.wire.reset(message);
    this.json.reset();
    this.json.limitBytes = jsonLimitOf(message.length);
    // JSON is rarely shorter than the wire: growing from nothing would copy a large reply ten times.
    this.json.ensure(message.length + (message.length >>> 1));
    this.entries.reset();
    this.depth = 0;
  }

  /** Enters a message. */
  enter(): void {
    if (++this.depth > this.maxDepth) throw this.wire.broken(`nested deeper than ${this.maxDepth} levels`);
  }
}
