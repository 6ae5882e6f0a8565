/**
 * Finds out that an upstream is gone though nothing says so: after silence a PING, and without a word in time the end.
 */

/** One connection's keepalive; `stop` it with the connection. */
export class Keepalive {
  readonly #silenceMs: number;
  readonly #timeoutMs: number;
  readonly #ping: () => boolean;
  readonly #onDead: () => void;
  #timer: NodeJS.Timeout | undefined;
  #hasHeard = false;
  #isPinging = false;

  /**
   * `ping` is called after `silenceMs` without a word (Infinity is never), and says whether it sent one; `onDead` comes another `timeoutMs`
   * later.
   */
  constructor(silenceMs: number, timeoutMs: number, ping: () => boolean, onDead: () => void) {
    this.#silenceMs = silenceMs;
    this.#timeoutMs = timeoutMs;
    this.#ping = ping;
    this.#onDead = onDead;
  }

  start(): void {
    clearTimeout(this.#timer);
    if (this.#silenceMs === Number.POSITIVE_INFINITY) return;
    const ms = this.#isPinging ? this.#timeoutMs : this.#silenceMs;
    this.#timer = setTimeout(() => this.#onTimer(), ms).unref();
  }

  /** Bytes came. */
  hear(): void {
    this.#hasHeard = true;
  }

  /** The answer to a PING came. */
  acknowledge(): void {
    if (!this.#isPinging) return;
    this.#isPinging = false;
    this.start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #onTimer(): void {
    if (this.#isPinging && !this.#hasHeard) {
      this.#onDead();
      return;
    }
    this.#isPinging = !this.#hasHeard && this.#ping();
    this.#hasHeard = false;
    this.start();
  }
}
