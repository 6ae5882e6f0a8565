/**
 * Finds a name by the bytes it is written in: field names and enum labels of one type.
 *
 * Two ways, in this order: `startsWithExpected` compares the bytes in place with the name that is likely to come next
 * (clients write fields in the order of the schema); `find` hashes the bytes. Neither makes a string.
 * Names come from untrusted descriptors: they are data in a byte array, and a table whose names collide is rebuilt with
 * another seed.
 */

const MAX_PROBES = 8;
const MAX_SEEDS = 16;

/** One spelling of an entry: what is written, and the number that it stands for. */
export interface NameEntry {
  readonly name: string;
  /** A non-negative integer. */
  readonly value: number;
}

/** An immutable table. On a name listed twice, the first entry counts. */
export class NameTable {
  readonly #names: readonly Buffer[];
  readonly #values: readonly number[];
  /** 1 + index into names, 0 for an empty slot. The size is a power of two. */
  #slots: Int32Array = new Int32Array(0);
  #seed = 0;

  constructor(entries: readonly NameEntry[]) {
    const unique = new Map<string, number>();
    for (const { name, value } of entries) if (!unique.has(name)) unique.set(name, value);
    this.#names = [...unique.keys()].map((name) => Buffer.from(name, "utf8"));
    this.#values = [...unique.values()];
    for (let attempt = 0; attempt < MAX_SEEDS; attempt++) {
      this.#seed = (attempt * 0x9e3779b1) | 0;
      if (this.#build() <= MAX_PROBES) break;
    }
  }

  /** The value of the name written in `bytes` from `start` to `end`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(bytes, start, end, this.#seed) & mask;
    for (;;) {
      const entry = slots[slot] ?? 0;
      if (entry === 0) return -1;
      const name = this.#names[entry - 1];
      if (name !== undefined && equals(name, bytes, start, end)) return this.#values[entry - 1] ?? -1;
      slot = (slot + 1) & mask;
    }
  }

  /** Fills the slots; returns the longest run of probes. */
  #build(): number {
    let size = 4;
    while (size < this.#names.length * 2) size *= 2;
    this.#slots = new Int32Array(size);
    let longest = 0;
    this.#names.forEach((name, index) => {
      let slot = hash(name, 0, name.length, this.#seed) & (size - 1);
      let probes = 1;
      while (this.#slots[slot] !== 0) {
        slot = (slot + 1) & (size - 1);
        probes++;
      }
      this.#slots[slot] = index + 1;
      longest = Math.max(longest, probes);
    });
    return longest;
  }
}

/**
 * The names of one type in the order in which they are likely to be written, each as `"name":`.
 * Kept apart from the table: it holds one spelling for each field.
 */
export class ExpectedNames {
  readonly #bytes: Buffer;
  readonly #starts: Int32Array;

  constructor(names: readonly string[]) {
    const spelled = names.map((name) => Buffer.from(`${JSON.stringify(name)}:`, "utf8"));
    this.#bytes = Buffer.concat(spelled);
    this.#starts = new Int32Array(names.length + 1);
    let at = 0;
    spelled.forEach((name, index) => {
      at += name.length;
      this.#starts[index + 1] = at;
    });
  }

  /** The length of name `index` with its quotes and colon if `bytes` has exactly that at `at`, else 0. */
  match(index: number, bytes: Uint8Array, at: number): number {
    const names = this.#bytes;
    const start = this.#starts[index] ?? 0;
    const end = this.#starts[index + 1] ?? 0;
    const shift = at - start;
    for (let position = start; position < end; position++) {
      if (names[position] !== bytes[position + shift]) return 0;
    }
    return end - start;
  }
}

/** FNV-1a over bytes, finished so that the low bits depend on all of them. */
function hash(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let at = start; at < end; at++) value = Math.imul(value ^ (bytes[at] ?? 0), 0x01000193);
  value ^= value >>> 15;
  return Math.imul(value, 0x2c1b3c6d) >>> 8;
}

function equals(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let index = 0; index < name.length; index++) if (name[index] !== bytes[start + index]) return false;
  return true;
}
