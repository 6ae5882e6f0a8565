/**
 * The compiled form of a message type: everything the codec's loops need, resolved once from the descriptor, as flat
 * data with one shape. Plans are made when a type is first used and refer to each other lazily, so a recursive type is
 * no special case and of a large API only what is called is compiled.
 */
import type { DescExtension, DescField, DescMessage, Registry } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import { TypeNames } from "../fields/type-names.ts";
import type { TranscodeOptions } from "../transcoder.ts";
import { Literal } from "./byte-sink.ts";
import { EnumPlan } from "./enum-plan.ts";
import { Form, formOf } from "./form.ts";
import { ExpectedNames, NameTable } from "./name-table.ts";

/** How one value is encoded: the numbers of `google.protobuf.FieldDescriptorProto.Type`. */
export const Type = {
  DOUBLE: 1,
  FLOAT: 2,
  INT64: 3,
  UINT64: 4,
  INT32: 5,
  FIXED64: 6,
  FIXED32: 7,
  BOOL: 8,
  STRING: 9,
  GROUP: 10,
  MESSAGE: 11,
  BYTES: 12,
  UINT32: 13,
  ENUM: 14,
  SFIXED32: 15,
  SFIXED64: 16,
  SINT32: 17,
  SINT64: 18,
} as const;

/** How many values a field has, and how they are laid out on the wire. */
export const Shape = { SINGULAR: 0, LIST: 1, PACKED: 2, MAP: 3 } as const;

/** Wire types. Source: https://protobuf.dev/programming-guides/encoding/#structure */
export const Wire = { VARINT: 0, I64: 1, LEN: 2, START: 3, END: 4, I32: 5 } as const;

/** One field or extension, compiled. */
export class FieldPlan {
  /** Position among the message's fields by ascending number; -1 for an extension. */
  readonly index: number;
  readonly number: number;
  readonly shape: number;
  /** The type of the value, of an element, or MESSAGE for a map's entry. */
  readonly type: number;
  /** The tag of one element (or of the packed list), an unsigned 32-bit number. */
  readonly tag: number;
  /** Not written when zero, on either side. */
  readonly implicit: boolean;
  readonly required: boolean;
  /** Index into the message's oneofs, or -1. */
  readonly oneof: number;
  /** Whether bytes that are not UTF-8 are an error (else they are replaced on the way out). */
  readonly utf8: boolean;
  /** Whether JSON `null` is a value rather than absence. */
  readonly nullable: boolean;
  /** Whether NaN and the infinities are an error: `Value.number_value`, whose JSON would be a string. */
  readonly finiteOnly: boolean;
  readonly enum: EnumPlan | undefined;
  /** `,"name":` as it is written. */
  readonly key: Literal;
  /** `,"name":<zero>` of a field that has a zero to show (implicit presence, lists, maps), else empty. */
  readonly zero: Literal;
  /** The same where unset fields are written, else empty. */
  readonly unset: Literal;
  /** The two fields of a map's entry. */
  readonly mapKey: FieldPlan | undefined;
  readonly mapValue: FieldPlan | undefined;
  readonly desc: DescField | DescExtension;
  /** Whether a map came with a key twice: a hint for the writer, which changes its way and never its result. */
  isSeenRepeating: boolean;
  readonly #plans: PlanCache;
  #message: MessagePlan | undefined;

  constructor(desc: DescField | DescExtension, role: FieldRole, plans: PlanCache) {
    this.desc = desc;
    this.isSeenRepeating = false;
    this.#plans = plans;
    this.#message = undefined;
    this.index = role.index;
    this.number = role.number;
    this.type = role.type;
    this.shape = role.shape;
    this.tag = ((role.number << 3) | wireTypeOf(role)) >>> 0;
    this.implicit =
      role.shape === Shape.SINGULAR &&
      role.index >= 0 &&
      desc.presence === Presence.IMPLICIT &&
      !role.isEntry;
    this.required = desc.presence === Presence.LEGACY_REQUIRED && !role.isEntry;
    this.oneof = role.oneof;
    this.utf8 = desc.utf8Validation;
    this.enum = role.type === Type.ENUM && desc.enum !== undefined ? plans.enumPlan(desc.enum) : undefined;
    this.nullable =
      this.enum?.isNull === true ||
      (role.type === Type.MESSAGE &&
        role.shape !== Shape.MAP &&
        desc.message !== undefined &&
        formOf(desc.message) === Form.VALUE);
    this.finiteOnly = role.type === Type.DOUBLE && desc.parent?.typeName === "google.protobuf.Value";
    const name = desc.kind === "field" && plans.options.protoFieldNames ? desc.name : desc.jsonName;
    const key = role.isBare ? "" : `,${JSON.stringify(name)}:`;
    this.key = new Literal(key);
    const zero = role.index < 0 || role.isEntry ? "" : this.#zeroJson();
    this.zero = zero === "" ? NOTHING : new Literal(`${key}${zero}`);
    this.unset = role.isBare || plans.options.emitDefaults ? this.zero : NOTHING;
    const isMap = role.shape === Shape.MAP && desc.fieldKind === "map";
    this.mapKey = isMap ? new FieldPlan(desc, entryRole(1, desc.mapKey), plans) : undefined;
    this.mapValue = isMap ? new FieldPlan(desc, entryRole(2, elementType(desc)), plans) : undefined;
  }

