/** Repeatable randomness: equal seeds give equal runs. */

const LETTERS = [
  "a",
  "b",
  "Z",
  "7",
  "_",
  "-",
  ".",
  "~",
  "é",
  "本",
  "😀",
  " ",
  "+",
  "%",
  "?",
  "#",
  "&",
  "=",
  '"',
  "\\",
  "\n",
];

/** A source of random values. Algorithm: mulberry32, by Tommy Ettinger (public domain). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 up to `limit`, which is not reached. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @throws {Error} if there is nothing to pick from. */
  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }

  /** Well-formed text of letters, signs that JSON and URLs treat specially, and characters of two to four bytes. */
  text(maxLength: number): string {
    return Array.from({ length: this.below(maxLength + 1) }, () => this.pick(LETTERS)).join("");
  }
}
