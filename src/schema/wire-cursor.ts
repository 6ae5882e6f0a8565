/**
 * A cursor over protobuf's wire format, for reading descriptors without decoding all of them.
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

/** Wire types. */
export const Wire = { VARINT: 0, I64: 1, LEN: 2, START: 3, END: 4, I32: 5 } as const;

/** Groups in groups that are skipped; more are refused. */
const MAX_GROUPS = 100;

/** The bytes are not protobuf. */
export class WireError extends Error {
  constructor() {
    super("the bytes are not a protobuf message");
    this.name = "WireError";
  }
}

/** Reads forward. A read beyond the end, or of a value whose tag has another wire type, throws {@link WireError}. */
export class WireCursor {
  readonly #bytes: Buffer;
  #end: number;
  pos = 0;
  /** Of the tag read last. */
  field = 0;
  /** Of the tag read last. */
  wire = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  /** Enters the message behind the tag just read; gives what `leave` wants back. */
  enter(): number {
    this.#expect(Wire.LEN);
    const outer = this.#end;
    const length = this.#length();
    this.#end = this.pos + length;
    return outer;
  }

  /** Leaves the message that `enter` entered, which has been read to its end. */
  leave(outer: number): void {
    this.#end = outer;
  }

  /** Reads the next tag, a varint of 32 bits, into `field` and `wire`; false at the end of the message. */
  next(): boolean {
    const from = this.pos;
    if (from >= this.#end) return false;
    const tag = this.#varint();
    const size = this.pos - from;
    if (size > 5 || (size === 5 && (this.#bytes[this.pos - 1] ?? 0) > 0x0f)) throw new WireError();
    this.field = tag >>> 3;
    this.wire = tag & 7;
    if (this.field === 0) throw new WireError();
    return true;
  }

  /** Passes over the value of the tag just read. */
  skip(): void {
    switch (this.wire) {
      case Wire.VARINT:
        this.#varint();
        return;
      case Wire.I64:
        this.#advance(8);
        return;
      case Wire.LEN:
        this.#advance(this.#length());
        return;
      case Wire.I32:
        this.#advance(4);
        return;
      case Wire.START:
        this.#skipGroup();
        return;
      default:
        throw new WireError();
    }
  }

  /** The low 32 bits of a varint, signed. */
  number(): number {
    this.#expect(Wire.VARINT);
    return this.#varint();
  }

  /** A string; bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    this.#expect(Wire.LEN);
    const length = this.#length();
    const from = this.pos;
    const to = from + length;
    this.pos = to;
    const bytes = this.#bytes;
    for (let i = from; i < to; i++) if ((bytes[i] ?? 0) > 0x7f) return bytes.toString("utf8", from, to);
    // Nearly all of descriptors is ASCII, which is made into strings faster as Latin-1.
    return bytes.toString("latin1", from, to);
  }

  /** A view of the bytes of a length-prefixed field. */
  view(): Uint8Array {
    this.#expect(Wire.LEN);
    const length = this.#length();
    const from = this.pos;
    this.pos = from + length;
    return this.#bytes.subarray(from, this.pos);
  }

  #varint(): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.pos;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw new WireError();
      const byte = bytes[at++] ?? 0;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.pos = at;
        return value;
      }
    }
    throw new WireError();
  }

  #length(): number {
    const length = this.#varint();
    if (length < 0 || length > this.#end - this.pos) throw new WireError();
    return length;
  }

  #expect(wire: number): void {
    if (this.wire !== wire) throw new WireError();
  }

  #advance(length: number): void {
    if (length > this.#end - this.pos) throw new WireError();
    this.pos += length;
  }

  #skipGroup(): void {
    const open = [this.field];
    while (open.length > 0) {
      if (!this.next() || open.length > MAX_GROUPS) throw new WireError();
      if (this.wire === Wire.START) open.push(this.field);
      else if (this.wire !== Wire.END) this.skip();
      else if (open.pop() !== this.field) throw new WireError();
    }
  }
}
