/**
 * Options, as written, to the bytes of the messages that they are: `google.protobuf.MethodOptions` and its like, with
 * extensions such as `google.api.http` in them.
 *
 * Each statement becomes the field that it sets; the parts of a message that statements set one by one
 * (`option (x).a = 1; option (x).b = 2;`) are the same message in the wire format, which joins them.
 * Source: descriptor.proto, `UninterpretedOption`; protobuf's compiler, `OptionInterpreter`.
 */
import type { DescExtension, DescField, DescMessage } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type OptionField, shown, writeEnum, writeScalar } from "./encode-value.ts";
import type { OptionNamePart, OptionStatement, OptionValue, ValueField } from "./option-syntax.ts";
import { type Position, ProtoFault } from "./proto-fault.ts";

/** Where extensions, and the types in an `Any`, are found. */
export interface OptionTypes {
  /** The extension that `name` stands for in `scope`. @throws {ProtoFault} if there is none. */
  extension(name: string, scope: string, at: Position): DescExtension;
  /** A message type by its full name. @throws {ProtoFault} if there is none. */
  message(fullName: string, at: Position): DescMessage;
}

/**
 * The bytes of a message `schema` with what `statements` set.
 * @throws {ProtoFault} at the first that cannot be understood.
 */
export function encodeOptions(
  schema: DescMessage,
  scope: string,
  statements: readonly OptionStatement[],
  types: OptionTypes,
): Uint8Array {
  return new OptionEncoder(scope, types).encode(schema, statements);
}

class OptionEncoder {
  readonly #scope: string;
  readonly #types: OptionTypes;
  readonly #writer = new BinaryWriter();
  /** Names that statements have set, and names that they have set parts of. */
  readonly #whole = new Set<string>();
  readonly #parts = new Set<string>();
  /** The member that statements have set of each oneof. */
  readonly #members = new Map<string, string>();

  constructor(scope: string, types: OptionTypes) {
    this.#scope = scope;
    this.#types = types;
  }

  encode(schema: DescMessage, statements: readonly OptionStatement[]): Uint8Array {
    for (const { name, value } of statements) this.#writeStatement(schema, name, 0, "", value);
    return this.#writer.finish();
  }

