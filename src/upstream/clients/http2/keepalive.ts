/**
 * Finds out that an upstream is gone though nothing says so: after silence, or in doubt, a PING, and without a word in
 * time the end.
 *
 * Servers count PINGs, and close connections with too many: grpc-go and grpc-java want five minutes between two, and bear
 * with two that come sooner until they have answered a call again (gRFC A8, "Server Enforcement").
 */

/** PINGs in doubt that a server bears with until it answers a call. */
const MAX_DOUBTS = 2;

/** One connection's keepalive; `stop` it with the connection. */
export class Keepalive {
  readonly #silenceMs: number;
  readonly #timeoutMs: number;
  readonly #ping: () => boolean;
  readonly #onDead: () => void;
  #timer: NodeJS.Timeout | undefined;
  #hasHeard = false;
  #heardAt = 0;
  #isPinging = false;
  #doubtsLeft = MAX_DOUBTS;

  /**
   * `ping` is called after `silenceMs` without a word (Infinity is never), and in doubt; it says whether it sent one.
   * `onDead` comes another `timeoutMs` later.
   */
  constructor(silenceMs: number, timeoutMs: number, ping: () => boolean, onDead: () => void) {
    this.#silenceMs = silenceMs;
    this.#timeoutMs = timeoutMs;
    this.#ping = ping;
    this.#onDead = onDead;
  }

  /** Whether a PING waits for its answer and nothing else has come either. */
  get isInDoubt(): boolean {
    return this.#isPinging && !this.#hasHeard;
  }

  start(): void {
    clearTimeout(this.#timer);
    const ms = this.#isPinging ? this.#timeoutMs : this.#silenceMs;
    if (ms === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#onTimer(), ms).unref();
  }

  /** Bytes came, at this time. */
  hear(now: number): void {
    this.#hasHeard = true;
    this.#heardAt = now;
  }

  /** A frame of a call came. */
  hearCall(): void {
    this.#doubtsLeft = MAX_DOUBTS;
  }

  /**
   * A call that was sent at `sentAt` has run into its deadline `now`. If nothing at all has come for the latter half of its
   * time, asks at once instead of after silence, unless a PING is under way or there have been too many.
   */
  doubt(sentAt: number, now: number): void {
    if (now - this.#heardAt < (now - sentAt) / 2) return;
    if (this.#isPinging || this.#doubtsLeft === 0 || !this.#ping()) return;
    this.#doubtsLeft--;
    this.#isPinging = true;
    this.#hasHeard = false;
    this.start();
  }

  /** The answer to a PING came. */
  acknowledge(): void {
    if (!this.#isPinging) return;
    this.#isPinging = false;
    this.start();
  }

  stop(): void {
    clearTimeout(this.#timer);
    // An answer that is still to be read would start it anew.
    this.#isPinging = false;
  }

  #onTimer(): void {
    if (this.isInDoubt) {
      this.#onDead();
      return;
    }
    this.#isPinging = !this.#hasHeard && this.#ping();
    this.#hasHeard = false;
    this.start();
  }
}
