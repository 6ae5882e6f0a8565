/**
 * A protobuf message being read: a cursor with bounds over wire bytes.
 * Source: https://protobuf.dev/programming-guides/encoding/
 */
import type { DescMessage } from "@bufbuild/protobuf";
import { refuse, type StatusError } from "../../status/index.ts";
import { InputBytes } from "./input-bytes.ts";
import { Wire } from "./plan.ts";

/** The cursor. `bytes`, `pos`, `end` and the halves are open to the codec's inner loops. */
export class WireSource extends InputBytes {
  pos = 0;
  /** Nothing is read from here on: the end of the innermost message. */
  end = 0;
  /** The last 64-bit integer read: its unsigned halves. */
  low = 0;
  high = 0;

  /** Starts a new message. */
  reset(message: Uint8Array): void {
    this.load(message);
    this.pos = 0;
    this.end = message.length;
  }

  /** Goes on with other bytes. */
  use(bytes: Buffer, view: DataView, pos: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.pos = pos;
    this.end = end;
  }

  /** A varint of which 32 bits count, unsigned. */
  varint(): number {
    const byte = this.bytes[this.pos] ?? 0;
    if (byte < 0x80 && this.pos < this.end) {
      this.pos++;
      return byte;
    }
    this.varint64();
    return this.low;
  }

  /** A varint into `low` and `high`. */
  varint64(): void {
    const { bytes, end } = this;
    let pos = this.pos;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (pos >= end) throw this.broken("a varint is cut off");
      const byte = bytes[pos++] ?? 0;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) {
        this.pos = pos;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw this.broken("a varint is longer than ten bytes");
  }

  /** A tag: field number * 8 + wire type, unsigned. */
  tag(): number {
    const pos = this.pos;
    const byte = this.bytes[pos] ?? 0;
    if (byte >= 8 && byte < 0x80 && pos < this.end) {
      this.pos = pos + 1;
      return byte;
    }
    return this.#longTag();
  }

  #longTag(): number {
    const start = this.pos;
    const tag = this.varint();
    const size = this.pos - start;
    if (tag < 8 || size > 5 || (size === 5 && (this.bytes[start + 4] ?? 0) > 15))
      throw this.broken("a tag has no valid field number");
    return tag;
  }

  /** A length, checked against the bounds: the offset behind what it measures. */
  lengthEnd(): number {
    let length = this.bytes[this.pos] ?? 0;
    if (length < 0x80 && this.pos < this.end) this.pos++;
    else {
      this.varint64();
      length = this.high === 0 ? this.low : Number.POSITIVE_INFINITY;
    }
    const end = this.pos + length;
    if (end > this.end) throw this.broken("a length exceeds its message");
    return end;
  }

  /** 32 bits, little-endian, signed. */
  fixed32(): number {
    const { bytes, pos } = this;
    if (pos + 4 > this.end) throw this.broken("a fixed32 is cut off");
    this.pos = pos + 4;
    return bytes.readInt32LE(pos);
  }

  /** 64 bits, little-endian, into `low` and `high`. */
  fixed64(): void {
    const { bytes, pos } = this;
    if (pos + 8 > this.end) throw this.broken("a fixed64 is cut off");
    this.low = bytes.readUInt32LE(pos);
    this.high = bytes.readUInt32LE(pos + 4);
    this.pos = pos + 8;
  }

  /** A double. */
  double(): number {
    const { bytes, pos } = this;
    if (pos + 8 > this.end) throw this.broken("a double is cut off");
    this.pos = pos + 8;
    return bytes.readDoubleLE(pos);
  }

  /** A float. */
  float(): number {
    const { bytes, pos } = this;
    if (pos + 4 > this.end) throw this.broken("a float is cut off");
    this.pos = pos + 4;
    return bytes.readFloatLE(pos);
  }

  /** Passes over the value of a field whose tag has been read. `levels` bounds nested groups. */
  skip(tag: number, levels: number): void {
    switch (tag & 7) {
      case Wire.VARINT:
        this.varint64();
        return;
      case Wire.I64:
        this.#skipBytes(8);
        return;
      case Wire.LEN:
        this.pos = this.lengthEnd();
        return;
      case Wire.I32:
        this.#skipBytes(4);
        return;
      case Wire.START:
        this.pos = this.groupEnd(tag, levels);
        this.tag();
        return;
      default:
        throw this.broken("a tag has no valid wire type");
    }
  }

  /** The offset of the end tag of the group whose start tag has been read; the cursor is at its content afterwards too. */
  groupEnd(startTag: number, levels: number): number {
    if (levels <= 0) throw this.broken("groups are nested too deep");
    const content = this.pos;
    for (;;) {
      const at = this.pos;
      const tag = this.tag();
      if ((tag & 7) === Wire.END) {
        if (tag >>> 3 !== startTag >>> 3) throw this.broken("a group ends with another number");
        this.pos = content;
        return at;
      }
      this.skip(tag, levels - 1);
    }
  }

  #skipBytes(count: number): void {
    if (this.pos + count > this.end) throw this.broken("a value is cut off");
    this.pos += count;
  }

  /** The bytes are not a message. */
  broken(what: string): StatusError {
    return refuse("UPSTREAM_REPLY_INVALID", `reply: ${what} (byte ${this.pos})`);
  }

  /**
   * The field with that tag is known, but not with its wire type: the upstream's schema is another one. Parsers may pass
   * such a field over as unknown; a gateway would then serve a reply without what it was sent.
   */
  mistyped(desc: DescMessage | undefined, tag: number): StatusError {
    const what = `field ${tag >>> 3} of ${desc?.typeName ?? "an extension"} has wire type ${tag & 7}`;
    return this.broken(`${what}, which its type does not have: the upstream's schema is another one`);
  }

  /** The bytes are a message whose value JSON cannot show. */
  withoutJson(what: string): StatusError {
    return refuse("UPSTREAM_REPLY_INVALID", `reply has no JSON form: ${what} (byte ${this.pos})`);
  }
}
