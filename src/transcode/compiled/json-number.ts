/**
 * JSON numbers (and the quoted numbers of ProtoJSON) to integers and floats, exactly.
 *
 * Integers never pass through float64 beyond 2^53: up to 15 digits are a safe integer, up to 20 are kept in 32-bit
 * halves, and the rare rest (`1e3`, `2.50e1`, `-0.0`) is reduced digit by digit.
 * Source: RFC 8259 section 6; https://protobuf.dev/programming-guides/json/ (int32, int64, float).
 */
import { Byte, type JsonSource } from "./json-source.ts";
import { endOfPlainString, readUnescaped } from "./json-string.ts";

const TWO_32 = 4294967296;
const MAX_INT64 = 0x7fffffffffffffffn;
const MIN_INT64 = -0x8000000000000000n;
const MAX_UINT64 = 0xffffffffffffffffn;

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS: Float64Array = Float64Array.from({ length: 23 }, (_unused, power) =>
  Number(`1e${power}`),
);

/** An integer from `least` to `most`, both within 32 bits (signed or unsigned). */
export function readInteger32(json: JsonSource, least: number, most: number, expected: string): number {
  const start = json.pos;
  let value = plainInteger(json);
  if (Number.isNaN(value)) value = Number(exactInteger(json, expected));
  if (value < least || value > most) throw json.refusal(start, `${expected}, from ${least} to ${most}`);
  return value;
}

/** An int64 or uint64 into `json.low` and `json.high`, in two's complement. */
export function readInteger64(json: JsonSource, signed: "signed" | "unsigned", expected: string): void {
  const start = json.pos;
  const value = plainInteger(json);
  if (!Number.isNaN(value)) {
    if (value < 0 && signed === "unsigned") throw rangeRefusal(json, start, signed, expected);
    json.low = value >>> 0;
    json.high = Math.floor(value / TWO_32) >>> 0;
    return;
  }
  if (wideInteger(json, signed)) return;
  const exact = exactInteger(json, expected);
  const fits =
    signed === "signed" ? exact >= MIN_INT64 && exact <= MAX_INT64 : exact >= 0n && exact <= MAX_UINT64;
  if (!fits) throw rangeRefusal(json, start, signed, expected);
  json.low = Number(exact & 0xffffffffn);
  json.high = Number((exact >> 32n) & 0xffffffffn);
}

function rangeRefusal(
  json: JsonSource,
  start: number,
  signed: "signed" | "unsigned",
  expected: string,
): Error {
  const range = signed === "signed" ? `${MIN_INT64} to ${MAX_INT64}` : `0 to ${MAX_UINT64}`;
  return json.refusal(start, `${expected}, from ${range}`);
}

/** A double, or NaN and the infinities by their names in quotes. */
export function readDouble(json: JsonSource, expected: string): number {
  const start = json.pos;
  if (json.bytes[start] !== Byte.QUOTE) {
    const value = floatToken(json, expected);
    if (!Number.isFinite(value)) throw json.refusal(start, `${expected} that is finite`);
    return value;
  }
  if (endOfPlainString(json) < 0)
    return readUnescaped(json, start, expected, (plain) => readDouble(plain, expected));
  const named = namedFloat(json);
  if (named !== undefined) return named;
  json.pos = start + 1;
  const value = floatToken(json, expected, start);
  if (json.bytes[json.pos] !== Byte.QUOTE) throw json.refusal(start, expected);
  if (!Number.isFinite(value)) throw json.refusal(start, `${expected} that is finite`);
  json.pos++;
  return value;
}

/** A float: a double that rounds to a finite single. */
export function readFloat(json: JsonSource, expected: string): number {
  const start = json.pos;
  const value = readDouble(json, expected);
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
    throw json.refusal(start, `${expected}, at most 3.4028235e38 in size`);
  return value;
}

/**
 * The integer at the cursor if it has at most 15 digits and neither fraction nor exponent, bare or in quotes; else NaN,
 * and the cursor stays.
 */
