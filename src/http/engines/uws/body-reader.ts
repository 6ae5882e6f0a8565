/**
 * The body of one request on uWebSockets.js: held when it must be, and never lost.
 *
 * The addon delivers what it has read from the socket (up to 512 KiB at once) even after `pause`, and the end of the body
 * with it. What comes while the body is held waits here, so what waits is bounded by one read.
 *
 * The addon takes a chunked body for complete before it has looked at what follows the last chunk: of trailers it makes a
 * broken request, and closes the connection. So the end of such a body is told a turn later, when that would have happened:
 * a client that is refused should not find that its request has run.
 */
import type { BodyListener } from "../../exchange.ts";
import { Pieces } from "../../pieces.ts";
import { type BodyDeadlines, CHUNKED, type DueBody } from "../common/index.ts";
import type { AddonResponse } from "./addon.ts";
import type { Timed } from "./socket-watch.ts";

/** Bytes held for a listener that has not come yet, or while a congested reply keeps the socket open for both ways. */
const MAX_HELD_BYTES = 1024 * 1024;
/** A copy of this much has memory of its own, outside V8's heap; many of them make it collect the whole heap. */
const LARGE_BYTES: number = 16 * 1024;

/** Takes what the addon delivers and hands it to the listener of the body, if there is one. */
export class BodyReader implements Timed, DueBody {
  previousDue: DueBody | undefined = undefined;
  nextDue: DueBody | undefined = undefined;
  dueSince = -1;
  /** Bytes that have arrived, delivered or not. */
  seenBytes = 0;

  /** Rounds of the watch since something arrived. */
  #silentRounds = 0;
  readonly #deadlines: BodyDeadlines;
  #response: AddonResponse | undefined;
  #listener: BodyListener | undefined = undefined;
  #onRefused: () => void = () => undefined;
  #limitBytes = 0;
  #deliveredBytes = 0;
  readonly #held: Pieces = new Pieces();
  /** Memory of a large chunk that nobody needs any more. */
  #spare: Buffer | undefined = undefined;
  #isHeld = false;
  #isSocketPaused = false;
  readonly #isChunked: boolean;
  /** All of it has arrived. */
  #hasArrived = false;
  /** And the addon has not found fault with what follows. */
  #isSettled = false;
  /** The socket was resumed after all had arrived, which started the addon's timer without need. */
  #isTimedLate = false;
  /** The listener has been told of the end, or nobody listens any more. */
  #isOver = false;
  #isDelivering = false;

