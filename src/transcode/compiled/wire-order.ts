/**
 * Brings the fields of one message into the order in which JSON shows them: by number, every singular field once.
 *
 * Writers of protobuf nearly always do so themselves; this is the way for the others. The rules are those of parsing:
 * the last value of a scalar wins, values of a message merge (which joining their bytes does), of a oneof only the
 * last member set remains, and unknown numbers of a closed enum do not count.
 * Source: https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */

import { ByteSink } from "./byte-sink.ts";
import { acceptsWireType, type FieldPlan, type MessagePlan, Shape, Type, Wire } from "./plan.ts";
import type { WireSource } from "./wire-source.ts";

/** One occurrence of a field: where it starts, where its value does, where it ends. */
interface Piece {
  readonly tag: number;
  readonly start: number;
  readonly valueAt: number;
  readonly end: number;
}

const EMPTY: Buffer = Buffer.alloc(0);

interface Occurrences {
  readonly field: FieldPlan;
  pieces: Piece[];
}

/** The message from the cursor to `wire.end`, reordered, in new memory. Unknown fields are left out. */
export function inFieldOrder(wire: WireSource, plan: MessagePlan, levels: number): Buffer {
  const found = collect(wire, (number) => plan.byNumber(number), levels, "drop");
  return joined(wire, found, levels);
}

/** Whether the fields from the cursor to `wire.end` are in the order of JSON, each singular one once. */
export function isInFieldOrder(wire: WireSource, plan: MessagePlan, levels: number): boolean {
  const start = wire.pos;
  let last: FieldPlan | undefined;
  let oneofs = 0;
  let isOrdered = true;
  while (isOrdered && wire.pos < wire.end) {
    const tag = wire.tag();
    wire.skip(tag, levels);
    const field = plan.byNumber(tag >>> 3);
    if (field === undefined || !acceptsWireType(field, tag & 7)) continue;
    if (field.oneof >= 0) {
      // As in the writer: beyond 32 oneofs two share a bit.
      const bit = 1 << (field.oneof & 31);
      isOrdered = (oneofs & bit) === 0;
      oneofs |= bit;
    }
    if (last !== undefined) {
      const isNext = field === last ? field.shape !== Shape.SINGULAR : field.number > last.number;
      isOrdered &&= isNext;
    }
    last = field;
  }
  wire.pos = start;
  return isOrdered;
}

/** The entry of a map from the cursor to `wire.end` as exactly one key and one value, zeros for what is missing. */
export function inEntryOrder(wire: WireSource, map: FieldPlan, levels: number): Buffer {
  const { mapKey, mapValue } = map;
  if (mapKey === undefined || mapValue === undefined) throw new Error("a map has keys and values");
  const fieldOf = (number: number): FieldPlan | undefined =>
    number === 1 ? mapKey : number === 2 ? mapValue : undefined;
  const found = collect(wire, fieldOf, levels, "keep");
  const parts = joined(wire, found, levels);
  return Buffer.concat([
    found.has(1) ? EMPTY : zeroOf(mapKey),
    parts,
    found.has(2) ? EMPTY : zeroOf(mapValue),
  ]);
}

/** A field with the zero of its type; an enum's is its first value. */
function zeroOf(field: FieldPlan): Buffer {
  const sink = new ByteSink();
  sink.varint(field.tag);
  const wireType = field.tag & 7;
  if (wireType === Wire.I64) sink.double(0);
  else if (wireType === Wire.I32) sink.fixed32(0);
  else sink.int32(field.enum?.first ?? 0);
  return sink.take();
}

function joined(wire: WireSource, found: Map<number, Occurrences>, levels: number): Buffer {
  const ordered = [...found.values()].sort((a, b) => a.field.number - b.field.number);
  const parts: Buffer[] = [];
  for (const { field, pieces } of ordered) {
    if (pieces.length > 1 && field.shape === Shape.SINGULAR) parts.push(merged(wire, pieces, levels));
    else for (const { start, end } of pieces) parts.push(wire.bytes.subarray(start, end));
  }
  return Buffer.concat(parts);
}

function collect(
  wire: WireSource,
  fieldOf: (number: number) => FieldPlan | undefined,
  levels: number,
  unknownEnums: "drop" | "keep",
): Map<number, Occurrences> {
  const found = new Map<number, Occurrences>();
  const oneofs = new Map<number, number>();
  while (wire.pos < wire.end) {
    const start = wire.pos;
    const tag = wire.tag();
    const valueAt = wire.pos;
    const field = fieldOf(tag >>> 3);
    wire.skip(tag, levels);
    const end = wire.pos;
    if (field === undefined) continue;
    if (!acceptsWireType(field, tag & 7)) throw wire.mistyped(field.desc.parent, tag);
    const isSingular = field.shape === Shape.SINGULAR;
    if (isSingular && unknownEnums === "drop" && field.enum?.closed === true) {
      wire.pos = valueAt;
      const isKnown = field.enum.knows(wire.varint() | 0);
      wire.pos = end;
      if (!isKnown) continue;
    }
    if (field.oneof >= 0) {
      const current = oneofs.get(field.oneof);
      if (current !== undefined && current !== field.number) found.delete(current);
      oneofs.set(field.oneof, field.number);
    }
    const piece: Piece = { tag, start, valueAt, end };
    const before = found.get(field.number);
    if (before === undefined) found.set(field.number, { field, pieces: [piece] });
    else if (isSingular && field.type !== Type.MESSAGE && field.type !== Type.GROUP) before.pieces = [piece];
    else before.pieces.push(piece);
  }
  return found;
}

/** Several occurrences of a singular message as one, whose content is theirs joined. */
function merged(wire: WireSource, pieces: readonly Piece[], levels: number): Buffer {
  const contents = pieces.map(({ tag, valueAt }) => {
    wire.pos = valueAt;
    const end = (tag & 7) === Wire.START ? wire.groupEnd(tag, levels) : wire.lengthEnd();
    return wire.bytes.subarray(wire.pos, end);
  });
  const content = Buffer.concat(contents);
  const tag = pieces[0]?.tag ?? 0;
  const sink = new ByteSink();
  sink.varint(tag);
  if ((tag & 7) === Wire.START) {
    sink.append(content);
    sink.ensure(8);
    sink.varint(tag + Wire.END - Wire.START);
  } else {
    sink.varint(content.length);
    sink.append(content);
  }
  return sink.take();
}