function plainInteger(json: JsonSource): number {
  const bytes = json.bytes;
  let pos = json.pos;
  let byte = bytes[pos] ?? 0;
  const isQuoted = byte === Byte.QUOTE;
  if (isQuoted) byte = bytes[++pos] ?? 0;
  const isNegative = byte === Byte.MINUS;
  if (isNegative) byte = bytes[++pos] ?? 0;
  const first = pos;
  let value = 0;
  while (byte >= 0x30 && byte <= 0x39) {
    value = value * 10 + byte - 0x30;
    byte = bytes[++pos] ?? 0;
  }
  const digits = pos - first;
  if (digits === 0 || digits > 15 || (bytes[first] === 0x30 && digits > 1)) return Number.NaN;
  if (isQuoted) {
    if (byte !== Byte.QUOTE) return Number.NaN;
    pos++;
  } else if (byte === Byte.DOT || (byte | 0x20) === 0x65) return Number.NaN;
  json.pos = pos;
  return isNegative ? -value : value;
}

/** An integer of 16 to 20 digits into `json.low` and `json.high`; false, and the cursor stays, if it is none or too large. */
function wideInteger(json: JsonSource, signed: "signed" | "unsigned"): boolean {
  const bytes = json.bytes;
  let pos = json.pos;
  const isQuoted = bytes[pos] === Byte.QUOTE;
  if (isQuoted) pos++;
  const isNegative = bytes[pos] === Byte.MINUS;
  if (isNegative) pos++;
  const first = pos;
  while ((bytes[pos] ?? 0) >= 0x30 && (bytes[pos] ?? 0) <= 0x39) pos++;
  const digits = pos - first;
  if (digits < 16 || digits > 20 || bytes[first] === 0x30 || (isNegative && signed === "unsigned"))
    return false;
  const after = bytes[pos] ?? 0;
  if (isQuoted ? after !== Byte.QUOTE : after === Byte.DOT || (after | 0x20) === 0x65) return false;
  let upper = 0;
  for (let at = first; at < pos - 10; at++) upper = upper * 10 + (bytes[at] ?? 0) - 0x30;
  let lower = 0;
  for (let at = pos - 10; at < pos; at++) lower = lower * 10 + (bytes[at] ?? 0) - 0x30;
  // upper * 10^10 + lower, with upper < 10^10 cut into 16-bit parts so that every product is below 2^53.
  const low16 = (upper % 65536) * 1e10 + lower;
  const high48 = Math.floor(low16 / 65536) + Math.floor(upper / 65536) * 1e10;
  let low = (high48 % 65536) * 65536 + (low16 % 65536);
  let high = Math.floor(high48 / 65536);
  const limit = signed === "unsigned" ? TWO_32 : 0x80000000;
  if (high >= limit && !(isNegative && high === limit && low === 0)) return false;
  if (isNegative) {
    low = -low >>> 0;
    high = (low === 0 ? -high : ~high) >>> 0;
  }
  json.low = low;
  json.high = high;
  json.pos = isQuoted ? pos + 1 : pos;
  return true;
}

/** Any number whose value is an integer; one far beyond 64 bits comes back as 2^64. */
function exactInteger(json: JsonSource, expected: string): bigint {
  const start = json.pos;
  const isQuoted = json.bytes[start] === Byte.QUOTE;
  if (isQuoted) json.pos++;
  const end = numberEnd(json, json.pos);
  if (end < 0 || (isQuoted && json.bytes[end] !== Byte.QUOTE))
    return readUnescaped(json, start, expected, (plain) => exactInteger(plain, expected));
  const text = json.bytes.toString("latin1", json.pos, end);
  json.pos = isQuoted ? end + 1 : end;
  const value = integerValue(text);
  if (value === undefined) throw json.refusal(start, expected);
  return value;
}

