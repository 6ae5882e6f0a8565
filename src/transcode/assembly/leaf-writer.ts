/** One value from text to its wire encoding: query parameters, form fields and path captures. */
import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { StatusError } from "../../status/index.ts";
import { type ByteSink, VALUE_ROOM } from "../compiled/byte-sink.ts";
import { Form } from "../compiled/form.ts";
import { type FieldPlan, type MessagePlan, Shape, Type } from "../compiled/plan.ts";
import { readMessage } from "../compiled/read-message.ts";
import type { ReadState } from "../compiled/read-state.ts";
import type { MessageTypes } from "../fields/message-types.ts";
import {
  durationLeaf,
  enumLeaf,
  LeafFault,
  mapKeyLeaf,
  maskLeaf,
  scalarLeaf,
  timestampLeaf,
} from "../query/leaf-text.ts";
import { quote } from "../text/quote.ts";
import type { Scalar } from "../text/scalar-text.ts";
import type { SecondsAndNanos } from "../text/timestamp-text.ts";

/** Writes values into one buffer. */
export class LeafWriter {
  readonly values: ByteSink;
  /** Whether a zero with implicit presence takes bytes, to win over a value that it is merged with. */
  zeros: "implied" | "explicit" = "implied";
  readonly #types: MessageTypes;
  /** Reads the JSON that Struct, Value and ListValue are given as; apart from the reading of the body. */
  readonly #json: () => ReadState;
  /** Where the entry of a map begins that is being written. */
  #entryStart: number;

  constructor(values: ByteSink, types: MessageTypes, json: () => ReadState) {
    this.values = values;
    this.#types = types;
    this.#json = json;
    this.#entryStart = 0;
  }

  /**
   * Appends `text` as a value of `field` (an element, if it is a list) with its tag, without it if the list is packed.
   * The zero of a singular field with implicit presence takes no bytes, unless {@link zeros} are explicit.
   * @throws {LeafFault}
   */
  write(field: FieldPlan, text: string): void {
    const { values } = this;
    const mark = values.length;
    values.ensure(VALUE_ROOM);
    if (field.shape !== Shape.PACKED) values.varint(field.tag);
    const isZero = this.#value(field, text);
    if (isZero && field.implicit && this.zeros === "implied") values.length = mark;
  }

  /**
   * Begins an entry of a map: its tag and key. Returns the key; the value is written with the plan of
   * {@link mapValueOf}, and {@link closeEntry} follows.
   * @throws {LeafFault}
   */
  openEntry(field: FieldPlan, keyText: string): Scalar {
    const { values } = this;
    const { mapKey, desc } = field;
    if (mapKey === undefined || desc.fieldKind !== "map") throw new Error("a map has keys");
    const key = mapKeyLeaf(desc.mapKey, keyText);
    values.ensure(VALUE_ROOM);
    values.varint(field.tag);
    this.#entryStart = values.open();
    values.varint(mapKey.tag);
    writeScalar(values, desc.mapKey, key);
    return key;
  }

  /** Ends the entry begun last. */
  closeEntry(): void {
    this.values.close(this.#entryStart);
  }

  /** Appends bytes as they are, as a value of `field`: bytes or BytesValue. */
  writeBytes(field: FieldPlan, data: Uint8Array): void {
    const { values } = this;
    if (data.length === 0 && field.implicit) return;
    values.ensure(VALUE_ROOM);
    values.varint(field.tag);
    const [inner] = field.type === Type.MESSAGE ? field.message.fields : [];
    if (inner === undefined) {
      writeScalar(values, ScalarType.BYTES, data);
      return;
    }
    const start = values.open();
    this.writeBytes(inner, data);
    values.close(start);
  }

  /** Writes a value without a tag; says whether it is the zero of its type. */
  #value(field: FieldPlan, text: string): boolean {
    const { desc } = field;
    if (desc.enum !== undefined) {
      const number = enumLeaf(this.#types.enumOf(desc.enum), text);
      this.values.int32(number);
      return number === 0;
    }
    if (desc.message === undefined) {
      if (field.type === Type.STRING) {
        this.values.text(text);
        return text === "";
      }
      return writeScalar(this.values, desc.scalar, scalarLeaf(desc.scalar, text));
    }
    this.#wellKnown(field.message, desc.message, text);
    return false;
  }

  #wellKnown(plan: MessagePlan, desc: DescMessage, text: string): void {
    const { values } = this;
    const start = values.open();
    switch (plan.wellKnown) {
      case Form.TIMESTAMP:
        this.#seconds(timestampLeaf(text));
        break;
      case Form.DURATION:
        this.#seconds(durationLeaf(text));
        break;
      case Form.FIELD_MASK:
        writeMaskPaths(values, maskLeaf(text));
        break;
      case Form.WRAPPER: {
        const [inner] = plan.fields;
        if (inner !== undefined) this.write(inner, text);
        break;
      }
      case Form.STRUCT:
      case Form.VALUE:
      case Form.LIST_VALUE:
        this.#jsonText(plan, text);
        break;
      case Form.ANY:
      case Form.OBJECT:
        throw new LeafFault(`a ${desc.typeName} cannot be given as text`);
      default:
        plan.wellKnown satisfies never;
    }
    values.close(start);
  }

