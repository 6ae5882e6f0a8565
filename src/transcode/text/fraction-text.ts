/** Fractions of a second in the JSON strings of Timestamp and Duration. */

/** Nanoseconds of 1 to 9 digits after a point; undefined for none, more, or other characters. */
export function nanosOf(fraction: string): number | undefined {
  if (fraction.length < 1 || fraction.length > 9) return undefined;
  for (let i = 0; i < fraction.length; i++) {
    const unit = fraction.charCodeAt(i);
    if (unit < 0x30 || unit > 0x39) return undefined;
  }
  return Number(fraction.padEnd(9, "0"));
}

/** "" or a point and 3, 6 or 9 digits, the fewest that hold `nanos` (0 to 999,999,999). */
export function fractionOf(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  if (digits.endsWith("000000")) return `.${digits.slice(0, 3)}`;
  return digits.endsWith("000") ? `.${digits.slice(0, 6)}` : `.${digits}`;
}
