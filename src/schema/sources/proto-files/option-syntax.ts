/**
 * Options as a .proto writes them: `(google.api.http) = { get: "/v1/{name}" }`, not yet understood.
 * Source: https://protobuf.dev/reference/protobuf/textformat-spec/ for what is between the braces.
 */
import { type Position, ProtoFault } from "./proto-fault.ts";
import { parseInteger, type TokenReader } from "./token-reader.ts";

/** A part of an option's name: `(google.api.http)` is an extension, `deprecated` a field. */
export interface OptionNamePart {
  readonly name: string;
  readonly isExtension: boolean;
  readonly at: Position;
}

/** `name = value`. */
export interface OptionStatement {
  readonly name: readonly OptionNamePart[];
  readonly value: OptionValue;
  readonly at: Position;
}

/** A field of a message in braces. */
export interface ValueField {
  /** The name; of an `any` the URL of its type. */
  readonly name: string;
  readonly kind: "field" | "extension" | "any";
  readonly value: OptionValue;
  readonly at: Position;
}

/** A value as written. */
export type OptionValue =
  | { readonly kind: "identifier"; readonly name: string; readonly at: Position }
  | { readonly kind: "integer"; readonly value: bigint; readonly at: Position }
  | { readonly kind: "float"; readonly value: number; readonly at: Position }
  | { readonly kind: "string"; readonly bytes: Buffer; readonly at: Position }
  | { readonly kind: "list"; readonly items: readonly OptionValue[]; readonly at: Position }
  | { readonly kind: "message"; readonly fields: readonly ValueField[]; readonly at: Position };

/** Messages and lists in values may nest this deep; a name has as many parts. */
const MAX_DEPTH = 64;

/** Reads `name = value`. */
export function parseOption(reader: TokenReader): OptionStatement {
  const at = reader.current;
  const name = [parseNamePart(reader)];
  while (reader.accept(".")) {
    if (name.length === MAX_DEPTH) {
      throw new ProtoFault(reader.current, `the name of an option has more than ${MAX_DEPTH} parts`);
    }
    name.push(parseNamePart(reader));
  }
  reader.expect("=");
  return { name, value: parseValue(reader, 1), at };
}

/** Reads `[name = value, …]` if that is what comes next. */
export function parseCompactOptions(reader: TokenReader): readonly OptionStatement[] {
  if (!reader.accept("[")) return [];
  const statements = [parseOption(reader)];
  while (reader.accept(",")) statements.push(parseOption(reader));
  reader.expect("]");
  return statements;
}

/** Whether understanding `statement` takes extensions, which other files may define. */
export function needsExtensions({ name, value }: OptionStatement): boolean {
  return name.some(({ isExtension }) => isExtension) || valueNeedsExtensions(value);
}

function valueNeedsExtensions(value: OptionValue): boolean {
  if (value.kind === "list") return value.items.some(valueNeedsExtensions);
  if (value.kind !== "message") return false;
  return value.fields.some((field) => field.kind !== "field" || valueNeedsExtensions(field.value));
}

function parseNamePart(reader: TokenReader): OptionNamePart {
  const at = reader.current;
  if (!reader.accept("(")) {
    return { name: reader.expectName("the name of an option").text, isExtension: false, at };
  }
  const name = reader.expectTypeName("the name of an extension");
  reader.expect(")");
  return { name, isExtension: true, at };
}

function parseValue(reader: TokenReader, depth: number): OptionValue {
  const at = reader.current;
  if (depth > MAX_DEPTH) throw new ProtoFault(at, `values are nested more than ${MAX_DEPTH} deep`);
  if (at.kind === "string") return { kind: "string", bytes: reader.expectString("a string").bytes, at };
  if (at.kind === "identifier") return { kind: "identifier", name: reader.take().text, at };
  if (reader.accept("{")) return { kind: "message", fields: parseFields(reader, "}", depth), at };
  if (depth > 1 && reader.accept("<"))
    return { kind: "message", fields: parseFields(reader, ">", depth), at };
  if (depth > 1 && reader.accept("[")) return { kind: "list", items: parseItems(reader, depth), at };
  return parseNumber(reader, at);
}

function parseNumber(reader: TokenReader, at: Position): OptionValue {
  const isNegative = reader.accept("-");
  if (!isNegative) reader.accept("+");
  const token = reader.current;
  if (token.kind === "integer") {
    const value = parseInteger(reader.take().text);
    // Minus zero is a float's alone.
    if (isNegative && value === 0n) return { kind: "float", value: -0, at };
    return { kind: "integer", value: isNegative ? -value : value, at };
  }
  if (token.kind === "float") {
    const value = Number.parseFloat(reader.take().text);
    return { kind: "float", value: isNegative ? -value : value, at };
  }
  if (token.kind === "identifier" && /^(inf|infinity|nan)$/i.test(token.text)) {
    const isNan = reader.take().text.toLowerCase() === "nan";
    return { kind: "float", value: isNan ? Number.NaN : isNegative ? -Infinity : Infinity, at };
  }
  throw reader.unexpected("a value");
}

function parseItems(reader: TokenReader, depth: number): readonly OptionValue[] {
  const items: OptionValue[] = [];
  if (reader.accept("]")) return items;
  do items.push(parseValue(reader, depth + 1));
  while (reader.accept(","));
  reader.expect("]");
  return items;
}

function parseFields(reader: TokenReader, end: "}" | ">", depth: number): readonly ValueField[] {
  const fields: ValueField[] = [];
  while (!reader.accept(end)) {
    const at = reader.current;
    const name = parseFieldName(reader);
    const hasColon = reader.accept(":");
    if (!hasColon && !["{", "<", "["].includes(reader.current.text)) throw reader.unexpected('":"');
    fields.push({ ...name, value: parseValue(reader, depth + 1), at });
    if (!reader.accept(",")) reader.accept(";");
  }
  return fields;
}

function parseFieldName(reader: TokenReader): Pick<ValueField, "name" | "kind"> {
  if (!reader.accept("[")) return { name: reader.expectName("the name of a field").text, kind: "field" };
  let name = reader.expectTypeName("the name of an extension or type");
  let kind: "extension" | "any" = "extension";
  while (reader.accept("/")) {
    kind = "any";
    name += `/${reader.expectTypeName("the name of a type")}`;
  }
  reader.expect("]");
  return { name, kind };
}
