/**
 * Values of options, as written, to the wire format of the fields that they are for.
 */
import { type DescEnum, type DescExtension, type DescField, ScalarType } from "@bufbuild/protobuf";
import { type BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { OptionValue } from "./option-syntax.ts";
import { ProtoFault } from "./proto-fault.ts";

/** A field that an option sets. */
export type OptionField = DescField | DescExtension;

/** Writes `value` as the one scalar of field `number`. `where` names the field, for faults. */
export function writeScalar(
  writer: BinaryWriter,
  number: number,
  type: ScalarType,
  value: OptionValue,
  where: string,
): void {
  switch (type) {
    case ScalarType.STRING: {
      const bytes = bytesOf(value, where);
      const text = bytes.toString("utf8");
      if (!Buffer.from(text, "utf8").equals(bytes))
        throw new ProtoFault(value.at, `${where}: the string is not UTF-8`);
      writer.tag(number, WireType.LengthDelimited).bytes(bytes);
      return;
    }
    case ScalarType.BYTES:
      writer.tag(number, WireType.LengthDelimited).bytes(bytesOf(value, where));
      return;
    case ScalarType.BOOL:
      writer.tag(number, WireType.Varint).bool(boolOf(value, where));
      return;
    case ScalarType.DOUBLE:
      writer.tag(number, WireType.Bit64).double(floatOf(value, where));
      return;
    case ScalarType.FLOAT:
      // Beyond its range is infinite, as in C.
      writer.tag(number, WireType.Bit32).float(Math.fround(floatOf(value, where)));
      return;
    case ScalarType.INT32:
      writer.tag(number, WireType.Varint).int32(int32Of(value, where));
      return;
    case ScalarType.SINT32:
      writer.tag(number, WireType.Varint).sint32(int32Of(value, where));
      return;
    case ScalarType.SFIXED32:
      writer.tag(number, WireType.Bit32).sfixed32(int32Of(value, where));
      return;
    case ScalarType.UINT32:
      writer.tag(number, WireType.Varint).uint32(Number(integerOf(value, 0n, 2n ** 32n - 1n, where)));
      return;
    case ScalarType.FIXED32:
      writer.tag(number, WireType.Bit32).fixed32(Number(integerOf(value, 0n, 2n ** 32n - 1n, where)));
      return;
    case ScalarType.INT64:
      writer.tag(number, WireType.Varint).int64(int64Of(value, where));
      return;
    case ScalarType.SINT64:
      writer.tag(number, WireType.Varint).sint64(int64Of(value, where));
      return;
    case ScalarType.SFIXED64:
      writer.tag(number, WireType.Bit64).sfixed64(int64Of(value, where));
      return;
    case ScalarType.UINT64:
      writer.tag(number, WireType.Varint).uint64(integerOf(value, 0n, 2n ** 64n - 1n, where));
      return;
    case ScalarType.FIXED64:
      writer.tag(number, WireType.Bit64).fixed64(integerOf(value, 0n, 2n ** 64n - 1n, where));
      return;
    default: {
      const never: never = type;
      throw new Error(`scalar type ${String(never)}`);
    }
  }
}

/** As `writeScalar`, for an enum. */
export function writeEnum(
  writer: BinaryWriter,
  number: number,
  type: DescEnum,
  value: OptionValue,
  where: string,
): void {
  const found =
    value.kind === "identifier"
      ? type.values.find(({ name }) => name === value.name)?.number
      : value.kind === "integer" && type.values.some((each) => BigInt(each.number) === value.value)
        ? Number(value.value)
        : undefined;
  if (found === undefined) {
    const known = type.values.slice(0, 8).map(({ name }) => name);
    throw new ProtoFault(
      value.at,
      `${where}: ${shown(value)} is no value of ${type.typeName}`,
      `such as ${known.join(", ")}`,
    );
  }
  writer.tag(number, WireType.Varint).int32(found);
}

/** The value as a message of a fault shows it. */
export function shown(value: OptionValue): string {
  switch (value.kind) {
    case "identifier":
      return value.name;
    case "integer":
    case "float":
      return String(value.value);
    case "string":
      return JSON.stringify(value.bytes.subarray(0, 40).toString("utf8"));
    case "list":
      return "a list";
    case "message":
      return "a message in braces";
    default: {
      const never: never = value;
      return String(never);
    }
  }
}

function misfit(value: OptionValue, wanted: string, where: string): ProtoFault {
  return new ProtoFault(value.at, `${where}: ${shown(value)} is not ${wanted}`);
}

function bytesOf(value: OptionValue, where: string): Buffer {
  if (value.kind !== "string") throw misfit(value, "a string", where);
  return value.bytes;
}

function boolOf(value: OptionValue, where: string): boolean {
  const word = value.kind === "identifier" ? value.name : value.kind === "integer" ? String(value.value) : "";
  if (["true", "True", "t", "1"].includes(word)) return true;
  if (["false", "False", "f", "0"].includes(word)) return false;
  throw misfit(value, "true or false", where);
}

function floatOf(value: OptionValue, where: string): number {
  if (value.kind === "float") return value.value;
  if (value.kind === "integer") return Number(value.value);
  if (value.kind === "identifier" && /^inf(inity)?$/i.test(value.name)) return Number.POSITIVE_INFINITY;
  if (value.kind === "identifier" && /^nan$/i.test(value.name)) return Number.NaN;
  throw misfit(value, "a number", where);
}

function integerOf(value: OptionValue, least: bigint, most: bigint, where: string): bigint {
  if (value.kind !== "integer") {
    if (value.kind === "float" && Object.is(value.value, -0)) return 0n;
    throw misfit(value, "a whole number", where);
  }
  if (value.value < least || value.value > most) throw misfit(value, `from ${least} to ${most}`, where);
  return value.value;
}

function int32Of(value: OptionValue, where: string): number {
  return Number(integerOf(value, -(2n ** 31n), 2n ** 31n - 1n, where));
}

function int64Of(value: OptionValue, where: string): bigint {
  return integerOf(value, -(2n ** 63n), 2n ** 63n - 1n, where);
}
