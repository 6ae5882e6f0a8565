/**
 * Long computing in slices, so that requests have their turn in between: whoever walks over many things asks `isOver` after
 * each, and awaits `rest` where it is.
 */

/** How long the event loop may be kept: a fifth of what a request may notice (`npm run proof:reload`). */
const SLICE_MS = 1;

/** One computation's slices. */
export class TimeSlices {
  readonly #now: () => number;
  readonly #turn: () => Promise<void>;
  #until: number;

  /** `now` is in milliseconds; `turn` resolves after everything else that waits has had its turn of the event loop. */
  constructor(now: () => number, turn: () => Promise<void>) {
    this.#now = now;
    this.#turn = turn;
    this.#until = now() + SLICE_MS;
  }

  /** Whether it is time for a {@link rest}. */
  get isOver(): boolean {
    return this.#now() >= this.#until;
  }

  /** Lets everything else run, and begins the next slice. */
  async rest(): Promise<void> {
    await this.#turn();
    this.#until = this.#now() + SLICE_MS;
  }

  /** Runs `steps` to its end; between two of its yields it may rest. Throws what they throw. */
  async run<T>(steps: Iterator<undefined, T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (this.isOver) await this.rest();
    }
  }
}
