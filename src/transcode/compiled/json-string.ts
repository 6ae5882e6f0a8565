/**
 * JSON strings to UTF-8: copied and checked in one pass, byte by byte, since most strings are short ASCII.
 *
 * Refused: control characters, broken escapes, lone surrogates (escaped or as bytes), bytes that are not UTF-8.
 * Source: RFC 8259 section 7; RFC 3629 section 4 (table of well-formed byte sequences).
 */
import { ByteSink } from "./byte-sink.ts";
import { Byte, JsonSource } from "./json-source.ts";
import { copyPlain, countPlain } from "./plain-text.ts";

/**
 * Reads the string at the cursor and writes it with its length before it.
 * Returns the number of bytes of its text.
 * @throws {StatusError} JSON_INVALID.
 */
export function copyString(json: JsonSource, wire: ByteSink, expected: string): number {
  const bytes = json.bytes;
  let pos = json.pos;
  if (bytes[pos] !== Byte.QUOTE) throw json.unexpected(expected);
  pos++;
  // No escape is shorter than what it stands for, so the rest of the text bounds the string.
  const { end, view } = json;
  wire.ensure(end - pos + 16);
  const out = wire.bytes;
  const start = wire.length + 1;
  let to = start;
  for (;;) {
    const copied = copyPlain(view, pos, end, wire.view, to);
    pos += copied;
    to += copied;
    if (bytes[pos] === Byte.QUOTE) break;
    const step = copyUnusual(json, pos, out, to);
    pos += step >>> 4;
    to += step & 15;
  }
  json.pos = pos + 1;
  const size = to - start;
  wire.length = to;
  if (size < 128) out[start - 1] = size;
  else wire.close(start);
  return size;
}

/** Reads the string at the cursor into `scratch`, from its beginning and without a length. */
export function copyStringTo(scratch: ByteSink, json: JsonSource): void {
  const bytes = json.bytes;
  let pos = json.pos + 1;
  scratch.reset();
  // Not the rest of the text, as above: a buffer of that size for each of many strings would be quadratic.
  scratch.ensure(lengthInBytes(json, pos) + 16);
  const out = scratch.bytes;
  let to = 0;
  for (;;) {
    const copied = copyPlain(json.view, pos, json.end, scratch.view, to);
    pos += copied;
    to += copied;
    if (bytes[pos] === Byte.QUOTE) break;
    const step = copyUnusual(json, pos, out, to);
    pos += step >>> 4;
    to += step & 15;
  }
  json.pos = pos + 1;
  scratch.length = to;
}

/** The bytes from `start` to the closing quote, or to the end of the text. */
function lengthInBytes(json: JsonSource, start: number): number {
  let pos = start;
  for (; pos < json.end; pos++) {
    const byte = json.bytes[pos];
    if (byte === Byte.QUOTE) break;
    if (byte === Byte.BACKSLASH) pos++;
  }
  return Math.max(0, Math.min(pos, json.end) - start);
}

/**
 * Finds the end of the string at the cursor without reading it: the offset of its closing quote if it is printable
 * ASCII without escapes, else -1.
 */
export function endOfPlainString(json: JsonSource): number {
  const start = json.pos + 1;
  const end = start + countPlain(json.view, start, json.end);
  return json.bytes[end] === Byte.QUOTE ? end : -1;
}

/**
 * Reads the string at `start` with `read` if it has escapes, as if it had been written without them: a number in quotes
 * may be spelt `"\u0031"`. The cursor moves behind the string.
 * @throws {StatusError} JSON_INVALID, expecting `expected`, if it has none or `read` does not take it.
 */
export function readUnescaped<T>(
  json: JsonSource,
  start: number,
  expected: string,
  read: (json: JsonSource) => T,
): T {
  json.pos = start;
  if (json.bytes[start] !== Byte.QUOTE || endOfPlainString(json) >= 0) throw json.refusal(start, expected);
  // Memory of its own for each string would cost more than all the rest.
  json.unescaped ??= { text: new ByteSink(), plain: new JsonSource() };
  const { text, plain } = json.unescaped;
  copyStringTo(text, json);
  plain.reset(Buffer.from(`"${text.bytes.toString("utf8", 0, text.length)}"`, "utf8"));
  // What is read like this never holds a quote or backslash, so this comes here once at most.
  if (text.bytes.subarray(0, text.length).includes(Byte.BACKSLASH)) throw json.refusal(start, expected);
  let value: T;
  try {
    value = read(plain);
  } catch {
    // Its error would tell a place in the text without escapes.
    throw json.refusal(start, expected);
  } finally {
    plain.release();
  }
  if (plain.pos !== plain.end) throw json.refusal(start, expected);
  return value;
}

