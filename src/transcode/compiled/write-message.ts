/**
 * Messages to JSON: the main loop of writing.
 *
 * Fields are written as they come while their numbers ascend, which is how protobuf is written in practice; a message
 * out of order, with a singular field twice or two members of a oneof starts again over its reordered bytes.
 * An object is written as `,"a":1,"b":2` and its first comma then becomes `{`: no field needs to know its position.
 * Source: https://protobuf.dev/programming-guides/json/
 */
import { VALUE_ROOM, viewOf } from "./byte-sink.ts";
import { Keys } from "./entry-order.ts";
import { Form } from "./form.ts";
import { acceptsWireType, type FieldPlan, isPackable, type MessagePlan, Shape, Type, Wire } from "./plan.ts";
import { inEntryOrder, inFieldOrder, isInFieldOrder } from "./wire-order.ts";
import { writeAny } from "./write-any.ts";
import { writeScalar } from "./write-scalar.ts";
import type { WriteState } from "./write-state.ts";
import { writeDuration, writeFieldMask, writeTimestamp } from "./write-text-forms.ts";

const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * Writes the message from the cursor to `end` as the JSON of the plan's type.
 * @throws {StatusError} UPSTREAM_REPLY_INVALID.
 */
export function writeMessage(state: WriteState, plan: MessagePlan, end: number): void {
  const { wire, json } = state;
  const outerEnd = wire.end;
  wire.end = end;
  // One level of JSON is one level: a Value does not count beside the Struct or list that it holds.
  const isCounted = plan.wellKnown !== Form.VALUE;
  if (isCounted) state.enter();
  switch (plan.wellKnown) {
    case Form.OBJECT:
      writeObject(state, plan, json.length);
      break;
    case Form.WRAPPER:
    case Form.STRUCT:
    case Form.LIST_VALUE:
      writeFields(state, plan);
      break;
    case Form.VALUE: {
      const start = json.length;
      writeFields(state, plan);
      // A Value with nothing set is against its contract; losing the whole reply over it helps nobody.
      if (json.length === start) json.ascii("null");
      break;
    }
    case Form.TIMESTAMP:
      writeTimestamp(state);
      break;
    case Form.DURATION:
      writeDuration(state);
      break;
    case Form.FIELD_MASK:
      writeFieldMask(state);
      break;
    case Form.ANY:
      writeAny(state, writeMessage, writeObject);
      break;
    default:
      plan.wellKnown satisfies never;
  }
  if (isCounted) state.depth--;
  wire.end = outerEnd;
  wire.pos = end;
}

/** Writes the message from the cursor to `wire.end` as an object whose first comma stands at `start`. */
function writeObject(state: WriteState, plan: MessagePlan, start: number): void {
  writeFields(state, plan);
  close(state, start, OPEN_BRACE, CLOSE_BRACE);
}

/** Makes what stands from `start` on, members each with a comma before, an object or list. */
function close(state: WriteState, start: number, opening: number, closing: number): void {
  const { json } = state;
  json.ensure(2);
  json.bytes[start] = opening;
  if (json.length === start) json.length++;
  json.bytes[json.length++] = closing;
}

/**
 * Writes the fields from the cursor to `wire.end`, each with a comma before.
 *
 * A type whose messages have once come out of order is looked at before it is written from then on. Starting again
 * each time would also let a message that is out of order at every level take time exponential in its depth.
 */
function writeFields(state: WriteState, plan: MessagePlan): void {
  const { wire, json } = state;
  const { bytes, view, pos, end } = wire;
  const levels = state.maxDepth - state.depth;
  if (!plan.isSeenUnordered || isInFieldOrder(wire, plan, levels)) {
    const mark = json.length;
    if (writeInOrder(state, plan, "assumed")) return;
    plan.isSeenUnordered = true;
    json.length = mark;
    wire.pos = pos;
  }
  const ordered = inFieldOrder(wire, plan, levels);
  wire.use(ordered, viewOf(ordered), 0, ordered.length);
  writeInOrder(state, plan, "established");
  wire.use(bytes, view, end, end);
}

/** Writes fields as they come; false, in the middle of it, if their order is not that of JSON. */
function writeInOrder(state: WriteState, plan: MessagePlan, order: "assumed" | "established"): boolean {
  const { wire } = state;
  const { fields, hasUnset } = plan;
  let next = 0;
  let lastNumber = 0;
  let oneofs = 0;
  let requiredCount = 0;
  while (wire.pos < wire.end) {
    const tag = wire.tag();
    let field = fields[next];
    if (field === undefined || field.tag !== tag) {
      field = plan.byNumber(tag >>> 3);
      if (field === undefined || !acceptsWireType(field, tag & 7)) {
        wire.skip(tag, state.maxDepth - state.depth);
        if (field !== undefined) throw wire.mistyped(plan.desc, tag);
        continue;
      }
    }
    if (field.number <= lastNumber) return false;
    lastNumber = field.number;
    if (field.oneof >= 0 && order === "assumed") {
      // Beyond 32 oneofs two share a bit, which costs a reordering and nothing else.
      const bit = 1 << (field.oneof & 31);
      if ((oneofs & bit) !== 0) return false;
      oneofs |= bit;
    }
    if (hasUnset) next = writeUnset(state, fields, next, lastNumber);
    if (field.index >= 0) next = field.index + 1;
    if (field.required) requiredCount++;
    writeField(state, field, tag);
  }
  if (hasUnset) writeUnset(state, fields, next, Number.POSITIVE_INFINITY);
  if (requiredCount < plan.requiredCount) throw wire.broken(`${plan.desc.typeName} lacks a required field`);
  return true;
}

