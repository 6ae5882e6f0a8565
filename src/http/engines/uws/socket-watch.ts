/**
 * Keeps slow clients as long as the config allows.
 *
 * The addon closes a connection whose body brings less than 160 kB in 10 s, and one that takes nothing of a reply for
 * 10 s, whatever the config says. Its timer starts anew with every `resume`, so a coarse timer of ours does that for
 * those that may go on; the others are left to the addon.
 */

/** Less than half of the addon's 10 s, which it counts in steps of 4 s. */
const ROUND_MS = 4_000;

/** One direction of an exchange. */
export interface Timed {
  /** Whether the addon's timer runs, on a socket that can be paused and resumed as it is. */
  readonly isTimed: boolean;
  /** A round has passed: starts the addon's timer again, unless there have been more than `allowedRounds` of silence. */
  rearm(allowedRounds: number): void;
}

/** The exchanges of one listener whose clients may be slow; the timer runs while there are any. */
export class SocketWatch {
  readonly #watched = new Set<Timed>();
  readonly #allowedRounds: number;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(idleTimeoutMs: number) {
    this.#allowedRounds = Math.floor(idleTimeoutMs / ROUND_MS);
  }

  add(timed: Timed): void {
    this.#watched.add(timed);
    this.#timer ??= setInterval(() => this.#round(), ROUND_MS).unref();
  }

  remove(timed: Timed): void {
    this.#watched.delete(timed);
  }

  #round(): void {
    for (const timed of this.#watched) if (timed.isTimed) timed.rearm(this.#allowedRounds);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
