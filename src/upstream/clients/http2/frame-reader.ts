/**
 * Reads frames from a socket's bytes, cut anywhere. Knows the framing layer alone: no streams, no windows.
 *
 *     head --DATA--> pad length? -> payload, passed on as it comes -> padding -> head
 *      |---others--> payload, whole; taken from the chunk itself unless it is cut -> head
 *
 * DATA is passed on without waiting for the rest of its frame and without a copy. Whatever else is kept between chunks
 * is bounded: one control frame, and one header block of at most MAX_BLOCK_BYTES in at most MAX_BLOCK_FRAMES frames.
 * Source: RFC 9113 sections 4 and 6.
 */
import {
  DEFAULT_MAX_FRAME_BYTES,
  Flag,
  FRAME_HEAD_BYTES,
  FrameType,
  MAX_STREAM_ID,
  readUint32,
} from "./frame.ts";
import { ErrorCode, Http2Error } from "./http2-error.ts";

/** What a peer may send of one header block, encoded. */
const MAX_BLOCK_BYTES: number = 64 * 1024;

/** HEADERS and CONTINUATION frames of one block; MAX_BLOCK_BYTES in frames of the usual size take five. */
const MAX_BLOCK_FRAMES = 32;

/** Hears of frames. Bytes that are passed are valid during the call only. Whatever it throws ends the reading. */
export interface FrameHandler {
  /** A DATA frame begins; `flowBytes`, padding included, count against the windows. */
  onDataStart(streamId: number, flowBytes: number): void;
  onDataBytes(bytes: Buffer, start: number, end: number): void;
  /** The DATA frame is complete; `flags` may have END_STREAM. */
  onDataEnd(flags: number): void;
  /** A whole header block; `flags` may have END_STREAM. */
  onHeaderBlock(streamId: number, flags: number, bytes: Buffer, start: number, end: number): void;
  onReset(streamId: number, errorCode: number): void;
  /** The payload, a multiple of six bytes. */
  onSettings(bytes: Buffer, start: number, end: number): void;
  onSettingsAck(): void;
  /** Eight bytes at `start`. */
  onPing(bytes: Buffer, start: number): void;
  /** Eight bytes at `start`. */
  onPingAck(bytes: Buffer, start: number): void;
  onGoaway(lastStreamId: number, errorCode: number): void;
  /** `increment` is not 0. */
  onWindowUpdate(streamId: number, increment: number): void;
  /** A frame without meaning for a client: PRIORITY, or an unknown type. */
  onIgnored(): void;
}

type State = "head" | "pad-length" | "data" | "padding" | "payload";