/** The value of a well-formed number token, undefined if it has a fraction. */
function integerValue(text: string): bigint | undefined {
  const isNegative = text.startsWith("-");
  const [mantissa = "", exponentText = "0"] = text.slice(isNegative ? 1 : 0).split(/[eE]/);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = `${whole}${fraction}`;
  let first = 0;
  while (digits[first] === "0") first++;
  if (first === digits.length) return 0n;
  // By hand: a regular expression for trailing zeros takes quadratic time over zeros that are not.
  let last = digits.length;
  while (digits[last - 1] === "0") last--;
  const significant = digits.slice(first, last);
  // value = significant * 10^scale; both lengths are bounded by the text, the exponent is not.
  const scale = Number(exponentText) - fraction.length + digits.length - last;
  if (scale < 0) return undefined;
  if (significant.length + scale > 20) return isNegative ? -(MAX_UINT64 + 1n) : MAX_UINT64 + 1n;
  const value = BigInt(significant) * 10n ** BigInt(scale);
  return isNegative ? -value : value;
}

/** The offset behind the number token at `pos`, or -1 if there is none. */
export function numberEnd(json: JsonSource, pos: number): number {
  const bytes = json.bytes;
  let at = bytes[pos] === Byte.MINUS ? pos + 1 : pos;
  const whole = digitsEnd(bytes, at);
  if (whole === at || (bytes[at] === 0x30 && whole > at + 1)) return -1;
  at = whole;
  if (bytes[at] === Byte.DOT) {
    const fraction = digitsEnd(bytes, at + 1);
    if (fraction === at + 1) return -1;
    at = fraction;
  }
  if (((bytes[at] ?? 0) | 0x20) === 0x65) {
    const sign = bytes[at + 1];
    const first = sign === 0x2b || sign === Byte.MINUS ? at + 2 : at + 1;
    const exponent = digitsEnd(bytes, first);
    if (exponent === first) return -1;
    at = exponent;
  }
  return at;
}

function digitsEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while ((bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39) at++;
  return at;
}

/** The number token at the cursor, correctly rounded. Errors show what stands at `shown`. */
function floatToken(json: JsonSource, expected: string, shown: number = json.pos): number {
  const bytes = json.bytes;
  let pos = json.pos;
  let byte = bytes[pos] ?? 0;
  const isNegative = byte === Byte.MINUS;
  if (isNegative) byte = bytes[++pos] ?? 0;
  const first = pos;
  let mantissa = 0;
  while (byte >= 0x30 && byte <= 0x39) {
    mantissa = mantissa * 10 + byte - 0x30;
    byte = bytes[++pos] ?? 0;
  }
  const whole = pos - first;
  let fraction = 0;
  if (byte === Byte.DOT) {
    byte = bytes[++pos] ?? 0;
    const from = pos;
    while (byte >= 0x30 && byte <= 0x39) {
      mantissa = mantissa * 10 + byte - 0x30;
      byte = bytes[++pos] ?? 0;
    }
    fraction = pos - from;
    if (fraction === 0) throw json.refusal(shown, expected);
  }
  if (whole === 0 || (whole > 1 && bytes[first] === 0x30)) throw json.refusal(shown, expected);
  if (whole + fraction <= 15 && (byte | 0x20) !== 0x65) {
    // Both are exact doubles, so the division rounds once and correctly.
    const value = mantissa / (EXACT_POWERS[fraction] ?? 1);
    json.pos = pos;
    return isNegative ? -value : value;
  }
  const end = numberEnd(json, json.pos);
  if (end < 0) throw json.refusal(shown, expected);
  const value = Number(bytes.toString("latin1", json.pos, end));
  json.pos = end;
  return value;
}

/** `"NaN"`, `"Infinity"` or `"-Infinity"` at the cursor. */
function namedFloat(json: JsonSource): number | undefined {
  const initial = json.bytes[json.pos + 1] ?? 0;
  if (initial !== 0x4e && initial !== 0x49 && initial !== Byte.MINUS) return undefined;
  const text = json.bytes.toString("latin1", json.pos, json.pos + 11);
  for (const [name, value] of NAMED) {
    if (!text.startsWith(name)) continue;
    json.pos += name.length;
    return value;
  }
  return undefined;
}

const NAMED: readonly (readonly [string, number])[] = [
  ['"NaN"', Number.NaN],
  ['"Infinity"', Number.POSITIVE_INFINITY],
  ['"-Infinity"', Number.NEGATIVE_INFINITY],
];
