/**
 * The open streams of a connection, by number: open addressing with linear probing.
 *
 * A `Map` would do, but for the garbage collector: when V8 rehashes a map, the old table points to the new one, and once
 * one of them is in the old generation, every call that was ever in a later one survives until the next full collection.
 * Measured: a third of the CPU of a small call.
 */

const MIN_CAPACITY = 64;

/** What the table holds. */
export interface Numbered {
  readonly streamId: number;
}

/** Maps the numbers of streams, odd, to streams. */
export class StreamTable<S extends Numbered> {
  #slots: (S | undefined)[] = emptySlots(MIN_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(streamId: number): S | undefined {
    return this.#slots[this.#find(streamId)];
  }

  /** Adds a stream whose number is not there yet. */
  add(stream: S): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#slots[this.#find(stream.streamId)] = stream;
    this.#size++;
  }

  /** Takes the stream of that number out; false if it was not there. */
  remove(streamId: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#find(streamId);
    if (slots[hole] === undefined) return false;
    this.#size--;
    // Whatever was pushed beyond the hole by a collision moves back into it.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const stream = slots[at];
      if (stream === undefined) break;
      const distance = (at - home(stream.streamId, mask)) & mask;
      if (distance < ((at - hole) & mask)) continue;
      slots[hole] = stream;
      hole = at;
    }
    slots[hole] = undefined;
    return true;
  }

  /** The streams there are now, the older ones first. */
  list(): S[] {
    const found: S[] = [];
    for (const stream of this.#slots) if (stream !== undefined) found.push(stream);
    return found.sort((a, b) => a.streamId - b.streamId);
  }

  clear(): void {
    this.#slots = emptySlots(MIN_CAPACITY);
    this.#size = 0;
  }

  /** Where the stream is, or the free slot where it would be. */
  #find(streamId: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = home(streamId, mask);
    for (;;) {
      const stream = slots[at];
      if (stream === undefined || stream.streamId === streamId) return at;
      at = (at + 1) & mask;
    }
  }

  #grow(): void {
    const streams = this.list();
    this.#slots = emptySlots(this.#slots.length * 2);
    for (const stream of streams) this.#slots[this.#find(stream.streamId)] = stream;
  }
}

function home(streamId: number, mask: number): number {
  return (streamId >>> 1) & mask;
}

function emptySlots<S>(capacity: number): (S | undefined)[] {
  return Array.from({ length: capacity }, () => undefined);
}
