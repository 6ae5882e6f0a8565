/**
 * UTF-8 of the wire to JSON strings: checked, escaped and copied in one pass.
 * Source: RFC 8259 section 7 (what must be escaped), RFC 3629 section 4.
 */
import type { ByteSink } from "./byte-sink.ts";
import { sequenceLength } from "./json-string.ts";
import { copyPlain } from "./plain-text.ts";
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
  writeText(wire, wire.pos, end, json, strict);
  wire.pos = end;
}

/** Writes the bytes of `wire` from `start` to `end` in quotes. */
export function writeText(
  wire: WireSource,
  start: number,
  end: number,
  json: ByteSink,
  strict: boolean,
): void {
  // Room for both quotes, and for what may follow at once.
  json.ensure(end - start + 8);
  const from = json.length;
  json.bytes[from] = QUOTE;
  const copied = copyPlain(wire.view, start, end, json.view, from + 1);
  json.length = from + 1 + copied;
  if (start + copied < end) writeRest(wire, start + copied, end, json, strict);
  json.bytes[json.length++] = QUOTE;
}

/** Writes what is left from the first unusual byte on, without the closing quote but with room for it. */
function writeRest(wire: WireSource, start: number, end: number, json: ByteSink, strict: boolean): void {
  const bytes = wire.bytes;
  let pos = start;
  while (pos < end) {
    // An escape takes up to six bytes, a replacement three: ask for what is left anew.
    json.ensure(end - pos + 8);
    const out = json.bytes;
    let to = json.length;
    const byte = bytes[pos] ?? 0;
    if (byte < 0x80) {
      to = writeEscape(byte, out, to);
      pos++;
    } else {
      const size = sequenceLength(bytes, pos, end);
      if (size === 0) {
        wire.pos = pos;
        if (strict) throw wire.broken("a string is not UTF-8");
        out[to++] = 0xef;
        out[to++] = 0xbf;
        out[to++] = 0xbd;
        pos++;
      }
      for (let index = 0; index < size; index++) out[to++] = bytes[pos + index] ?? 0;
      pos += size;
    }
    const copied = copyPlain(wire.view, pos, end, json.view, to);
    pos += copied;
    json.length = to + copied;
  }
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
