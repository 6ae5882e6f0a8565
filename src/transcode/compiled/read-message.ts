/**
 * JSON objects to messages: the main loop of reading.
 *
 * Keys are looked for in the order of the schema first, duplicates are found by one bit for each field (both spellings
 * have the same bit), and every value is written to the wire as it is read.
 * Source: https://protobuf.dev/programming-guides/json/
 */
import { suggestion } from "../text/nearest-name.ts";
import { quote } from "../text/quote.ts";
import { VALUE_ROOM } from "./byte-sink.ts";
import { Form } from "./form.ts";
import { Byte, type JsonSource } from "./json-source.ts";
import { copyStringTo, endOfPlainString, readUnescaped } from "./json-string.ts";
import { MapKeys } from "./map-keys.ts";
import { type FieldPlan, type MessagePlan, Shape, Type, Wire } from "./plan.ts";
import { readAny } from "./read-any.ts";
import { type BoundMessage, readBoundField, weaveBound } from "./read-bound.ts";
import { Found, readScalar } from "./read-scalar.ts";
import type { ReadState } from "./read-state.ts";
import { readListValue, readStruct, readValue } from "./read-struct.ts";
import { readDuration, readFieldMask, readTimestamp } from "./read-text-forms.ts";
import { skipJson, skipString } from "./skip-json.ts";

/** The key by which an Any names its type. */
const TYPE_KEY: Buffer = Buffer.from('"@type"', "latin1");

/**
 * Reads the value at the cursor as a message of the plan's type and writes its fields, without tag and length.
 * @throws {StatusError} JSON_INVALID, JSON_UNKNOWN_FIELD.
 */
export function readMessage(state: ReadState, plan: MessagePlan): void {
  switch (plan.wellKnown) {
    case Form.OBJECT:
      readFields(state, plan, "none");
      return;
    case Form.WRAPPER: {
      const value = plan.fields[0];
      if (value !== undefined) readField(state, value);
      return;
    }
    case Form.TIMESTAMP:
      readTimestamp(state);
      return;
    case Form.DURATION:
      readDuration(state);
      return;
    case Form.FIELD_MASK:
      readFieldMask(state);
      return;
    case Form.STRUCT:
      readStruct(state);
      return;
    case Form.VALUE:
      readValue(state);
      return;
    case Form.LIST_VALUE:
      readListValue(state);
      return;
    case Form.ANY:
      readAny(state, readMessage, readFieldsOfAny);
      return;
    default:
      plan.wellKnown satisfies never;
  }
}

function readFieldsOfAny(state: ReadState, plan: MessagePlan): void {
  readFields(state, plan, "@type");
}

/** Reads the object at the cursor. `besides` is a key that belongs to an Any around the message, not to it. */
function readFields(state: ReadState, plan: MessagePlan, besides: "none" | "@type"): void {
  const { json } = state;
  const opening = json.pos;
  if (json.bytes[opening] !== Byte.OPEN_BRACE) throw json.unexpected(`an object (${plan.desc.typeName})`);
  const bound = state.bound;
  state.bound = undefined;
  state.enter();
  const base = state.openSeen(plan.seenWords);
  const { fields, expected } = plan;
  let next = 0;
  let requiredCount = 0;
  let typeKeys = 0;
  let extensions: Set<FieldPlan> | undefined;
  if (json.peek() === Byte.CLOSE_BRACE) json.pos++;
  else {
    do {
      json.peek();
      const keyStart = json.pos;
      const length = next < fields.length ? expected.match(next, json.bytes, keyStart) : 0;
      let field: FieldPlan | undefined;
      let byte: number;
      if (length > 0) {
        json.pos = keyStart + length;
        field = fields[next];
        byte = json.peek();
      } else {
        field = takeKey(state, plan);
        byte = json.colon();
      }
      if (field === undefined) {
        if (besides === "@type" && isTypeKey(json.bytes, keyStart)) {
          if (++typeKeys > 1) throw duplicate(state, keyStart);
          skipString(state);
        } else readUnknown(state, plan, keyStart);
        continue;
      }
      const index = field.index;
      if (index >= 0) {
        if (markSeen(state, base, index)) throw duplicate(state, keyStart);
        next = index + 1;
      } else {
        extensions ??= new Set();
        if (extensions.has(field)) throw duplicate(state, keyStart);
        extensions.add(field);
      }
      if (byte === Byte.LOWER_N && !(field.nullable && field.shape === Shape.SINGULAR)) {
        json.takeNull();
        continue;
      }
      if (field.oneof >= 0 && markSeen(state, base, fields.length + field.oneof))
        throw oneofTwice(state, field, keyStart);
      if (field.required) requiredCount++;
      if (bound === undefined) readField(state, field);
      else readBoundField(state, bound, field, readField);
    } while (json.more(Byte.CLOSE_BRACE));
  }
  if (bound !== undefined) requiredCount += weaveBound(state, bound, base);
  if (requiredCount < plan.requiredCount) throw missingRequired(state, plan, base, opening, bound);
  state.seenTop = base;
  state.depth--;
}