  #seconds({ seconds, nanos }: SecondsAndNanos): void {
    const { values } = this;
    const isExplicit = this.zeros === "explicit";
    if (isExplicit || seconds !== 0n) {
      values.byte(0x08);
      writeBigint(values, seconds);
    }
    if (isExplicit || nanos !== 0) {
      values.byte(0x10);
      values.int32(nanos);
    }
  }

  #jsonText(plan: MessagePlan, text: string): void {
    const state = this.#json();
    state.reset(Buffer.from(text, "utf8"));
    const { json, wire } = state;
    try {
      json.peek();
      readMessage(state, plan);
      json.expectEnd();
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const [violation] = error.status.violations;
      const where = violation === undefined || violation.field === "" ? "" : ` at ${violation.field}`;
      const what = violation?.description ?? error.message;
      throw new LeafFault(`${quote(text)} is not JSON for a ${plan.desc.typeName}: ${what}${where}`);
    }
    this.values.copy(wire, 0, wire.length);
  }
}

/** The plan of a map's values. */
export function mapValueOf({ mapValue }: FieldPlan): FieldPlan {
  if (mapValue === undefined) throw new Error("a map has values");
  return mapValue;
}

/** Writes the paths of a FieldMask. */
export function writeMaskPaths(sink: ByteSink, paths: readonly string[]): void {
  for (const path of paths) {
    sink.ensure(1);
    sink.byte(0x0a);
    sink.text(path);
  }
}

function writeBigint(sink: ByteSink, value: bigint): void {
  sink.varint64(Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
}

/**
 * Writes a value without a tag; says whether it is zero. Needs room for {@link VALUE_ROOM}, and makes it for what is
 * longer.
 */
export function writeScalar(sink: ByteSink, type: ScalarType, value: Scalar): boolean {
  if (typeof value === "string") {
    sink.text(value);
    return value === "";
  }
  if (typeof value === "boolean") {
    sink.byte(value ? 1 : 0);
    return !value;
  }
  if (typeof value === "bigint") {
    writeInteger64(sink, type, value);
    return value === 0n;
  }
  if (typeof value === "number") {
    writeNumber(sink, type, value);
    return Object.is(value, 0);
  }
  sink.ensure(VALUE_ROOM);
  sink.varint(value.length);
  sink.append(value);
  return value.length === 0;
}

function writeInteger64(sink: ByteSink, type: ScalarType, value: bigint): void {
  if (type === ScalarType.FIXED64 || type === ScalarType.SFIXED64) {
    sink.fixed32(Number(value & 0xffffffffn));
    sink.fixed32(Number((value >> 32n) & 0xffffffffn));
  } else if (type === ScalarType.SINT64) writeBigint(sink, (value << 1n) ^ (value >> 63n));
  else writeBigint(sink, value);
}

function writeNumber(sink: ByteSink, type: ScalarType, value: number): void {
  if (type === ScalarType.DOUBLE) sink.double(value);
  else if (type === ScalarType.FLOAT) sink.float(value);
  else if (type === ScalarType.FIXED32 || type === ScalarType.SFIXED32) sink.fixed32(value);
  else if (type === ScalarType.SINT32) sink.varint((value << 1) ^ (value >> 31));
  else if (type === ScalarType.UINT32) sink.varint(value);
  else sink.int32(value);
}
