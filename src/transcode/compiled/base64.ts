/**
 * Base64 between JSON strings and bytes. In: both alphabets, padded or not. Out: the standard alphabet, padded.
 * Source: RFC 4648; https://protobuf.dev/programming-guides/json/ (bytes).
 */
import type { ByteSink } from "./byte-sink.ts";
import { Byte, type JsonSource } from "./json-source.ts";
import { copyStringTo, endOfPlainString } from "./json-string.ts";

const ALPHABET: Buffer = Buffer.from(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
  "latin1",
);
const PAD = 0x3d;
/** From here on the native encoder is faster than the loop. */
const NATIVE_BYTES = 256;

/** Byte to its six bits, 64 where it is no digit of either alphabet. */
const DIGITS: Uint8Array = new Uint8Array(256).fill(64);
ALPHABET.forEach((byte, index) => {
  DIGITS[byte] = index;
});
DIGITS[0x2d] = 62;
DIGITS[0x5f] = 63;

/** Reads the base64 string at the cursor and writes its bytes with their length. Returns their number. */
export function readBase64(json: JsonSource, wire: ByteSink, scratch: ByteSink): number {
  const start = json.pos;
  if (json.bytes[start] !== Byte.QUOTE) throw json.unexpected("a base64 string");
  const end = endOfPlainString(json);
  let size: number;
  if (end >= 0) {
    size = decode(json.bytes, start + 1, end, wire);
    json.pos = end + 1;
  } else {
    // Some writers escape the slash of the standard alphabet.
    copyStringTo(scratch, json);
    size = decode(scratch.bytes, 0, scratch.length, wire);
  }
  if (size < 0) throw json.refusal(start, "a base64 string");
  return size;
}

/** Writes the decoded bytes with their length before them; -1 if the text is not base64. */
function decode(text: Uint8Array, start: number, end: number, wire: ByteSink): number {
  let stop = end;
  if (stop > start && text[stop - 1] === PAD) stop -= stop - 1 > start && text[stop - 2] === PAD ? 2 : 1;
  const rest = (stop - start) & 3;
  // Padding, where present, fills up the last group of four.
  if (rest === 1 || (stop !== end && rest + (end - stop) !== 4)) return -1;
  const size = Math.floor(((stop - start) * 3) / 4);
  wire.ensure(size + 16);
  wire.varint(size);
  const out = wire.bytes;
  let to = wire.length;
  let at = start;
  for (const groupsEnd = stop - rest; at < groupsEnd; at += 4) {
    const a = DIGITS[text[at] ?? 0] ?? 64;
    const b = DIGITS[text[at + 1] ?? 0] ?? 64;
    const c = DIGITS[text[at + 2] ?? 0] ?? 64;
    const d = DIGITS[text[at + 3] ?? 0] ?? 64;
    if ((a | b | c | d) > 63) return -1;
    out[to] = (a << 2) | (b >>> 4);
    out[to + 1] = (b << 4) | (c >>> 2);
    out[to + 2] = (c << 6) | d;
    to += 3;
  }
  if (rest > 0) {
    const a = DIGITS[text[at] ?? 0] ?? 64;
    const b = DIGITS[text[at + 1] ?? 0] ?? 64;
    const c = rest === 3 ? (DIGITS[text[at + 2] ?? 0] ?? 64) : 0;
    if ((a | b | c) > 63) return -1;
    out[to++] = (a << 2) | (b >>> 4);
    if (rest === 3) out[to++] = (b << 4) | (c >>> 2);
  }
  wire.length = to;
  return size;
}

/** Writes `bytes` from `start` to `end` as a quoted base64 string; makes its own room. */
export function writeBase64(json: ByteSink, bytes: Buffer, start: number, end: number): void {
  const size = end - start;
  json.ensure(Math.ceil(size / 3) * 4 + 2);
  json.byte(Byte.QUOTE);
  const out = json.bytes;
  let to = json.length;
  if (size >= NATIVE_BYTES) {
    to += out.write(bytes.toString("base64", start, end), to, "latin1");
  } else {
    let at = start;
    for (; at + 2 < end; at += 3) {
      const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      out[to] = ALPHABET[group >>> 18] ?? 0;
      out[to + 1] = ALPHABET[(group >>> 12) & 63] ?? 0;
      out[to + 2] = ALPHABET[(group >>> 6) & 63] ?? 0;
      out[to + 3] = ALPHABET[group & 63] ?? 0;
      to += 4;
    }
    if (at < end) {
      const hasTwo = at + 1 < end;
      const group = ((bytes[at] ?? 0) << 16) | (hasTwo ? (bytes[at + 1] ?? 0) << 8 : 0);
      out[to] = ALPHABET[group >>> 18] ?? 0;
      out[to + 1] = ALPHABET[(group >>> 12) & 63] ?? 0;
      out[to + 2] = hasTwo ? (ALPHABET[(group >>> 6) & 63] ?? 0) : PAD;
      out[to + 3] = PAD;
      to += 4;
    }
  }
  out[to] = Byte.QUOTE;
  json.length = to + 1;
}
