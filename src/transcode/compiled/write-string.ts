/**
 * UTF-8 of the wire to JSON strings: checked, escaped and copied in one pass.
 * Source: RFC 8259 section 7 (what must be escaped), RFC 3629 section 4.
 */
import type { ByteSink } from "./byte-sink.ts";
import { sequenceLength } from "./json-string.ts";
import type { WireSource } from "./wire-source.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX: Buffer = Buffer.from("0123456789abcdef", "latin1");

/**
 * Writes the string at the cursor, whose length comes first, in quotes; makes its own room.
 * Bytes that are not UTF-8 are an error where the schema wants UTF-8 (`strict`), else U+FFFD: JSON cannot carry them.
 */
export function writeString(wire: WireSource, json: ByteSink, strict: boolean): void {
  const end = wire.lengthEnd();
  writeText(wire, wire.bytes, wire.pos, end, json, strict);
  wire.pos = end;
}

/** Writes `bytes` from `start` to `end` in quotes. `wire` is where an error is told. */
export function writeText(
  wire: WireSource,
  bytes: Buffer,
  start: number,
  end: number,
  json: ByteSink,
  strict: boolean,
): void {
  json.ensure(end - start + 2);
  let out = json.bytes;
  let to = json.length;
  out[to++] = QUOTE;
  let pos = start;
  while (pos < end) {
    const byte = bytes[pos] ?? 0;
    if (byte < 0x80 && byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) {
      out[to++] = byte;
      pos++;
      continue;
    }
    // An escape takes up to six bytes, a replacement three: ask for what is left anew.
    json.length = to;
    json.ensure(end - pos + 8);
    out = json.bytes;
    if (byte < 0x80) {
      to = writeEscape(byte, out, to);
      pos++;
      continue;
    }
    const size = sequenceLength(bytes, pos, end);
    for (let index = 0; index < size; index++) out[to++] = bytes[pos + index] ?? 0;
    pos += size;
    if (size > 0) continue;
    if (strict) {
      wire.pos = pos;
      throw wire.broken("a string is not UTF-8");
    }
    out[to++] = 0xef;
    out[to++] = 0xbf;
    out[to++] = 0xbd;
    pos++;
  }
  out[to++] = QUOTE;
  json.length = to;
}

/** Writes the escape of a quote, a backslash or a control character; returns the offset behind it. */
function writeEscape(byte: number, out: Uint8Array, at: number): number {
  out[at] = BACKSLASH;
  const short = shortEscape(byte);
  if (short !== 0) {
    out[at + 1] = short;
    return at + 2;
  }
  out[at + 1] = 0x75;
  out[at + 2] = 0x30;
  out[at + 3] = 0x30;
  out[at + 4] = HEX[byte >>> 4] ?? 0;
  out[at + 5] = HEX[byte & 15] ?? 0;
  return at + 6;
}

function shortEscape(byte: number): number {
  switch (byte) {
    case QUOTE:
    case BACKSLASH:
      return byte;
    case 0x08:
      return 0x62;
    case 0x09:
      return 0x74;
    case 0x0a:
      return 0x6e;
    case 0x0c:
      return 0x66;
    case 0x0d:
      return 0x72;
    default:
      return 0;
  }
}
