/**
 * Lists of numbers and names: `reserved 5, 7 to 9;`, `reserved "foo";`, `extensions 100 to max;`.
 */
import type { FileDraft } from "./parsed-file.ts";
import { ProtoFault } from "./proto-fault.ts";
import type { TokenReader } from "./token-reader.ts";

/** A range as written: both ends belong to it. */
export interface NumberRange {
  readonly start: number;
  readonly end: number;
  /** Whether it ends with `max`; `end` is then the greatest number. */
  readonly isMax: boolean;
}

/** Reads ranges of numbers up to `max`; those of enums may be negative. */
export function parseRanges(
  reader: TokenReader,
  max: number,
  numbers: "positive" | "any" = "positive",
): readonly NumberRange[] {
  const read = (): number =>
    numbers === "any" ? reader.expectSigned("a number") : reader.expectNumber("a number", max);
  const ranges: NumberRange[] = [];
  do {
    const at = reader.current;
    const start = read();
    let end = start;
    let isMax = false;
    if (reader.accept("to")) {
      isMax = reader.accept("max");
      end = isMax ? max : read();
    }
    if (end < start || (numbers === "positive" && start === 0)) {
      throw new ProtoFault(at, `${start} to ${end} is no range`, "ranges go up, from 1 on in messages");
    }
    ranges.push({ start, end, isMax });
  } while (reader.accept(","));
  return ranges;
}

/** Reads reserved names: strings, in editions identifiers. */
export function parseReservedNames({ reader, syntax }: FileDraft): readonly string[] {
  const names: string[] = [];
  do {
    const what = "numbers or names to reserve";
    const isIdentifier = syntax === "editions" && reader.current.kind === "identifier";
    names.push(isIdentifier ? reader.take().text : reader.expectString(what).text);
  } while (reader.accept(","));
  return names;
}

/** Those of `numbers` that are in one of `ranges`, whose `end` is one past the last. In one pass: there may be many of both. */
export function numbersWithin(
  numbers: readonly number[],
  ranges: readonly { readonly start: number; readonly end: number }[],
): ReadonlySet<number> {
  const sorted = [...ranges].sort((a, b) => a.start - b.start);
  const within = new Set<number>();
  let next = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const number of [...numbers].sort((a, b) => a - b)) {
    for (let range = sorted[next]; range !== undefined && range.start <= number; range = sorted[++next]) {
      end = Math.max(end, range.end);
    }
    if (number < end) within.add(number);
  }
  return within;
}
