/**
 * What looks like an option of a field and is none: `default = 5`, `json_name = "pages"`.
 */
import {
  type FieldDescriptorProto,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { shown } from "./encode-value.ts";
import { escapeBytes } from "./escapes.ts";
import type { OptionStatement, OptionValue } from "./option-syntax.ts";
import { ProtoFault } from "./proto-fault.ts";

/**
 * Sets what `statements` say of the field itself; gives the others, which are its options. The field's type must be known,
 * and the `syntax` of its file.
 * @throws {ProtoFault} for a value that the field cannot have.
 */
export function takePseudoOptions(
  field: FieldDescriptorProto,
  statements: readonly OptionStatement[],
  syntax: string,
): readonly OptionStatement[] {
  return statements.filter((statement) => {
    const [part, ...more] = statement.name;
    const name = part === undefined || part.isExtension || more.length > 0 ? "" : part.name;
    if (name === "default") field.defaultValue = defaultOf(field, statement.value, syntax);
    else if (name === "json_name") field.jsonName = jsonName(statement.value);
    else return true;
    return false;
  });
}

function jsonName(value: OptionValue): string {
  if (value.kind === "string") return value.bytes.toString("utf8");
  throw new ProtoFault(value.at, `json_name: ${shown(value)} is not a string`);
}

/** As descriptor.proto, `FieldDescriptorProto.default_value`, wants it. */
function defaultOf({ name, type, label }: FieldDescriptorProto, value: OptionValue, syntax: string): string {
  if (syntax === "proto3") throw new ProtoFault(value.at, `field ${name}: proto3 has no defaults`);
  if (label === Label.REPEATED)
    throw new ProtoFault(value.at, `field ${name}: lists and maps have no default`);
  if (type === Type.MESSAGE || type === Type.GROUP) {
    throw new ProtoFault(value.at, `field ${name}: messages have no default`);
  }
  const text = defaultText(type, value);
  if (text !== undefined) return text;
  throw new ProtoFault(value.at, `default of ${name}: ${shown(value)} does not fit its type`);
}

/** Undefined where `value` is not of the type. */
function defaultText(type: Type, value: OptionValue): string | undefined {
  const range = INTEGER_RANGES.get(type);
  if (range !== undefined) return integerText(value, range);
  if (type === Type.DOUBLE || type === Type.FLOAT) {
    const number = numberOf(value);
    if (number === undefined) return undefined;
    return type === Type.DOUBLE ? doubleText(number) : floatText(number);
  }
  if (value.kind === "string") {
    if (type === Type.BYTES) return escapeBytes(value.bytes);
    return type === Type.STRING ? value.bytes.toString("utf8") : undefined;
  }
  if (value.kind !== "identifier") return undefined;
  const isBool = value.name === "true" || value.name === "false";
  return type === Type.ENUM || (type === Type.BOOL && isBool) ? value.name : undefined;
}

function integerText(value: OptionValue, { least, most }: IntegerRange): string | undefined {
  if (value.kind === "float" && Object.is(value.value, -0)) return "0";
  if (value.kind !== "integer" || value.value < least || value.value > most) return undefined;
  return value.value.toString();
}

interface IntegerRange {
  readonly least: bigint;
  readonly most: bigint;
}

const INT32: IntegerRange = { least: -(2n ** 31n), most: 2n ** 31n - 1n };
const UINT32: IntegerRange = { least: 0n, most: 2n ** 32n - 1n };
const INT64: IntegerRange = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
const UINT64: IntegerRange = { least: 0n, most: 2n ** 64n - 1n };

const INTEGER_RANGES: ReadonlyMap<Type, IntegerRange> = new Map([
  [Type.INT32, INT32],
  [Type.SINT32, INT32],
  [Type.SFIXED32, INT32],
  [Type.UINT32, UINT32],
  [Type.FIXED32, UINT32],
  [Type.INT64, INT64],
  [Type.SINT64, INT64],
  [Type.SFIXED64, INT64],
  [Type.UINT64, UINT64],
  [Type.FIXED64, UINT64],
]);

function numberOf(value: OptionValue): number | undefined {
  if (value.kind === "float") return value.value;
  if (value.kind === "integer") return Number(value.value);
  if (value.kind !== "identifier") return undefined;
  if (value.name === "inf") return Number.POSITIVE_INFINITY;
  return value.name === "nan" ? Number.NaN : undefined;
}

/** As C's `%.15g` prints it, or `%.17g` where that is not exact. */
function doubleText(value: number): string {
  const short = general(value, 15);
  return Number(short) === value ? short : general(value, 17);
}

/** As `%.6g`, or `%.9g` where that is another float. */
function floatText(value: number): string {
  const float = Math.fround(value);
  const short = general(float, 6);
  return Math.fround(Number(short)) === float ? short : general(float, 9);
}

function general(value: number, digits: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  const [mantissa = "", exponentText = "0"] = value.toExponential(digits - 1).split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < digits)
    return withoutZeros(value.toFixed(Math.max(0, digits - 1 - exponent)));
  const sign = exponent < 0 ? "-" : "+";
  return `${withoutZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function withoutZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
