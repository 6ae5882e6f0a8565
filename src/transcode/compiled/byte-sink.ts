/**
 * A growing byte buffer that is written front to back: protobuf wire bytes on the way in, JSON text on the way out.
 *
 * Room is asked for once per value (`ensure`), and the writes that follow do not check again: a check per byte costs a
 * third of the speed. Whoever calls a method that says "needs room" has asked for it.
 */

import { refuse } from "../../status/index.ts";

/** A buffer larger than this is given away or dropped after use, so that one large message does not stay in memory. */
const KEEP_BYTES = 256 * 1024;
const INITIAL_BYTES = 4 * 1024;
/** From here on the native encoder of UTF-8 is faster than a loop. */
const NATIVE_TEXT = 32;
/** From here on the native copy is faster than a loop. */
const NATIVE_COPY = 32;

/** What one value other than a string, a blob or a name may need at most: a tag, a key and 64 bits, with margin. */
export const VALUE_ROOM = 64;

const FLOATS = new DataView(new ArrayBuffer(8));

/** Bytes that are written again and again, in words so that four are copied at once. */
export class Literal {
  readonly length: number;
  readonly words: Int32Array;

  constructor(text: string) {
    const bytes = Buffer.from(text, "utf8");
    const padded = Buffer.concat([bytes, Buffer.alloc(3)]);
    this.length = bytes.length;
    this.words = Int32Array.from({ length: (bytes.length + 3) >>> 2 }, (_unused, index) =>
      padded.readInt32LE(index * 4),
    );
  }
}

/** The buffer. `bytes` and `length` are open to the codec's inner loops; `bytes` changes with every growth. */
export class ByteSink {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  /** The same memory as `bytes`. */
  view: DataView = viewOf(this.bytes);
  length = 0;
  /** Room beyond this is refused: for the JSON of replies, which may be a thousand times as long as what came. */
  limitBytes: number = Number.POSITIVE_INFINITY;

