/**
 * The messages that a call sends: what has left, what waits for windows, and what could be sent once more.
 *
 * Until the upstream shows that it has taken the call, sent messages are kept (up to KEPT_BYTES), so that a call which
 * was refused unprocessed can be sent again as a whole.
 */
import { Flag } from "./frame.ts";
import { type FrameWriter, MESSAGE_PREFIX_BYTES } from "./frame-writer.ts";

/** What a call keeps for being sent again; beyond that it cannot be. */
const KEPT_BYTES: number = 256 * 1024;

/** Places of sent messages that nobody needs are cut off the front once there are this many. */
const TRIM_COUNT = 64;

/** Stands where a message was that nobody needs. */
const GONE = new Uint8Array(0);

/** One call's outgoing half. Messages are kept by reference and must not change. */
export class Outbox {
  #messages: Uint8Array[] = [];
  /** The first message that has not left whole. */
  #next = 0;
  /** How much of it has left, prefix included. */
  #offset = 0;
  #unsentBytes = 0;
  #keptBytes = 0;
  #keepsSent = true;
  #isEnded = false;
  #isEndWritten = false;
  #lastFlush = -1;
  /** Those of the messages that are compressed. */
  #compressed: WeakSet<Uint8Array> | undefined;

  /** Bytes that no frame holds yet, prefixes included. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  get hasData(): boolean {
    return this.#next < this.#messages.length;
  }

  /** Whether nothing is left to send but the end itself. */
  get owesEnd(): boolean {
    return this.#isEnded && !this.#isEndWritten && !this.hasData;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether END_STREAM is in a frame. */
  get isEndWritten(): boolean {
    return this.#isEndWritten;
  }

  /** Whether everything sent so far is still here. */
  get canRewind(): boolean {
    return this.#keepsSent;
  }

  push(message: Uint8Array): void {
    this.#messages.push(message);
    this.#unsentBytes += message.length + MESSAGE_PREFIX_BYTES;
  }

  /** Adds a message that is compressed; the flag in its prefix says so. */
  pushCompressed(message: Uint8Array): void {
    this.#compressed ??= new WeakSet();
    this.#compressed.add(message);
    this.push(message);
  }

  end(): void {
    this.#isEnded = true;
  }

  /** Writes one frame of at most `mostBytes` (at least 1) and gives how many the windows are charged. */
  writeFrame(writer: FrameWriter, streamId: number, mostBytes: number): number {
    const message = this.#messages[this.#next];
    if (message === undefined) return 0;
    const left = message.length + MESSAGE_PREFIX_BYTES - this.#offset;
    const bytes = Math.min(left, mostBytes);
    const isWhole = bytes === left;
    this.#isEndWritten = isWhole && this.#isEnded && this.#next + 1 === this.#messages.length;
    const flags = this.#isEndWritten ? Flag.END_STREAM : 0;
    const compressedFlag = this.#compressed?.has(message) === true ? 1 : 0;
    writer.data(streamId, flags, message, compressedFlag, this.#offset, bytes);
    this.#lastFlush = writer.flushes;
    this.#unsentBytes -= bytes;
    this.#offset += bytes;
    if (isWhole) this.#onWhole(message.length);
    return bytes;
  }

  /** Ends the stream: on its last frame if that has not left, else with an empty one. */
  writeEnd(writer: FrameWriter, streamId: number): void {
    this.#isEndWritten = true;
    if (!writer.endLastData(streamId, this.#lastFlush)) writer.endStream(streamId);
  }

  /** The upstream has taken the call: it will not be sent again. */
  stopKeeping(): void {
    if (!this.#keepsSent) return;
    this.#keepsSent = false;
    this.#trim(1);
  }

  /** Back to the first message, for another stream. Only where `canRewind`. */
  rewind(): void {
    this.#unsentBytes = 0;
    for (const message of this.#messages) this.#unsentBytes += message.length + MESSAGE_PREFIX_BYTES;
    this.#next = 0;
    this.#offset = 0;
    this.#keptBytes = 0;
    this.#isEndWritten = false;
    this.#lastFlush = -1;
  }

  clear(): void {
    this.#messages = [];
    this.#next = 0;
    this.#unsentBytes = 0;
  }

  #onWhole(bytes: number): void {
    this.#offset = 0;
    this.#next++;
    this.#keptBytes += bytes + MESSAGE_PREFIX_BYTES;
    if (!this.#keepsSent) {
      // Its memory is free at once: 64 pieces of an upload would be 64 MB.
      this.#messages[this.#next - 1] = GONE;
      this.#trim(TRIM_COUNT);
    } else if (this.#keptBytes > KEPT_BYTES) this.stopKeeping();
  }

  #trim(least: number): void {
    if (this.#next < least) return;
    this.#messages.splice(0, this.#next);
    this.#next = 0;
  }
}