/** Reads the frames of one connection. */
export class FrameReader {
  readonly #handler: FrameHandler;
  #state: State = "head";
  readonly #head: Buffer = Buffer.alloc(FRAME_HEAD_BYTES);
  #headBytes = 0;
  #isFirst = true;
  // The frame under way.
  #type = 0;
  #flags = 0;
  #streamId = 0;
  #left = 0;
  #padding = 0;
  /** A control frame that was cut. */
  #payload: Buffer | undefined;
  #payloadBytes = 0;
  /** A header block that is not complete. */
  #block: Buffer[] = [];
  #blockBytes = 0;
  #blockFlags = 0;
  #blockStreamId = 0;
  #isInBlock = false;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /**
   * Takes the next bytes; they may be reused afterwards.
   * @throws {Http2Error} where they break the framing.
   */
  read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case "head":
          at = this.#readHead(bytes, at, end);
          break;
        case "pad-length":
          this.#setPadding(bytes[at++] ?? 0);
          this.#toData();
          break;
        case "data":
          at = this.#readData(bytes, at, end);
          break;
        case "padding":
          at = this.#skipPadding(at, end);
          break;
        case "payload":
          at = this.#readPayload(bytes, at, end);
          break;
      }
    }
  }

  #readHead(bytes: Buffer, at: number, end: number): number {
    if (this.#headBytes === 0 && end - at >= FRAME_HEAD_BYTES) {
      this.#begin(bytes, at);
      return at + FRAME_HEAD_BYTES;
    }
    const taken = Math.min(FRAME_HEAD_BYTES - this.#headBytes, end - at);
    bytes.copy(this.#head, this.#headBytes, at, at + taken);
    this.#headBytes += taken;
    if (this.#headBytes === FRAME_HEAD_BYTES) {
      this.#headBytes = 0;
      this.#begin(this.#head, 0);
    }
    return at + taken;
  }

  #begin(bytes: Buffer, at: number): void {
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const type = bytes[at + 3] ?? 0;
    this.#type = type;
    this.#flags = bytes[at + 4] ?? 0;
    this.#streamId = readUint32(bytes, at + 5) & MAX_STREAM_ID;
    this.#left = length;
    if (this.#isFirst) {
      if (type !== FrameType.SETTINGS || (this.#flags & Flag.ACK) !== 0) {
        throw violation("something else than SETTINGS first");
      }
      this.#isFirst = false;
    }
    if (length > DEFAULT_MAX_FRAME_BYTES) {
      throw wrongSize(`a frame of ${length} bytes`);
    }
    if (this.#isInBlock !== (type === FrameType.CONTINUATION)) {
      throw violation(this.#isInBlock ? "a frame within a header block" : "CONTINUATION without HEADERS");
    }
    if (type !== FrameType.DATA) {
      this.#state = "payload";
      if (length === 0) this.#finishPayload(bytes, 0, 0);
      return;
    }
    if (this.#streamId === 0) throw violation("DATA on stream 0");
    this.#padding = 0;
    this.#handler.onDataStart(this.#streamId, length);
    if ((this.#flags & Flag.PADDED) === 0) this.#toData();
    else if (length === 0) throw wrongSize("padded DATA without a pad length");
    else this.#state = "pad-length";
  }

  /** Takes the pad length's own byte and the padding off what is left of the frame. */
  #setPadding(padding: number): void {
    this.#left--;
    if (padding > this.#left) throw violation("padding that is longer than its frame");
    this.#padding = padding;
    this.#left -= padding;
  }

  #toData(): void {
    if (this.#left > 0) this.#state = "data";
    else this.#toPadding();
  }

  #readData(bytes: Buffer, at: number, end: number): number {
    const taken = Math.min(this.#left, end - at);
    this.#left -= taken;
    this.#handler.onDataBytes(bytes, at, at + taken);
    if (this.#left === 0) this.#toPadding();
    return at + taken;
  }

  #toPadding(): void {
    if (this.#padding > 0) this.#state = "padding";
    else this.#endData();
  }

  #skipPadding(at: number, end: number): number {
    const taken = Math.min(this.#padding, end - at);
    this.#padding -= taken;
    if (this.#padding === 0) this.#endData();
    return at + taken;
  }

  #endData(): void {
    this.#state = "head";
    this.#handler.onDataEnd(this.#flags);
  }

  #readPayload(bytes: Buffer, at: number, end: number): number {
    const length = this.#left;
    if (this.#payload === undefined) {
      if (end - at >= length) {
        this.#finishPayload(bytes, at, at + length);
        return at + length;
      }
      this.#payload = Buffer.allocUnsafe(length);
      this.#payloadBytes = 0;
    }
    const payload = this.#payload;
    const taken = Math.min(length - this.#payloadBytes, end - at);
    bytes.copy(payload, this.#payloadBytes, at, at + taken);
    this.#payloadBytes += taken;
    if (this.#payloadBytes === length) {
      this.#payload = undefined;
      this.#finishPayload(payload, 0, length);
    }
    return at + taken;
  }

  #finishPayload(bytes: Buffer, start: number, end: number): void {
    this.#state = "head";
    const length = end - start;
    const streamId = this.#streamId;
    switch (this.#type) {
      case FrameType.HEADERS:
        this.#onHeaders(bytes, start, end);
        return;
      case FrameType.CONTINUATION:
        this.#onContinuation(bytes, start, end);
        return;
      case FrameType.PRIORITY:
        if (length !== 5) throw wrongSize(`PRIORITY of ${length} bytes`);
        if (streamId === 0) throw violation("PRIORITY on stream 0");
        this.#handler.onIgnored();
        return;
      case FrameType.RST_STREAM:
        if (length !== 4) throw wrongSize(`RST_STREAM of ${length} bytes`);
        if (streamId === 0) throw violation("RST_STREAM on stream 0");
        this.#handler.onReset(streamId, readUint32(bytes, start));
        return;
      case FrameType.SETTINGS:
        if (streamId !== 0) throw violation("SETTINGS on a stream");
        if ((this.#flags & Flag.ACK) !== 0) {
          if (length !== 0) throw wrongSize("an acknowledgement of SETTINGS that is not empty");
          this.#handler.onSettingsAck();
          return;
        }
        if (length % 6 !== 0) throw wrongSize(`SETTINGS of ${length} bytes`);
        this.#handler.onSettings(bytes, start, end);
        return;
      case FrameType.PUSH_PROMISE:
        throw violation("PUSH_PROMISE, which was switched off");
      case FrameType.PING:
        if (streamId !== 0) throw violation("PING on a stream");
        if (length !== 8) throw wrongSize(`PING of ${length} bytes`);
        if ((this.#flags & Flag.ACK) === 0) this.#handler.onPing(bytes, start);
        else this.#handler.onPingAck(bytes, start);
        return;
      case FrameType.GOAWAY:
        if (streamId !== 0) throw violation("GOAWAY on a stream");
        if (length < 8) throw wrongSize(`GOAWAY of ${length} bytes`);
        this.#handler.onGoaway(readUint32(bytes, start) & MAX_STREAM_ID, readUint32(bytes, start + 4));
        return;
      case FrameType.WINDOW_UPDATE: {
        if (length !== 4) throw wrongSize(`WINDOW_UPDATE of ${length} bytes`);
        const increment = readUint32(bytes, start) & MAX_STREAM_ID;
        if (increment === 0) throw violation("WINDOW_UPDATE of 0");
        this.#handler.onWindowUpdate(streamId, increment);
        return;
      }
      default:
        this.#handler.onIgnored();
    }
  }

  #onHeaders(bytes: Buffer, start: number, end: number): void {
    if (this.#streamId === 0) throw violation("HEADERS on stream 0");
    let from = start;
    this.#padding = 0;
    if ((this.#flags & Flag.PADDED) !== 0) {
      if (from === end) throw wrongSize("padded HEADERS without a pad length");
      this.#setPadding(bytes[from++] ?? 0);
    }
    const to = end - this.#padding;
    // Five bytes of a scheme of priorities that nobody uses any more.
    if ((this.#flags & Flag.PRIORITY) !== 0) from += 5;
    if (from > to) throw wrongSize("HEADERS that are shorter than their flags say");
    if ((this.#flags & Flag.END_HEADERS) !== 0) {
      this.#handler.onHeaderBlock(this.#streamId, this.#flags, bytes, from, to);
      return;
    }
    this.#isInBlock = true;
    this.#blockFlags = this.#flags;
    this.#blockBytes = 0;
    this.#keep(bytes, from, to);
    this.#blockStreamId = this.#streamId;
  }

  #onContinuation(bytes: Buffer, start: number, end: number): void {
    if (this.#streamId !== this.#blockStreamId) throw violation("CONTINUATION of another stream");
    this.#keep(bytes, start, end);
    if ((this.#flags & Flag.END_HEADERS) === 0) return;
    const block = Buffer.concat(this.#block, this.#blockBytes);
    this.#block = [];
    this.#isInBlock = false;
    this.#handler.onHeaderBlock(this.#blockStreamId, this.#blockFlags, block, 0, block.length);
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    this.#blockBytes += end - start;
    if (this.#blockBytes > MAX_BLOCK_BYTES || this.#block.length === MAX_BLOCK_FRAMES) {
      throw new Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "a header block without end");
    }
    this.#block.push(Buffer.from(bytes.subarray(start, end)));
  }
}

function violation(what: string): Http2Error {
  return new Http2Error(ErrorCode.PROTOCOL_ERROR, what);
}

function wrongSize(what: string): Http2Error {
  return new Http2Error(ErrorCode.FRAME_SIZE_ERROR, what);
}
