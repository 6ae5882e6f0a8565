/** Finds a key that a JSON object gives twice, by the keys' wire bytes. */

/** Up to here comparing is faster than hashing. */
const LINEAR = 8;

/** The keys of one map being read. The first few are compared in place; a longer map gets a set. */
export class MapKeys {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #all: Set<string> | undefined = undefined;

  /**
   * Adds the key that stands in `bytes` from `start` to `end`; says whether it was there.
   * Bytes of earlier keys must still stand at the same offsets, in this or a later buffer.
   */
  isRepeated(bytes: Buffer, start: number, end: number): boolean {
    const all = this.#all;
    if (all !== undefined) {
      const before = all.size;
      all.add(bytes.toString("latin1", start, end));
      return all.size === before;
    }
    for (let index = 0; index < this.#starts.length; index++) {
      if (isSame(bytes, this.#starts[index] ?? 0, this.#ends[index] ?? 0, start, end)) return true;
    }
    this.#starts.push(start);
    this.#ends.push(end);
    if (this.#starts.length > LINEAR) {
      this.#all = new Set(
        this.#starts.map((from, index) => bytes.toString("latin1", from, this.#ends[index] ?? from)),
      );
    }
    return false;
  }
}

function isSame(bytes: Buffer, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  const size = end - start;
  if (size !== otherEnd - otherStart) return false;
  for (let index = 0; index < size; index++) {
    if (bytes[start + index] !== bytes[otherStart + index]) return false;
  }
  return true;
}
