/**
 * Takes the `google.api.HttpBody` out of a reply's bytes, without decoding the rest and without copying the data.
 *
 * ```
 * message = *(tag field)      tag = varint (number << 3 | wire type)
 * wire type 0 varint · 1 eight bytes · 2 varint length and bytes · 3 … 4 group · 5 four bytes
 * ```
 * Source: https://protobuf.dev/programming-guides/encoding/. As in any protobuf reader, the last of several values
 * counts and messages given in pieces are merged.
 */
import { refuse, type StatusError } from "../../status/index.ts";
import type { HttpBodyReply } from "../transcoder.ts";

const CONTENT_TYPE = 1;
const DATA = 2;

/** Deepest nesting of groups to skip. */
const MAX_GROUPS = 100;

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * The HttpBody that the field numbers of `path` lead to; empty if the reply does not hold it. `data` is a view.
 * @throws {StatusError} UPSTREAM_REPLY_INVALID if the bytes are not a message.
 */
export function sliceHttpBody(message: Uint8Array, path: readonly number[]): HttpBodyReply {
  const scan = new WireScan(message, path);
  scan.fields(0, message.length, 0);
  return { contentType: Buffer.from(scan.contentType).toString("utf8"), data: scan.data };
}

class WireScan {
  contentType: Uint8Array = NOTHING;
  data: Uint8Array = NOTHING;
  readonly #bytes: Uint8Array;
  readonly #path: readonly number[];
  #at = 0;

  constructor(bytes: Uint8Array, path: readonly number[]) {
    this.#bytes = bytes;
    this.#path = path;
  }

  /** Reads fields up to `end`, or up to the end of the group `group` (0: not in a group). */
  fields(level: number, end: number, group: number): void {
    while (this.#at < end) {
      const tag = this.#varint(end);
      const number = tag >>> 3;
      const wireType = tag & 7;
      if (number === 0) throw malformed();
      if (wireType === 4) {
        if (number !== group) throw malformed();
        return;
      }
      if (wireType === 2) this.#lengthDelimited(level, end, number);
      else if (wireType === 3 && this.#path[level] === number) this.fields(level + 1, end, number);
      else this.#skip(wireType, number, end, 0);
    }
    if (group !== 0) throw malformed();
  }

  #lengthDelimited(level: number, end: number, number: number): void {
    const length = this.#varint(end);
    if (length > end - this.#at) throw malformed();
    const start = this.#at;
    if (level < this.#path.length) {
      if (this.#path[level] === number) this.fields(level + 1, start + length, 0);
    } else if (number === CONTENT_TYPE) {
      this.contentType = this.#bytes.subarray(start, start + length);
    } else if (number === DATA) {
      this.data = this.#bytes.subarray(start, start + length);
    }
    this.#at = start + length;
  }

  #skip(wireType: number, number: number, end: number, groups: number): void {
    switch (wireType) {
      case 0:
        this.#skipVarint(end);
        return;
      case 1:
        this.#advance(8, end);
        return;
      case 2:
        this.#advance(this.#varint(end), end);
        return;
      case 3:
        this.#skipGroup(number, end, groups + 1);
        return;
      case 5:
        this.#advance(4, end);
        return;
      default:
        throw malformed();
    }
  }

  #skipGroup(group: number, end: number, groups: number): void {
    if (groups > MAX_GROUPS) throw malformed();
    for (;;) {
      const tag = this.#varint(end);
      if ((tag & 7) === 4) {
        if (tag >>> 3 !== group) throw malformed();
        return;
      }
      this.#skip(tag & 7, tag >>> 3, end, groups);
    }
  }

  #advance(count: number, end: number): void {
    if (count > end - this.#at) throw malformed();
    this.#at += count;
  }

  /** A tag or length: 32 bits in at most five bytes. */
  #varint(end: number): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#at < end ? this.#bytes[this.#at++] : undefined;
      if (byte === undefined) throw malformed();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) throw malformed();
        return value;
      }
    }
    throw malformed();
  }

  #skipVarint(end: number): void {
    for (let count = 0; count < 10; count++) {
      const byte = this.#at < end ? this.#bytes[this.#at++] : undefined;
      if (byte === undefined) throw malformed();
      if (byte < 0x80) return;
    }
    throw malformed();
  }
}

function malformed(): StatusError {
  return refuse("UPSTREAM_REPLY_INVALID", "the upstream's reply is not a protobuf message");
}