/** Sets the bit, and says whether it was set. */
function markSeen(state: ReadState, base: number, bit: number): boolean {
  const { seen } = state;
  const word = base + (bit >>> 5);
  const before = seen[word] ?? 0;
  const mask = 1 << (bit & 31);
  seen[word] = before | mask;
  return (before & mask) !== 0;
}

/** Consumes the key at the cursor; the field it names, or undefined. */
export function takeKey(state: ReadState, plan: MessagePlan): FieldPlan | undefined {
  const { json, scratch } = state;
  const start = json.pos;
  if (json.bytes[start] !== Byte.QUOTE) throw json.unexpected("a key in quotes");
  const end = endOfPlainString(json);
  let index: number;
  if (end >= 0) {
    index = plan.names.find(json.bytes, start + 1, end);
    json.pos = end + 1;
  } else {
    copyStringTo(scratch, json);
    index = plan.names.find(scratch.bytes, 0, scratch.length);
  }
  if (index >= 0) return plan.fields[index];
  return json.bytes[start + 1] === Byte.OPEN_BRACKET
    ? plan.extensionNamed(json.bytes.toString("utf8", start + 2, json.pos - 2))
    : undefined;
}

function isTypeKey(bytes: Buffer, at: number): boolean {
  return bytes.compare(TYPE_KEY, 0, TYPE_KEY.length, at, Math.min(bytes.length, at + TYPE_KEY.length)) === 0;
}

function readUnknown(state: ReadState, plan: MessagePlan, keyStart: number): void {
  if (state.rejectsUnknown) {
    const { json } = state;
    const key = keyAt(state, keyStart);
    const names = plan.desc.fields.map(({ jsonName }) => jsonName);
    const what = `${plan.desc.typeName} has no field ${quote(key)}${suggestion(key, names)}`;
    throw json.fault("JSON_UNKNOWN_FIELD", keyStart, what);
  }
  state.noteUnknown(keyStart);
  skipJson(state);
}

/** The key that has been read at `keyStart`. */
function keyAt({ json, scratch }: ReadState, keyStart: number): string {
  json.pos = keyStart;
  copyStringTo(scratch, json);
  return scratch.bytes.toString("utf8", 0, scratch.length);
}

function duplicate(state: ReadState, keyStart: number): Error {
  return state.json.fault("JSON_INVALID", keyStart, "the field is given twice");
}

function oneofTwice(state: ReadState, field: FieldPlan, keyStart: number): Error {
  const what = `another field of the oneof "${field.desc.oneof?.name}" is given as well`;
  return state.json.fault("JSON_INVALID", keyStart, what);
}

function missingRequired(
  state: ReadState,
  plan: MessagePlan,
  base: number,
  opening: number,
  bound: BoundMessage | undefined,
): Error {
  const names = plan.fields
    .filter((field) => field.required && !state.hasSeen(base, field.index) && bound?.holds(field) !== true)
    .map(({ desc }) => JSON.stringify(desc.jsonName));
  const which = names.length === 0 ? "a required field is null" : `lacks required ${names.join(", ")}`;
  return state.json.fault("JSON_INVALID", opening, `${plan.desc.typeName}: ${which}`);
}

