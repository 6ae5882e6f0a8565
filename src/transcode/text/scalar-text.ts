/**
 * Scalars from text: query parameters, path captures, map keys and the quoted numbers of ProtoJSON.
 */
import { ScalarType } from "@bufbuild/protobuf";
import { decodeBase64 } from "./base64.ts";
import { integerOf, isNumberText } from "./number-text.ts";

/** A value of any scalar type; 64-bit integers are bigint. */
export type Scalar = string | number | bigint | boolean | Uint8Array;

/**
 * Reads a scalar of `type`: booleans are `true` and `false`, numbers have JSON's form (integral `1.0` and `1e3` are
 * integers), floats also take NaN, Infinity and -Infinity, bytes are base64 in either alphabet.
 * Undefined if the text is not one, or is out of range.
 */
export function scalarFromText(type: ScalarType, text: string): Scalar | undefined {
  if (type === ScalarType.STRING) return text;
  if (type === ScalarType.BYTES) return decodeBase64(text);
  if (type === ScalarType.BOOL) {
    if (text === "true") return true;
    return text === "false" ? false : undefined;
  }
  if (type === ScalarType.DOUBLE || type === ScalarType.FLOAT) {
    if (text === "NaN") return Number.NaN;
    if (text === "Infinity") return Number.POSITIVE_INFINITY;
    if (text === "-Infinity") return Number.NEGATIVE_INFINITY;
  }
  const small = smallInteger(text);
  if (small >= 0)
    return isWide(type) ? BigInt(small) : type === ScalarType.FLOAT ? Math.fround(small) : small;
  return isNumberText(text) ? numberFromText(type, text) : undefined;
}

/** What nearly all numbers in queries and paths are: one to nine digits, which fit every type. -1 for another text. */
function smallInteger(text: string): number {
  const { length } = text;
  if (length === 0 || length > 9 || (length > 1 && text.charCodeAt(0) === 0x30)) return -1;
  let value = 0;
  for (let index = 0; index < length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether values of the type are bigint. */
function isWide(type: ScalarType): boolean {
  return (
    type === ScalarType.INT64 ||
    type === ScalarType.UINT64 ||
    type === ScalarType.SINT64 ||
    type === ScalarType.FIXED64 ||
    type === ScalarType.SFIXED64
  );
}

/**
 * Reads the text of a JSON number for a numeric type; undefined if it is out of range, has a fraction where an
 * integer is due, or the type is not numeric.
 */
export function numberFromText(type: ScalarType, text: string): number | bigint | undefined {
  switch (type) {
    case ScalarType.DOUBLE: {
      const value = Number(text);
      return Number.isFinite(value) ? value : undefined;
    }
    case ScalarType.FLOAT: {
      // The overflow shows only after rounding: just above the largest float still rounds to it.
      const value = Math.fround(Number(text));
      return Number.isFinite(value) ? value : undefined;
    }
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return narrow(integerOf(text), -(2n ** 31n), 2n ** 31n - 1n);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return narrow(integerOf(text), 0n, 2n ** 32n - 1n);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return within(integerOf(text), -(2n ** 63n), 2n ** 63n - 1n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return within(integerOf(text), 0n, 2n ** 64n - 1n);
    case ScalarType.BOOL:
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return undefined;
  }
}

/** Whether `text` is an integer of a size that `type`, an integer or floating type, merely does not hold. */
export function isOutOfRange(type: ScalarType, text: string): boolean {
  if (type === ScalarType.STRING || type === ScalarType.BYTES || type === ScalarType.BOOL) return false;
  return isNumberText(text) && integerOf(text) !== undefined;
}

/** A scalar type as messages name it, with its article: `an int32`, `a bool`, `base64`. */
export function scalarName(type: ScalarType): string {
  switch (type) {
    case ScalarType.DOUBLE:
      return "a double";
    case ScalarType.FLOAT:
      return "a float";
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return "an int32";
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return "a uint32";
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return "an int64";
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return "a uint64";
    case ScalarType.BOOL:
      return "a bool (true or false)";
    case ScalarType.STRING:
      return "a string";
    case ScalarType.BYTES:
      return "bytes in base64";
  }
}

function within(value: bigint | undefined, min: bigint, max: bigint): bigint | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function narrow(value: bigint | undefined, min: bigint, max: bigint): number | undefined {
  const exact = within(value, min, max);
  return exact === undefined ? undefined : Number(exact);
}