  /** The plan of the value's message type. Only for types MESSAGE and GROUP that are not a map's entry. */
  get message(): MessagePlan {
    this.#message ??= this.#resolve();
    return this.#message;
  }

  #resolve(): MessagePlan {
    if (this.desc.message === undefined) throw new Error(`${this.desc.toString()} is not a message field`);
    return this.#plans.messagePlan(this.desc.message);
  }

  #zeroJson(): string {
    if (this.implicit) return zeroJson(this.type, this.enum, this.#plans.options);
    return this.shape === Shape.SINGULAR ? "" : this.shape === Shape.MAP ? "{}" : "[]";
  }
}

/** One message type, compiled. */
export class MessagePlan {
  readonly desc: DescMessage;
  /** Which special JSON form the type has. */
  readonly wellKnown: Form;
  /** By ascending number. */
  readonly fields: readonly FieldPlan[];
  /** 32-bit words that one bit for each field and, after them, each oneof takes. */
  readonly seenWords: number;
  readonly requiredCount: number;
  /** Whether any unset field is written. */
  readonly hasUnset: boolean;
  /** Whether a message came with its fields out of order: a hint for the writer, as in {@link FieldPlan}. */
  isSeenUnordered: boolean;
  readonly #plans: PlanCache;
  readonly #extensions = new Map<number | string, FieldPlan | undefined>();
  /** Field number to index + 1, for numbers below the array's length. */
  readonly #dense: Int32Array;
  readonly #sparse: ReadonlyMap<number, FieldPlan>;
  #names: NameTable | undefined;
  #expected: ExpectedNames | undefined;

  constructor(desc: DescMessage, plans: PlanCache, form: Form = formOf(desc)) {
    this.desc = desc;
    this.isSeenUnordered = false;
    this.#plans = plans;
    this.wellKnown = form;
    const ordered = [...desc.fields].sort((a, b) => a.number - b.number);
    // The JSON of these is that of their one set field, without a key.
    const isBare =
      this.wellKnown === Form.WRAPPER ||
      this.wellKnown === Form.STRUCT ||
      this.wellKnown === Form.VALUE ||
      this.wellKnown === Form.LIST_VALUE;
    this.fields = ordered.map(
      (field, index) => new FieldPlan(field, { ...fieldRole(field, index), isBare }, plans),
    );
    this.seenWords = (desc.fields.length + desc.oneofs.length + 31) >>> 5;
    this.requiredCount = this.fields.filter((field) => field.required).length;
    this.hasUnset = this.fields.some((field) => field.unset.length > 0);
    const highest = this.fields.at(-1)?.number ?? 0;
    this.#dense = new Int32Array(Math.min(highest, 4 * this.fields.length + 64) + 1);
    this.#sparse = new Map(this.fields.map((field) => [field.number, field]));
    for (const { number, index } of this.fields)
      if (number < this.#dense.length) this.#dense[number] = index + 1;
    this.#names = undefined;
    this.#expected = undefined;
  }

  /** Every spelling of every field. */
  get names(): NameTable {
    this.#names ??= new NameTable([
      ...this.fields.map(({ desc, index }) => ({ name: desc.jsonName, value: index })),
      ...this.fields.map(({ desc, index }) => ({ name: desc.name, value: index })),
    ]);
    return this.#names;
  }

  /** The JSON names in order of field number. */
  get expected(): ExpectedNames {
    this.#expected ??= new ExpectedNames(this.fields.map(({ desc }) => desc.jsonName));
    return this.#expected;
  }

  /** The field or extension with that number. */
  byNumber(number: number): FieldPlan | undefined {
    if (number < this.#dense.length) {
      const slot = this.#dense[number] ?? 0;
      if (slot !== 0) return this.fields[slot - 1];
    }
    return this.#sparse.get(number) ?? this.#extension(number);
  }

  /** The extension of this message with that full name. */
  extensionNamed(name: string): FieldPlan | undefined {
    const desc = this.#plans.names.extension(this.desc, name);
    return desc === undefined ? undefined : this.#extension(desc.number);
  }

  #extension(number: number): FieldPlan | undefined {
    // Only declared ranges are asked for and kept: hostile numbers would fill the map without end.
    const inRange = this.desc.proto.extensionRange.some(({ start, end }) => number >= start && number < end);
    if (!inRange) return undefined;
    const known = this.#extensions.get(number);
    if (known !== undefined) return known;
    const desc = this.#plans.names.extensionFor(this.desc, number);
    if (desc === undefined) return undefined;
    const plan = new FieldPlan(desc, fieldRole(desc, -1), this.#plans);
    this.#extensions.set(number, plan);
    return plan;
  }
}

/** The plan of a field of `plan`'s message. @throws {Error} if it has none by that number. */
export function fieldOf(plan: MessagePlan, { number }: DescField): FieldPlan {
  const field = plan.byNumber(number);
  if (field === undefined) throw new Error(`${plan.desc.typeName} has no field ${number}`);
  return field;
}

