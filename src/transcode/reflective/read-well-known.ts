/**
 * The JSON forms of the well-known types, read.
 * Source: the table of the ProtoJSON page of the protobuf documentation.
 */
import { create, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { MessageType } from "../fields/message-types.ts";
import type { WellKnown } from "../fields/well-known.ts";
import { type JsonNode, type JsonObject, memberOf } from "../json/json-tree.ts";
import { parseDuration } from "../text/duration-text.ts";
import { parseFieldMask } from "../text/field-mask-text.ts";
import { quote } from "../text/quote.ts";
import { parseTimestamp, type SecondsAndNanos } from "../text/timestamp-text.ts";
import type { CodecScope } from "./codec-scope.ts";
import type { JsonReader } from "./read-json.ts";

/** Fills a well-known `message` from its JSON form. @throws {JsonFault} */
export function readWellKnown(
  reader: JsonReader,
  message: ReflectMessage,
  form: WellKnown,
  node: JsonNode,
): void {
  const type = reader.scope.types.of(message.desc);
  switch (form) {
    case "Any":
      readAny(reader, message, type, node);
      return;
    case "Timestamp": {
      const expected = "a timestamp (RFC 3339, such as 2024-02-29T12:30:00Z)";
      const value = parseTimestamp(reader.expectString(node, expected));
      if (value === undefined) throw reader.mismatch(expected, node);
      setSeconds(message, type, value);
      return;
    }
    case "Duration": {
      const expected = 'a duration (seconds, such as "1.5s")';
      const value = parseDuration(reader.expectString(node, expected));
      if (value === undefined) throw reader.mismatch(expected, node);
      setSeconds(message, type, value);
      return;
    }
    case "FieldMask": {
      const expected = "a field mask (paths in lowerCamelCase, joined by commas)";
      const paths = parseFieldMask(reader.expectString(node, expected), "json");
      if (paths === undefined) throw reader.mismatch(expected, node);
      setPaths(message, type, paths);
      return;
    }
    case "Wrapper": {
      const field = type.sorted[0];
      if (field?.scalar !== undefined) message.set(field, reader.readScalar(field.scalar, node));
      return;
    }
    case "Struct":
      readStruct(reader, message, type, node);
      return;
    case "ListValue":
      readListValue(reader, message, type, node);
      return;
    case "Value":
      readValue(reader, message, type, node);
      return;
  }
}

/** Sets the seconds and nanos of a Timestamp or Duration. */
export function setSeconds(message: ReflectMessage, type: MessageType, value: SecondsAndNanos): void {
  message.set(numbered(type, 1), value.seconds);
  message.set(numbered(type, 2), value.nanos);
}

/** Appends the paths of a FieldMask. */
export function setPaths(message: ReflectMessage, type: MessageType, paths: readonly string[]): void {
  const field = numbered(type, 1);
  if (field.fieldKind !== "list") return;
  const list = message.get(field);
  for (const path of paths) list.add(path);
}

/** The field of a well-known type; its shape was checked when it was recognised. */
function numbered(type: MessageType, number: number): DescField {
  const field = type.byNumber.get(number);
  if (field === undefined) throw new Error(`${type.desc.typeName} has no field ${number}`);
  return field;
}

/**
 * `{"@type": url, …fields}`, or `{"@type": url, "value": …}` for a type with a JSON form of its own. `{}` is an Any that
 * holds nothing.
 */
function readAny(reader: JsonReader, message: ReflectMessage, type: MessageType, node: JsonNode): void {
  const object = reader.expectObject(node, "an object (google.protobuf.Any)");
  if (object.members.length === 0) return;
  const typeNode = memberOf(object, "@type");
  if (typeNode === undefined) throw reader.fault('a member "@type"', "none", node.offset);
  reader.at("@type", () => {
    const url = reader.expectString(typeNode, "a type URL");
    if (!isTypeUrl(url)) throw reader.mismatch("a type URL (such as type.googleapis.com/pkg.Name)", typeNode);
    if (reader.scope.names.messageOf(url) === undefined)
      throw reader.mismatch("a type of the loaded schemas", typeNode);
    message.set(numbered(type, 1), url);
  });
  const desc = describedBy(reader.scope, typeNode);
  if (desc === undefined) return;
  const content = reflect(desc, create(desc), false);
  readContent(reader, content, object);
  message.set(numbered(type, 2), reader.encode(content, node));
}

function readContent(reader: JsonReader, content: ReflectMessage, object: JsonObject): void {
  const { desc } = content;
  const hasForm = reader.scope.types.of(desc).wellKnown !== undefined;
  // Some writers give Empty a form of its own as well; both spellings say the same.
  if (!hasForm && !(desc.typeName === "google.protobuf.Empty" && memberOf(object, "value") !== undefined)) {
    reader.readMembers(content, object, "@type");
    return;
  }
  const value = memberOf(object, "value");
  if (value === undefined) throw reader.fault('a member "value"', "none", object.offset);
  for (const member of object.members) {
    if (member.name === "@type") continue;
    reader.at(member.name, () => {
      if (member.name === "value") reader.readMessage(content, value);
      else reader.unknownName(desc, member.name, member.nameOffset);
    });
  }
}

function describedBy(scope: CodecScope, typeNode: JsonNode): DescMessage | undefined {
  return typeNode.kind === "string" ? scope.names.messageOf(typeNode.value) : undefined;
}

function isTypeUrl(url: string): boolean {
  const slash = url.lastIndexOf("/");
  return slash > 0 && slash < url.length - 1;
}

function readStruct(reader: JsonReader, message: ReflectMessage, type: MessageType, node: JsonNode): void {
  const field = numbered(type, 1);
  if (field.fieldKind !== "map" || field.message === undefined) return;
  const valueType = field.message;
  const map = message.get(field);
  for (const member of reader.expectObject(node, "an object").members) {
    map.set(
      member.name,
      reader.at(member.name, () => reader.newMessage(valueType, member.value)),
    );
  }
}

function readListValue(reader: JsonReader, message: ReflectMessage, type: MessageType, node: JsonNode): void {
  const field = numbered(type, 1);
  if (field.fieldKind !== "list" || field.message === undefined) return;
  if (node.kind !== "array") throw reader.mismatch("an array", node);
  const valueType = field.message;
  const list = message.get(field);
  for (const [index, item] of node.items.entries()) {
    list.add(reader.at(index, () => reader.newMessage(valueType, item)));
  }
}

function readValue(reader: JsonReader, message: ReflectMessage, type: MessageType, node: JsonNode): void {
  switch (node.kind) {
    case "null":
      message.set(numbered(type, 1), 0);
      return;
    case "number": {
      const value = Number(node.text);
      if (!Number.isFinite(value)) throw reader.fault("a double", quote(node.text), node.offset);
      message.set(numbered(type, 2), value);
      return;
    }
    case "string":
      message.set(numbered(type, 3), node.value);
      return;
    case "boolean":
      message.set(numbered(type, 4), node.value);
      return;
    case "object":
      setNested(reader, message, numbered(type, 5), node);
      return;
    case "array":
      setNested(reader, message, numbered(type, 6), node);
      return;
  }
}

function setNested(reader: JsonReader, message: ReflectMessage, field: DescField, node: JsonNode): void {
  if (field.fieldKind === "message") message.set(field, reader.newMessage(field.message, node));
}
