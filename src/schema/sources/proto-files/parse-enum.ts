/**
 * Enums.
 */
import { create } from "@bufbuild/protobuf";
import {
  type EnumDescriptorProto,
  EnumDescriptorProto_EnumReservedRangeSchema,
  EnumDescriptorProtoSchema,
  EnumOptionsSchema,
  EnumValueDescriptorProtoSchema,
  EnumValueOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import type { Token } from "./lexer.ts";
import { type OptionStatement, parseCompactOptions, parseOption } from "./option-syntax.ts";
import { numbersWithin, parseRanges, parseReservedNames } from "./parse-ranges.ts";
import type { FileDraft, Path } from "./parsed-file.ts";
import { ProtoFault } from "./proto-fault.ts";

const MAX_INT32 = 2 ** 31 - 1;

/** Reads an enum whose `enum` comes next. `scope` is the full name of what it stands in. */
export function parseEnum(
  draft: FileDraft,
  scope: string,
  into: EnumDescriptorProto[],
  intoPath: Path,
): EnumDescriptorProto {
  const { reader } = draft;
  const first = reader.expect("enum");
  const name = reader.expectName("the name of an enum");
  const fullName = draft.define(scope, name, "enum");
  const declared = create(EnumDescriptorProtoSchema, { name: name.text });
  const path = [...intoPath, into.length];
  into.push(declared);
  const options = draft.own(EnumOptionsSchema, scope, declared);
  reader.expect("{");
  draft.document(path, first);
  const names = new Map<string, Token>();
  while (!reader.accept("}")) {
    if (reader.accept(";")) continue;
    const isValue = reader.following.text === "=";
    if (!isValue && reader.accept("option")) {
      options.push(parseOption(reader));
      reader.expect(";");
    } else if (!isValue && reader.accept("reserved")) {
      parseReserved(draft, declared);
    } else {
      parseValue(draft, scope, declared, path, names);
    }
  }
  if (declared.value.length === 0) throw new ProtoFault(name, `enum ${fullName} has no values`);
  if (draft.syntax === "proto3" && declared.value[0]?.number !== 0) {
    throw new ProtoFault(name, `enum ${fullName}: the first value is not 0`, "proto3 wants a value 0, first");
  }
  checkNumbers(declared, names, options);
  return declared;
}

function checkNumbers(
  declared: EnumDescriptorProto,
  names: ReadonlyMap<string, Token>,
  options: readonly OptionStatement[],
): void {
  const hasAliases = options.some(({ name: [part], value }) => {
    return part?.name === "allow_alias" && value.kind === "identifier" && value.name === "true";
  });
  const reservedNames = new Set(declared.reservedName);
  const ranges = declared.reservedRange.map(({ start, end }) => ({ start, end: end + 1 }));
  const numbers = declared.value.map(({ number }) => number);
  const reservedNumbers = numbersWithin(numbers, ranges);
  const taken = new Map<number, string>();
  for (const { name, number } of declared.value) {
    const at = names.get(name) ?? { line: 1, column: 1 };
    const other = taken.get(number);
    if (other !== undefined && !hasAliases) {
      const hint = "give each value a number of its own, or set allow_alias";
      throw new ProtoFault(at, `value ${name}: number ${number} is taken by ${other}`, hint);
    }
    taken.set(number, other ?? name);
    const isReserved = reservedNumbers.has(number);
    if (!isReserved && !reservedNames.has(name)) continue;
    const what = `value ${name}: ${isReserved ? `number ${number}` : "its name"} is reserved`;
    throw new ProtoFault(at, what, "choose another");
  }
}

function parseValue(
  draft: FileDraft,
  scope: string,
  declared: EnumDescriptorProto,
  path: Path,
  names: Map<string, Token>,
): void {
  const { reader } = draft;
  const first = reader.expectName("the name of a value");
  if (names.has(first.text)) {
    throw new ProtoFault(first, `enum ${declared.name} has a value ${first.text} already`);
  }
  names.set(first.text, first);
  reader.expect("=");
  const number = reader.expectSigned("the number of a value");
  const value = create(EnumValueDescriptorProtoSchema, { name: first.text, number });
  declared.value.push(value);
  draft.own(EnumValueOptionsSchema, scope, value, parseCompactOptions(reader));
  reader.expect(";");
  draft.document([...path, 2, declared.value.length - 1], first);
}

function parseReserved(draft: FileDraft, declared: EnumDescriptorProto): void {
  const { reader } = draft;
  if (reader.current.kind === "integer" || reader.isAt("-")) {
    for (const { start, end } of parseRanges(reader, MAX_INT32, "any")) {
      declared.reservedRange.push(create(EnumDescriptorProto_EnumReservedRangeSchema, { start, end }));
    }
  } else {
    declared.reservedName.push(...parseReservedNames(draft));
  }
  reader.expect(";");
}