  #writeStatement(
    message: DescMessage,
    name: readonly OptionNamePart[],
    depth: number,
    outer: string,
    value: OptionValue,
  ): void {
    const part = name[depth];
    if (part === undefined) return;
    const field = this.#fieldOf(message, part);
    const path = `${outer}.${field.number}`;
    const where = `option ${nameOf(name)}`;
    const isList = field.fieldKind === "list" || field.fieldKind === "map";
    const isLast = depth === name.length - 1;
    if (!isList && (this.#whole.has(path) || (isLast && this.#parts.has(path)))) {
      throw new ProtoFault(part.at, `${where} is set twice`, "set it once");
    }
    const oneof = field.kind === "field" ? field.oneof : undefined;
    if (oneof !== undefined) {
      const member = this.#members.get(`${outer}.${oneof.name}`) ?? field.name;
      if (member !== field.name) {
        const what = `${where}: ${member} of oneof ${oneof.name} is set already`;
        throw new ProtoFault(part.at, what, "set one of them");
      }
      this.#members.set(`${outer}.${oneof.name}`, member);
    }
    if (isLast) {
      if (!isList) this.#whole.add(path);
      this.#writeField(field, value, where);
      return;
    }
    if (field.fieldKind !== "message") {
      throw new ProtoFault(part.at, `${where}: ${part.name} is not one message and has no fields to set`);
    }
    this.#parts.add(path);
    this.#nest(field.number, framingOf(field), () =>
      this.#writeStatement(field.message, name, depth + 1, path, value),
    );
  }

  #fieldOf(message: DescMessage, { name, isExtension, at }: OptionNamePart): OptionField {
    if (isExtension) return this.#extensionOf(message, name, this.#scope, at);
    const field = message.fields.find((each) => each.name === name);
    if (field !== undefined && field.name !== "uninterpreted_option") return field;
    throw new ProtoFault(
      at,
      `${message.typeName} has no option ${name}`,
      "names of custom options are written in parentheses",
    );
  }

  #extensionOf(message: DescMessage, name: string, scope: string, at: Position): DescExtension {
    const extension = this.#types.extension(name, scope, at);
    if (extension.extendee.typeName === message.typeName) return extension;
    const what = `${extension.typeName} extends ${extension.extendee.typeName}, not ${message.typeName}`;
    throw new ProtoFault(at, what, "use it where it belongs");
  }

  #writeField(field: OptionField, value: OptionValue, where: string): void {
    if (value.kind === "list") {
      if (field.fieldKind !== "list" && field.fieldKind !== "map") {
        throw new ProtoFault(value.at, `${where}: a list, for a field that is none`);
      }
      for (const item of value.items) {
        if (item.kind === "list") throw new ProtoFault(item.at, `${where}: a list in a list`);
        this.#writeField(field, item, where);
      }
      return;
    }
    const writer = this.#writer;
    switch (field.fieldKind) {
      case "scalar":
        writeScalar(writer, field.number, field.scalar, value, where);
        return;
      case "enum":
        writeEnum(writer, field.number, field.enum, value, where);
        return;
      case "message":
        this.#writeMessage(field.number, framingOf(field), field.message, value, where);
        return;
      case "list":
        if (field.listKind === "scalar") writeScalar(writer, field.number, field.scalar, value, where);
        else if (field.listKind === "enum") writeEnum(writer, field.number, field.enum, value, where);
        else this.#writeMessage(field.number, framingOf(field), field.message, value, where);
        return;
      case "map":
        this.#writeMapEntry(field, value, where);
        return;
      default: {
        const never: never = field;
        throw new Error(`field of kind ${String(never)}`);
      }
    }
  }

  #writeMessage(
    number: number,
    framing: Framing,
    message: DescMessage,
    value: OptionValue,
    where: string,
  ): void {
    if (value.kind !== "message") {
      throw new ProtoFault(value.at, `${where}: ${shown(value)} is not a ${message.typeName}`, "write { … }");
    }
    this.#nest(number, framing, () => this.#writeFields(message, value.fields));
  }

  #writeFields(message: DescMessage, fields: readonly ValueField[]): void {
    const set = new Set<string>();
    for (const written of fields) {
      if (written.kind === "any") {
        this.#writeAny(message, written);
        continue;
      }
      const field = this.#valueFieldOf(message, written);
      const where = `${message.typeName}.${field.name}`;
      if (field.fieldKind !== "list" && field.fieldKind !== "map") {
        const key = field.kind === "field" && field.oneof !== undefined ? `oneof ${field.oneof.name}` : where;
        if (set.has(key)) throw new ProtoFault(written.at, `${where}: ${key} is set twice`, "set it once");
        set.add(key);
      }
      this.#writeField(field, written.value, where);
    }
  }

  #valueFieldOf(message: DescMessage, { name, kind, at }: ValueField): OptionField {
    if (kind === "extension") return this.#extensionOf(message, name, message.typeName, at);
    const field = message.fields.find((each) => each.name === name) ?? groupOf(message, name);
    if (field !== undefined) return field;
    const known = message.fields.slice(0, 8).map((each) => each.name);
    const hint = known.length === 0 ? "it has none" : `such as ${known.join(", ")}`;
    throw new ProtoFault(at, `${message.typeName} has no field ${name}`, hint);
  }

  /** `[type.googleapis.com/a.B] { … }` */
  #writeAny(message: DescMessage, { name, value, at }: ValueField): void {
    if (message.typeName !== "google.protobuf.Any") {
      throw new ProtoFault(at, `${message.typeName} is not an Any and cannot hold a ${name}`);
    }
    if (value.kind !== "message") throw new ProtoFault(value.at, `${name}: ${shown(value)} is not a message`);
    const type = this.#types.message(name.slice(name.lastIndexOf("/") + 1), at);
    this.#writer.tag(1, WireType.LengthDelimited).string(name);
    this.#nest(2, "length", () => this.#writeFields(type, value.fields));
  }

  #writeMapEntry(field: DescField & { readonly fieldKind: "map" }, value: OptionValue, where: string): void {
    if (value.kind !== "message") {
      throw new ProtoFault(
        value.at,
        `${where}: ${shown(value)} is not an entry`,
        "write { key: … value: … }",
      );
    }
    const of = (name: string): OptionValue | undefined =>
      value.fields.find((each) => each.name === name)?.value;
    const stranger = value.fields.find(
      ({ name, kind }) => kind !== "field" || !["key", "value"].includes(name),
    );
    if (stranger !== undefined) throw new ProtoFault(stranger.at, `${where}: an entry has a key and a value`);
    const [key, content] = [of("key"), of("value")];
    this.#nest(field.number, "length", () => {
      if (key !== undefined) writeScalar(this.#writer, 1, field.mapKey, key, `${where}, key`);
      if (content === undefined) return;
      if (field.mapKind === "scalar") writeScalar(this.#writer, 2, field.scalar, content, where);
      else if (field.mapKind === "enum") writeEnum(this.#writer, 2, field.enum, content, where);
      else this.#writeMessage(2, "length", field.message, content, where);
    });
  }

  /** Writes field `number` with what `write` writes as its message. */
  #nest(number: number, framing: Framing, write: () => void): void {
    if (framing === "group") {
      this.#writer.tag(number, WireType.StartGroup);
      write();
      this.#writer.tag(number, WireType.EndGroup);
      return;
    }
    this.#writer.tag(number, WireType.LengthDelimited).fork();
    write();
    this.#writer.join();
  }
}

/** How the end of a message in a message is told. */
type Framing = "length" | "group";

function framingOf({ delimitedEncoding }: { readonly delimitedEncoding: boolean }): Framing {
  return delimitedEncoding ? "group" : "length";
}

/** In values a group goes by the name of its type. */
function groupOf(message: DescMessage, name: string): DescField | undefined {
  return message.fields.find(
    (each) =>
      each.message !== undefined &&
      each.fieldKind !== "map" &&
      each.delimitedEncoding &&
      each.message.name === name,
  );
}

function nameOf(name: readonly OptionNamePart[]): string {
  return name.map((part) => (part.isExtension ? `(${part.name})` : part.name)).join(".");
}
