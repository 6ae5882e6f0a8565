/**
 * Deadlines of many calls on one timer: a wheel of slots, each a few milliseconds wide.
 *
 * A deadline further away than one turn stays in its slot and is looked at once a turn. Each entry knows its place, so
 * starting and ending a call cost next to nothing; the timer runs only while deadlines are there. (Not sets: see
 * `clients/http2/stream-table.ts`.)
 */

const SLOT_MS = 8;

const SLOTS = 512;

/** Something with a deadline. */
export interface Expiring {
  /** On the clock of the wheel, milliseconds; must not change while it is in the wheel. */
  readonly expiresAt: number;
  /** The wheel's own: where in its slot the entry is. */
  wheelIndex: number;
  onExpired(): void;
}

/** Tells each entry when its time has passed: never early, at most some 10 ms late. */
export class DeadlineWheel {
  readonly #now: () => number;
  readonly #slots: readonly Expiring[][] = Array.from({ length: SLOTS }, () => []);
  #count = 0;
  /** Number of the first slot that has not been looked at, counted from the clock's zero. */
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(entry: Expiring): void {
    if (this.#timer === undefined) {
      this.#next = Math.floor(this.#now() / SLOT_MS);
      this.#timer = setTimeout(() => this.#onTimer(), SLOT_MS);
    }
    const slot = this.#slotOf(entry);
    entry.wheelIndex = slot.length;
    slot.push(entry);
    this.#count++;
  }

  /** Takes an entry out; one that is not there is passed over. */
  remove(entry: Expiring): void {
    const slot = this.#slotOf(entry);
    if (slot[entry.wheelIndex] !== entry) return;
    const last = slot.pop();
    if (last !== undefined && last !== entry) {
      slot[entry.wheelIndex] = last;
      last.wheelIndex = entry.wheelIndex;
    }
    this.#count--;
  }

  /** Stops the timer; entries that are left do not expire any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #slotOf(entry: Expiring): Expiring[] {
    const slot = this.#slots[Math.ceil(entry.expiresAt / SLOT_MS) % SLOTS];
    if (slot === undefined) throw new RangeError(`${entry.expiresAt} is not a time`);
    return slot;
  }

  #onTimer(): void {
    const now = this.#now();
    const last = Math.floor(now / SLOT_MS);
    // After a long pause one turn looks at everything.
    for (let tick = Math.max(this.#next, last - SLOTS + 1); tick <= last; tick++) {
      const slot = this.#slots[tick % SLOTS] ?? [];
      // Backwards: what a removal moves has been looked at, and what is added comes behind.
      for (let i = slot.length - 1; i >= 0; i--) {
        const entry = slot[i];
        if (entry === undefined || entry.expiresAt > now) continue;
        this.remove(entry);
        entry.onExpired();
      }
    }
    this.#next = last + 1;
    if (this.#count > 0) this.#timer?.refresh();
    else this.#timer = undefined;
  }
}
