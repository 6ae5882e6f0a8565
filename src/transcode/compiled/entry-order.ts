/**
 * The order of a map's entries in JSON: by key, so that equal messages give equal bytes whatever order the upstream's
 * library keeps (Go's is random). Integers ascend by value, other keys by the bytes of their JSON.
 *
 * Entries are written as they come, each as `,"key":value`, and their places noted on one stack for all open maps. Only
 * where a key does not ascend are they moved, and only then can a key have come twice.
 */
import type { ByteSink } from "./byte-sink.ts";

/** What the keys of a map are. */
export const Keys = { TEXTS: 0, INTEGERS: 1 } as const;

const MINUS = 0x2d;
/** Numbers noted for one entry: where it starts, where its key's closing quote stands, where it ends. */
const NOTED = 3;
const INITIAL_PLACES = 192;
/** What a large map has grown beyond this is not kept. */
const KEEP_PLACES = 16_384;
const INITIAL_BYTES = 4096;
const KEEP_BYTES = 1 << 20;
/** Up to so many entries, sorting in place is faster than the library's sort with its objects. */
const FEW = 24;
/** Up to so many bytes, a loop is faster than a call of Buffer.copy. */
const SHORT = 48;

/** The places of the entries of all maps that are being written. */
export class EntryStack {
  top = 0;
  #places: Int32Array = new Int32Array(INITIAL_PLACES);
  /** Entries as they were, while they are moved. */
  #before: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);

  /** Empties the stack for a new message. */
  reset(): void {
    this.top = 0;
    if (this.#places.length > KEEP_PLACES) this.#places = new Int32Array(INITIAL_PLACES);
    if (this.#before.length > KEEP_BYTES) this.#before = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  }

  /** Notes the entry that ends where the JSON does; says whether its key ascends from that before it, above `base`. */
  push(json: ByteSink, base: number, keys: number, start: number, keyEnd: number): boolean {
    const { top } = this;
    if (top + NOTED > this.#places.length) {
      const grown = new Int32Array(top * 2);
      grown.set(this.#places);
      this.#places = grown;
    }
    const places = this.#places;
    places[top] = start;
    places[top + 1] = keyEnd;
    places[top + 2] = json.length;
    this.top = top + NOTED;
    return top === base || this.#compare(json.bytes, keys, top - NOTED, top) < 0;
  }

  /**
   * Brings the entries noted above `base` into the order of their keys. False, and nothing is moved, if two have one
   * key.
   */
  arrange(json: ByteSink, base: number, keys: number): boolean {
    const { bytes, length } = json;
    const first = this.#places[base] ?? length;
    if (this.top - base <= FEW * NOTED) this.#sortFew(bytes, base, keys);
    else this.#sortMany(bytes, base, keys);
    for (let at = base + NOTED; at < this.top; at += NOTED) {
      if (this.#compare(bytes, keys, at - NOTED, at) === 0) return false;
    }
    const size = length - first;
    if (size > this.#before.length) this.#before = Buffer.allocUnsafeSlow(size * 2);
    bytes.copy(this.#before, 0, first, length);
    this.#copyBack(bytes, base, first);
    return true;
  }

  #copyBack(bytes: Buffer, base: number, first: number): void {
    const places = this.#places;
    const before = this.#before;
    let at = first;
    for (let entry = base; entry < this.top; entry += NOTED) {
      const start = (places[entry] ?? 0) - first;
      const end = (places[entry + 2] ?? 0) - first;
      if (end - start > SHORT) {
        before.copy(bytes, at, start, end);
        at += end - start;
      } else for (let i = start; i < end; i++) bytes[at++] = before[i] ?? 0;
    }
  }

  /** Insertion sort, in place. */
  #sortFew(bytes: Buffer, base: number, keys: number): void {
    for (let end = base + NOTED; end < this.top; end += NOTED) {
      for (let at = end; at > base && this.#compare(bytes, keys, at - NOTED, at) > 0; at -= NOTED) {
        this.#swap(at - NOTED, at);
      }
    }
  }

  #sortMany(bytes: Buffer, base: number, keys: number): void {
    const entries: number[] = [];
    for (let at = base; at < this.top; at += NOTED) entries.push(at);
    entries.sort((a, b) => this.#compare(bytes, keys, a, b));
    const sorted = new Int32Array(entries.length * NOTED);
    for (const [i, at] of entries.entries()) sorted.set(this.#places.subarray(at, at + NOTED), i * NOTED);
    this.#places.set(sorted, base);
  }

  #swap(a: number, b: number): void {
    const places = this.#places;
    for (let i = 0; i < NOTED; i++) {
      const kept = places[a + i] ?? 0;
      places[a + i] = places[b + i] ?? 0;
      places[b + i] = kept;
    }
  }

  #compare(bytes: Buffer, keys: number, a: number, b: number): number {
    const places = this.#places;
    return compareKeys(bytes, keys, places[a] ?? 0, places[a + 1] ?? 0, places[b] ?? 0, places[b + 1] ?? 0);
  }
}

/** Below 0 if the first key comes before the second. Keys begin behind the `,"` at their start. */
function compareKeys(
  bytes: Buffer,
  keys: number,
  start: number,
  keyEnd: number,
  otherStart: number,
  otherKeyEnd: number,
): number {
  if (keys === Keys.TEXTS) return compareBytes(bytes, start + 2, keyEnd, otherStart + 2, otherKeyEnd);
  const isNegative = bytes[start + 2] === MINUS;
  if (isNegative !== (bytes[otherStart + 2] === MINUS)) return isNegative ? -1 : 1;
  // Decimal integers have no leading zeros: of two with one sign the longer is the larger in size.
  const bySize = keyEnd - start - (otherKeyEnd - otherStart);
  const order = bySize === 0 ? compareBytes(bytes, start + 2, keyEnd, otherStart + 2, otherKeyEnd) : bySize;
  return isNegative ? -order : order;
}

/** Keys are short: a loop here is faster than a call of Buffer.compare. */
function compareBytes(
  bytes: Buffer,
  start: number,
  end: number,
  otherStart: number,
  otherEnd: number,
): number {
  const size = Math.min(end - start, otherEnd - otherStart);
  for (let i = 0; i < size; i++) {
    const difference = (bytes[start + i] ?? 0) - (bytes[otherStart + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return end - start - (otherEnd - otherStart);
}
