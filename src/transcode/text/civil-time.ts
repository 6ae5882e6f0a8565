/**
 * The proleptic Gregorian calendar, in whole days since 1970-01-01. No Date: it knows milliseconds only and accepts
 * days that do not exist.
 */

const DAYS_BEFORE_MONTH: readonly number[] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_OF_400_YEARS = 146097;
/** From 0000-03-01 to 1970-01-01. */
const DAYS_TO_EPOCH = 719468;

/** Lower bound of google.protobuf.Timestamp: 0001-01-01T00:00:00Z, in seconds. */
export const MIN_TIMESTAMP_SECONDS: number = -62135596800;
/** Upper bound of google.protobuf.Timestamp: 9999-12-31T23:59:59Z, in seconds. */
export const MAX_TIMESTAMP_SECONDS: number = 253402300799;
/** Bound of google.protobuf.Duration, both ways: about 10,000 years, in seconds. */
export const MAX_DURATION_SECONDS: number = 315576000000;

/** Days from 1970-01-01 to a date, or undefined if there is no such day or a part is NaN. `month` and `day` are from 1. */
export function daysOfDate(year: number, month: number, day: number): number | undefined {
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1)) return undefined;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length =
    month === 2 ? (isLeap ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  if (day > length) return undefined;
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const ofYear = (DAYS_BEFORE_MONTH[month - 1] ?? 0) + (isLeap && month > 2 ? 1 : 0) + day - 1;
  return before * 365 + leapDays + ofYear - 719162;
}

/** The date `days` after 1970-01-01 as year * 10000 + month * 100 + day. For years 0001 to 9999. */
export function dateOfDays(days: number): number {
  // Years are counted from March, so that the leap day is the last of its year.
  const shifted = days + DAYS_TO_EPOCH;
  const era = Math.floor(shifted / DAYS_OF_400_YEARS);
  const ofEra = shifted - era * DAYS_OF_400_YEARS;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36524) - Math.floor(ofEra / 146096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return year * 10000 + month * 100 + day;
}
