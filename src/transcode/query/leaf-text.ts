/** One value from text, as query parameters, form fields and path captures give it; and what is wrong with such text. */
import { ScalarType } from "@bufbuild/protobuf";
import type { EnumType } from "../fields/message-types.ts";
import { parseDuration } from "../text/duration-text.ts";
import { parseFieldMask } from "../text/field-mask-text.ts";
import { suggestion } from "../text/nearest-name.ts";
import { quote } from "../text/quote.ts";
import { isOutOfRange, type Scalar, scalarFromText, scalarName } from "../text/scalar-text.ts";
import { parseTimestamp, type SecondsAndNanos } from "../text/timestamp-text.ts";

/** What is wrong with a value's text. Its `message` is a sentence about the value. Carries no stack. */
export class LeafFault extends Error {
  constructor(message: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.name = "LeafFault";
  }
}

/** A scalar. Empty text is one only of strings and bytes. @throws {LeafFault} */
export function scalarLeaf(type: ScalarType, text: string): Scalar {
  const value = scalarFromText(type, text);
  if (value !== undefined) return value;
  throw new LeafFault(
    `${quote(text)} is not ${scalarName(type)}${isOutOfRange(type, text) ? " (out of range)" : ""}`,
  );
}

/** An enum's number, from a name or a number; a closed enum takes its own numbers alone. @throws {LeafFault} */
export function enumLeaf(type: EnumType, text: string): number {
  const named = type.isNullValue && text === "null" ? 0 : type.byName.get(text);
  if (named !== undefined) return named;
  const number = scalarFromText(ScalarType.INT32, text);
  if (typeof number === "number" && (type.desc.open || type.byNumber.has(number))) return number;
  const near = suggestion(text, type.byName.keys());
  throw new LeafFault(`${quote(text)} is not a value of the enum ${type.desc.typeName}${near}`);
}

/** A point in time. @throws {LeafFault} */
export function timestampLeaf(text: string): SecondsAndNanos {
  const value = parseTimestamp(text);
  if (value !== undefined) return value;
  throw new LeafFault(`${quote(text)} is not a timestamp (RFC 3339, such as 2024-02-29T12:30:00Z)`);
}

/** A duration. @throws {LeafFault} */
export function durationLeaf(text: string): SecondsAndNanos {
  const value = parseDuration(text);
  if (value !== undefined) return value;
  throw new LeafFault(`${quote(text)} is not a duration (seconds, such as 1.5s)`);
}

/** The paths of a field mask, in either spelling. @throws {LeafFault} */
export function maskLeaf(text: string): readonly string[] {
  const paths = parseFieldMask(text, "any");
  if (paths !== undefined) return paths;
  throw new LeafFault(`${quote(text)} is not a field mask (paths joined by commas)`);
}

/** The key of a map, from the brackets of a parameter's name. @throws {LeafFault} */
export function mapKeyLeaf(type: ScalarType, text: string): Scalar {
  const key = scalarFromText(type, text);
  if (key !== undefined) return key;
  throw new LeafFault(`the key ${quote(text)} is not ${scalarName(type)}`);
}