/** Writes the zeros of unset fields from index `from` to before field number `before`; returns the next index. */
function writeUnset(state: WriteState, fields: readonly FieldPlan[], from: number, before: number): number {
  let index = from;
  for (; index < fields.length; index++) {
    const field = fields[index];
    if (field === undefined || field.number >= before) break;
    if (field.unset.length > 0) state.json.literal(field.unset);
  }
  return index;
}

/** Writes a field with its key; the cursor is behind its first tag. */
function writeField(state: WriteState, field: FieldPlan, tag: number): void {
  const { json } = state;
  const start = json.length;
  json.literal(field.key);
  if (field.shape === Shape.SINGULAR) {
    const isWritten = writeElement(state, field, tag);
    if (!isWritten || (field.implicit && isHiddenZero(state, field, start))) json.length = start;
    return;
  }
  const open = json.length;
  if (field.shape === Shape.MAP) writeMap(state, field);
  else {
    writeList(state, field, tag);
    if (json.length > open || field.unset.length > 0) close(state, open, OPEN_BRACKET, CLOSE_BRACKET);
    else json.length = start;
  }
}

/** Whether what was written from `start` is the zero of a field whose zeros are not shown. */
function isHiddenZero(state: WriteState, field: FieldPlan, start: number): boolean {
  return field.unset.length === 0 && state.json.endsWith(field.zero, start);
}

/** Writes one value; the cursor is behind its tag. False if it is no value (unknown in a closed enum). */
function writeElement(state: WriteState, field: FieldPlan, tag: number): boolean {
  const { wire } = state;
  if (field.type === Type.MESSAGE) {
    writeMessage(state, field.message, wire.lengthEnd());
    return true;
  }
  if (field.type === Type.GROUP) {
    writeMessage(state, field.message, wire.groupEnd(tag, state.maxDepth - state.depth));
    wire.tag();
    return true;
  }
  return writeScalar(state, field);
}

/** Consumes the tag at the cursor if it belongs to the same field; returns it, or 0. */
function nextOf(state: WriteState, field: FieldPlan): number {
  const { wire } = state;
  if (wire.pos >= wire.end) return 0;
  const at = wire.pos;
  const tag = wire.tag();
  if (tag === field.tag || (tag >>> 3 === field.number && acceptsWireType(field, tag & 7))) return tag;
  wire.pos = at;
  return 0;
}

/** Writes the elements of a list, packed or not, each with a comma before. */
function writeList(state: WriteState, field: FieldPlan, firstTag: number): void {
  const { wire, json } = state;
  for (let tag = firstTag; tag !== 0; tag = nextOf(state, field)) {
    const outerEnd = wire.end;
    const isPacked = (tag & 7) === Wire.LEN && isPackable(field.type);
    const stop = isPacked ? wire.lengthEnd() : 0;
    if (isPacked) wire.end = stop;
    do {
      if (isPacked && wire.pos >= stop) break;
      const start = json.length;
      json.ensure(1);
      json.bytes[json.length++] = COMMA;
      if (!writeElement(state, field, tag)) json.length = start;
    } while (isPacked);
    wire.end = outerEnd;
  }
}

/** Writes a map as an object. */
function writeMap(state: WriteState, field: FieldPlan): void {
  const { wire, json } = state;
  const start = json.length;
  const first = wire.pos;
  if (field.isSeenRepeating || !writeDistinctEntries(state, field)) {
    // For the same reason as with messages out of order, this is looked for beforehand from now on.
    field.isSeenRepeating = true;
    json.length = start;
    wire.pos = first;
    writeLastEntries(state, field);
  }
  close(state, start, OPEN_BRACE, CLOSE_BRACE);
}

/** Writes entries as they come, in the order of their keys; false, in the middle of it, if a key comes again. */
function writeDistinctEntries(state: WriteState, field: FieldPlan): boolean {
  const { wire, json, entries } = state;
  const base = entries.top;
  const keys = keysOf(field);
  let isAscending = true;
  do {
    const entryAt = json.length;
    const keySize = writeEntry(state, field, wire.lengthEnd());
    if (keySize === 0) continue;
    if (!entries.push(json, base, keys, entryAt, entryAt + keySize - 1)) isAscending = false;
  } while (nextOf(state, field) !== 0);
  const isDistinct = isAscending || entries.arrange(json, base, keys);
  entries.top = base;
  return isDistinct;
}

