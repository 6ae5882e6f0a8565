/**
 * Who may send next: the streams of one connection take turns, a frame each, as far as the windows and the socket allow.
 * Source: RFC 9113 section 5.2.
 */
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from "./frame.ts";
import type { FrameBudget } from "./frame-budget.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { ErrorCode, Http2Error } from "./http2-error.ts";
import type { Outbox } from "./outbox.ts";

/** A stream with something to send. */
export interface Sender {
  readonly streamId: number;
  readonly outbox: Outbox;
  /** Below zero after the peer has shrunk its initial window. */
  sendWindow: number;
  /** Frames of it have been written. */
  onWritten(): void;
}

/** Sends the messages of one connection's streams. */
export class SendScheduler {
  readonly #writer: FrameWriter;
  readonly #budget: FrameBudget;
  readonly #waiting = new Set<Sender>();
  #window = DEFAULT_WINDOW_BYTES;
  #isPumping = false;

  /** Frames that are sent are counted to `budget`, since they bring WINDOW_UPDATEs. */
  constructor(writer: FrameWriter, budget: FrameBudget) {
    this.#writer = writer;
    this.#budget = budget;
  }

  /** The sender has something new to send, or more window. */
  add(sender: Sender): void {
    const { outbox } = sender;
    if (outbox.hasData) {
      // The usual case: nobody waits, and there is window for all of it.
      const mayWrite = this.#waiting.size === 0 && !this.#isPumping && !this.#writer.isCongested;
      if (mayWrite && !this.#write(sender)) return;
      this.#waiting.add(sender);
      this.pump();
    } else if (outbox.owesEnd) {
      outbox.writeEnd(this.#writer, sender.streamId);
    }
  }

  remove(sender: Sender): void {
    this.#waiting.delete(sender);
  }

  /**
   * More window for the whole connection.
   * @throws {Http2Error} FLOW_CONTROL_ERROR where it grows too large.
   */
  grant(increment: number): void {
    this.#window += increment;
    if (this.#window > MAX_WINDOW_BYTES) throw windowOverflow();
    this.pump();
  }

  /**
   * More window for one sender, or less where `change` is negative.
   * @throws {Http2Error} FLOW_CONTROL_ERROR where it grows too large.
   */
  widen(sender: Sender, change: number): void {
    sender.sendWindow += change;
    if (sender.sendWindow > MAX_WINDOW_BYTES) throw windowOverflow();
    if (change > 0 && sender.outbox.hasData) this.add(sender);
  }

  /** Sends until the window is used up, the socket is behind, or nothing is left. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    // A set takes up those that are added while it is gone through, so this goes round.
    for (const sender of this.#waiting) {
      if (this.#window <= 0 || this.#writer.isCongested) break;
      this.#waiting.delete(sender);
      if (this.#write(sender)) this.#waiting.add(sender);
    }
    this.#isPumping = false;
  }

  /** Writes one frame and says whether the sender has more to send. */
  #write(sender: Sender): boolean {
    const most = Math.min(this.#window, sender.sendWindow, this.#writer.maxFrameBytes);
    if (most <= 0) return this.#window <= 0;
    const sent = sender.outbox.writeFrame(this.#writer, sender.streamId, most);
    this.#budget.earn();
    this.#window -= sent;
    sender.sendWindow -= sent;
    sender.onWritten();
    return sender.outbox.hasData;
  }
}

/** A window has grown beyond 2^31-1 (RFC 9113 section 6.9.1). */
function windowOverflow(): Http2Error {
  return new Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "a window that is too large");
}
