/** Numbers as ProtoJSON writes them. */
import { ScalarType } from "@bufbuild/protobuf";

/** A float or double: the shortest text that reads back to the same value, quoted where JSON has no number for it. */
export function formatFloating(type: ScalarType, value: number): string {
  if (Number.isFinite(value)) {
    if (Object.is(value, -0)) return "-0";
    return String(type === ScalarType.FLOAT ? shortestFloat32(value) : value);
  }
  if (Number.isNaN(value)) return '"NaN"';
  return value > 0 ? '"Infinity"' : '"-Infinity"';
}

/** A 64-bit integer, quoted unless `number-if-safe` and within ±(2^53 - 1). */
export function formatInt64(value: bigint, style: "string" | "number-if-safe"): string {
  const isSafe = value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
  return style === "number-if-safe" && isSafe ? String(value) : `"${value}"`;
}

/** The double with the fewest digits that rounds to this float32: 0.1 rather than 0.10000000149011612. */
function shortestFloat32(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  // Nine digits always suffice for a float32.
  return Number(value.toPrecision(9));
}
