/** Numbers as JSON text, in bytes. All need room for 32 bytes. */
import type { ByteSink } from "./byte-sink.ts";

const TWO_32 = 4294967296;
const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
/** Below this, singles have fewer digits. */
const MIN_NORMAL_SINGLE = 2 ** -126;
/** Limbs of seven digits. */
const LIMB = 1e7;

/** A safe integer in decimal. */
export function writeInteger(json: ByteSink, value: number): void {
  let rest = value;
  if (rest < 0) {
    json.bytes[json.length++] = MINUS;
    rest = -rest;
  }
  if (rest < 10) {
    json.bytes[json.length++] = ZERO + rest;
    return;
  }
  if (rest >= 1e9) {
    const upper = Math.floor(rest / LIMB);
    writeInteger(json, upper);
    writeDigits(json, rest - upper * LIMB, 7);
    return;
  }
  let count = 2;
  for (let limit = 100; rest >= limit; limit *= 10) count++;
  writeDigits(json, rest, count);
}

/** Exactly `count` digits of a number below 10^9, with leading zeros. */
export function writeDigits(json: ByteSink, value: number, count: number): void {
  const bytes = json.bytes;
  const start = json.length;
  let rest = value | 0;
  for (let at = start + count - 1; at >= start; at--) {
    const tenth = (rest / 10) | 0;
    bytes[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  json.length = start + count;
}

/** A 64-bit integer from its unsigned halves: in quotes, or bare if `asNumber` and it is a safe integer. */
export function writeInteger64(
  json: ByteSink,
  low: number,
  high: number,
  signed: boolean,
  asNumber: boolean,
): void {
  const isNegative = signed && high >= 0x80000000;
  const lower = isNegative ? -low >>> 0 : low;
  const upper = isNegative ? (lower === 0 ? -high : ~high) >>> 0 : high;
  const isSafe = upper < 0x200000;
  const isBare = asNumber && isSafe;
  if (!isBare) json.byte(QUOTE);
  if (isNegative) json.byte(MINUS);
  if (isSafe) writeInteger(json, upper * TWO_32 + lower);
  else writeWide(json, lower, upper);
  if (!isBare) json.byte(QUOTE);
}

/** An unsigned 64-bit integer beyond 2^53. */
function writeWide(json: ByteSink, low: number, high: number): void {
  // 2^32 = 429 * 10^7 + 4967296; the upper half is split once more so that every product stays below 2^53.
  const highUpper = Math.floor(high / 65536);
  const highLower = high % 65536;
  // value = highUpper * 2^48 + highLower * 2^32 + low, with 2^48 = 28147497 * 10^7 + 6710656.
  const units = highUpper * 6710656 + highLower * 4967296 + low;
  const carry = Math.floor(units / LIMB);
  const tens = highUpper * 28147497 + highLower * 429 + carry;
  writeInteger(json, tens);
  writeDigits(json, units - carry * LIMB, 7);
}

/** A double in the shortest text that reads back the same, or its name in quotes. */
export function writeDouble(json: ByteSink, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) {
    writeInteger(json, value);
    return;
  }
  // Decimals of up to 15 digits are all different doubles: one that reads back the same is the shortest.
  const hundreds = Math.round(value * 1e2);
  if (hundreds / 1e2 === value && Math.abs(hundreds) < 1e15) writeDecimal(json, value, hundreds, 2);
  else {
    const millions = Math.round(value * 1e6);
    if (millions / 1e6 === value && Math.abs(millions) < 1e15) writeDecimal(json, value, millions, 6);
    else json.ascii(floatText(value, value));
  }
}

/** A float: the shortest text that reads back as the same single. */
export function writeFloat(json: ByteSink, value: number): void {
  if ((value | 0) === value && Math.abs(value) < 1e7 && !Object.is(value, -0)) {
    writeInteger(json, value);
    return;
  }
  if (Number.isFinite(value)) {
    // Decimals of up to six digits are all different singles, nine always suffice.
    const hundreds = Math.round(value * 1e2);
    if (Math.fround(hundreds / 1e2) === value && Math.abs(hundreds) < 1e6) {
      writeDecimal(json, value, hundreds, 2);
      return;
    }
    const fewest = Math.abs(value) < MIN_NORMAL_SINGLE ? 1 : 6;
    for (let precision = fewest; precision < 9; precision++) {
      const short = Number(value.toPrecision(precision));
      if (Math.fround(short) === value) {
        json.ascii(floatText(value, short));
        return;
      }
    }
  }
  json.ascii(floatText(value, Number(value.toPrecision(9))));
}

/** `units` / 10^places, which is not 0, without trailing zeros. The sign is that of `value`. */
function writeDecimal(json: ByteSink, value: number, units: number, places: number): void {
  if (units === 0) {
    json.ascii(floatText(value, value));
    return;
  }
  if (units < 0) json.byte(MINUS);
  const size = Math.abs(units);
  const scale = places === 2 ? 1e2 : 1e6;
  const whole = Math.floor(size / scale);
  writeInteger(json, whole);
  json.byte(0x2e);
  writeDigits(json, size - whole * scale, places);
  while (json.bytes[json.length - 1] === ZERO) json.length--;
  if (json.bytes[json.length - 1] === 0x2e) json.length--;
}

function floatText(value: number, shown: number): string {
  if (Number.isNaN(value)) return '"NaN"';
  if (value === Number.POSITIVE_INFINITY) return '"Infinity"';
  if (value === Number.NEGATIVE_INFINITY) return '"-Infinity"';
  return Object.is(value, -0) ? "-0" : String(shown);
}
