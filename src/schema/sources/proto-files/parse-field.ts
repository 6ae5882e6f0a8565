/**
 * Fields: of messages, oneofs and `extend` blocks; groups and maps with the types that they bring along.
 */
import { create } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import type { Token } from "./lexer.ts";
import { parseCompactOptions } from "./option-syntax.ts";
import type { FileDraft, Path } from "./parsed-file.ts";
import { ProtoFault } from "./proto-fault.ts";

/** Where fields stand. */
export interface FieldPlace {
  /** The full name of the message, or of what an `extend` stands in. */
  readonly scope: string;
  readonly fields: FieldDescriptorProto[];
  /** The path of `fields`. */
  readonly fieldsPath: Path;
  /** Where the types of groups and maps go. */
  readonly types: DescriptorProto[];
  readonly typesPath: Path;
  readonly role: "field" | "oneof field" | "extension";
  readonly oneofIndex?: number;
  /** The name after `extend`. */
  readonly extendee?: { readonly name: string; readonly at: Token };
  /** Reads the body of a group. */
  readonly parseBody: (draft: FileDraft, message: DescriptorProto, fullName: string, path: Path) => void;
  /** Hears of each field, with the token of its name. */
  readonly onField: (field: FieldDescriptorProto, name: Token) => void;
}

const SCALARS: ReadonlyMap<string, Type> = new Map([
  ["double", Type.DOUBLE],
  ["float", Type.FLOAT],
  ["int64", Type.INT64],
  ["uint64", Type.UINT64],
  ["int32", Type.INT32],
  ["fixed64", Type.FIXED64],
  ["fixed32", Type.FIXED32],
  ["bool", Type.BOOL],
  ["string", Type.STRING],
  ["bytes", Type.BYTES],
  ["uint32", Type.UINT32],
  ["sfixed32", Type.SFIXED32],
  ["sfixed64", Type.SFIXED64],
  ["sint32", Type.SINT32],
  ["sint64", Type.SINT64],
]);

const LABELS: ReadonlyMap<string, Label> = new Map([
  ["optional", Label.OPTIONAL],
  ["required", Label.REQUIRED],
  ["repeated", Label.REPEATED],
]);

const MAX_FIELD_NUMBER = 2 ** 29 - 1;

/** Reads one field with its end. */
export function parseField(draft: FileDraft, place: FieldPlace): void {
  const { reader } = draft;
  const first = reader.current;
  const isMap = reader.isAt("map") && reader.following.text === "<";
  if (isMap && place.role === "field") {
    parseMapField(draft, place, first);
    return;
  }
  if (isMap) throw new ProtoFault(first, `a map cannot be a ${place.role}`);
  const label = parseLabel(draft, place);
  if (reader.isAt("group") && reader.following.kind === "identifier") {
    parseGroup(draft, place, first, label ?? Label.OPTIONAL);
    return;
  }
  const at = reader.current;
  const typeName = reader.expectTypeName("a type");
  const name = reader.expectName("the name of a field");
  const field = addField(draft, place, name, label ?? Label.OPTIONAL);
  setType(draft, field, typeName, place.scope, at);
  if (draft.syntax === "proto3" && first.text === "optional" && label !== undefined)
    field.proto3Optional = true;
  const path = [...place.fieldsPath, place.fields.length - 1];
  draft.ownField(place.scope, field, parseCompactOptions(reader));
  reader.expect(";");
  draft.document(path, first);
}

/** The label; undefined where there is none. */
function parseLabel({ reader, syntax }: FileDraft, { role }: FieldPlace): Label | undefined {
  const token = reader.current;
  const label = LABELS.get(token.text);
  const isGroup = reader.isAt("group") && reader.following.kind === "identifier";
  if (label === undefined) {
    const isNeeded = syntax === "proto2" && role !== "oneof field";
    if (!isNeeded) return undefined;
    throw new ProtoFault(
      token,
      `expected optional, required or repeated before ${isGroup ? "group" : "the type"}, found "${token.text}"`,
      'this file is proto2; for proto3 begin it with syntax = "proto3";',
    );
  }
  reader.take();
  if (role === "oneof field")
    throw new ProtoFault(token, "fields of a oneof have no label", "remove the label");
  if (syntax === "proto3" && label === Label.REQUIRED) {
    throw new ProtoFault(token, "proto3 has no required fields", "remove the label");
  }
  if (syntax === "editions" && label !== Label.REPEATED) {
    const hint = "remove the label; the feature field_presence says when a field is there";
    throw new ProtoFault(token, `editions have no label ${token.text}`, hint);
  }
  return label;
}