function keysOf({ mapKey }: FieldPlan): number {
  return mapKey?.type === Type.STRING || mapKey?.type === Type.BOOL ? Keys.TEXTS : Keys.INTEGERS;
}

/** Writes a map some of whose keys may come more than once: the last entry of each counts. */
function writeLastEntries(state: WriteState, field: FieldPlan): void {
  const { wire, json } = state;
  const last = new Map<string, { readonly pos: number; readonly end: number }>();
  const start = json.length;
  do {
    const end = wire.lengthEnd();
    const pos = wire.pos;
    const keyEnd = writeKeyOfEntry(state, field, end);
    if (keyEnd > start) last.set(json.bytes.toString("utf8", start, keyEnd), { pos, end });
    json.length = start;
    wire.pos = end;
  } while (nextOf(state, field) !== 0);
  const after = wire.pos;
  const { entries } = state;
  const base = entries.top;
  for (const { pos, end } of last.values()) {
    wire.pos = pos;
    const entryAt = json.length;
    const keySize = writeEntry(state, field, end);
    if (keySize > 0) entries.push(json, base, keysOf(field), entryAt, entryAt + keySize - 1);
  }
  entries.arrange(json, base, keysOf(field));
  entries.top = base;
  wire.pos = after;
}

/**
 * Writes the key of the entry from the cursor to `end` and returns the offset behind it; nothing for an entry whose
 * value does not count (unknown in a closed enum).
 */
function writeKeyOfEntry(state: WriteState, field: FieldPlan, end: number): number {
  const { json, wire } = state;
  const { mapKey, mapValue } = field;
  if (mapKey === undefined || mapValue === undefined) throw new Error("a map has keys and values");
  const start = json.length;
  if (mapValue.enum?.closed === true) {
    const keySize = writeEntry(state, field, end);
    return start + keySize;
  }
  const { bytes, view, end: outerEnd } = wire;
  wire.end = end;
  const ordered = inEntryOrder(wire, field, state.maxDepth - state.depth);
  wire.use(ordered, viewOf(ordered), 0, ordered.length);
  wire.tag();
  json.ensure(VALUE_ROOM);
  json.byte(COMMA);
  writeMapKey(state, mapKey);
  wire.use(bytes, view, end, outerEnd);
  return json.length;
}

/** Writes `,key:value` of the entry from the cursor to `end`. Returns the size of `,key`, 0 if it is no entry. */
function writeEntry(state: WriteState, field: FieldPlan, end: number): number {
  const { wire, json } = state;
  const start = json.length;
  const from = wire.pos;
  const { bytes, view, end: outerEnd } = wire;
  wire.end = end;
  let keySize = writePlainEntry(state, field);
  if (keySize < 0) {
    json.length = start;
    wire.pos = from;
    const ordered = inEntryOrder(wire, field, state.maxDepth - state.depth);
    wire.use(ordered, viewOf(ordered), 0, ordered.length);
    keySize = writePlainEntry(state, field);
    wire.use(bytes, view, end, end);
  }
  wire.pos = end;
  wire.end = outerEnd;
  if (keySize === 0) json.length = start;
  return keySize;
}

/** As {@link writeEntry}, for an entry of exactly one key and one value; -1, in the middle, if it is not. */
function writePlainEntry(state: WriteState, field: FieldPlan): number {
  const { wire, json } = state;
  const { mapKey, mapValue } = field;
  if (mapKey === undefined || mapValue === undefined) throw new Error("a map has keys and values");
  const start = json.length;
  if (wire.pos >= wire.end || wire.tag() !== mapKey.tag) return -1;
  json.ensure(VALUE_ROOM);
  json.byte(COMMA);
  writeMapKey(state, mapKey);
  const keySize = json.length - start;
  json.ensure(VALUE_ROOM);
  json.byte(0x3a);
  if (wire.pos >= wire.end || wire.tag() !== mapValue.tag) return -1;
  if (mapValue.type === Type.MESSAGE) {
    // Before it is written, for it may be large: nothing may follow it.
    const content = wire.pos;
    const stop = wire.lengthEnd();
    if (stop !== wire.end) return -1;
    wire.pos = content;
  }
  if (!writeElement(state, mapValue, mapValue.tag)) return 0;
  return wire.pos === wire.end ? keySize : -1;
}

/** Writes a map's key: in quotes whatever its type. */
function writeMapKey(state: WriteState, key: FieldPlan): void {
  const { json } = state;
  const start = json.length++;
  writeScalar(state, key);
  if (json.bytes[start + 1] === 0x22) {
    json.bytes.copyWithin(start, start + 1, json.length);
    json.length--;
    return;
  }
  json.ensure(1);
  json.bytes[start] = 0x22;
  json.bytes[json.length++] = 0x22;
}
