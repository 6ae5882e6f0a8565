/** Waiting for a condition that changes with events: no sleeping, no polling. */

const PATIENCE_MS = 20_000;

/** Whoever changes something that tests wait for says `changed`. */
export class Moments {
  readonly #waiting = new Set<() => void>();

  /** Whoever waits looks again. */
  changed(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves once `holds`; rejects, quoting the condition, if that takes longer than `patienceMs`. */
  until(holds: () => boolean, patienceMs: number = PATIENCE_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`${patienceMs} ms went by before ${String(holds)}`));
      }, patienceMs);
      const look = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