/** The plans of one registry under one set of options. */
export class PlanCache {
  readonly names: TypeNames;
  readonly options: TranscodeOptions;
  readonly #messages = new Map<DescMessage, MessagePlan>();
  readonly #enums = new Map<NonNullable<DescField["enum"]>, EnumPlan>();

  constructor(registry: Registry, options: TranscodeOptions) {
    this.names = new TypeNames(registry);
    this.options = options;
  }

  /** The plan of a message type, made on first use. */
  messagePlan(desc: DescMessage): MessagePlan {
    let plan = this.#messages.get(desc);
    if (plan === undefined) {
      plan = new MessagePlan(desc, this);
      this.#messages.set(desc, plan);
    }
    return plan;
  }

  /**
   * A plan by which a message is written as the JSON of one of its fields alone, as a wrapper is: without a key, and
   * with the zero of a field that is unset if it has one.
   */
  fieldPlan(field: DescField): MessagePlan {
    const alone = { ...field.parent, fields: [field], members: [field], oneofs: [] };
    return new MessagePlan(alone, this, Form.WRAPPER);
  }

  /** The plan of an enum, made on first use. */
  enumPlan(desc: NonNullable<DescField["enum"]>): EnumPlan {
    let plan = this.#enums.get(desc);
    if (plan === undefined) {
      plan = new EnumPlan(desc, this.options.enumsAsNumbers ? "numbers" : "labels");
      this.#enums.set(desc, plan);
    }
    return plan;
  }
}

interface FieldRole {
  readonly index: number;
  readonly number: number;
  readonly shape: number;
  readonly type: number;
  readonly oneof: number;
  /** Whether this is the key or value of a map's entry. */
  readonly isEntry: boolean;
  /** Whether the field is written without a key. */
  readonly isBare: boolean;
}

const NOTHING: Literal = new Literal("");

function fieldRole(desc: DescField | DescExtension, index: number): FieldRole {
  const oneof = desc.oneof === undefined ? -1 : desc.oneof.parent.oneofs.indexOf(desc.oneof);
  const shape =
    desc.fieldKind === "map"
      ? Shape.MAP
      : desc.fieldKind !== "list"
        ? Shape.SINGULAR
        : desc.packed && isPackable(elementType(desc))
          ? Shape.PACKED
          : Shape.LIST;
  const type = desc.fieldKind === "map" ? Type.MESSAGE : elementType(desc);
  return { index, number: desc.number, shape, type, oneof, isEntry: false, isBare: false };
}

function entryRole(number: number, type: number): FieldRole {
  return { index: number - 1, number, shape: Shape.SINGULAR, type, oneof: -1, isEntry: true, isBare: false };
}

/** The type of a field's value, a list's element or a map's value. */
function elementType(desc: DescField | DescExtension): number {
  if (desc.enum !== undefined) return Type.ENUM;
  if (desc.scalar !== undefined) return desc.scalar;
  return "delimitedEncoding" in desc && desc.delimitedEncoding ? Type.GROUP : Type.MESSAGE;
}

/** Whether the field can stand on the wire with that wire type: lists of numbers may be packed or not. */
export function acceptsWireType(field: FieldPlan, wireType: number): boolean {
  if (wireType === (field.tag & 7)) return true;
  if (field.shape !== Shape.LIST && field.shape !== Shape.PACKED) return false;
  return isPackable(field.type) && (wireType === Wire.LEN || wireType === elementWireType(field.type));
}

/** Whether lists of the type can be packed. */
export function isPackable(type: number): boolean {
  return type !== Type.STRING && type !== Type.BYTES && type !== Type.MESSAGE && type !== Type.GROUP;
}

/** The wire type of one value. */
function elementWireType(type: number): number {
  switch (type) {
    case Type.DOUBLE:
    case Type.FIXED64:
    case Type.SFIXED64:
      return Wire.I64;
    case Type.FLOAT:
    case Type.FIXED32:
    case Type.SFIXED32:
      return Wire.I32;
    case Type.STRING:
    case Type.BYTES:
    case Type.MESSAGE:
      return Wire.LEN;
    case Type.GROUP:
      return Wire.START;
    default:
      return Wire.VARINT;
  }
}

function wireTypeOf(role: FieldRole): number {
  return role.shape === Shape.PACKED ? Wire.LEN : elementWireType(role.type);
}

function zeroJson(type: number, enumPlan: EnumPlan | undefined, options: TranscodeOptions): string {
  switch (type) {
    case Type.STRING:
    case Type.BYTES:
      return '""';
    case Type.BOOL:
      return "false";
    case Type.ENUM:
      return enumPlan?.zeroText ?? "0";
    case Type.INT64:
    case Type.UINT64:
    case Type.SINT64:
    case Type.FIXED64:
    case Type.SFIXED64:
      return options.int64 === "string" ? '"0"' : "0";
    case Type.MESSAGE:
    case Type.GROUP:
      return "";
    default:
      return "0";
  }
}
