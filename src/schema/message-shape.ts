/**
 * Message types as the rules of routes see them: enough to check path variables, `body` and `response_body` against.
 *
 * Descriptors of @bufbuild/protobuf have this shape too, but cost the building of their files; the types here are read off
 * the outlines, so that every rule of a large API can be checked at start.
 */
import type { ScalarType } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import type { FieldOutline, MessageOutline } from "./file-outline.ts";
import type { LinkedSymbol } from "./link-files.ts";

/** A message type whose fields are `F`; a `DescMessage` is one of `DescField`s. */
export interface MessageShape<F = RuleField> {
  /** Its full name. */
  readonly typeName: string;
  readonly fields: readonly F[];
}

/** A field; `DescField` has all of this. */
export interface FieldShape<F> {
  readonly name: string;
  readonly jsonName: string;
  readonly number: number;
  readonly fieldKind: "scalar" | "enum" | "message" | "list" | "map";
  /** The type of a scalar field; of lists and maps that of their elements. */
  readonly scalar?: ScalarType | undefined;
  /** The type of a message field; of lists and maps that of their elements. */
  readonly message?: MessageShape<F> | undefined;
  /** The type of an enum field; of lists and maps that of their elements. */
  readonly enum?: EnumShape | undefined;
  /** The type of a map's keys. */
  readonly mapKey?: ScalarType | undefined;
  /** The label that it was declared with, where that says something: proto2's `required`, proto3's `optional`. */
  readonly declaredLabel?: "required" | "optional" | undefined;
  readonly oneof: { readonly name: string } | undefined;
}

/** An enum type; a `DescEnum` has all of this. */
export interface EnumShape {
  /** Its full name. */
  readonly typeName: string;
  readonly values: readonly { readonly name: string; readonly number: number }[];
}

/** A field that was read off an outline. */
export interface RuleField extends FieldShape<RuleField> {}

/** A singular message field among `F`s. */
export type MessageFieldOf<F> = F & { readonly fieldKind: "message"; readonly message: MessageShape<F> };

/** Whether `field` is a singular message. */
export function isMessageField<F extends FieldShape<F>>(field: F): field is MessageFieldOf<F> {
  return field.fieldKind === "message";
}

/** Makes shapes of the messages of one schema. Each is made once. */
export class MessageShapes {
  readonly #symbols: ReadonlyMap<string, LinkedSymbol>;
  readonly #shapes: Map<string, MessageShape>;
  readonly #enums: Map<string, EnumShape>;

  constructor(symbols: ReadonlyMap<string, LinkedSymbol>) {
    this.#symbols = symbols;
    this.#shapes = new Map();
    this.#enums = new Map();
  }

  /**
   * The shape of a message by its full name, with or without the leading dot of descriptors.
   * @throws {Error} if the schema has no such message; names that were linked it has.
   */
  of(name: string): MessageShape {
    const fullName = name.startsWith(".") ? name.slice(1) : name;
    const known = this.#shapes.get(fullName);
    if (known !== undefined) return known;
    const message = this.#symbols.get(fullName)?.defined.message;
    if (message === undefined) throw new Error(`the schema has no message ${fullName}`);
    const shape = new OutlinedMessage(fullName, message, this);
    this.#shapes.set(fullName, shape);
    return shape;
  }

  /**
   * As `of`, for an enum.
   * @throws {Error} if the schema has no such enum.
   */
  enumOf(name: string): EnumShape {
    const fullName = name.startsWith(".") ? name.slice(1) : name;
    const known = this.#enums.get(fullName);
    if (known !== undefined) return known;
    const outline = this.#symbols.get(fullName)?.defined.enum;
    if (outline === undefined) throw new Error(`the schema has no enum ${fullName}`);
    const values = outline.values.map((value, i) => ({ name: value, number: outline.numbers[i] ?? 0 }));
    const shape: EnumShape = { typeName: fullName, values };
    this.#enums.set(fullName, shape);
    return shape;
  }

  isMapEntry(typeName: string): boolean {
    return this.#symbols.get(typeName.slice(1))?.defined.kind === "map_entry";
  }
}

class OutlinedMessage implements MessageShape {
  readonly typeName: string;
  readonly #outline: MessageOutline;
  readonly #shapes: MessageShapes;
  #fields: readonly RuleField[] | undefined;

  constructor(typeName: string, outline: MessageOutline, shapes: MessageShapes) {
    this.typeName = typeName;
    this.#outline = outline;
    this.#shapes = shapes;
    this.#fields = undefined;
  }

  get fields(): readonly RuleField[] {
    this.#fields ??= this.#outline.fields.map(
      (field) => new OutlinedField(field, this.#outline, this.#shapes),
    );
    return this.#fields;
  }
}

class OutlinedField implements RuleField {
  readonly #outline: FieldOutline;
  readonly #parent: MessageOutline;
  readonly #shapes: MessageShapes;

  constructor(outline: FieldOutline, parent: MessageOutline, shapes: MessageShapes) {
    this.#outline = outline;
    this.#parent = parent;
    this.#shapes = shapes;
  }

  get name(): string {
    return this.#outline.name;
  }

  get jsonName(): string {
    // Linking has filled it.
    return this.#outline.jsonName ?? this.name;
  }

  get number(): number {
    return this.#outline.number;
  }

  get fieldKind(): RuleField["fieldKind"] {
    const { label, type, typeName } = this.#outline;
    const isMessage = type === Type.MESSAGE || type === Type.GROUP;
    if (label === Label.REPEATED) return isMessage && this.#shapes.isMapEntry(typeName) ? "map" : "list";
    if (isMessage) return "message";
    return type === Type.ENUM ? "enum" : "scalar";
  }

  get scalar(): ScalarType | undefined {
    const { type } = this.#outline;
    if (this.fieldKind === "map") return this.#mapValue?.scalar;
    const isScalar = type !== Type.MESSAGE && type !== Type.GROUP && type !== Type.ENUM;
    // What is neither message nor enum has the number of its scalar type.
    return isScalar ? (type as number as ScalarType) : undefined;
  }

  get message(): MessageShape | undefined {
    const { type, typeName } = this.#outline;
    if (this.fieldKind === "map") return this.#mapValue?.message;
    return type === Type.MESSAGE || type === Type.GROUP ? this.#shapes.of(typeName) : undefined;
  }

  get enum(): EnumShape | undefined {
    const { type, typeName } = this.#outline;
    if (this.fieldKind === "map") return this.#mapValue?.enum;
    return type === Type.ENUM ? this.#shapes.enumOf(typeName) : undefined;
  }

  get mapKey(): ScalarType | undefined {
    return this.fieldKind === "map" ? this.#entryField(1)?.scalar : undefined;
  }

  get declaredLabel(): "required" | "optional" | undefined {
    const { label, isProto3Optional } = this.#outline;
    if (label === Label.REQUIRED) return "required";
    return isProto3Optional ? "optional" : undefined;
  }

  get #mapValue(): RuleField | undefined {
    return this.#entryField(2);
  }

  /** A field of a map's entry: 1 is the key, 2 the value. */
  #entryField(wanted: number): RuleField | undefined {
    return this.#shapes.of(this.#outline.typeName).fields.find(({ number }) => number === wanted);
  }

  get oneof(): { readonly name: string } | undefined {
    const { oneofIndex, isProto3Optional } = this.#outline;
    if (oneofIndex === undefined || isProto3Optional) return undefined;
    const name = this.#parent.oneofs[oneofIndex];
    return name === undefined ? undefined : { name };
  }
}
