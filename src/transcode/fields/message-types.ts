/**
 * What both directions of the codec need to know of message and enum types, worked out once a type: names to fields,
 * fields by number, well-known forms.
 */
import type { DescEnum, DescEnumValue, DescExtension, DescField, DescMessage } from "@bufbuild/protobuf";
import { type WellKnown, wellKnownOf } from "./well-known.ts";

/** One message type. */
export interface MessageType {
  readonly desc: DescMessage;
  readonly wellKnown: WellKnown | undefined;
  /** By JSON name and by proto name; where one field's JSON name is another's proto name, the JSON name wins. */
  readonly byName: ReadonlyMap<string, DescField>;
  readonly byNumber: ReadonlyMap<number, DescField>;
  /** In ascending field number. */
  readonly sorted: readonly DescField[];
}

/** One enum type. */
export interface EnumType {
  readonly desc: DescEnum;
  /** By name and by JSON name; aliases included. */
  readonly byName: ReadonlyMap<string, number>;
  /** The first name of each number. */
  readonly byNumber: ReadonlyMap<number, DescEnumValue>;
  /** `google.protobuf.NullValue`, whose JSON form is `null`. */
  readonly isNullValue: boolean;
}

/**
 * An extension seen as the one field of a message that stands in for its extendee. The library keeps extensions as
 * undecoded fields; through this stand-in they are read and written like any other field.
 */
export interface ExtensionType {
  readonly container: DescMessage;
  readonly field: DescField;
}

/** A cache of types. One belongs to each codec; entries go when their descriptors do. */
export class MessageTypes {
  readonly #messages = new WeakMap<DescMessage, MessageType>();
  readonly #enums = new WeakMap<DescEnum, EnumType>();
  readonly #extensions = new WeakMap<DescExtension, ExtensionType>();

  of(desc: DescMessage): MessageType {
    let type = this.#messages.get(desc);
    if (type === undefined) {
      type = messageType(desc);
      this.#messages.set(desc, type);
    }
    return type;
  }

  enumOf(desc: DescEnum): EnumType {
    let type = this.#enums.get(desc);
    if (type === undefined) {
      type = enumType(desc);
      this.#enums.set(desc, type);
    }
    return type;
  }

  extensionOf(desc: DescExtension): ExtensionType {
    let type = this.#extensions.get(desc);
    if (type === undefined) {
      type = extensionType(desc);
      this.#extensions.set(desc, type);
    }
    return type;
  }
}

/** The names by which clients know the fields of a message, for suggestions. */
export function* jsonNamesOf(type: MessageType): Iterable<string> {
  for (const field of type.desc.fields) yield field.jsonName;
}

function messageType(desc: DescMessage): MessageType {
  const byName = new Map<string, DescField>();
  for (const field of desc.fields) byName.set(field.name, field);
  for (const field of desc.fields) byName.set(field.jsonName, field);
  const sorted = desc.fields.toSorted((a, b) => a.number - b.number);
  const byNumber = new Map(sorted.map((field) => [field.number, field]));
  return { desc, wellKnown: wellKnownOf(desc), byName, byNumber, sorted };
}

function enumType(desc: DescEnum): EnumType {
  const byName = new Map<string, number>();
  const byNumber = new Map<number, DescEnumValue>();
  for (const value of desc.values) {
    byName.set(value.name, value.number);
    byName.set(value.jsonName, value.number);
    if (!byNumber.has(value.number)) byNumber.set(value.number, value);
  }
  return { desc, byName, byNumber, isNullValue: desc.typeName === "google.protobuf.NullValue" };
}

function extensionType(extension: DescExtension): ExtensionType {
  const shared = { ...extension, kind: "field", parent: extension.extendee, localName: extension.typeName };
  // A DescExtension has every property of a DescField but these three.
  const field = shared as unknown as DescField;
  return { container: { ...extension.extendee, fields: [field], members: [field], oneofs: [] }, field };
}
