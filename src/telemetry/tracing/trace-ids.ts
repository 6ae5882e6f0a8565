/** Random ids of traces and spans. Random bytes are taken many at a time: a call into the system for each would cost more. */

const POOL_BYTES = 4096;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** Fills the array with random bytes: `crypto.randomFillSync`, or a test's own. */
export type RandomFill = (bytes: Uint8Array) => void;

/** A source of ids; never all zeros. */
export class TraceIds {
  readonly #fill: RandomFill;
  readonly #pool: Buffer = Buffer.alloc(POOL_BYTES);
  #used = POOL_BYTES;

  constructor(fill: RandomFill) {
    this.#fill = fill;
  }

  /** 32 hex digits. */
  traceId(): string {
    return this.#take(TRACE_ID_BYTES);
  }

  /** 16 hex digits. */
  spanId(): string {
    return this.#take(SPAN_ID_BYTES);
  }

  #take(length: number): string {
    if (this.#used + length > POOL_BYTES) {
      this.#fill(this.#pool);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += length;
    // All zeros is not an id. One bit less of chance costs nothing.
    const last = from + length - 1;
    if (this.#pool[last] === 0) this.#pool[last] = 1;
    return this.#pool.toString("hex", from, from + length);
  }
}
