/**
 * What looks like an option of a field and is none: `default = 5`, `json_name = "pages"`.
 */
import { type FieldDescriptorProto, FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import { shown } from "./encode-value.ts";
import { escapeBytes } from "./escapes.ts";
import type { OptionStatement, OptionValue } from "./option-syntax.ts";
import { ProtoFault } from "./proto-fault.ts";

/**
 * Sets what `statements` say of the field itself; gives the others, which are its options. The field's type must be known.
 * @throws {ProtoFault} for a value that the field cannot have.
 */
export function takePseudoOptions(
  field: FieldDescriptorProto,
  statements: readonly OptionStatement[],
): readonly OptionStatement[] {
  return statements.filter((statement) => {
    const [part, ...more] = statement.name;
    const name = part === undefined || part.isExtension || more.length > 0 ? "" : part.name;
    if (name === "default") field.defaultValue = defaultOf(field, statement.value);
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
function defaultOf({ name, type }: FieldDescriptorProto, value: OptionValue): string {
  const misfit = (): ProtoFault =>
    new ProtoFault(value.at, `default of ${name}: ${shown(value)} does not fit its type`);
  switch (type) {
    case Type.STRING:
    case Type.BYTES:
      if (value.kind !== "string") throw misfit();
      return type === Type.STRING ? value.bytes.toString("utf8") : escapeBytes(value.bytes);
    case Type.BOOL:
      if (value.kind !== "identifier" || !["true", "false"].includes(value.name)) throw misfit();
      return value.name;
    case Type.ENUM:
      if (value.kind !== "identifier") throw misfit();
      return value.name;
    case Type.DOUBLE:
    case Type.FLOAT: {
      const number = numberOf(value);
      if (number === undefined) throw misfit();
      return type === Type.DOUBLE ? doubleText(number) : floatText(number);
    }
    case Type.MESSAGE:
    case Type.GROUP:
      throw new ProtoFault(value.at, `field ${name}: messages have no default`);
    default: {
      if (value.kind === "float" && Object.is(value.value, -0)) return "0";
      if (value.kind !== "integer") throw misfit();
      const [least, most] = rangeOf(type);
      if (value.value < least || value.value > most) throw misfit();
      return value.value.toString();
    }
  }
}

function numberOf(value: OptionValue): number | undefined {
  if (value.kind === "float") return value.value;
  if (value.kind === "integer") return Number(value.value);
  if (value.kind !== "identifier") return undefined;
  if (value.name === "inf") return Number.POSITIVE_INFINITY;
  return value.name === "nan" ? Number.NaN : undefined;
}

function rangeOf(type: Type): readonly [least: bigint, most: bigint] {
  switch (type) {
    case Type.UINT32:
    case Type.FIXED32:
      return [0n, 2n ** 32n - 1n];
    case Type.UINT64:
    case Type.FIXED64:
      return [0n, 2n ** 64n - 1n];
    case Type.INT64:
    case Type.SINT64:
    case Type.SFIXED64:
      return [-(2n ** 63n), 2n ** 63n - 1n];
    default:
      return [-(2n ** 31n), 2n ** 31n - 1n];
  }
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
