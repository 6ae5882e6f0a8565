/**
 * Compresses whole replies: small ones on the spot, large ones on zlib's threads, so that they do not hold up the event
 * loop.
 *
 * A body of 32 KiB takes 0.1 to 0.2 ms on the spot. On a thread it takes the event loop some 0.1 ms all the same, to make
 * a stream of it and to hear of its end, and more CPU in all. What waits for the threads is bounded: replies beyond that
 * go out as they are, which every client takes.
 */
import type { CodingTotals } from "./coding-totals.ts";
import { type CompressionEffort, createEncoder, type Encoder, type ReplyCoding } from "./content-coding.ts";

const MAX_SYNC_BYTES: number = 32 * 1024;

/** How much may wait for zlib's threads. */
export interface ReplyEncoderLimits {
  readonly bodies: number;
  readonly bytes: number;
}

/** A few milliseconds of work for zlib's four threads. */
export const REPLY_ENCODER_LIMITS: ReplyEncoderLimits = { bodies: 32, bytes: 32 * 2 ** 20 };

/** The encoders of a process. */
export class ReplyEncoder {
  readonly #totals: CodingTotals;
  readonly #limits: ReplyEncoderLimits;
  readonly #encoders = new Map<string, Encoder | undefined>();
  #waitingBodies = 0;
  #waitingBytes = 0;

  constructor(totals: CodingTotals, limits: ReplyEncoderLimits) {
    this.#totals = totals;
    this.#limits = limits;
  }

  /**
   * Gives `done` the coded body, at once or later; undefined, at once or later, where the body is to go out as it is.
   * The body must not change until then.
   */
  encode(
    body: Uint8Array,
    coding: ReplyCoding,
    effort: CompressionEffort,
    done: (coded: Uint8Array | undefined) => void,
  ): void {
    const encoder = this.#encoder(coding, effort);
    const { byteLength } = body;
    if (encoder === undefined) done(undefined);
    else if (byteLength <= MAX_SYNC_BYTES) done(this.#encodeNow(encoder, coding, body));
    else if (
      this.#waitingBodies >= this.#limits.bodies ||
      this.#waitingBytes + byteLength > this.#limits.bytes
    ) {
      done(undefined);
    } else {
      this.#waitingBodies++;
      this.#waitingBytes += byteLength;
      encoder.encodeLater(body, (error, coded) => {
        this.#waitingBodies--;
        this.#waitingBytes -= byteLength;
        if (error === null) this.#totals.add("reply", coding, coded.byteLength, byteLength);
        done(error === null ? coded : undefined);
      });
    }
  }

  #encodeNow(encoder: Encoder, coding: ReplyCoding, body: Uint8Array): Uint8Array | undefined {
    let coded: Uint8Array;
    try {
      coded = encoder.encode(body);
    } catch {
      // Without memory for zlib the body can still go as it is.
      return undefined;
    }
    this.#totals.add("reply", coding, coded.byteLength, body.byteLength);
    return coded;
  }

  #encoder(coding: ReplyCoding, effort: CompressionEffort): Encoder | undefined {
    const key = `${coding} ${effort}`;
    if (!this.#encoders.has(key)) this.#encoders.set(key, createEncoder(coding, effort));
    return this.#encoders.get(key);
  }
}