/** Copies one escape or one character beyond ASCII. Returns bytes read * 16 + bytes written. */
function copyUnusual(json: JsonSource, pos: number, out: Uint8Array, to: number): number {
  const bytes = json.bytes;
  const lead = bytes[pos] ?? 0;
  if (lead === Byte.BACKSLASH) return copyEscape(json, pos, out, to);
  if (lead < 0x80) {
    if (pos >= json.end) throw json.refusal(pos, "the closing quote of a string");
    throw json.refusal(pos, "a control character to be escaped");
  }
  const size = sequenceLength(bytes, pos, json.end);
  if (size === 0) throw json.refusal(pos, "UTF-8");
  for (let index = 0; index < size; index++) out[to + index] = bytes[pos + index] ?? 0;
  return size * 17;
}

/** The length of the well-formed UTF-8 sequence of two to four bytes at `pos`, or 0. */
export function sequenceLength(bytes: Uint8Array, pos: number, end: number): number {
  const lead = bytes[pos] ?? 0;
  const second = pos + 1 < end ? (bytes[pos + 1] ?? 0) : 0;
  if (lead >= 0xc2 && lead <= 0xdf) return isTail(second) ? 2 : 0;
  const third = pos + 2 < end ? (bytes[pos + 2] ?? 0) : 0;
  if ((lead & 0xf0) === 0xe0) {
    // No overlong forms, no surrogates.
    const least = lead === 0xe0 ? 0xa0 : 0x80;
    const most = lead === 0xed ? 0x9f : 0xbf;
    return second >= least && second <= most && isTail(third) ? 3 : 0;
  }
  if (lead < 0xf0 || lead > 0xf4) return 0;
  const fourth = pos + 3 < end ? (bytes[pos + 3] ?? 0) : 0;
  // No overlong forms, nothing above U+10FFFF.
  const least = lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xf4 ? 0x8f : 0xbf;
  return second >= least && second <= most && isTail(third) && isTail(fourth) ? 4 : 0;
}

function isTail(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function copyEscape(json: JsonSource, pos: number, out: Uint8Array, to: number): number {
  const kind = json.bytes[pos + 1] ?? 0;
  if (kind === 0x75) return copyUnicodeEscape(json, pos, out, to);
  const byte = simpleEscape(kind);
  if (byte === 0) throw json.refusal(pos, "an escape of JSON");
  out[to] = byte;
  return 2 * 16 + 1;
}

function simpleEscape(kind: number): number {
  switch (kind) {
    case Byte.QUOTE:
    case Byte.BACKSLASH:
    case 0x2f:
      return kind;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return 0;
  }
}

function copyUnicodeEscape(json: JsonSource, pos: number, out: Uint8Array, to: number): number {
  const unit = hexUnit(json, pos);
  if (unit < 0x80) {
    out[to] = unit;
    return 6 * 16 + 1;
  }
  if (unit < 0x800) {
    out[to] = 0xc0 | (unit >>> 6);
    out[to + 1] = 0x80 | (unit & 63);
    return 6 * 16 + 2;
  }
  if (unit < 0xd800 || unit > 0xdfff) {
    out[to] = 0xe0 | (unit >>> 12);
    out[to + 1] = 0x80 | ((unit >>> 6) & 63);
    out[to + 2] = 0x80 | (unit & 63);
    return 6 * 16 + 3;
  }
  const isPair = unit < 0xdc00 && json.bytes[pos + 6] === Byte.BACKSLASH && json.bytes[pos + 7] === 0x75;
  const second = isPair ? hexUnit(json, pos + 6) : 0;
  if (second < 0xdc00 || second > 0xdfff) throw json.refusal(pos, "a surrogate pair");
  const point = 0x10000 + ((unit & 0x3ff) << 10) + (second & 0x3ff);
  out[to] = 0xf0 | (point >>> 18);
  out[to + 1] = 0x80 | ((point >>> 12) & 63);
  out[to + 2] = 0x80 | ((point >>> 6) & 63);
  out[to + 3] = 0x80 | (point & 63);
  return 12 * 16 + 4;
}

/** The four hex digits of the `\u` at `pos`. */
function hexUnit(json: JsonSource, pos: number): number {
  let value = 0;
  for (let at = pos + 2; at < pos + 6; at++) {
    const byte = json.bytes[at] ?? 0;
    const lower = byte | 0x20;
    if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30;
    else if (lower >= 0x61 && lower <= 0x66) value = value * 16 + lower - 0x57;
    else throw json.refusal(pos, "four hex digits after \\u");
  }
  return value;
}
