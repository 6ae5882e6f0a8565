/**
 * ProtoJSON to messages, directed by the schema, over a parsed tree.
 *
 * The walk is our own, not the library's: every fault then names its place, and what the library lets through (dates
 * that do not exist, 64-bit integers that were float64 on the way) does not pass.
 * Source: the ProtoJSON page of the protobuf documentation, and the JSON cases of the conformance suite.
 */
import {
  create,
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescMessage,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { jsonNamesOf } from "../fields/message-types.ts";
import { describeNode, JsonFault, type JsonStep, pointerOf } from "../json/json-error.ts";
import type { JsonNode, JsonObject } from "../json/json-tree.ts";
import { suggestion } from "../text/nearest-name.ts";
import { quote } from "../text/quote.ts";
import {
  isOutOfRange,
  numberFromText,
  type Scalar,
  scalarFromText,
  scalarName,
} from "../text/scalar-text.ts";
import { MAX_REPORTED, type TranscodeOptions } from "../transcoder.ts";
import type { CodecScope } from "./codec-scope.ts";
import { missingRequired } from "./missing-required.ts";
import { readWellKnown } from "./read-well-known.ts";

/** In place of an enum value whose name is unknown, where unknown names are passed over. */
const SKIPPED: unique symbol = Symbol("skipped");

/** Reads one document. Made for each request; `unknownFields` collects under `report`. */
export class JsonReader {
  readonly scope: CodecScope;
  /** Pointers of names that the schema does not know; at most 64. */
  readonly unknownFields: string[] = [];
  readonly #policy: TranscodeOptions["unknownFields"];
  readonly #path: JsonStep[] = [];

  constructor(scope: CodecScope, policy: TranscodeOptions["unknownFields"]) {
    this.scope = scope;
    this.#policy = policy;
  }

  /**
   * Fills `message` from `node`.
   * @throws {JsonFault}
   */
  readMessage(message: ReflectMessage, node: JsonNode): void {
    const form = this.scope.types.of(message.desc).wellKnown;
    if (form !== undefined) readWellKnown(this, message, form, node);
    else this.readMembers(message, this.expectObject(node, `an object (${message.desc.typeName})`));
  }

  /** Fills the fields that the members name; the member `except` belongs to someone else. */
  readMembers(message: ReflectMessage, node: JsonObject, except?: string): void {
    const { byName } = this.scope.types.of(message.desc);
    const seen = new Set<DescField>();
    for (const member of node.members) {
      if (member.name === except) continue;
      this.#path.push(member.name);
      const field = byName.get(member.name);
      if (field === undefined) {
        const extension = this.#extensionOf(message.desc, member.name);
        if (extension === undefined) this.unknownName(message.desc, member.name, member.nameOffset);
        else this.#readExtension(message, extension, member.value);
      } else {
        if (seen.has(field)) {
          const found = `"${field.jsonName}" and "${field.name}"`;
          throw this.fault(
            "one spelling of a field",
            field.name === field.jsonName ? quote(member.name) : found,
            member.nameOffset,
          );
        }
        seen.add(field);
        this.readField(message, field, member.value);
      }
      this.#path.pop();
    }
  }

  /** Sets `field` of `message` from `node`; `null` leaves it unset where null is no value of its type. */
  readField(message: ReflectMessage, field: DescField, node: JsonNode): void {
    if (node.kind === "null" && !this.#takesNull(field)) return;
    if (field.fieldKind === "list") {
      this.#readList(message, field, node);
      return;
    }
    if (field.fieldKind === "map") {
      this.#readMap(message, field, node);
      return;
    }
    if (field.oneof !== undefined) {
      const other = message.oneofCase(field.oneof);
      if (other !== undefined) {
        const found = `"${field.jsonName}" besides "${other.jsonName}"`;
        throw this.fault(`one field of the oneof "${field.oneof.name}"`, found, node.offset);
      }
    }
    const value = this.#element(field, node);
    if (value !== SKIPPED) message.set(field, value);
  }

  /** The value of an item or a map's entry, as the reflection takes it; undefined for a name passed over. */
  readItem(field: DescField, node: JsonNode): unknown {
    const value = this.#element(field, node);
    return value === SKIPPED ? undefined : value;
  }

  /** Reads `node` one step further into the document. */
  at<T>(step: JsonStep, read: () => T): T {
    this.#path.push(step);
    const result = read();
    this.#path.pop();
    return result;
  }

  expectObject(node: JsonNode, expected: string): JsonObject {
    if (node.kind !== "object") throw this.mismatch(expected, node);
    return node;
  }

  expectString(node: JsonNode, expected: string): string {
    if (node.kind !== "string") throw this.mismatch(expected, node);
    return node.value;
  }

  /** A scalar of ProtoJSON. */
  readScalar(type: ScalarType, node: JsonNode): Scalar {
    const value = scalarOf(type, node);
    if (value === undefined) throw this.mismatch(expectedScalar(type, node), node);
    return value;
  }

  /** A new message of `desc` filled from `node`. */
  newMessage(desc: DescMessage, node: JsonNode): ReflectMessage {
    const message = reflect(desc, create(desc), false);
    this.readMessage(message, node);
    return message;
  }

  /**
   * The bytes of a message that is nested in another as bytes.
   * @throws {JsonFault} if a required field is missing.
   */
  encode(message: ReflectMessage, node: JsonNode): Uint8Array {
    try {
      return toBinary(message.desc, message.message);
    } catch (error) {
      // Looked for only now: almost no message has required fields.
      const missing = missingRequired(message);
      if (missing === undefined) throw error;
      throw this.fault(`the required field "${missing}"`, "none", node.offset);
    }
  }

  /** A name that `desc` does not have: a fault, a report, or nothing. The path already ends in it. */
  unknownName(desc: DescMessage, name: string, offset: number): void {
    if (this.#policy === "reject") {
      const near = suggestion(name, jsonNamesOf(this.scope.types.of(desc)));
      const pointer = pointerOf(this.#path, this.#path.length);
      throw new JsonFault(
        "JSON_UNKNOWN_FIELD",
        pointer,
        `a field of ${desc.typeName}`,
        quote(name) + near,
        offset,
      );
    }
    this.#report();
  }

  fault(expected: string, found: string, offset: number): JsonFault {
    return new JsonFault("JSON_INVALID", pointerOf(this.#path, this.#path.length), expected, found, offset);
  }

  mismatch(expected: string, node: JsonNode): JsonFault {
    return this.fault(expected, describeNode(node), node.offset);
  }

  #report(): void {
    if (this.#policy === "report" && this.unknownFields.length < MAX_REPORTED) {
      this.unknownFields.push(pointerOf(this.#path, this.#path.length));
    }
  }

  #takesNull(field: DescField): boolean {
    if (field.fieldKind === "list" || field.fieldKind === "map") return false;
    if (field.enum !== undefined) return this.scope.types.enumOf(field.enum).isNullValue;
    return field.message !== undefined && this.scope.types.of(field.message).wellKnown === "Value";
  }

  #readList(
    message: ReflectMessage,
    field: DescField & { readonly fieldKind: "list" },
    node: JsonNode,
  ): void {
    if (node.kind !== "array") throw this.mismatch("an array", node);
    const list = message.get(field);
    for (const [index, item] of node.items.entries()) {
      this.#path.push(index);
      const value = this.#element(field, item);
      if (value !== SKIPPED) list.add(value);
      this.#path.pop();
    }
  }

  #readMap(message: ReflectMessage, field: DescField & { readonly fieldKind: "map" }, node: JsonNode): void {
    const map = message.get(field);
    for (const member of this.expectObject(node, "an object (a map)").members) {
      this.#path.push(member.name);
      const key = scalarFromText(field.mapKey, member.name);
      if (key === undefined) {
        throw this.fault(`${scalarName(field.mapKey)} as the key`, quote(member.name), member.nameOffset);
      }
      // Two texts can be one key: "1" and "1.0".
      if (map.has(key)) throw this.fault("each key once", `${quote(member.name)} again`, member.nameOffset);
      const value = this.#element(field, member.value);
      if (value !== SKIPPED) map.set(key, value);
      this.#path.pop();
    }
  }

  /** The value of a singular field, an item or a map's value, in the form that the reflection takes. */
  #element(field: DescField, node: JsonNode): unknown {
    if (field.scalar !== undefined) return this.readScalar(field.scalar, node);
    if (field.enum !== undefined) return this.#enumValue(field.enum, node);
    return this.newMessage(field.message, node);
  }

  #enumValue(desc: DescEnum, node: JsonNode): number | typeof SKIPPED {
    const type = this.scope.types.enumOf(desc);
    if (node.kind === "null" && type.isNullValue) return 0;
    if (node.kind === "string") {
      const number = type.byName.get(node.value);
      if (number !== undefined) return number;
      if (this.#policy === "reject") {
        const found = describeNode(node) + suggestion(node.value, type.byName.keys());
        throw this.fault(`a value of the enum ${desc.typeName}`, found, node.offset);
      }
      this.#report();
      return SKIPPED;
    }
    const number = node.kind === "number" ? numberFromText(ScalarType.INT32, node.text) : undefined;
    // An int32 is never a bigint.
    if (typeof number !== "number" || (!desc.open && !type.byNumber.has(number))) {
      throw this.mismatch(`a value of the enum ${desc.typeName}`, node);
    }
    return number;
  }

  #extensionOf(desc: DescMessage, name: string): DescExtension | undefined {
    if (!name.startsWith("[") || !name.endsWith("]")) return undefined;
    return this.scope.names.extension(desc, name.slice(1, -1));
  }

  #readExtension(message: ReflectMessage, extension: DescExtension, node: JsonNode): void {
    const { container, field } = this.scope.types.extensionOf(extension);
    const holder = reflect(container, create(container), false);
    this.readField(holder, field, node);
    const reader = new BinaryReader(this.encode(holder, node));
    const unknown = message.getUnknown() ?? [];
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      unknown.push({ no, wireType, data: reader.skip(wireType, no) });
    }
    message.setUnknown(unknown);
  }
}

function scalarOf(type: ScalarType, node: JsonNode): Scalar | undefined {
  if (type === ScalarType.STRING) return node.kind === "string" ? node.value : undefined;
  if (type === ScalarType.BOOL) return node.kind === "boolean" ? node.value : undefined;
  if (node.kind === "string") return scalarFromText(type, node.value);
  return node.kind === "number" ? numberFromText(type, node.text) : undefined;
}

/** What was expected; integers that are merely too large are told so. */
function expectedScalar(type: ScalarType, node: JsonNode): string {
  const name = scalarName(type);
  const text = node.kind === "number" ? node.text : node.kind === "string" ? node.value : "";
  return isOutOfRange(type, text) ? `${name} (in range)` : name;
}
