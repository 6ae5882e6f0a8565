/**
 * The body of one request that Node gives as a stream: its limit and its time, and the pauses of the one who reads it.
 */
import type { Readable } from "node:stream";
import type { BodyListener } from "../../exchange.ts";
import type { BodyDeadlines, DueBody } from "./body-deadlines.ts";

/** What depends on the version of HTTP. */
export interface BodyOwner {
  /** The times of the listener's bodies. */
  readonly deadlines: BodyDeadlines;
  /** Whether the client has broken it off: Node ends the body of a stream that was reset, too. */
  readonly isBroken: boolean;
  /** Bytes may come from now on: silence is the client's. */
  awaitBytes(): void;
  /** None are waited for: silence is ours. */
  restBytes(): void;
  /** Called just before the listener hears that the body is refused. It is not read any further. */
  onRefused(): void;
}

/** A body that is not empty. Nothing is read before `read`, and nothing told after `close`. */
export class NodeBody implements DueBody {
  previousDue: DueBody | undefined = undefined;
  nextDue: DueBody | undefined = undefined;
  dueSince = -1;

  readonly #source: Readable;
  /** Announced, or CHUNKED. */
  readonly #length: number;
  readonly #owner: BodyOwner;
  #listener: BodyListener | undefined = undefined;
  #limitBytes = 0;
  #receivedBytes = 0;
  #isPaused = false;
  #isEndHeld = false;
  #isOver = false;

  /** `length` is in bytes, or CHUNKED. */
  constructor(source: Readable, length: number, owner: BodyOwner) {
    this.#source = source;
    this.#length = length;
    this.#owner = owner;
  }

  /** Whether somebody reads it or has read it. */
  get isTaken(): boolean {
    return this.#listener !== undefined;
  }

  /** Whether there is nothing more to tell: all of it has come, or it was refused or closed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Reads to `listener`; `askForIt` is called if the client has to send it. */
  read(limitBytes: number, listener: BodyListener, askForIt: () => void): void {
    if (this.#isOver || this.isTaken) return;
    this.#listener = listener;
    this.#limitBytes = limitBytes;
    if (this.#length > limitBytes) {
      this.#refuse();
      listener.onTooLarge();
      return;
    }
    if (listener.onTooSlow !== undefined) this.#owner.deadlines.add(this);
    askForIt();
    this.#source.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    this.#source.on("end", () => this.#onEnd());
    if (this.#isPaused) this.#source.pause();
    else this.#owner.awaitBytes();
  }

  pause(): void {
    if (this.#isOver) return;
    this.#isPaused = true;
    this.#source.pause();
    this.#owner.restBytes();
  }

  resume(): void {
    if (!this.#isPaused || this.#isOver) return;
    this.#isPaused = false;
    if (this.#isEndHeld) process.nextTick(() => this.#onEnd());
    if (!this.isTaken || this.#isEndHeld) return;
    this.#source.resume();
    this.#owner.awaitBytes();
  }

  /** Tells nothing more. Node skips what still comes, but not of a body that is held, unless it is let go. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.deadlines.remove(this);
    this.#owner.restBytes();
    if (this.#isPaused) this.#source.resume();
  }

  onDue(): void {
    if (this.#isOver) return;
    this.#refuse();
    this.#listener?.onTooSlow?.(this.#owner.deadlines.timeoutMs);
  }

  #onChunk(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes <= this.#limitBytes) {
      this.#listener?.onChunk(chunk);
      return;
    }
    this.#refuse();
    this.#listener?.onTooLarge();
  }

  #onEnd(): void {
    if (this.#isOver || this.#owner.isBroken) return;
    // Node ends a body that is paused where all of it came in one read.
    this.#isEndHeld = this.#isPaused;
    if (this.#isEndHeld) return;
    this.close();
    this.#listener?.onEnd();
  }

  #refuse(): void {
    this.close();
    this.#source.pause();
    this.#owner.onRefused();
  }
}