/** Reads the value at the cursor, which is not an absent `null`, and writes it with its tag. */
export function readField(state: ReadState, field: FieldPlan): void {
  if (field.shape === Shape.SINGULAR) readElement(state, field);
  else if (field.shape === Shape.MAP) readMap(state, field);
  else readList(state, field);
}

/** Reads one value, or one element of a list, and writes it with its tag; without it if the list is packed. */
export function readItem(state: ReadState, field: FieldPlan): void {
  if (field.shape !== Shape.PACKED) {
    readElement(state, field);
    return;
  }
  state.wire.ensure(VALUE_ROOM);
  readScalar(state, field);
}

/** Reads one value and writes it with its tag. */
function readElement(state: ReadState, field: FieldPlan): void {
  const { wire } = state;
  wire.ensure(VALUE_ROOM);
  const mark = wire.length;
  if (field.tag < 128) wire.bytes[wire.length++] = field.tag;
  else wire.varint(field.tag);
  if (field.type === Type.MESSAGE) {
    const start = wire.open();
    readMessage(state, field.message);
    wire.close(start);
  } else if (field.type === Type.GROUP) {
    readMessage(state, field.message);
    wire.ensure(VALUE_ROOM);
    wire.varint(((field.number << 3) | Wire.END) >>> 0);
  } else {
    const found = readScalar(state, field);
    if (found !== Found.VALUE && (field.implicit || found === Found.IGNORED)) wire.length = mark;
  }
}

function readList(state: ReadState, field: FieldPlan): void {
  const { json, wire } = state;
  if (json.bytes[json.pos] !== Byte.OPEN_BRACKET) throw json.unexpected("a list");
  json.pos++;
  if (json.peek() === Byte.CLOSE_BRACKET) {
    json.pos++;
    return;
  }
  const isPacked = field.shape === Shape.PACKED;
  const mark = wire.length;
  let start = 0;
  if (isPacked) {
    wire.ensure(VALUE_ROOM);
    wire.varint(field.tag);
    start = wire.open();
  }
  do {
    // A null that is no value of the type is refused by what reads the type, and so told as any other wrong value.
    json.peek();
    readItem(state, field);
  } while (json.more(Byte.CLOSE_BRACKET));
  if (!isPacked) return;
  if (wire.length === start) wire.length = mark;
  else wire.close(start);
}

function readMap(state: ReadState, field: FieldPlan): void {
  const { json, wire } = state;
  const { mapKey, mapValue } = field;
  if (mapKey === undefined || mapValue === undefined) throw new Error("a map has keys and values");
  if (json.bytes[json.pos] !== Byte.OPEN_BRACE) throw json.unexpected("an object (a map)");
  json.pos++;
  if (json.peek() === Byte.CLOSE_BRACE) {
    json.pos++;
    return;
  }
  const keys = new MapKeys();
  do {
    if (json.peek() !== Byte.QUOTE) throw json.unexpected("a key in quotes");
    const keyStart = json.pos;
    wire.ensure(VALUE_ROOM);
    const mark = wire.length;
    wire.varint(field.tag);
    const start = wire.open();
    wire.byte(mapKey.tag);
    readMapKey(state, mapKey);
    const keySize = wire.length - start;
    json.colon();
    const valueAt = wire.length;
    readElement(state, mapValue);
    const isIgnored = wire.length === valueAt;
    const content = wire.close(start);
    if (keys.isRepeated(wire.bytes, content, content + keySize))
      throw json.fault("JSON_INVALID", keyStart, "the key is given twice");
    if (isIgnored) wire.length = mark;
  } while (json.more(Byte.CLOSE_BRACE));
}

/** Reads a map's key: a string whatever its type. */
function readMapKey(state: ReadState, key: FieldPlan): void {
  const { json, wire } = state;
  if (key.type !== Type.BOOL) {
    readScalar(state, key);
    return;
  }
  wire.byte(booleanKey(json) ? 1 : 0);
}

function booleanKey(json: JsonSource): boolean {
  const start = json.pos++;
  const value = json.takeBoolean();
  if (value === undefined || json.bytes[json.pos] !== Byte.QUOTE)
    return readUnescaped(json, start, '"true" or "false"', booleanKey);
  json.pos++;
  return value;
}
