/** One value from text: query parameters, form fields and path captures. */
import { create, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { JsonFault } from "../json/json-error.ts";
import { DEFAULT_MAX_VALUES, parseJsonText } from "../json/parse-json.ts";
import { parseDuration } from "../text/duration-text.ts";
import { parseFieldMask } from "../text/field-mask-text.ts";
import { suggestion } from "../text/nearest-name.ts";
import { quote } from "../text/quote.ts";
import { isOutOfRange, scalarFromText, scalarName } from "../text/scalar-text.ts";
import { parseTimestamp } from "../text/timestamp-text.ts";
import type { CodecScope } from "./codec-scope.ts";
import { JsonReader } from "./read-json.ts";
import { setPaths, setSeconds } from "./read-well-known.ts";

/**
 * Reads `text` as a value of `field`'s type (of its items or map values, if it has them), in the form that the
 * reflection takes. Empty text is a value only where the empty string is: strings, bytes, their wrappers, FieldMask.
 * @throws {LeafFault}
 */
export function leafFromText(scope: CodecScope, field: DescField, text: string): unknown {
  if (field.scalar !== undefined) return scalar(field.scalar, text);
  if (field.enum !== undefined) {
    const type = scope.types.enumOf(field.enum);
    const named = type.isNullValue && text === "null" ? 0 : type.byName.get(text);
    if (named !== undefined) return named;
    const number = scalarFromText(ScalarType.INT32, text);
    if (typeof number !== "number" || (!field.enum.open && !type.byNumber.has(number))) {
      const near = suggestion(text, type.byName.keys());
      throw new LeafFault(`${quote(text)} is not a value of the enum ${field.enum.typeName}${near}`);
    }
    return number;
  }
  return wellKnown(scope, field.message, text);
}

function scalar(type: ScalarType, text: string): unknown {
  const value = scalarFromText(type, text);
  if (value !== undefined) return value;
  throw new LeafFault(
    `${quote(text)} is not ${scalarName(type)}${isOutOfRange(type, text) ? " (out of range)" : ""}`,
  );
}

function wellKnown(scope: CodecScope, desc: DescMessage, text: string): ReflectMessage {
  const message = reflect(desc, create(desc), false);
  const type = scope.types.of(desc);
  switch (type.wellKnown) {
    case "Timestamp": {
      const value = parseTimestamp(text);
      if (value === undefined)
        throw new LeafFault(`${quote(text)} is not a timestamp (RFC 3339, such as 2024-02-29T12:30:00Z)`);
      setSeconds(message, type, value);
      return message;
    }
    case "Duration": {
      const value = parseDuration(text);
      if (value === undefined)
        throw new LeafFault(`${quote(text)} is not a duration (seconds, such as 1.5s)`);
      setSeconds(message, type, value);
      return message;
    }
    case "FieldMask": {
      const paths = parseFieldMask(text, "any");
      if (paths === undefined)
        throw new LeafFault(`${quote(text)} is not a field mask (paths joined by commas)`);
      setPaths(message, type, paths);
      return message;
    }
    case "Wrapper": {
      const inner = type.sorted[0];
      if (inner?.scalar !== undefined) message.set(inner, scalar(inner.scalar, text));
      return message;
    }
    case "Struct":
    case "Value":
    case "ListValue":
      jsonText(scope, message, text);
      return message;
    case "Any":
    case undefined:
      throw new LeafFault(`a ${desc.typeName} cannot be given as text`);
  }
}

function jsonText(scope: CodecScope, message: ReflectMessage, text: string): void {
  try {
    const limits = { maxDepth: scope.maxDepth, maxValues: DEFAULT_MAX_VALUES };
    new JsonReader(scope, "reject").readMessage(message, parseJsonText(text, limits).root);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const where = error.pointer === "" ? "" : ` at ${error.pointer}`;
    throw new LeafFault(
      `${quote(text)} is not JSON for a ${message.desc.typeName}: ${error.message}${where}`,
    );
  }
}

/** What is wrong with a value's text. Its `message` is a sentence about the value. */
export class LeafFault extends Error {
  constructor(message: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.name = "LeafFault";
  }
}
