/** How soon a worker that has ended is replaced. */

/** One that lived this long was sound; its successor starts at once. */
const SOUND_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/** The pauses before the replacements of one worker. */
export class RestartBackoff {
  readonly #random: () => number;
  #shortLives = 0;

  /** `random` gives numbers in [0, 1), to keep workers that fall together from starting together. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** How many ended soon after their start, one after the other. */
  get shortLives(): number {
    return this.#shortLives;
  }

  /** The pause in ms after one that lived `livedMs`: none after a sound life or a first short one, then up to 10 s. */
  pauseAfter(livedMs: number): number {
    if (livedMs >= SOUND_MS) {
      this.#shortLives = 0;
      return 0;
    }
    this.#shortLives++;
    if (this.#shortLives === 1) return 0;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#shortLives - 2), LONGEST_PAUSE_MS);
    return pauseMs * (0.5 + this.#random() / 2);
  }
}
