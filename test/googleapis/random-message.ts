/** Random messages of any type, whose JSON is defined: ranges of Timestamp, values of Value, types of Any are kept. */
import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect, type ScalarValue } from "@bufbuild/protobuf/reflect";
import {
  AnySchema,
  DurationSchema,
  EmptySchema,
  FeatureSet_FieldPresence as Presence,
  StringValueSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import type { Random } from "../support/random.ts";

const MAX_DEPTH = 4;
/** Messages wider or deeper than this are filled in part. */
const MAX_FIELDS = 300;
const TYPE_URL = "type.googleapis.com/";

/** Makes a message of type `desc`. */
export function randomMessage(desc: DescMessage, random: Random): ReflectMessage {
  return new MessageMaker(random).make(desc, 0);
}

class MessageMaker {
  readonly #random: Random;
  #fieldsLeft = MAX_FIELDS;

  constructor(random: Random) {
    this.#random = random;
  }

  make(desc: DescMessage, depth: number): ReflectMessage {
    const message = reflect(desc, create(desc), false);
    const fill = WELL_KNOWN.get(desc.typeName);
    if (fill !== undefined) fill(message, this.#random);
    else for (const member of desc.members) this.#fillMember(message, member, depth);
    return message;
  }

  #fillMember(message: ReflectMessage, member: DescField | DescOneof, depth: number): void {
    const field = member.kind === "oneof" ? this.#random.pick(member.fields) : member;
    const isRequired = field.presence === Presence.LEGACY_REQUIRED;
    if (!isRequired && (this.#fieldsLeft <= 0 || !this.#random.chance(0.6))) return;
    const isDeeper = field.message !== undefined && !WELL_KNOWN.has(field.message.typeName);
    if (!isRequired && isDeeper && (depth >= MAX_DEPTH || !this.#random.chance(1 / (depth + 1)))) return;
    this.#fieldsLeft--;
    this.#fill(message, field, depth);
  }

  #fill(message: ReflectMessage, field: DescField, depth: number): void {
    const random = this.#random;
    switch (field.fieldKind) {
      case "scalar":
        message.set(field, scalar(field.scalar, random));
        return;
      case "enum":
        message.set(field, enumNumber(field.enum, random));
        return;
      case "message":
        message.set(field, this.make(field.message, depth + 1));
        return;
      case "list":
        for (let i = random.below(3); i > 0; i--) {
          if (field.listKind === "scalar") message.get(field).add(scalar(field.scalar, random));
          else if (field.listKind === "enum") message.get(field).add(enumNumber(field.enum, random));
          else message.get(field).add(this.make(field.message, depth + 1));
        }
        return;
      case "map":
        for (let i = random.below(3); i > 0; i--) {
          // Scalars that keys may be: integers, bool and string.
          const key = scalar(field.mapKey, random) as string | number | bigint | boolean;
          if (field.mapKind === "scalar") message.get(field).set(key, scalar(field.scalar, random));
          else if (field.mapKind === "enum") message.get(field).set(key, enumNumber(field.enum, random));
          else message.get(field).set(key, this.make(field.message, depth + 1));
        }
        return;
      default:
        field satisfies never;
    }
  }
}

type Fill = (message: ReflectMessage, random: Random) => void;

/** Types with a JSON form of their own, whose fields may not hold just anything. */
const WELL_KNOWN: ReadonlyMap<string, Fill> = new Map<string, Fill>([
  [
    "google.protobuf.Timestamp",
    (message, random) => {
      put(message, "seconds", BigInt(random.below(4_000_000_000)) - 2_000_000_000n);
      put(message, "nanos", random.pick([0, 5_000_000, 123_456_789]));
    },
  ],
  [
    "google.protobuf.Duration",
    (message, random) => {
      const sign = random.pick([-1, 1]);
      put(message, "seconds", BigInt(sign * random.below(1_000_000)));
      put(message, "nanos", sign * random.pick([0, 250_000_000, 1]));
    },
  ],
  [
    "google.protobuf.FieldMask",
    (message, random) => {
      for (const path of ["name", "display_name", "a.b_c"].slice(random.below(4)))
        add(message, "paths", path);
    },
  ],
  [
    "google.protobuf.Any",
    (message, random) => {
      const [desc, bytes] = random.pick(PACKED);
      put(message, "type_url", `${TYPE_URL}${desc.typeName}`);
      put(message, "value", bytes);
    },
  ],
  ["google.protobuf.Struct", (message, random) => fillStruct(message, random)],
  ["google.protobuf.Value", (message, random) => fillValue(message, random)],
  [
    "google.protobuf.ListValue",
    (message, random) => {
      const values = fieldOf(message, "values");
      if (values.fieldKind !== "list" || values.listKind !== "message") return;
      for (let i = random.below(3); i > 0; i--) message.get(values).add(randomValue(values.message, random));
    },
  ],
]);

const PACKED: readonly (readonly [DescMessage, Uint8Array])[] = [
  [EmptySchema, new Uint8Array(0)],
  [DurationSchema, toBinary(DurationSchema, create(DurationSchema, { seconds: 3n }))],
  [TimestampSchema, toBinary(TimestampSchema, create(TimestampSchema, { seconds: 1_700_000_000n }))],
  [StringValueSchema, toBinary(StringValueSchema, create(StringValueSchema, { value: "in an Any" }))],
  [
    AnySchema,
    toBinary(
      AnySchema,
      create(AnySchema, { typeUrl: `${TYPE_URL}google.protobuf.Empty`, value: new Uint8Array(0) }),
    ),
  ],
];

function fillStruct(message: ReflectMessage, random: Random): void {
  const fields = fieldOf(message, "fields");
  if (fields.fieldKind !== "map" || fields.mapKind !== "message") return;
  const desc = fields.message;
  for (let i = random.below(3); i > 0; i--)
    message.get(fields).set(random.text(4), randomValue(desc, random));
}

function randomValue(desc: DescMessage, random: Random): ReflectMessage {
  const value = reflect(desc, create(desc), false);
  fillValue(value, random);
  return value;
}

function fillValue(message: ReflectMessage, random: Random): void {
  const kind = random.pick(["null_value", "number_value", "string_value", "bool_value"]);
  const value = {
    null_value: 0,
    number_value: random.below(1000) / 8,
    string_value: random.text(5),
    bool_value: random.chance(0.5),
  }[kind];
  put(message, kind, value);
}

function put(message: ReflectMessage, name: string, value: unknown): void {
  message.set(fieldOf(message, name), value);
}

function add(message: ReflectMessage, name: string, value: string): void {
  const field = fieldOf(message, name);
  if (field.fieldKind === "list") message.get(field).add(value);
}

function fieldOf(message: ReflectMessage, name: string): DescField {
  const field = message.desc.fields.find((each) => each.name === name);
  if (field === undefined) throw new Error(`${message.desc.typeName} has no field ${name}`);
  return field;
}

function enumNumber({ values, open, typeName }: DescEnum, random: Random): number {
  // The JSON null of a NullValue is its one value.
  const mayBeUnknown = open && typeName !== "google.protobuf.NullValue";
  return mayBeUnknown && random.chance(0.1) ? 4_711_000 : random.pick(values).number;
}

/** Ends of the ranges, zero, and what lies between. No minus zero, whose sign the oracle's JSON loses, and no NaN, which equals nothing. */
function scalar(type: ScalarType, random: Random): ScalarValue {
  switch (type) {
    case ScalarType.STRING:
      return random.text(12);
    case ScalarType.BYTES:
      return Uint8Array.from({ length: random.below(9) }, () => random.below(256));
    case ScalarType.BOOL:
      return random.chance(0.5);
    case ScalarType.DOUBLE:
      return random.pick([0, 1e300, 5e-324, Number.NEGATIVE_INFINITY, random.next() * 1000]);
    case ScalarType.FLOAT:
      return random.pick([0, 1.5, Math.fround(3.4e38), Math.fround(0.1), Number.POSITIVE_INFINITY]);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return random.pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, BigInt(random.below(1e9))]);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return random.pick([0n, 2n ** 64n - 1n, 2n ** 53n + 1n, BigInt(random.below(1e9))]);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return random.pick([0, 2 ** 32 - 1, random.below(1e9)]);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return random.pick([0, -1, 2 ** 31 - 1, -(2 ** 31), random.below(1e9)]);
    default:
      throw new Error(`unknown scalar type ${String(type satisfies never)}`);
  }
}
