/** One scalar or enum value of the wire as JSON. */
import { writeBase64 } from "./base64.ts";
import { Literal, VALUE_ROOM } from "./byte-sink.ts";
import { type FieldPlan, Type } from "./plan.ts";
import { writeDouble, writeFloat, writeInteger, writeInteger64 } from "./write-number.ts";
import type { WriteState } from "./write-state.ts";
import { writeString } from "./write-string.ts";

const TRUE: Literal = new Literal("true");
const FALSE: Literal = new Literal("false");

/**
 * Reads the value at the cursor and writes its JSON; makes its own room.
 * False, with nothing written, if the number of a closed enum is none of its values.
 */
export function writeScalar(state: WriteState, field: FieldPlan): boolean {
  const { wire, json } = state;
  if (field.type === Type.STRING) {
    writeString(wire, json, field.utf8);
    return true;
  }
  json.ensure(VALUE_ROOM);
  switch (field.type) {
    case Type.INT32:
      writeInteger(json, wire.varint() | 0);
      return true;
    case Type.INT64:
      wire.varint64();
      writeInteger64(json, wire.low, wire.high, true, state.int64AsNumber);
      return true;
    case Type.UINT64:
      wire.varint64();
      writeInteger64(json, wire.low, wire.high, false, state.int64AsNumber);
      return true;
    case Type.BOOL:
      wire.varint64();
      json.literal((wire.low | wire.high) !== 0 ? TRUE : FALSE);
      return true;
    case Type.ENUM:
      return writeEnum(state, field);
    case Type.DOUBLE: {
      const value = wire.double();
      if (field.finiteOnly && !Number.isFinite(value)) throw wire.withoutJson(`a Value cannot be ${value}`);
      writeDouble(json, value);
      return true;
    }
    case Type.FLOAT:
      writeFloat(json, wire.float());
      return true;
    case Type.BYTES: {
      const end = wire.lengthEnd();
      writeBase64(json, wire.bytes, wire.pos, end);
      wire.pos = end;
      return true;
    }
    default:
      writeFixedOrZigzag(state, field.type);
      return true;
  }
}

function writeFixedOrZigzag(state: WriteState, type: number): void {
  const { wire, json } = state;
  switch (type) {
    case Type.UINT32:
      writeInteger(json, wire.varint());
      return;
    case Type.SINT32: {
      const value = wire.varint();
      writeInteger(json, (value >>> 1) ^ -(value & 1));
      return;
    }
    case Type.FIXED32:
      writeInteger(json, wire.fixed32() >>> 0);
      return;
    case Type.SFIXED32:
      writeInteger(json, wire.fixed32());
      return;
    case Type.SINT64: {
      wire.varint64();
      const sign = -(wire.low & 1);
      const low = (((wire.low >>> 1) | (wire.high << 31)) ^ sign) >>> 0;
      writeInteger64(json, low, ((wire.high >>> 1) ^ sign) >>> 0, true, state.int64AsNumber);
      return;
    }
    case Type.FIXED64:
    case Type.SFIXED64:
      wire.fixed64();
      writeInteger64(json, wire.low, wire.high, type === Type.SFIXED64, state.int64AsNumber);
      return;
    default:
      throw new Error(`type ${type} is no scalar`);
  }
}

function writeEnum(state: WriteState, field: FieldPlan): boolean {
  const { wire, json } = state;
  const value = wire.varint() | 0;
  const text = field.enum?.json(value);
  if (text !== undefined) json.literal(text);
  else if (field.enum?.isNull === true) json.ascii("null");
  else if (field.enum?.closed === true) return false;
  else writeInteger(json, value);
  return true;
}
