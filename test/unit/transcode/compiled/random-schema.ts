/** Arbitrary protobuf schemas, and arbitrary JSON that fits a type of them, for the differential tests. */
import {
  create,
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescMessage,
  type FileRegistry,
  type JsonValue,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
  file_google_protobuf_duration,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as ProtoType,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";

/** A schema in the forms that the libraries want. */
export interface RandomSchema {
  readonly registry: FileRegistry;
  readonly setBytes: Uint8Array;
  readonly desc: DescMessage;
  /** What a failed property shows. */
  readonly [fc.toStringMethod]: () => string;
}

interface FieldSpec {
  readonly number: number;
  readonly kind: "singular" | "optional" | "list" | "unpacked" | "map" | "oneof";
  readonly type: string;
  readonly key: string;
}

const SCALARS: Readonly<Record<string, ProtoType>> = {
  double: ProtoType.DOUBLE,
  float: ProtoType.FLOAT,
  int64: ProtoType.INT64,
  uint64: ProtoType.UINT64,
  int32: ProtoType.INT32,
  fixed64: ProtoType.FIXED64,
  fixed32: ProtoType.FIXED32,
  bool: ProtoType.BOOL,
  string: ProtoType.STRING,
  bytes: ProtoType.BYTES,
  uint32: ProtoType.UINT32,
  sfixed32: ProtoType.SFIXED32,
  sfixed64: ProtoType.SFIXED64,
  sint32: ProtoType.SINT32,
  sint64: ProtoType.SINT64,
};
const KEYS: readonly string[] = [
  "int32",
  "int64",
  "uint64",
  "sint32",
  "fixed64",
  "bool",
  "string",
  "sfixed32",
];
const MESSAGES: readonly string[] = [".r.M0", ".r.M1"];
const WELL_KNOWN: readonly string[] = [
  ".google.protobuf.Timestamp",
  ".google.protobuf.Duration",
  ".google.protobuf.Struct",
  ".google.protobuf.Value",
  ".google.protobuf.ListValue",
  ".google.protobuf.Int64Value",
  ".google.protobuf.StringValue",
  ".google.protobuf.FloatValue",
  ".google.protobuf.BoolValue",
];
const TYPES: readonly string[] = [...Object.keys(SCALARS), ".r.E", ...MESSAGES, ...WELL_KNOWN];

const fieldSpec: fc.Arbitrary<FieldSpec> = fc.record({
  number: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 20_000, max: 2 ** 29 - 1 })),
  kind: fc.constantFrom("singular", "singular", "optional", "list", "unpacked", "map", "oneof"),
  type: fc.constantFrom(...TYPES),
  key: fc.constantFrom(...KEYS),
});

const fieldSpecs: fc.Arbitrary<FieldSpec[]> = fc.uniqueArray(fieldSpec, {
  selector: ({ number }) => number,
  minLength: 1,
  maxLength: 9,
});

/** Schemas of two messages that may refer to each other, one enum and the well-known types. */
export const randomSchema: fc.Arbitrary<RandomSchema> = fc
  .record({ syntax: fc.constantFrom("proto2", "proto3"), first: fieldSpecs, second: fieldSpecs })
  .map(({ syntax, first, second }) => {
    const wellKnown = [
      file_google_protobuf_duration,
      file_google_protobuf_struct,
      file_google_protobuf_timestamp,
      file_google_protobuf_wrappers,
    ].map(({ proto }) => proto);
    const file = create(FileDescriptorProtoSchema, {
      name: "r.proto",
      package: "r",
      syntax,
      dependency: wellKnown.map(({ name }) => name),
      messageType: [messageProto("M0", first, syntax), messageProto("M1", second, syntax)],
      enumType: [
        {
          name: "E",
          value: [
            { name: "E_ZERO", number: 0 },
            { name: "E_ONE", number: 1 },
            { name: "E_NEGATIVE", number: -5 },
            { name: "E_LARGE", number: 70_000 },
          ],
        },
      ],
    });
    const set: FileDescriptorSet = create(FileDescriptorSetSchema, { file: [...wellKnown, file] });
    const registry = createFileRegistry(set);
    const desc = registry.getMessage("r.M0");
    if (desc === undefined) throw new Error("r.M0 was defined");
    const shown = JSON.stringify({ syntax, first, second });
    return {
      registry,
      setBytes: toBinary(FileDescriptorSetSchema, set),
      desc,
      [fc.toStringMethod]: () => shown,
    };
  });

function messageProto(name: string, specs: readonly FieldSpec[], syntax: string) {
  const nestedType: { name: string; options: { mapEntry: true }; field: FieldDescriptorProto[] }[] = [];
  const oneofDecl: { name: string }[] = [];
  const choice = specs.some(({ kind }) => kind === "oneof") ? oneofDecl.push({ name: "choice" }) - 1 : 0;
  const field = specs.map((spec, index) => {
    const fieldName = `field_${name.toLowerCase()}_x${index}`;
    const proto = fieldProto(fieldName, spec.number, spec.type);
    if (spec.kind === "list" || spec.kind === "unpacked") {
      proto.label = Label.REPEATED;
      const isPackable =
        !["string", "bytes"].includes(spec.type) && (!spec.type.startsWith(".") || spec.type === ".r.E");
      if (isPackable) proto.options = fieldProto("", 1, "bool", spec.kind === "list").options;
    } else if (spec.kind === "map") {
      const entry = `FieldM${name.slice(1)}X${index}Entry`;
      nestedType.push({
        name: entry,
        options: { mapEntry: true },
        field: [fieldProto("key", 1, spec.key), fieldProto("value", 2, spec.type)],
      });
      const map = fieldProto(fieldName, spec.number, `.r.${name}.${entry}`);
      map.label = Label.REPEATED;
      return map;
    } else if (spec.kind === "oneof") proto.oneofIndex = choice;
    else if (spec.kind === "optional" && syntax === "proto3") {
      proto.proto3Optional = true;
      proto.oneofIndex = oneofDecl.push({ name: `_${fieldName}` }) - 1;
    }
    return proto;
  });
  return { name, field, nestedType, oneofDecl };
}

