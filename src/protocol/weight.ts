/** How much a client likes one of several forms. */

/** The value of a `q` parameter, 0 to 1; undefined for what is no weight. Source: RFC 9110, section 12.4.2. */
export function weightOf(text: string): number | undefined {
  const [whole = "", fraction = "", ...rest] = text.split(".");
  if (rest.length > 0 || (whole !== "0" && whole !== "1") || fraction.length > 3) return undefined;
  for (const digit of fraction) if (digit < "0" || digit > "9") return undefined;
  const weight = Number(text);
  return weight <= 1 ? weight : undefined;
}
