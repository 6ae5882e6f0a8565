/** One value from text, in the form that the reflection takes: query parameters, form fields and path captures. */
import { create, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { JsonFault } from "../json/json-error.ts";
import { DEFAULT_MAX_VALUES, parseJsonText } from "../json/parse-json.ts";
import {
  durationLeaf,
  enumLeaf,
  LeafFault,
  maskLeaf,
  scalarLeaf,
  timestampLeaf,
} from "../query/leaf-text.ts";
import { quote } from "../text/quote.ts";
import type { CodecScope } from "./codec-scope.ts";
import { JsonReader } from "./read-json.ts";
import { setPaths, setSeconds } from "./read-well-known.ts";

/**
 * Reads `text` as a value of `field`'s type (of its items or map values, if it has them), in the form that the
 * reflection takes. Empty text is a value only where the empty string is: strings, bytes, their wrappers, FieldMask.
 * @throws {LeafFault}
 */
export function leafFromText(scope: CodecScope, field: DescField, text: string): unknown {
  if (field.scalar !== undefined) return scalarLeaf(field.scalar, text);
  if (field.enum !== undefined) return enumLeaf(scope.types.enumOf(field.enum), text);
  return wellKnown(scope, field.message, text);
}

function wellKnown(scope: CodecScope, desc: DescMessage, text: string): ReflectMessage {
  const message = reflect(desc, create(desc), false);
  const type = scope.types.of(desc);
  switch (type.wellKnown) {
    case "Timestamp":
      setSeconds(message, type, timestampLeaf(text));
      return message;
    case "Duration":
      setSeconds(message, type, durationLeaf(text));
      return message;
    case "FieldMask":
      setPaths(message, type, maskLeaf(text));
      return message;
    case "Wrapper": {
      const inner = type.sorted[0];
      if (inner?.scalar !== undefined) message.set(inner, scalarLeaf(inner.scalar, text));
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
