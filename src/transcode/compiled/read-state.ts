/** What one reading of JSON into wire bytes works on. One state is used again and again; readings do not overlap. */
import { MAX_REPORTED } from "../transcoder.ts";
import { ByteSink } from "./byte-sink.ts";
import { locate } from "./json-location.ts";
import { JsonSource } from "./json-source.ts";
import type { PlanCache } from "./plan.ts";
import type { BoundMessage } from "./read-bound.ts";

/** The state of a reading. */
export class ReadState {
  readonly json: JsonSource = new JsonSource();
  readonly wire: ByteSink = new ByteSink();
  /** For strings that are not written as they stand. */
  readonly scratch: ByteSink = new ByteSink();
  readonly plans: PlanCache;
  readonly rejectsUnknown: boolean;
  readonly reportsUnknown: boolean;
  readonly maxDepth: number;
  /** Containers open at the cursor. */
  depth = 0;
  /** One bit for each field and oneof seen, for every open message, as a stack. */
  seen: Int32Array = new Int32Array(256);
  seenTop = 0;
  /** Where the keys of unknown fields stand. */
  unknown: number[] = [];
  /** What the path binds in the next object to be read as an ordinary message; taken by it. */
  bound: BoundMessage | undefined = undefined;
  /** Values that did not come from JSON, encoded: those of path, query and form. */
  readonly values: ByteSink = new ByteSink();

  constructor(plans: PlanCache) {
    this.plans = plans;
    this.rejectsUnknown = plans.options.unknownFields === "reject";
    this.reportsUnknown = plans.options.unknownFields === "report";
    this.maxDepth = plans.options.maxDepth;
  }

  /** Starts a new text. */
  reset(text: Uint8Array): void {
    this.json.reset(text);
    this.wire.reset();
    // The wire is rarely longer than its JSON: growing from nothing would copy a large body ten times.
    this.wire.ensure(text.length + (text.length >>> 3));
    this.depth = 0;
    this.seenTop = 0;
    this.bound = undefined;
    if (this.unknown.length > 0) this.unknown = [];
  }

  /** Enters the container at the cursor and consumes its bracket. */
  enter(): void {
    if (++this.depth > this.maxDepth)
      throw this.json.fault("JSON_INVALID", this.json.pos, `nested deeper than ${this.maxDepth} levels`);
    this.json.pos++;
  }

  /** Takes `words` cleared words of seen bits; returns the index of the first. `seenTop` is given back by the caller. */
  openSeen(words: number): number {
    const base = this.seenTop;
    const top = base + words;
    if (top > this.seen.length) {
      const grown = new Int32Array(top * 2);
      grown.set(this.seen);
      this.seen = grown;
    }
    for (let index = base; index < top; index++) this.seen[index] = 0;
    this.seenTop = top;
    return base;
  }

  /** Whether a bit of an open message is set. */
  hasSeen(base: number, bit: number): boolean {
    return ((this.seen[base + (bit >>> 5)] ?? 0) & (1 << (bit & 31))) !== 0;
  }

  /** Notes an unknown field whose key stands at `offset`. */
  noteUnknown(offset: number): void {
    if (this.reportsUnknown && this.unknown.length < MAX_REPORTED) this.unknown.push(offset);
  }

  /** JSON pointers of the unknown fields of the text, in its order. */
  unknownPointers(): readonly string[] {
    if (this.unknown.length === 0) return NONE;
    const ascending = [...new Set(this.unknown)].sort((a, b) => a - b);
    return locate(this.json.bytes, ascending).map(({ pointer }) => pointer);
  }
}

const NONE: readonly string[] = [];