function addField(draft: FileDraft, place: FieldPlace, name: Token, label: Label): FieldDescriptorProto {
  const { reader } = draft;
  reader.expect("=");
  const at = reader.current;
  const number = reader.expectNumber("the number of a field");
  if (number < 1 || number > MAX_FIELD_NUMBER || (number >= 19_000 && number <= 19_999)) {
    const hint = `numbers are from 1 to ${MAX_FIELD_NUMBER}, without 19000 to 19999`;
    throw new ProtoFault(at, `field ${name.text}: ${number} is not a number for fields`, hint);
  }
  const field = create(FieldDescriptorProtoSchema, { name: name.text, number, label });
  field.jsonName = jsonNameOf(name.text);
  if (place.oneofIndex !== undefined) field.oneofIndex = place.oneofIndex;
  const { extendee } = place;
  if (extendee !== undefined) {
    draft.define(place.scope, name, "extension");
    draft.references.push({
      name: extendee.name,
      scope: place.scope,
      at: extendee.at,
      wants: "message",
      resolve: (fullName) => {
        field.extendee = `.${fullName}`;
      },
    });
  }
  place.fields.push(field);
  place.onField(field, name);
  return field;
}

function setType(
  draft: FileDraft,
  field: FieldDescriptorProto,
  name: string,
  scope: string,
  at: Token,
): void {
  const scalar = SCALARS.get(name);
  if (scalar !== undefined) {
    field.type = scalar;
    return;
  }
  draft.references.push({
    name,
    scope,
    at,
    wants: "message or enum",
    resolve: (fullName, kind) => {
      field.type = kind === "enum" ? Type.ENUM : Type.MESSAGE;
      field.typeName = `.${fullName}`;
    },
  });
}

/** `optional group Extra = 4 { … }`: a type `Extra`, and a field `extra` of it. */
function parseGroup(draft: FileDraft, place: FieldPlace, first: Token, label: Label): void {
  const { reader } = draft;
  const { text } = reader.current;
  if (draft.syntax !== "proto2") {
    throw new ProtoFault(
      reader.current,
      `${draft.syntax} has no groups`,
      "declare a message and a field of it",
    );
  }
  reader.expect(text);
  const name = reader.expectName("the name of a group");
  if (!/^[A-Z]/.test(name.text))
    throw new ProtoFault(name, `group ${name.text}: begin it with a capital letter`);
  const field = addField(draft, place, { ...name, text: name.text.toLowerCase() }, label);
  field.type = Type.GROUP;
  const fullName = draft.define(place.scope, name, "message");
  field.typeName = `.${fullName}`;
  draft.ownField(place.scope, field, parseCompactOptions(reader));
  const group = create(DescriptorProtoSchema, { name: name.text });
  const path = [...place.typesPath, place.types.length];
  place.types.push(group);
  reader.expect("{");
  draft.document([...place.fieldsPath, place.fields.length - 1], first);
  place.parseBody(draft, group, fullName, path);
}

/** `map<string, M> books = 3;`: a list of `BooksEntry`, a type beside the field. */
function parseMapField(draft: FileDraft, place: FieldPlace, first: Token): void {
  const { reader } = draft;
  reader.expect("map");
  reader.expect("<");
  const keyAt = reader.current;
  const keyType = SCALARS.get(reader.expectName("the type of a map's keys").text);
  if (keyType === undefined || NOT_MAP_KEYS.has(keyType)) {
    const hint = "keys are whole numbers, bools or strings";
    throw new ProtoFault(keyAt, `${keyAt.text} is not a type for the keys of a map`, hint);
  }
  reader.expect(",");
  const valueAt = reader.current;
  const valueType = reader.expectTypeName("the type of a map's values");
  reader.expect(">");
  const name = reader.expectName("the name of a field");
  const field = addField(draft, place, name, Label.REPEATED);
  const entryName = { ...name, text: `${camelCase(name.text, "upper")}Entry` };
  const fullName = draft.define(place.scope, entryName, "message");
  field.type = Type.MESSAGE;
  field.typeName = `.${fullName}`;
  const [key, value] = (["key", "value"] as const).map((part, i) => {
    return create(FieldDescriptorProtoSchema, {
      name: part,
      number: i + 1,
      label: Label.OPTIONAL,
      jsonName: part,
    });
  });
  if (key === undefined || value === undefined) throw new Error("a map entry has two fields");
  key.type = keyType;
  setType(draft, value, valueType, fullName, valueAt);
  place.types.push(
    create(DescriptorProtoSchema, { name: entryName.text, field: [key, value], options: { mapEntry: true } }),
  );
  const statements = parseCompactOptions(reader);
  draft.ownField(place.scope, field, statements);
  // What a map says of its features holds for its keys and values.
  const features = statements.filter(({ name: [part] }) => part?.name === "features" && !part.isExtension);
  if (features.length > 0) for (const part of [key, value]) draft.ownField(place.scope, part, features);
  reader.expect(";");
  draft.document([...place.fieldsPath, place.fields.length - 1], first);
}

const NOT_MAP_KEYS: ReadonlySet<Type> = new Set([Type.DOUBLE, Type.FLOAT, Type.BYTES]);

/** Source: protobuf's compiler, `ToJsonName`. */
function jsonNameOf(name: string): string {
  return camelCase(name, "as it is");
}

/** Underscores go, and the letter after one is upper-case; so is the first if `first` says so. */
function camelCase(name: string, first: "upper" | "as it is"): string {
  const joined = name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
  return first === "upper" ? joined.charAt(0).toUpperCase() + joined.slice(1) : joined;
}
