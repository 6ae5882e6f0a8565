/** A limit on what calls keep so that they can be sent again. */

/** Bytes that may be kept for all calls of one upstream together. */
export class KeptBytes {
  readonly #limit: number;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many there are. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes room for `bytes`; false if there is not enough. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#limit) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}