function fieldProto(name: string, number: number, type: string, packed?: boolean): FieldDescriptorProto {
  const scalar = SCALARS[type];
  return create(FieldDescriptorProtoSchema, {
    name,
    jsonName: name.replace(/_(.)/g, (_match, next: string) => next.toUpperCase()),
    number,
    label: Label.OPTIONAL,
    type: scalar ?? (type === ".r.E" ? ProtoType.ENUM : ProtoType.MESSAGE),
    ...(scalar === undefined ? { typeName: type } : {}),
    ...(packed === undefined ? {} : { options: { packed } }),
  });
}

/** JSON of a message. `depth` bounds nested messages. */
export function jsonOf(desc: DescMessage, depth: number): fc.Arbitrary<JsonValue> {
  const form = wellKnownJson(desc);
  if (form !== undefined) return form;
  const usable = desc.fields.filter(({ message }) => message === undefined || depth > 0);
  if (usable.length === 0) return fc.constant({});
  const members = usable.map((field) =>
    fc.tuple(fc.constant(field), fc.option(fieldJson(field, depth - 1), { nil: undefined, freq: 3 })),
  );
  return fc.tuple(...members).map((chosen) => {
    const oneofs = new Set<unknown>();
    const entries: [string, JsonValue][] = [];
    for (const [field, value] of chosen) {
      if (value === undefined) continue;
      if (field.oneof !== undefined) {
        if (oneofs.has(field.oneof)) continue;
        oneofs.add(field.oneof);
      }
      entries.push([field.jsonName, value]);
    }
    return Object.fromEntries(entries);
  });
}

function fieldJson(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  const one = valueJson(field, depth);
  switch (field.fieldKind) {
    case "list":
      return fc.array(one, { maxLength: 4 });
    case "map": {
      const key = field.mapKey === ScalarType.STRING ? text : scalarJson(field.mapKey).map(String);
      return fc
        .uniqueArray(fc.tuple(key, one), { selector: ([name]) => name, maxLength: 12 })
        .map((entries) => Object.fromEntries(entries));
    }
    case "scalar":
    case "enum":
    case "message":
      return one;
    default:
      return field satisfies never;
  }
}

function valueJson(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  if (field.message !== undefined) return jsonOf(field.message, depth);
  if (field.enum !== undefined) return enumJson(field.enum);
  return scalarJson(field.scalar);
}

function enumJson(desc: DescEnum): fc.Arbitrary<JsonValue> {
  return fc.constantFrom(...desc.values.flatMap(({ name, number }): (string | number)[] => [name, number]));
}

const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 300, unit: "grapheme-ascii" }),
);

function scalarJson(type: ScalarType): fc.Arbitrary<JsonValue> {
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    case ScalarType.DOUBLE:
      return fc
        .oneof(
          fc.double(),
          fc.integer({ min: -99_999, max: 99_999 }).map((n) => n / 100),
        )
        .map(floatJson);
    case ScalarType.FLOAT:
      return fc
        .oneof(fc.float({ min: Math.fround(-3e38), max: Math.fround(3e38) }), notFinite)
        .map(floatJson);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return fc.integer();
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger()).map(String);
    default:
      return type satisfies never;
  }
}

const notFinite: fc.Arbitrary<number> = fc.constantFrom(Number.NaN, Infinity, -Infinity);

function floatJson(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value);
}

function wellKnownJson(desc: DescMessage): fc.Arbitrary<JsonValue> | undefined {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return fc
        .date({
          min: new Date("0001-01-01T00:00:00Z"),
          max: new Date("9999-12-31T23:59:59Z"),
          noInvalidDate: true,
        })
        .map((date) => date.toISOString());
    case "google.protobuf.Duration":
      return fc
        .tuple(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.integer({ min: 0, max: 999 }))
        .map(([seconds, millis]) => `${seconds}.${String(millis).padStart(3, "0")}s`);
    case "google.protobuf.Struct":
      return fc.dictionary(text, plainJson, { maxKeys: 10 });
    case "google.protobuf.ListValue":
      return fc.array(plainJson, { maxLength: 4 });
    case "google.protobuf.Value":
      return plainJson;
    case "google.protobuf.Int64Value":
      return scalarJson(ScalarType.INT64);
    case "google.protobuf.StringValue":
      return text;
    case "google.protobuf.FloatValue":
      return scalarJson(ScalarType.FLOAT);
    case "google.protobuf.BoolValue":
      return fc.boolean();
    default:
      return undefined;
  }
}

// fast-check's JSON values are JSON values of protobuf-es: null, booleans, finite numbers, strings, lists, objects.
const plainJson: fc.Arbitrary<JsonValue> = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>;
