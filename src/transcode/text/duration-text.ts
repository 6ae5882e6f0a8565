/**
 * `google.protobuf.Duration` and its JSON string, `-?digits[.fraction]s`.
 * Source: google/protobuf/duration.proto, "JSON Mapping".
 */
import { MAX_DURATION_SECONDS } from "./civil-time.ts";
import { fractionOf, nanosOf } from "./fraction-text.ts";
import type { SecondsAndNanos } from "./timestamp-text.ts";

/** Of the seconds alone: duration.proto limits seconds and nanos each for itself. */
const MAX_SECONDS = BigInt(MAX_DURATION_SECONDS);

/** Reads the JSON string; undefined if it is malformed or out of range. Seconds and nanos have the same sign. */
export function parseDuration(text: string): SecondsAndNanos | undefined {
  const negative = text.charCodeAt(0) === 0x2d;
  const start = negative ? 1 : 0;
  const end = text.length - 1;
  if (text.charCodeAt(end) !== 0x73) return undefined;
  const point = text.indexOf(".");
  const whole = text.slice(start, point < 0 ? end : point);
  const seconds = wholeSeconds(whole);
  const nanos = point < 0 ? 0 : nanosOf(text.slice(point + 1, end));
  if (seconds === undefined || nanos === undefined || seconds > MAX_SECONDS) return undefined;
  if (!negative) return { seconds, nanos };
  return { seconds: -seconds, nanos: nanos === 0 ? 0 : -nanos };
}

/** The JSON string, with 0, 3, 6 or 9 digits of fraction; undefined if out of range or of mixed sign. */
export function formatDuration(seconds: bigint, nanos: number): string | undefined {
  if (nanos < -999_999_999 || nanos > 999_999_999) return undefined;
  if ((seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0)) return undefined;
  const magnitude = seconds < 0n ? -seconds : seconds;
  if (magnitude > MAX_SECONDS) return undefined;
  const sign = seconds < 0n || nanos < 0 ? "-" : "";
  return `${sign}${magnitude}${fractionOf(Math.abs(nanos))}s`;
}

function wholeSeconds(digits: string): bigint | undefined {
  // 20 digits leave room for zeros in front and keep the cost of a hostile string flat.
  if (digits.length === 0 || digits.length > 20) return undefined;
  for (let i = 0; i < digits.length; i++) {
    const unit = digits.charCodeAt(i);
    if (unit < 0x30 || unit > 0x39) return undefined;
  }
  return BigInt(digits);
}
