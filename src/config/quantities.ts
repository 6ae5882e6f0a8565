/**
 * Durations and sizes as people write them.
 *
 *     duration = "0" | [n "h"] [n "m"] [n "s"] [n "ms"]     at least one part, in this order
 *     size     = n [ "B" | "KB" | "MB" | "GB" | "KiB" | "MiB" | "GiB" ]
 *
 * A bare number is a size in bytes but no duration, since seconds and milliseconds are both usual.
 */
import { complain, type Reading, show } from "./reading.ts";

/** The longest duration: Node's timers hold a signed 32-bit number of milliseconds, a bit under 25 days. */
const MAX_DURATION_MS: number = 24 * 24 * 3_600_000;

/** The largest size: what fits a signed 32-bit number. */
const MAX_SIZE_BYTES: number = 2 ** 31 - 1;

/** Inclusive bounds, with the texts that messages show. */
export interface Bounds {
  readonly min?: string;
  readonly max?: string;
}

const DURATION = /^(?:(\d{1,12})h)?(?:(\d{1,12})m)?(?:(\d{1,12})s)?(?:(\d{1,12})ms)?$/;
const DURATION_HINT = "write numbers with units, largest first: 250ms, 5s, 1m30s, 2h";
const SIZE = /^(\d{1,15})(B|KB|MB|GB|KiB|MiB|GiB)?$/;
const SIZE_HINT = "write bytes or a number with a unit: 65536, 32KiB, 4MiB, 1GB";
const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** Reads a duration (text, or the number 0) as milliseconds, 0 to 24 days. */
export function parseDuration(value: unknown, bounds: Bounds = {}): Reading<number> {
  const text = typeof value === "number" ? String(value) : value;
  if (text === "0") return within(0, value, bounds, "24 days", MAX_DURATION_MS, millisecondsOf);
  if (typeof text !== "string") return complain(`${show(value)} is not a duration`, DURATION_HINT);
  if (/^\d+$/.test(text)) return complain(`${show(value)} has no unit`, `write ${text}s or ${text}ms`);
  const ms = millisecondsOf(text);
  if (ms === undefined) return complain(`${show(value)} is not a duration`, DURATION_HINT);
  return within(ms, value, bounds, "24 days", MAX_DURATION_MS, millisecondsOf);
}

/** Reads a size (text or a whole number) as bytes, 0 to 2 GiB less one. */
export function parseSize(value: unknown, bounds: Bounds = {}): Reading<number> {
  const text = typeof value === "number" ? String(value) : value;
  const bytes = typeof text === "string" ? bytesOf(text) : undefined;
  if (bytes === undefined) return complain(`${show(value)} is not a size`, SIZE_HINT);
  return within(bytes, value, bounds, "2147483647", MAX_SIZE_BYTES, bytesOf);
}

function millisecondsOf(text: string): number | undefined {
  const match = text === "" ? null : DURATION.exec(text);
  if (match === null) return undefined;
  const [hours, minutes, seconds, milliseconds] = match.slice(1).map((digits) => Number(digits ?? 0));
  return (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000 + (seconds ?? 0) * 1_000 + (milliseconds ?? 0);
}

function bytesOf(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (UNIT_BYTES[match[2] ?? "B"] ?? 1);
}

function within(
  amount: number,
  value: unknown,
  bounds: Bounds,
  hardMaxText: string,
  hardMax: number,
  amountOf: (text: string) => number | undefined,
): Reading<number> {
  const max = bounds.max === undefined ? hardMax : (amountOf(bounds.max) ?? hardMax);
  const min = bounds.min === undefined ? 0 : (amountOf(bounds.min) ?? 0);
  if (amount > max) return complain(`${show(value)} is too much`, `at most ${bounds.max ?? hardMaxText}`);
  if (amount < min) return complain(`${show(value)} is too little`, `at least ${bounds.min ?? "0"}`);
  return { value: amount };
}