  /** Empties the sink for a new message. */
  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEEP_BYTES) this.#use(Buffer.allocUnsafeSlow(INITIAL_BYTES));
  }

  /**
   * Makes room for `count` more bytes.
   * @throws {StatusError} UPSTREAM_REPLY_TOO_LARGE beyond `limitBytes`.
   */
  ensure(count: number): void {
    if (this.length + count > this.bytes.length) this.#grow(this.length + count);
  }

  /** Makes room for `count` more bytes that are likely the last: none in reserve. */
  ensureLast(count: number): void {
    if (this.length + count > this.bytes.length) this.#renew(this.length + count);
  }

  /** The bytes written so far, as memory of their own: nothing that is reused escapes. */
  take(): Buffer {
    const { bytes, length } = this;
    if (length > KEEP_BYTES) {
      // Too large to keep: give the buffer itself away instead of a copy, unless most of it is empty.
      this.#use(Buffer.allocUnsafeSlow(INITIAL_BYTES));
      this.length = 0;
      return length * 2 > bytes.length ? bytes.subarray(0, length) : Buffer.from(bytes.subarray(0, length));
    }
    const copy = Buffer.allocUnsafe(length);
    bytes.copy(copy, 0, 0, length);
    return copy;
  }

  /** One byte; needs room. */
  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  /** An unsigned varint below 2^32 (any int32 is taken modulo 2^32); needs room. */
  varint(value: number): void {
    let rest = value >>> 0;
    const bytes = this.bytes;
    let at = this.length;
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.length = at;
  }

  /** An int32 as a varint: negative values take ten bytes, as sign extension to 64 bits demands; needs room. */
  int32(value: number): void {
    if (value >= 0) this.varint(value);
    else this.varint64(value >>> 0, 0xffffffff);
  }

  /** A 64-bit varint from its unsigned halves; needs room. */
  varint64(low: number, high: number): void {
    let lowRest = low >>> 0;
    let highRest = high >>> 0;
    while (highRest !== 0) {
      this.bytes[this.length++] = (lowRest & 127) | 128;
      lowRest = ((lowRest >>> 7) | (highRest << 25)) >>> 0;
      highRest >>>= 7;
    }
    this.varint(lowRest);
  }

  /** 32 bits, little-endian; needs room. */
  fixed32(value: number): void {
    const bytes = this.bytes;
    const at = this.length;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.length = at + 4;
  }

  /** An IEEE 754 single; needs room. */
  float(value: number): void {
    FLOATS.setFloat32(0, value, true);
    this.fixed32(FLOATS.getUint32(0, true));
  }

  /** An IEEE 754 double; needs room. */
  double(value: number): void {
    FLOATS.setFloat64(0, value, true);
    this.fixed32(FLOATS.getUint32(0, true));
    this.fixed32(FLOATS.getUint32(4, true));
  }

  /**
   * Leaves one byte for a length that is not known yet and returns where the content begins; needs room.
   * `close` fills it in. Most messages and strings are below 128 bytes; the others are moved once.
   */
  open(): number {
    return ++this.length;
  }

  /** Writes the length of what stands from `start` (of `open`) to here. Returns where the content begins now. */
  close(start: number): number {
    const size = this.length - start;
    if (size < 128) {
      this.bytes[start - 1] = size;
      return start;
    }
    const extra = size < 1 << 14 ? 1 : size < 1 << 21 ? 2 : size < 1 << 28 ? 3 : 4;
    this.ensure(extra);
    this.bytes.copyWithin(start + extra, start, this.length);
    const end = this.length + extra;
    this.length = start - 1;
    this.varint(size);
    this.length = end;
    return start + extra;
  }

  /** Copies bytes; makes its own room. */
  append(source: Uint8Array): void {
    this.ensure(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** Copies what another sink holds from `start` to `end`; makes its own room. */
  copy(source: ByteSink, start: number, end: number): void {
    const count = end - start;
    this.ensure(count);
    if (count < NATIVE_COPY) {
      const { bytes, length } = this;
      for (let index = 0; index < count; index++) bytes[length + index] = source.bytes[start + index] ?? 0;
    } else source.bytes.copy(this.bytes, this.length, start, end);
    this.length += count;
  }

  /** Copies text as UTF-8, with its length before it; makes its own room. */
  text(text: string): void {
    const count = text.length;
    this.ensure(count * 3 + 8);
    const start = this.open();
    const { bytes } = this;
    let at = 0;
    // Most names and ids are short ASCII, which a loop copies before a native call has begun.
    if (count < NATIVE_TEXT) {
      for (; at < count; at++) {
        const unit = text.charCodeAt(at);
        if (unit > 0x7f) break;
        bytes[start + at] = unit;
      }
    }
    this.length = start + (at === count ? count : bytes.write(text, start, "utf8"));
    this.close(start);
  }

  /** Writes a literal; makes its own room. */
  literal(literal: Literal): void {
    const { words } = literal;
    const count = words.length;
    this.ensure(count * 4);
    const view = this.view;
    let at = this.length;
    for (let index = 0; index < count; index++) {
      view.setInt32(at, words[index] ?? 0, true);
      at += 4;
    }
    this.length += literal.length;
  }

  /** Whether the bytes from `start` to the end are those of `literal`. */
  endsWith(literal: Literal, start: number): boolean {
    if (this.length - start !== literal.length) return false;
    for (let index = 0; index < literal.length; index++) {
      const expected = ((literal.words[index >>> 2] ?? 0) >>> ((index & 3) * 8)) & 255;
      if (this.bytes[start + index] !== expected) return false;
    }
    return true;
  }

  /** Copies text of ASCII characters only; makes its own room. */
  ascii(text: string): void {
    const count = text.length;
    this.ensure(count);
    const bytes = this.bytes;
    const at = this.length;
    for (let index = 0; index < count; index++) bytes[at + index] = text.charCodeAt(index);
    this.length = at + count;
  }

  #grow(needed: number): void {
    // A large buffer grows by less, so that old and new together stay within a small multiple of the message.
    this.#renew(needed < KEEP_BYTES ? Math.max(needed, this.bytes.length * 2) : needed + (needed >>> 2));
  }

  #renew(size: number): void {
    if (size > this.limitBytes) {
      throw refuse(
        "UPSTREAM_REPLY_TOO_LARGE",
        `the reply would be more than ${this.limitBytes} bytes of JSON, the most for one of its size`,
      );
    }
    const next = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(next, 0, 0, this.length);
    this.#use(next);
  }

  #use(bytes: Buffer): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }
}

/** A view over the memory of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
