/**
 * One timer for all streams of an interval: a thousand silent streams cost a thousand flags, not a thousand timers. Their
 * turns are spread over the interval, since thousands of writes at once would hold up every other request.
 */

/** A stream that is to say something now and then. */
export interface Beating {
  /** Half an interval has passed since the last call, at most half since the stream was taken in. */
  onHalfInterval(): void;
}

/** Into so many parts is half an interval cut; each member has its turn in one of them. */
const SLOTS = 8;

/** Calls its members twice in each of their intervals. The timers run only while there are members. */
export class Heartbeats {
  readonly #rounds: Map<number, Round> = new Map();

  /** How many members there are. */
  get size(): number {
    let size = 0;
    for (const round of this.#rounds.values()) size += round.size;
    return size;
  }

  add(member: Beating, intervalMs: number): void {
    let round = this.#rounds.get(intervalMs);
    if (round === undefined) {
      round = new Round(intervalMs);
      this.#rounds.set(intervalMs, round);
    }
    round.add(member);
  }

  /** Takes out a member that `add` has taken in with the same interval; others are no matter. */
  remove(member: Beating, intervalMs: number): void {
    const round = this.#rounds.get(intervalMs);
    if (round === undefined) return;
    round.remove(member);
    if (round.size > 0) return;
    round.stop();
    this.#rounds.delete(intervalMs);
  }
}

/** The members of one interval. */
class Round {
  readonly #slots: readonly Set<Beating>[] = Array.from({ length: SLOTS }, () => new Set());
  readonly #timer: NodeJS.Timeout;
  #size = 0;
  #turn = 0;
  #nextSlot = 0;

  constructor(intervalMs: number) {
    this.#timer = setInterval(() => this.#onTurn(), intervalMs / 2 / SLOTS);
    // Streams keep the process alive by their sockets.
    this.#timer.unref();
  }

  get size(): number {
    return this.#size;
  }

  add(member: Beating): void {
    this.#slots[this.#nextSlot]?.add(member);
    this.#nextSlot = (this.#nextSlot + 1) % SLOTS;
    this.#size += 1;
  }

  remove(member: Beating): void {
    if (this.#slots.some((slot) => slot.delete(member))) this.#size -= 1;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #onTurn(): void {
    const slot = this.#slots[this.#turn] ?? [];
    this.#turn = (this.#turn + 1) % SLOTS;
    for (const member of slot) member.onHalfInterval();
  }
}
