/**
 * Ends bodies that take too long, for all exchanges of a listener: one coarse timer, and a list in which every body has
 * its place without anything being allocated for it (a map or a timer each would cost more than most bodies take).
 *
 * All bodies have the same time, so the list is ordered by when they are due. Time is counted in rounds of an eighth of
 * it: a body gets the whole of it, and up to two rounds more.
 */

/** How many rounds the time of a body has. */
const ROUNDS = 8;

/** A body under way; the fields belong to {@link BodyDeadlines}. */
export interface DueBody {
  previousDue: DueBody | undefined;
  nextDue: DueBody | undefined;
  /** The round in which it began; -1 while it is not in the list. */
  dueSince: number;
  /** Its time is over, and it has been taken off the list. */
  onDue(): void;
}

/** The bodies under way on one listener; the timer runs while there are any. */
export class BodyDeadlines {
  /** Infinity is no limit. */
  readonly timeoutMs: number;
  #first: DueBody | undefined = undefined;
  #last: DueBody | undefined = undefined;
  #round = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  /** Starts the time of a body that is not in the list. */
  add(body: DueBody): void {
    if (this.timeoutMs === Number.POSITIVE_INFINITY) return;
    body.dueSince = this.#round;
    body.previousDue = this.#last;
    body.nextDue = undefined;
    if (this.#last === undefined) this.#first = body;
    else this.#last.nextDue = body;
    this.#last = body;
    this.#timer ??= setInterval(() => this.#onRound(), this.timeoutMs / ROUNDS).unref();
  }

  /** Takes a body off the list; one that is not in it stays out. */
  remove(body: DueBody): void {
    if (body.dueSince < 0) return;
    const { previousDue, nextDue } = body;
    if (previousDue === undefined) this.#first = nextDue;
    else previousDue.nextDue = nextDue;
    if (nextDue === undefined) this.#last = previousDue;
    else nextDue.previousDue = previousDue;
    body.dueSince = -1;
    body.previousDue = undefined;
    body.nextDue = undefined;
  }

  #onRound(): void {
    this.#round++;
    // A body that began just before a round has not had that round.
    const dueSince = this.#round - ROUNDS - 1;
    for (let body = this.#first; body !== undefined && body.dueSince <= dueSince; body = this.#first) {
      this.remove(body);
      body.onDue();
    }
    if (this.#first !== undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
