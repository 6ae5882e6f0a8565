/**
 * JSON values as they are to `google.protobuf.Struct`, `Value` and `ListValue`.
 *
 * Wire layout (google/protobuf/struct.proto), with the tag bytes written here:
 *   Struct    = { 0A len Entry }     Entry = 0A len key, 12 len Value
 *   ListValue = { 0A len Value }
 *   Value     = 08 00 null | 11 double | 1A len string | 20 bool | 2A len Struct | 32 len ListValue
 */
import { VALUE_ROOM } from "./byte-sink.ts";
import { readDouble } from "./json-number.ts";
import { Byte } from "./json-source.ts";
import { copyString } from "./json-string.ts";
import { MapKeys } from "./map-keys.ts";
import type { ReadState } from "./read-state.ts";

/** Reads any value at the cursor; writes a Value's one field. */
export function readValue(state: ReadState): void {
  const { json, wire } = state;
  wire.ensure(VALUE_ROOM);
  switch (json.bytes[json.pos] ?? 0) {
    case Byte.QUOTE:
      wire.byte(0x1a);
      copyString(json, wire, "a string");
      return;
    case Byte.OPEN_BRACE: {
      wire.byte(0x2a);
      const start = wire.open();
      readStruct(state);
      wire.close(start);
      return;
    }
    case Byte.OPEN_BRACKET: {
      wire.byte(0x32);
      const start = wire.open();
      readListValue(state);
      wire.close(start);
      return;
    }
    case Byte.LOWER_N:
      json.takeNull();
      wire.byte(0x08);
      wire.byte(0);
      return;
    default: {
      const value = json.takeBoolean();
      if (value !== undefined) {
        wire.byte(0x20);
        wire.byte(value ? 1 : 0);
        return;
      }
      wire.byte(0x11);
      wire.double(readDouble(json, "a JSON value"));
    }
  }
}

/** Reads the object at the cursor; writes a Struct's entries. */
export function readStruct(state: ReadState): void {
  const { json, wire } = state;
  if (json.bytes[json.pos] !== Byte.OPEN_BRACE) throw json.unexpected("an object");
  state.enter();
  if (json.peek() === Byte.CLOSE_BRACE) json.pos++;
  else {
    const keys = new MapKeys();
    do {
      json.peek();
      const keyStart = json.pos;
      wire.ensure(VALUE_ROOM);
      wire.byte(0x0a);
      const entry = wire.open();
      wire.byte(0x0a);
      copyString(json, wire, "a key in quotes");
      const keySize = wire.length - entry;
      json.colon();
      wire.ensure(VALUE_ROOM);
      wire.byte(0x12);
      const value = wire.open();
      readValue(state);
      wire.close(value);
      const content = wire.close(entry);
      if (keys.isRepeated(wire.bytes, content, content + keySize))
        throw json.fault("JSON_INVALID", keyStart, "the key is given twice");
    } while (json.more(Byte.CLOSE_BRACE));
  }
  state.depth--;
}

/** Reads the list at the cursor; writes a ListValue's elements. */
export function readListValue(state: ReadState): void {
  const { json, wire } = state;
  if (json.bytes[json.pos] !== Byte.OPEN_BRACKET) throw json.unexpected("a list");
  state.enter();
  if (json.peek() === Byte.CLOSE_BRACKET) json.pos++;
  else {
    do {
      json.peek();
      wire.ensure(VALUE_ROOM);
      wire.byte(0x0a);
      const start = wire.open();
      readValue(state);
      wire.close(start);
    } while (json.more(Byte.CLOSE_BRACKET));
  }
  state.depth--;
}
