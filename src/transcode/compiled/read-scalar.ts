/** One JSON scalar or enum label to its wire encoding. */
import { suggestion } from "../text/nearest-name.ts";
import { readBase64 } from "./base64.ts";
import { readDouble, readFloat, readInteger32, readInteger64 } from "./json-number.ts";
import { Byte } from "./json-source.ts";
import { copyString, copyStringTo, endOfPlainString } from "./json-string.ts";
import { type FieldPlan, Type } from "./plan.ts";
import type { ReadState } from "./read-state.ts";

const MIN_INT32 = -0x80000000;
const MAX_INT32 = 0x7fffffff;
const MAX_UINT32 = 0xffffffff;

/** What {@link readScalar} found. */
export const Found = { ZERO: 0, VALUE: 1, IGNORED: 2 } as const;

/**
 * Reads the value at the cursor and writes it without a tag. Numbers need {@link VALUE_ROOM}.
 * IGNORED, where nothing was written, is an unknown enum label under `unknownFields: ignore | report`.
 * @throws {StatusError} JSON_INVALID.
 */
export function readScalar(state: ReadState, field: FieldPlan): number {
  const { json, wire } = state;
  switch (field.type) {
    case Type.STRING:
      return copyString(json, wire, "a string") === 0 ? Found.ZERO : Found.VALUE;
    case Type.INT32: {
      const value = readInteger32(json, MIN_INT32, MAX_INT32, "an int32");
      wire.int32(value);
      return value === 0 ? Found.ZERO : Found.VALUE;
    }
    case Type.INT64:
      readInteger64(json, "signed", "an int64");
      wire.varint64(json.low, json.high);
      return (json.low | json.high) === 0 ? Found.ZERO : Found.VALUE;
    case Type.UINT64:
      readInteger64(json, "unsigned", "a uint64");
      wire.varint64(json.low, json.high);
      return (json.low | json.high) === 0 ? Found.ZERO : Found.VALUE;
    case Type.BOOL: {
      const value = json.takeBoolean();
      if (value === undefined) throw json.unexpected("true or false");
      wire.byte(value ? 1 : 0);
      return value ? Found.VALUE : Found.ZERO;
    }
    case Type.ENUM:
      return readEnum(state, field);
    case Type.DOUBLE: {
      const value = readDouble(json, "a number");
      wire.double(value);
      return Object.is(value, 0) ? Found.ZERO : Found.VALUE;
    }
    case Type.FLOAT: {
      const value = readFloat(json, "a number");
      wire.float(value);
      return Object.is(value, 0) ? Found.ZERO : Found.VALUE;
    }
    case Type.BYTES:
      return readBase64(json, wire, state.scratch) === 0 ? Found.ZERO : Found.VALUE;
    default:
      return readFixedOrZigzag(state, field.type);
  }
}

function readFixedOrZigzag(state: ReadState, type: number): number {
  const { json, wire } = state;
  switch (type) {
    case Type.UINT32: {
      const value = readInteger32(json, 0, MAX_UINT32, "a uint32");
      wire.varint(value);
      return value === 0 ? Found.ZERO : Found.VALUE;
    }
    case Type.SINT32: {
      const value = readInteger32(json, MIN_INT32, MAX_INT32, "an int32");
      wire.varint((value << 1) ^ (value >> 31));
      return value === 0 ? Found.ZERO : Found.VALUE;
    }
    case Type.FIXED32: {
      const value = readInteger32(json, 0, MAX_UINT32, "a uint32");
      wire.fixed32(value);
      return value === 0 ? Found.ZERO : Found.VALUE;
    }
    case Type.SFIXED32: {
      const value = readInteger32(json, MIN_INT32, MAX_INT32, "an int32");
      wire.fixed32(value);
      return value === 0 ? Found.ZERO : Found.VALUE;
    }
    case Type.SINT64: {
      readInteger64(json, "signed", "an int64");
      const sign = json.high >> 31;
      wire.varint64((json.low << 1) ^ sign, ((json.high << 1) | (json.low >>> 31)) ^ sign);
      return (json.low | json.high) === 0 ? Found.ZERO : Found.VALUE;
    }
    case Type.FIXED64:
    case Type.SFIXED64:
      if (type === Type.FIXED64) readInteger64(json, "unsigned", "a uint64");
      else readInteger64(json, "signed", "an int64");
      wire.fixed32(json.low);
      wire.fixed32(json.high);
      return (json.low | json.high) === 0 ? Found.ZERO : Found.VALUE;
    default:
      throw new Error(`type ${type} is no scalar`);
  }
}

function readEnum(state: ReadState, field: FieldPlan): number {
  const { json, wire } = state;
  const plan = field.enum;
  if (plan === undefined) throw new Error("an enum field has an enum");
  const start = json.pos;
  if (json.bytes[start] === Byte.QUOTE) {
    const index = enumIndex(state, field);
    if (index < 0) {
      if (!state.rejectsUnknown) {
        state.noteUnknown(start);
        return Found.IGNORED;
      }
      const names = plan.desc.values.map(({ name }) => name);
      const shown = json.bytes.toString("utf8", start + 1, Math.max(start + 1, json.pos - 1));
      throw json.refusal(start, `a value of ${plan.desc.typeName}`, suggestion(shown, names));
    }
    const value = plan.numberAt(index);
    wire.int32(value);
    return value === 0 ? Found.ZERO : Found.VALUE;
  }
  if (plan.isNull && json.bytes[start] === Byte.LOWER_N) {
    json.takeNull();
    wire.byte(0);
    return Found.ZERO;
  }
  const value = readInteger32(json, MIN_INT32, MAX_INT32, `a value of ${plan.desc.typeName}`);
  if (plan.closed && !plan.knows(value)) throw json.refusal(start, `a value of ${plan.desc.typeName}`);
  wire.int32(value);
  return value === 0 ? Found.ZERO : Found.VALUE;
}

/** Consumes the label at the cursor. */
function enumIndex(state: ReadState, field: FieldPlan): number {
  const { json } = state;
  const end = endOfPlainString(json);
  if (end >= 0) {
    const index = field.enum?.find(json.bytes, json.pos + 1, end) ?? -1;
    json.pos = end + 1;
    return index;
  }
  copyStringTo(state.scratch, json);
  return field.enum?.find(state.scratch.bytes, 0, state.scratch.length) ?? -1;
}
