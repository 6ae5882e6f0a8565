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
import { parseCompactOptions, parseOption } from "./option-syntax.ts";
import { parseRanges, parseReservedNames } from "./parse-ranges.ts";
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
  const names = new Set<string>();
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
  return declared;
}

function parseValue(
  draft: FileDraft,
  scope: string,
  declared: EnumDescriptorProto,
  path: Path,
  names: Set<string>,
): void {
  const { reader } = draft;
  const first = reader.expectName("the name of a value");
  if (names.has(first.text)) {
    throw new ProtoFault(first, `enum ${declared.name} has a value ${first.text} already`);
  }
  names.add(first.text);
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
