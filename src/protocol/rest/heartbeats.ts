/**
 * One timer for all streams of an interval: a thousand silent streams cost a thousand flags, not a thousand timers.
 */

/** A stream that is to say something now and then. */
export interface Beating {
  /** Half an interval has passed. */
  onHalfInterval(): void;
}

/** Calls its members twice in each of their intervals. The timers run only while there are members. */
export class Heartbeats {
  readonly #rounds: Map<number, Round> = new Map();

  /** How many members there are. */
  get size(): number {
    let size = 0;
    for (const { members } of this.#rounds.values()) size += members.size;
    return size;
  }

  add(member: Beating, intervalMs: number): void {
    let round = this.#rounds.get(intervalMs);
    if (round === undefined) {
      round = startRound(intervalMs);
      this.#rounds.set(intervalMs, round);
    }
    round.members.add(member);
  }

  /** Takes out a member that `add` has taken in with the same interval; others are no matter. */
  remove(member: Beating, intervalMs: number): void {
    const round = this.#rounds.get(intervalMs);
    if (round === undefined) return;
    round.members.delete(member);
    if (round.members.size > 0) return;
    clearInterval(round.timer);
    this.#rounds.delete(intervalMs);
  }
}

interface Round {
  readonly members: Set<Beating>;
  readonly timer: NodeJS.Timeout;
}

function startRound(intervalMs: number): Round {
  const members = new Set<Beating>();
  const timer = setInterval(() => {
    for (const member of members) member.onHalfInterval();
  }, intervalMs / 2);
  // Streams keep the process alive by their sockets.
  timer.unref();
  return { members, timer };
}
