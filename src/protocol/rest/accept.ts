/**
 * What a client accepts.
 *
 *     Accept      = [ range [ weight ] *( OWS "," OWS range [ weight ] ) ]
 *     range       = ( "*" "/" "*" | type "/" "*" | type "/" subtype ) *( OWS ";" OWS [ name "=" value ] )
 *     weight      = OWS ";" OWS "q=" ( "0" [ "." 0*3DIGIT ] | "1" [ "." 0*3"0" ] )
 *
 * Several fields count as one. Of the ranges that match a type the most exact one gives the weight. What is malformed is
 * passed over: Accept is a wish, and a reply in a usual form serves better than a refusal.
 * Source: RFC 9110, sections 12.4.2 and 12.5.1.
 */
import type { HeaderList } from "../../http/index.ts";
import { weightOf } from "../weight.ts";

/** One media range. */
export interface MediaRange {
  /** In lower case; `*` matches any. */
  readonly type: string;
  readonly subtype: string;
  /** 0 to 1; 0 is "not this". */
  readonly weight: number;
}

/** The media ranges of all Accept fields; none if there are no such fields. */
export function mediaRanges(headers: HeaderList): readonly MediaRange[] {
  const ranges: MediaRange[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === "accept") new RangeScanner(headers[i + 1] ?? "").scanInto(ranges);
  }
  return ranges;
}

/** The weight of the range that names `mediaType` (`type/subtype`) itself, without wildcards; 0 if none does. */
export function namedWeight(ranges: readonly MediaRange[], mediaType: string): number {
  return weightAt(ranges, mediaType, EXACT) ?? 0;
}

/**
 * The one of `offers` (media types, the dearest first) that the client likes best, or undefined where it accepts none.
 *
 * Of equal weights, one that the client names wins over one that only a wildcard covers, since many clients send a
 * wildcard beside what they want; then the earlier offer.
 */
export function preferredType(ranges: readonly MediaRange[], offers: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestWeight = 0;
  let isBestNamed = false;
  for (const offer of offers) {
    const named = weightAt(ranges, offer, EXACT);
    const weight = named ?? weightAt(ranges, offer, ANY_SUBTYPE) ?? weightAt(ranges, offer, ANY_TYPE) ?? 0;
    const isBetter = weight > bestWeight || (weight === bestWeight && named !== undefined && !isBestNamed);
    if (weight === 0 || !isBetter) continue;
    best = offer;
    bestWeight = weight;
    isBestNamed = named !== undefined;
  }
  return best;
}

const ANY_TYPE = 0;
const ANY_SUBTYPE = 1;
const EXACT = 2;

/** The highest weight of the ranges that match `mediaType` as exactly as `exactness` says. */
function weightAt(ranges: readonly MediaRange[], mediaType: string, exactness: number): number | undefined {
  let weight: number | undefined;
  for (const range of ranges) {
    if (exactnessOf(range) !== exactness) continue;
    const slash = range.type.length;
    const isTypeSame = exactness === ANY_TYPE || mediaType.startsWith(`${range.type}/`);
    const isSubtypeSame = exactness !== EXACT || mediaType.slice(slash + 1) === range.subtype;
    if (isTypeSame && isSubtypeSame) weight = Math.max(weight ?? 0, range.weight);
  }
  return weight;
}

function exactnessOf({ type, subtype }: MediaRange): number {
  if (type === "*") return ANY_TYPE;
  return subtype === "*" ? ANY_SUBTYPE : EXACT;
}

/** Reads the ranges of one field. */
class RangeScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scanInto(ranges: MediaRange[]): void {
    while (this.#at < this.#text.length) {
      const range = this.#range();
      if (range !== undefined) ranges.push(range);
      // To the comma behind the range, over whatever does not belong there.
      while (this.#at < this.#text.length && this.#text[this.#at] !== ",") this.#at++;
      this.#at++;
    }
  }

  /** Undefined for what is no range, or one of a representation that the gateway does not have. */
  #range(): MediaRange | undefined {
    this.#skipSpace();
    const type = this.#token();
    if (this.#text[this.#at] !== "/") return undefined;
    this.#at++;
    const subtype = this.#token();
    if (type === "" || subtype === "" || (type === "*" && subtype !== "*")) return undefined;
    let weight: number | undefined = 1;
    let isOurs = true;
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] !== ";") break;
      this.#at++;
      this.#skipSpace();
      const name = this.#token();
      if (this.#text[this.#at] !== "=") continue;
      this.#at++;
      const value = this.#value();
      if (name === "q") weight = weightOf(value);
      // All that the gateway writes is UTF-8. A range with any other parameter is about another representation.
      else if (name !== "charset" || value.toLowerCase() !== "utf-8") isOurs = false;
    }
    return isOurs && weight !== undefined ? { type, subtype, weight } : undefined;
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }

  /** Up to the next delimiter, in lower case. */
  #token(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !DELIMITERS.includes(this.#text[this.#at] ?? "")) this.#at++;
    return this.#text.slice(start, this.#at).toLowerCase();
  }

  /** A token, or a quoted string without its quotes. */
  #value(): string {
    if (this.#text[this.#at] !== '"') return this.#token();
    let value = "";
    for (this.#at++; this.#at < this.#text.length && this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] === "\\") this.#at++;
      value += this.#text[this.#at] ?? "";
    }
    this.#at++;
    return value;
  }
}

const DELIMITERS = ' \t,;/="';
