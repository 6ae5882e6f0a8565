/**
 * What the upstream may send ahead on one connection: the window of all streams together, and how far that of a single
 * stream may grow with the bandwidth-delay product.
 *
 * A stream starts with STREAM_WINDOW_BYTES, which is all that the upstream can send on it in one round trip. Where that
 * holds a stream up, its window grows. To find out, a PING is sent when DATA comes: the bytes up to its answer are what was
 * sent in one round trip. If they are about a window, and came faster than ever before (more bytes at the same speed
 * would only wait in queues), windows may be twice as many bytes. Where a window is too small its bytes come in bursts,
 * so a sample may begin in the middle of one; the next then begins with its first bytes. Hence two in a row.
 *
 * What it costs: a stream may hold MAX_STREAM_WINDOW_BYTES when its reader stops, but all of a connection no more than
 * MAX_LENT_BYTES beyond the windows that they start with. What a stream that was told to hold has been lent is taken back
 * as it reads on.
 *
 * What it asks of the upstream: a PING only after half a window of DATA on one stream, so that servers which count the
 * PINGs without DATA in between never count these; a few while windows grow, then ever fewer.
 * Source: grpc/proposal, A8 for the servers' counting of PINGs; RFC 9113 section 6.9.
 */
import { STREAM_WINDOW_BYTES } from "./connection-ports.ts";
import { DEFAULT_WINDOW_BYTES } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { ErrorCode, Http2Error } from "./http2-error.ts";

/**
 * What the upstream may send ahead on all streams together. It is given back as bytes arrive, not as they are consumed:
 * one slow client must not hold up the calls of all others. The windows of the streams bound the memory.
 */
const CONNECTION_WINDOW_BYTES: number = 16 * 1024 * 1024;

const CONNECTION_UPDATE_BYTES: number = CONNECTION_WINDOW_BYTES / 4;

/** The largest window of a stream: enough for 80 MB/s over 50 ms. */
export const MAX_STREAM_WINDOW_BYTES: number = 4 * 1024 * 1024;

/** What the streams of one connection are lent at most, beyond what each starts with. */
export const MAX_LENT_BYTES: number = 16 * 1024 * 1024;

/** Samples in a row, unless one of them makes windows grow. */
const SAMPLES = 2;

/** The pause after samples that have found nothing; it doubles each time. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;

/** What the PINGs of samples carry; those of keepalive carry zeros. */
const SAMPLE_PAYLOAD: Uint8Array = Buffer.from("sluicebw", "latin1");

/** A stream whose window may grow. */
export interface Borrower {
  /** Window that it has been given beyond what it started with, and not yet given back. */
  lentBytes: number;
}

/** The frames that are written. */
export type WindowWriter = Pick<FrameWriter, "windowUpdate" | "ping">;

/** The receive windows of one connection. */
export class ReceiveWindows {
  readonly #writer: WindowWriter;
  readonly #now: () => number;
  #window = CONNECTION_WINDOW_BYTES;
  #arrivedBytes = 0;
  #lentBytes = 0;
  /** What a stream may have now. */
  #streamBytes = STREAM_WINDOW_BYTES;
  // The sample under way, those that follow it, and what earlier ones have found.
  #isSampling = false;
  #samplesLeft = 0;
  #sampledBytes = 0;
  #sampledAt = 0;
  #bestRate = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(writer: WindowWriter, now: () => number) {
    this.#writer = writer;
    this.#now = now;
  }

  /** Opens the connection's window beyond the 64 KiB that it begins with. */
  open(): void {
    this.#writer.windowUpdate(0, CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
  }

  /**
   * DATA arrives.
   * @throws {Http2Error} FLOW_CONTROL_ERROR if it is more than the window.
   */
  onData(flowBytes: number): void {
    this.#window -= flowBytes;
    this.#arrivedBytes += flowBytes;
    if (this.#samplesLeft > 0 && !this.#isSampling) this.#sample();
    this.#sampledBytes += flowBytes;
    if (this.#window < 0) throw new Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "more than the window");
    if (this.#arrivedBytes < CONNECTION_UPDATE_BYTES) return;
    this.#writer.windowUpdate(0, this.#arrivedBytes);
    this.#window += this.#arrivedBytes;
    this.#arrivedBytes = 0;
  }

  /** The stream reads as fast as it is sent to: how much more window it gets, counted in its `lentBytes`. */
  lend(stream: Borrower): number {
    this.#wantSamples();
    const wanted = this.#streamBytes - STREAM_WINDOW_BYTES - stream.lentBytes;
    const lent = Math.max(0, Math.min(wanted, MAX_LENT_BYTES - this.#lentBytes));
    stream.lentBytes += lent;
    this.#lentBytes += lent;
    return lent;
  }

  /** The stream has ended, or has read all that it was lent. */
  takeBack(stream: Borrower): void {
    this.#lentBytes -= stream.lentBytes;
    stream.lentBytes = 0;
  }

  /** A PING was answered, perhaps one of these. */
  onPingAck(bytes: Buffer, start: number): void {
    const isOurs =
      bytes.compare(SAMPLE_PAYLOAD, 0, SAMPLE_PAYLOAD.length, start, start + SAMPLE_PAYLOAD.length) === 0;
    if (!this.#isSampling || !isOurs) return;
    this.#isSampling = false;
    const now = this.#now();
    const rate = this.#sampledBytes / Math.max(now - this.#sampledAt, MIN_ROUND_TRIP_MS);
    const isFaster = rate > this.#bestRate;
    if (isFaster) this.#bestRate = rate;
    if (isFaster && this.#sampledBytes * 3 >= this.#streamBytes * 2) {
      this.#streamBytes = Math.min(this.#sampledBytes * 2, MAX_STREAM_WINDOW_BYTES);
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#samplesLeft = 0;
      return;
    }
    if (this.#samplesLeft > 0) return;
    this.#notBefore = now + this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
  }

  #wantSamples(): void {
    const isBusy = this.#isSampling || this.#samplesLeft > 0;
    if (isBusy || this.#streamBytes === MAX_STREAM_WINDOW_BYTES || this.#now() < this.#notBefore) return;
    this.#samplesLeft = SAMPLES;
  }

  #sample(): void {
    this.#samplesLeft--;
    this.#isSampling = true;
    this.#sampledBytes = 0;
    this.#sampledAt = this.#now();
    this.#writer.ping(0, SAMPLE_PAYLOAD);
  }
}

/** Clocks that stand still in between must not make a rate of infinity. */
const MIN_ROUND_TRIP_MS = 0.01;
