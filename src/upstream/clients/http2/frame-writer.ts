/**
 * Writes frames to a socket, joined: everything of one turn of the event loop leaves in one write.
 *
 * Frames are made in place in a slab. Long payloads are not copied into it; they go between two pieces of the slab, in
 * one gathering write. The flush waits for the check phase of the loop, so that the requests of one poll share it.
 */
import { setImmediate } from "node:timers";
import { DEFAULT_MAX_FRAME_BYTES, Flag, FRAME_HEAD_BYTES, FrameType } from "./frame.ts";

const SLAB_BYTES: number = 64 * 1024;

/** A payload of at least this much is passed on as it is: a gathering write costs about as much as copying this. */
const COPY_LIMIT_BYTES = 4096;

/** From here on the socket is behind, and only frames that must go are added. */
const CONGESTION_BYTES: number = 256 * 1024;

/** From here on the peer does not read: nothing is to be added that can be helped. */
const FULL_BYTES: number = 1024 * 1024;

/** Length and flag before every message (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export const MESSAGE_PREFIX_BYTES = 5;

/** What the writer needs of a socket. */
export interface ByteSink {
  write(bytes: Uint8Array): boolean;
  cork(): void;
  uncork(): void;
  readonly writableLength: number;
}

/** Writes the frames of one connection. After `close` it takes frames and drops them. */
export class FrameWriter {
  readonly #sink: ByteSink;
  readonly #onFlushed: () => void;
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** `#slab[#start, #end)` waits for the flush, after `#parts`. */
  #start = 0;
  #end = 0;
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #isScheduled = false;
  #isClosed = false;
  #flushes = 0;
  /** Where the flags of the newest DATA frame are, in which slab's turn. */
  #dataFlagsAt = 0;
  #dataStreamId = 0;
  readonly #flushLater: () => void = () => {
    this.#isScheduled = false;
    this.flush();
  };

  /** The largest payload that the peer takes. */
  maxFrameBytes: number = DEFAULT_MAX_FRAME_BYTES;

  /** `onFlushed` is called after every write. */
  constructor(sink: ByteSink, onFlushed: () => void) {
    this.#sink = sink;
    this.#onFlushed = onFlushed;
  }

  /** How many times bytes have left; a frame written at the same count has not left yet. */
  get flushes(): number {
    return this.#flushes;
  }

  /** Bytes that the socket has not taken yet. */
  get unsentBytes(): number {
    return this.#partsBytes + this.#end - this.#start + this.#sink.writableLength;
  }

  get isCongested(): boolean {
    return this.unsentBytes >= CONGESTION_BYTES;
  }

  get isFull(): boolean {
    return this.unsentBytes >= FULL_BYTES;
  }

  /** The bytes as they are: the preface. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#slab.set(bytes, at);
  }

  /**
   * A header block in two pieces, `second` of `secondBytes`, in HEADERS and as many CONTINUATIONs as it takes. END_STREAM
   * is not set.
   */
  headers(streamId: number, first: Buffer, second: Buffer, secondBytes: number): void {
    const length = first.length + secondBytes;
    if (length <= this.maxFrameBytes) {
      const at = this.#frame(FrameType.HEADERS, Flag.END_HEADERS, streamId, length, length);
      this.#slab.set(first, at);
      second.copy(this.#slab, at + first.length, 0, secondBytes);
      return;
    }
    const block = Buffer.concat([first, second.subarray(0, secondBytes)], length);
    for (let from = 0; from < length; from += this.maxFrameBytes) {
      const to = Math.min(from + this.maxFrameBytes, length);
      const type = from === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      const at = this.#frame(type, to === length ? Flag.END_HEADERS : 0, streamId, to - from, to - from);
      this.#slab.set(block.subarray(from, to), at);
    }
  }

  /**
   * One DATA frame with `bytes` of a message, from `offset` on, where the first five are its prefix, which begins with
   * `compressedFlag`. A long message is kept by reference until the flush.
   */
  data(
    streamId: number,
    flags: number,
    message: Uint8Array,
    compressedFlag: number,
    offset: number,
    bytes: number,
  ): void {
    const prefix = Math.max(Math.min(MESSAGE_PREFIX_BYTES - offset, bytes), 0);
    const payload = bytes - prefix;
    const isCopied = payload < COPY_LIMIT_BYTES;
    let at = this.#frame(FrameType.DATA, flags, streamId, bytes, isCopied ? bytes : prefix);
    this.#dataFlagsAt = at - 5;
    this.#dataStreamId = streamId;
    const slab = this.#slab;
    for (let i = offset; i < offset + prefix; i++) {
      slab[at++] = i === 0 ? compressedFlag : message.length >>> ((MESSAGE_PREFIX_BYTES - 1 - i) * 8);
    }
    const from = offset + prefix - MESSAGE_PREFIX_BYTES;
    if (!isCopied) {
      this.#refer(message.subarray(from, from + payload));
      return;
    }
    if (payload === message.length) slab.set(message, at);
    else if (payload > 0) slab.set(message.subarray(from, from + payload), at);
  }

  /** Sets END_STREAM on the newest DATA frame if it is of that stream and has not left; else says false. */
  endLastData(streamId: number, flushes: number): boolean {
    if (this.#dataStreamId !== streamId || this.#flushes !== flushes) return false;
    this.#slab[this.#dataFlagsAt] = Flag.END_STREAM;
    return true;
  }

  /** An empty DATA frame with END_STREAM. */
  endStream(streamId: number): void {
    this.#frame(FrameType.DATA, Flag.END_STREAM, streamId, 0, 0);
  }

  reset(streamId: number, errorCode: number): void {
    const at = this.#frame(FrameType.RST_STREAM, 0, streamId, 4, 4);
    this.#slab.writeUInt32BE(errorCode, at);
  }

  windowUpdate(streamId: number, increment: number): void {
    const at = this.#frame(FrameType.WINDOW_UPDATE, 0, streamId, 4, 4);
    this.#slab.writeUInt32BE(increment, at);
  }

  settings(entries: readonly (readonly [id: number, value: number])[]): void {
    let at = this.#frame(FrameType.SETTINGS, 0, 0, entries.length * 6, entries.length * 6);
    for (const [id, value] of entries) {
      at = this.#slab.writeUInt16BE(id, at);
      at = this.#slab.writeUInt32BE(value, at);
    }
  }

  settingsAck(): void {
    this.#frame(FrameType.SETTINGS, Flag.ACK, 0, 0, 0);
  }

  /** `flags` is ACK or 0; eight bytes. */
  ping(flags: number, payload: Uint8Array): void {
    const at = this.#frame(FrameType.PING, flags, 0, 8, 8);
    this.#slab.set(payload, at);
  }

  goaway(errorCode: number): void {
    const at = this.#frame(FrameType.GOAWAY, 0, 0, 8, 8);
    // No stream of the server's: it cannot open any.
    this.#slab.writeUInt32BE(0, at);
    this.#slab.writeUInt32BE(errorCode, at + 4);
  }

  /** Writes what has gathered. */
  flush(): void {
    if (this.#isClosed || (this.#start === this.#end && this.#parts.length === 0)) return;
    this.#flushes++;
    const last = this.#slab.subarray(this.#start, this.#end);
    if (this.#parts.length === 0) {
      this.#sink.write(last);
    } else {
      const parts = this.#parts;
      this.#parts = [];
      this.#partsBytes = 0;
      this.#sink.cork();
      for (const part of parts) this.#sink.write(part);
      if (last.length > 0) this.#sink.write(last);
      this.#sink.uncork();
    }
    // Once the kernel has everything, the slab starts over; until then it must not change.
    this.#start = this.#end = this.#sink.writableLength === 0 ? 0 : this.#end;
    this.#onFlushed();
  }

  /** Drops what has not been written, and everything from now on. */
  close(): void {
    this.#isClosed = true;
    this.#parts = [];
    this.#partsBytes = 0;
    this.#start = this.#end = 0;
  }

  /** Writes a frame's head and gives the position of its payload, of which `here` bytes are reserved. */
  #frame(type: number, flags: number, streamId: number, length: number, here: number): number {
    const at = this.#reserve(FRAME_HEAD_BYTES + here);
    const slab = this.#slab;
    slab[at] = length >>> 16;
    slab[at + 1] = length >>> 8;
    slab[at + 2] = length;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab[at + 5] = streamId >>> 24;
    slab[at + 6] = streamId >>> 16;
    slab[at + 7] = streamId >>> 8;
    slab[at + 8] = streamId;
    return at + FRAME_HEAD_BYTES;
  }

  #reserve(bytes: number): number {
    if (!this.#isScheduled && !this.#isClosed) {
      this.#isScheduled = true;
      setImmediate(this.#flushLater);
    }
    if (this.#isClosed) this.#start = this.#end = 0;
    if (this.#end + bytes > this.#slab.length) this.#renew(bytes);
    const at = this.#end;
    this.#end += bytes;
    return at;
  }

  #renew(bytes: number): void {
    this.#keepPiece();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
    this.#start = this.#end = 0;
    this.#dataStreamId = 0;
  }

  #refer(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.#keepPiece();
    this.#parts.push(bytes);
    this.#partsBytes += bytes.length;
  }

  #keepPiece(): void {
    if (this.#start === this.#end) return;
    const piece = this.#slab.subarray(this.#start, this.#end);
    this.#parts.push(piece);
    this.#partsBytes += piece.length;
    this.#start = this.#end;
  }
}
