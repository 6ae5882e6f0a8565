/**
 * Keeps slow uploads alive as long as the config allows.
 *
 * The addon closes a connection whose body brings less than 160 kB in 10 s, whatever the config says. Its timer starts
 * anew with every `resume`, so a coarse timer of ours does that for bodies that are not silent for longer than
 * `idleTimeoutMs`; the others are left to the addon.
 */
import type { BodyReader } from "./body-reader.ts";

/** Less than half of the addon's 10 s, which it counts in steps of 4 s. */
const ROUND_MS = 4_000;

export class BodyWatch {
  readonly #bodies = new Set<BodyReader>();
  readonly #allowedRounds: number;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(idleTimeoutMs: number) {
    this.#allowedRounds = Math.floor(idleTimeoutMs / ROUND_MS);
  }

  add(body: BodyReader): void {
    this.#bodies.add(body);
    this.#timer ??= setInterval(() => this.#round(), ROUND_MS).unref();
  }

  remove(body: BodyReader): void {
    this.#bodies.delete(body);
  }

  #round(): void {
    for (const body of this.#bodies) {
      if (!body.isTimed) continue;
      body.silentRounds += 1;
      if (!body.isAwaited || body.silentRounds <= this.#allowedRounds) body.rearm();
    }
    if (this.#bodies.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
