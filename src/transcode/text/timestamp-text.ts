/**
 * `google.protobuf.Timestamp` and its JSON string (RFC 3339, years 0001 to 9999).
 * Source: google/protobuf/timestamp.proto, "JSON Mapping".
 */
import { daysOfDate, MAX_TIMESTAMP_SECONDS, MIN_TIMESTAMP_SECONDS } from "./civil-time.ts";
import { fractionOf, nanosOf } from "./fraction-text.ts";

/** Seconds and nanoseconds as the message holds them. */
export interface SecondsAndNanos {
  readonly seconds: bigint;
  readonly nanos: number;
}

/**
 * Reads `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`; `T` and `Z` are upper case, days exist in their month, there are no
 * leap seconds. Undefined for anything else and for times outside the range.
 */
export function parseTimestamp(text: string): SecondsAndNanos | undefined {
  if (text.length < 20 || text.length > 35) return undefined;
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== "T" || text[13] !== ":" || text[16] !== ":") {
    return undefined;
  }
  const days = daysOfDate(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10));
  const seconds = clock(text, 11) * 60 + digits(text, 17, 19);
  if (days === undefined) return undefined;
  if (!(digits(text, 17, 19) <= 59)) return undefined;
  let zone = 19;
  if (text[19] === ".") {
    zone++;
    while (zone < text.length && !Number.isNaN(digits(text, zone, zone + 1))) zone++;
  }
  const nanos = zone === 19 ? 0 : nanosOf(text.slice(20, zone));
  const offset = zoneOffset(text, zone);
  const total = days * 86400 + seconds - offset;
  if (nanos === undefined || !(total >= MIN_TIMESTAMP_SECONDS && total <= MAX_TIMESTAMP_SECONDS))
    return undefined;
  return { seconds: BigInt(total), nanos };
}

/** The JSON string, with 0, 3, 6 or 9 digits of fraction; undefined outside the range. */
export function formatTimestamp(seconds: bigint, nanos: number): string | undefined {
  if (seconds < MIN_TIMESTAMP_SECONDS || seconds > MAX_TIMESTAMP_SECONDS || nanos < 0 || nanos > 999_999_999)
    return undefined;
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
