/**
 * Message types from a few words, for tests: `{ "demo.Book": { fields: { title: "string", tags: "repeated string" } } }`.
 *
 * ```
 * Field  = ["optional " | "required " | "repeated " | "oneof " name ": "] Type [" [json_name="…"]"] [" = " number]
 * Type   = scalar | full message name | "map<" Type "," Type ">" | "enum{A=0,…}" | "{" name ": " Field ", " … "}" | "group{…}"
 * ```
 * Field numbers count up from the previous one. The notation is that of test/cases/query.json.
 */
import { create, createFileRegistry, type DescMessage, type FileRegistry } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  Edition,
  type EnumDescriptorProto,
  EnumDescriptorProtoSchema,
  FeatureSet_FieldPresence,
  FeatureSetSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  MessageOptionsSchema,
  OneofDescriptorProtoSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { file_google_api_httpbody } from "../../../src/gen/google/api/httpbody_pb.ts";

export interface MessageSource {
  readonly syntax?: "proto2" | "proto3" | "editions";
  readonly fields: Readonly<Record<string, string>>;
}

/** `extendee` may carry fields from number 100 up; each key is the extension's full name. */
export interface ExtensionSource {
  readonly extendee: string;
  readonly type: string;
  readonly number: number;
}

const WELL_KNOWN: readonly FileDescriptorProto[] = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  file_google_api_httpbody,
].map((file) => file.proto);

const SCALARS = new Map<string, Type>([
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

/** A registry of the messages, one file each syntax and package, with the well-known types. */
export function registryOf(
  messages: Readonly<Record<string, MessageSource>>,
  extensions: Readonly<Record<string, ExtensionSource>> = {},
): FileRegistry {
  const files = new Map<string, FileDescriptorProto>();
  for (const [fullName, { syntax = "proto3", fields }] of Object.entries(messages)) {
    if (fullName.startsWith("google.")) continue;
    const [packageName, name] = splitName(fullName);
    const file = fileOf(files, packageName, syntax);
    file.messageType.push(new MessageBuilder(name, fullName, syntax).build(fields));
  }
  for (const [fullName, { extendee, type, number }] of Object.entries(extensions)) {
    const [packageName, name] = splitName(fullName);
    const file = fileOf(files, packageName, "proto2");
    const holder = new MessageBuilder("", packageName, "proto2").build({ [name]: `${type} = ${number}` });
    const field = holder.field[0];
    if (field === undefined) throw new Error(`no field ${name}`);
    field.extendee = `.${extendee}`;
    file.extension.push(field);
  }
  const all = [...files.values()];
  const names = all.map((file) => file.name);
  for (const file of all) {
    file.dependency.push(...WELL_KNOWN.map((wellKnown) => wellKnown.name));
    // Files refer to those declared before them.
    file.dependency.push(...names.slice(0, names.indexOf(file.name)));
  }
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...WELL_KNOWN, ...all] }));
}

export function messageOf(registry: FileRegistry, name: string): DescMessage {
  const message = registry.getMessage(name);
  if (message === undefined) throw new Error(`no message ${name}`);
  return message;
}

function fileOf(
  files: Map<string, FileDescriptorProto>,
  packageName: string,
  syntax: string,
): FileDescriptorProto {
  const key = `${packageName}.${syntax}.proto`;
  let file = files.get(key);
  if (file === undefined) {
    file = create(FileDescriptorProtoSchema, { name: key, package: packageName, syntax });
    if (syntax === "editions") file.edition = Edition.EDITION_2023;
    files.set(key, file);
  }
  return file;
}

class MessageBuilder {
  readonly #message: DescriptorProto;
  readonly #fullName: string;
  readonly #syntax: string;
  #number = 0;

