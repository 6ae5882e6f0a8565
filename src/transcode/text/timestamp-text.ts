/**
 * `google.protobuf.Timestamp` and its JSON string (RFC 3339, years 0001 to 9999).
 * Source: google/protobuf/timestamp.proto, "JSON Mapping".
 */
import { fractionOf, nanosOf } from "./fraction-text.ts";

/** Seconds and nanoseconds as the message holds them. */
export interface SecondsAndNanos {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const MIN_SECONDS = -62135596800;
const MAX_SECONDS = 253402300799;

const DAYS_IN_MONTH: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Reads `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`; `T` and `Z` are upper case, days exist in their month, there are no
 * leap seconds. Undefined for anything else and for times outside the range.
 */
export function parseTimestamp(text: string): SecondsAndNanos | undefined {
  if (text.length < 20 || text.length > 35) return undefined;
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== "T" || text[13] !== ":" || text[16] !== ":") {
    return undefined;
  }
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const seconds = clock(text, 11) * 60 + digits(text, 17, 19);
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined;
  if (!(digits(text, 17, 19) <= 59)) return undefined;
  let zone = 19;
  if (text[19] === ".") {
    zone++;
    while (zone < text.length && !Number.isNaN(digits(text, zone, zone + 1))) zone++;
  }
  const nanos = zone === 19 ? 0 : nanosOf(text.slice(20, zone));
  const offset = zoneOffset(text, zone);
  const total = daysBefore(year, month, day) * 86400 + seconds - offset;
  if (nanos === undefined || !(total >= MIN_SECONDS && total <= MAX_SECONDS)) return undefined;
  return { seconds: BigInt(total), nanos };
}

/** The JSON string, with 0, 3, 6 or 9 digits of fraction; undefined outside the range. */
export function formatTimestamp(seconds: bigint, nanos: number): string | undefined {
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos > 999_999_999) return undefined;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${fractionOf(nanos)}Z`;
}

/** `HH:MM` at `from`, in minutes; NaN if it is not a time of day. */
function clock(text: string, from: number): number {
  const hour = digits(text, from, from + 2);
  const minute = digits(text, from + 3, from + 5);
  return hour <= 23 && minute <= 59 ? hour * 60 + minute : Number.NaN;
}

/** Seconds east of Greenwich; NaN if the zone is malformed. */
function zoneOffset(text: string, at: number): number {
  if (text[at] === "Z") return text.length === at + 1 ? 0 : Number.NaN;
  if (text.length !== at + 6 || text[at + 3] !== ":") return Number.NaN;
  const minutes = clock(text, at + 1);
  if (text[at] === "+") return minutes * 60;
  return text[at] === "-" ? minutes * -60 : Number.NaN;
}

function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const past = year - 1;
  let days = past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 719162;
  for (let m = 1; m < month; m++) days += daysIn(year, m);
  return days + day - 1;
}

/** The number that the digits in [from, to) spell; NaN if one is not a digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