  /** `deadlines` are those of the listener; `length` is that of the head, or {@link CHUNKED}. */
  constructor(response: AddonResponse, length: number, deadlines: BodyDeadlines) {
    this.#isChunked = length === CHUNKED;
    this.#response = response;
    this.#deadlines = deadlines;
    response.onData((chunk, isLast) => this.#onData(chunk, isLast));
  }

  /** Whether a listener has been set. */
  get isTaken(): boolean {
    return this.#listener !== undefined;
  }

  /**
   * Whether the addon's timer for late bytes (10 s, and 16 kB/s at least) runs: while bytes may still come, and after
   * a late resume.
   */
  get isTimed(): boolean {
    if (this.#response === undefined || this.#isSocketPaused) return false;
    return !this.#hasArrived || this.#isTimedLate;
  }

  /** Whether the client is held by the socket, and with it the reply: a paused socket is deaf both ways. */
  get isPaused(): boolean {
    return this.#isSocketPaused && !this.#hasArrived;
  }

  /**
   * Lets the addon see the socket while nothing waits to be sent: what `resume` restores later is what a `pause` in the
   * same state saw, and a socket that was first paused with a congested reply would stay deaf.
   */
  prime(): void {
    if (this.#isSocketPaused || this.#hasArrived) return;
    this.#response?.pause();
    this.#response?.resume();
  }

  /** Pauses again: a write that the socket did not take makes the addon poll for both ways. */
  keepPaused(): void {
    if (this.isPaused) this.#response?.pause();
  }

  /** A client that keeps its body back is left to the addon in the end; one whose body is complete is not. */
  rearm(allowedRounds: number): void {
    this.#silentRounds++;
    if (!this.#hasArrived && this.#silentRounds > allowedRounds) return;
    this.#response?.pause();
    this.#response?.resume();
  }

  /** Delivers to `listener` from now on; `onRefused` is called just before its `onTooLarge` or `onTooSlow`. */
  take(limitBytes: number, listener: BodyListener, onRefused: () => void): void {
    this.#limitBytes = limitBytes;
    this.#listener = listener;
    this.#onRefused = onRefused;
    if (listener.onTooSlow !== undefined && !this.#hasArrived) this.#deadlines.add(this);
    this.#deliver();
  }

  onDue(): void {
    if (this.#isOver || this.#hasArrived) return;
    this.#isOver = true;
    this.#held.clear();
    this.#onRefused();
    this.#listener?.onTooSlow?.(this.#deadlines.timeoutMs);
  }

  /** Stops the client. */
  pause(): void {
    if (this.#isSocketPaused || this.#hasArrived || this.#response === undefined) return;
    this.#isSocketPaused = true;
    this.#response.pause();
  }

  /** Stops the client and the listener. */
  hold(): void {
    if (this.#isOver) return;
    this.#isHeld = true;
    this.pause();
  }

  /** Delivers again. */
  release(): void {
    this.#isHeld = false;
    this.#deliver();
  }

  /** Delivers nothing more; the rest is skipped. Must come before the end of the reply, which a paused socket survives. */
  discard(): void {
    this.#isOver = true;
    this.#deadlines.remove(this);
    this.#held.clear();
    this.#resumeSocket();
  }

  /** The connection is gone. */
  lost(): void {
    this.#isOver = true;
    this.#deadlines.remove(this);
    this.#held.clear();
    this.#response = undefined;
  }

  #onData(chunk: ArrayBuffer, isLast: boolean): void {
    this.seenBytes += chunk.byteLength;
    this.#silentRounds = 0;
    if (isLast) {
      this.#hasArrived = true;
      this.#deadlines.remove(this);
      if (this.#isChunked) setImmediate(() => this.#settle());
      else this.#isSettled = true;
    }
    if (!this.#isOver && chunk.byteLength > 0 && !this.#lend(chunk)) {
      this.#held.pushLent(new Uint8Array(chunk), this.#copyOf);
    }
    this.#deliver();
    // A write that the socket does not take makes the addon poll for both ways again, pause or not.
    if (this.#isSocketPaused && !isLast && this.#held.byteLength > MAX_HELD_BYTES) this.#response?.pause();
  }

  /** Delivers a chunk as it is, if the listener can do with that now. */
  #lend(chunk: ArrayBuffer): boolean {
    const listener = this.#listener;
    if (
      listener?.onLentChunk === undefined ||
      this.#isHeld ||
      this.#held.byteLength > 0 ||
      this.#isDelivering
    ) {
      return false;
    }
    this.#isDelivering = true;
    if (this.#counts(chunk.byteLength, listener)) listener.onLentChunk(new Uint8Array(chunk));
    this.#isDelivering = false;
    return true;
  }

  /** The addon takes the memory of a chunk back. */
  readonly #copyOf = (bytes: Uint8Array): Uint8Array => {
    // A buffer from node's pool is 1.3 µs cheaper than one of its own.
    if (bytes.length < LARGE_BYTES) return Buffer.from(bytes);
    const spare = this.#spare;
    this.#spare = undefined;
    const fits = spare !== undefined && spare.length >= bytes.length;
    const memory = fits ? spare : Buffer.allocUnsafeSlow(bytes.length);
    memory.set(bytes);
    return memory.subarray(0, bytes.length);
  };

  /** Hands over what was kept; what was only lent is used for the next that has to be kept. */
  #handOver(chunk: Uint8Array, listener: BodyListener): void {
    if (listener.onLentChunk === undefined) {
      listener.onChunk(chunk);
      return;
    }
    listener.onLentChunk(chunk);
    if (chunk.length >= LARGE_BYTES) this.#spare = Buffer.from(chunk.buffer);
  }

  #deliver(): void {
    const listener = this.#listener;
    // A listener that resumes within its own callback is served by the loop that called it.
    if (listener === undefined || this.#isDelivering) return;
    this.#isDelivering = true;
    while (!this.#isHeld && !this.#isOver) {
      const chunk = this.#held.next();
      if (chunk === undefined) break;
      if (this.#counts(chunk.length, listener)) this.#handOver(chunk, listener);
    }
    this.#isDelivering = false;
    if (this.#isHeld || this.#isOver) return;
    this.#resumeSocket();
    if (!this.#isSettled) return;
    this.#isOver = true;
    listener.onEnd();
  }

  #settle(): void {
    this.#isSettled = true;
    this.#deliver();
  }

  /** Whether so many bytes more are within the limit; if not, the body is refused. */
  #counts(bytes: number, listener: BodyListener): boolean {
    this.#deliveredBytes += bytes;
    if (this.#deliveredBytes <= this.#limitBytes) return true;
    this.#isOver = true;
    this.#held.clear();
    this.#deadlines.remove(this);
    this.#onRefused();
    listener.onTooLarge();
    return false;
  }

  #resumeSocket(): void {
    if (!this.#isSocketPaused) return;
    this.#isSocketPaused = false;
    if (this.#hasArrived) this.#isTimedLate = true;
    // `resume` restores what the last `pause` of a socket in the same state (bytes waiting to be sent, or none) saw. The
    // state may have changed since, so it is shown to the addon once more; else the socket could stay deaf for ever.
    this.#response?.pause();
    this.#response?.resume();
  }
}