  constructor(name: string, fullName: string, syntax: string) {
    this.#message = create(DescriptorProtoSchema, { name });
    this.#fullName = fullName;
    this.#syntax = syntax;
    if (syntax === "proto2")
      this.#message.extensionRange.push({
        $typeName: "google.protobuf.DescriptorProto.ExtensionRange",
        start: 100,
        end: 1000,
      });
  }

  build(fields: Readonly<Record<string, string>>): DescriptorProto {
    for (const [name, source] of Object.entries(fields)) this.#message.field.push(this.#field(name, source));
    return this.#message;
  }

  #field(name: string, source: string): FieldDescriptorProto {
    const field = create(FieldDescriptorProtoSchema, { name, label: Label.OPTIONAL });
    let rest = source.trim();
    const number = / = (\d+)$/.exec(rest);
    if (number !== null) rest = rest.slice(0, number.index);
    this.#number = number === null ? this.#number + 1 : Number(number[1]);
    field.number = this.#number;
    const option = / \[json_name(?:="([^"]*)")?\]$/.exec(rest);
    if (option !== null) {
      rest = rest.slice(0, option.index);
      if (option[1] !== undefined) field.jsonName = option[1];
    }
    if (field.jsonName === "") field.jsonName = jsonName(name);
    rest = this.#label(field, rest);
    this.#type(field, rest);
    return field;
  }

  #label(field: FieldDescriptorProto, source: string): string {
    const oneof = /^oneof (\w+): /.exec(source);
    if (oneof?.[1] !== undefined) {
      field.oneofIndex = this.#oneof(oneof[1]);
      return source.slice(oneof[0].length);
    }
    const [label = "", ...rest] = source.split(" ");
    const type = rest.join(" ");
    switch (label) {
      case "repeated":
        field.label = Label.REPEATED;
        return type;
      case "required":
        if (this.#syntax === "proto2") field.label = Label.REQUIRED;
        else {
          const features = create(FeatureSetSchema, {
            fieldPresence: FeatureSet_FieldPresence.LEGACY_REQUIRED,
          });
          field.options = create(FieldOptionsSchema, { features });
        }
        return type;
      case "implicit":
        field.options = create(FieldOptionsSchema, {
          features: create(FeatureSetSchema, { fieldPresence: FeatureSet_FieldPresence.IMPLICIT }),
        });
        return type;
      case "optional":
        if (this.#syntax === "proto3") {
          field.proto3Optional = true;
          field.oneofIndex = this.#oneof(`_${field.name}`);
        }
        return type;
      default:
        return source;
    }
  }

  #oneof(name: string): number {
    const { oneofDecl } = this.#message;
    const index = oneofDecl.findIndex((oneof) => oneof.name === name);
    return index >= 0 ? index : oneofDecl.push(create(OneofDescriptorProtoSchema, { name })) - 1;
  }

  #type(field: FieldDescriptorProto, source: string): void {
    const scalar = SCALARS.get(source);
    if (scalar !== undefined) field.type = scalar;
    else if (source.startsWith("map<")) this.#map(field, source);
    else if (source.startsWith("enum")) this.#enum(field, source);
    else if (source.startsWith("{") || source.startsWith("group{")) this.#inline(field, source);
    else {
      field.type = Type.MESSAGE;
      // "Nested" stands in query.json for the inline type of the field "nested".
      field.typeName = source.includes(".") ? `.${source}` : `.${this.#fullName}.${source}`;
    }
  }

  #map(field: FieldDescriptorProto, source: string): void {
    const comma = source.indexOf(",");
    const entry = new MessageBuilder(
      `${pascal(field.name)}Entry`,
      `${this.#fullName}.${pascal(field.name)}Entry`,
      this.#syntax,
    );
    const message = entry.build({
      key: source.slice(4, comma),
      value: nestedName(source.slice(comma + 1, -1), this.#fullName),
    });
    message.extensionRange.length = 0;
    message.options = create(MessageOptionsSchema, { mapEntry: true });
    this.#message.nestedType.push(message);
    field.label = Label.REPEATED;
    field.type = Type.MESSAGE;
    field.typeName = `.${this.#fullName}.${message.name}`;
  }

  #enum(field: FieldDescriptorProto, source: string): void {
    const name = `${pascal(field.name)}Enum`;
    const values = source.includes("{")
      ? source.slice(source.indexOf("{") + 1, -1)
      : "ENUM_UNSPECIFIED=0,ENUM_VALUE=1";
    const descriptor: EnumDescriptorProto = create(EnumDescriptorProtoSchema, { name });
    for (const value of values.split(",")) {
      const [valueName = "", number = ""] = value.split("=");
      // One prefix a field: enum values are siblings of their enum's name.
      descriptor.value.push({
        $typeName: "google.protobuf.EnumValueDescriptorProto",
        name: valueName.trim(),
        number: Number(number),
      });
    }
    this.#message.enumType.push(descriptor);
    field.type = Type.ENUM;
    field.typeName = `.${this.#fullName}.${name}`;
  }

  #inline(field: FieldDescriptorProto, source: string): void {
    const name = pascal(field.name);
    const builder = new MessageBuilder(name, `${this.#fullName}.${name}`, this.#syntax);
    const fields: Record<string, string> = {};
    for (const part of splitFields(source.slice(source.indexOf("{") + 1, -1))) {
      const colon = part.indexOf(": ");
      fields[part.slice(0, colon).trim()] = part.slice(colon + 2);
    }
    this.#message.nestedType.push(builder.build(fields));
    field.type = source.startsWith("group") ? Type.GROUP : Type.MESSAGE;
    field.typeName = `.${this.#fullName}.${name}`;
  }
}

/** Splits at commas outside of braces and angles. */
function splitFields(source: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= source.length; i++) {
    const char = source[i];
    if (char === "{" || char === "<") depth++;
    else if (char === "}" || char === ">") depth--;
    else if (char === undefined || (char === "," && depth === 0)) {
      if (i > start) parts.push(source.slice(start, i));
      start = i + 1;
    }
  }
  return parts;
}

function nestedName(type: string, owner: string): string {
  return /^[A-Z]\w*$/.test(type) ? `${owner}.${type}` : type;
}

function splitName(fullName: string): readonly [string, string] {
  const dot = fullName.lastIndexOf(".");
  return [fullName.slice(0, dot), fullName.slice(dot + 1)];
}

function pascal(name: string): string {
  return name
    .split("_")
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("");
}

function jsonName(name: string): string {
  return name.replace(/_+(.)/g, (_, letter: string) => letter.toUpperCase());
}
