/**
 * Which messages have a JSON form of their own.
 *
 * A type counts as well-known only if its fields are as they should be: schemas come from upstreams, and a message may
 * merely be called `google.protobuf.Timestamp`. Source: the ProtoJSON page of the protobuf documentation.
 */
import { ScalarType } from "@bufbuild/protobuf";
import type { FieldShape, MessageShape } from "../../schema/index.ts";

/** A JSON form. All nine wrapper types share one; Empty has none, being an ordinary empty object. */
export type WellKnown =
  | "Any"
  | "Timestamp"
  | "Duration"
  | "FieldMask"
  | "Struct"
  | "Value"
  | "ListValue"
  | "Wrapper";

interface Shape {
  readonly form: WellKnown;
  /** By field number minus one: its kind, and the scalar type where it has one. */
  readonly fields: readonly string[];
}

const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ["Any", { form: "Any", fields: [scalar(ScalarType.STRING), scalar(ScalarType.BYTES)] }],
  ["Timestamp", { form: "Timestamp", fields: [scalar(ScalarType.INT64), scalar(ScalarType.INT32)] }],
  ["Duration", { form: "Duration", fields: [scalar(ScalarType.INT64), scalar(ScalarType.INT32)] }],
  ["FieldMask", { form: "FieldMask", fields: [`list:${ScalarType.STRING}`] }],
  ["Struct", { form: "Struct", fields: ["map:google.protobuf.Value"] }],
  [
    "Value",
    {
      form: "Value",
      fields: [
        "enum:",
        scalar(ScalarType.DOUBLE),
        scalar(ScalarType.STRING),
        scalar(ScalarType.BOOL),
        "message:google.protobuf.Struct",
        "message:google.protobuf.ListValue",
      ],
    },
  ],
  ["ListValue", { form: "ListValue", fields: ["list:google.protobuf.Value"] }],
  ["DoubleValue", { form: "Wrapper", fields: [scalar(ScalarType.DOUBLE)] }],
  ["FloatValue", { form: "Wrapper", fields: [scalar(ScalarType.FLOAT)] }],
  ["Int64Value", { form: "Wrapper", fields: [scalar(ScalarType.INT64)] }],
  ["UInt64Value", { form: "Wrapper", fields: [scalar(ScalarType.UINT64)] }],
  ["Int32Value", { form: "Wrapper", fields: [scalar(ScalarType.INT32)] }],
  ["UInt32Value", { form: "Wrapper", fields: [scalar(ScalarType.UINT32)] }],
  ["BoolValue", { form: "Wrapper", fields: [scalar(ScalarType.BOOL)] }],
  ["StringValue", { form: "Wrapper", fields: [scalar(ScalarType.STRING)] }],
  ["BytesValue", { form: "Wrapper", fields: [scalar(ScalarType.BYTES)] }],
]);

const PACKAGE = "google.protobuf.";

/** The JSON form of `message`, or undefined if it is an ordinary message. */
export function wellKnownOf<F extends FieldShape<F>>(message: MessageShape<F>): WellKnown | undefined {
  if (!message.typeName.startsWith(PACKAGE)) return undefined;
  const shape = SHAPES.get(message.typeName.slice(PACKAGE.length));
  if (shape === undefined || message.fields.length !== shape.fields.length) return undefined;
  const fits = message.fields.every((field) => shape.fields[field.number - 1] === kindOf(field));
  return fits ? shape.form : undefined;
}

/** Whether `message` is `google.api.HttpBody`: bytes with a content type, carried raw. */
export function isHttpBody<F extends FieldShape<F>>(message: MessageShape<F>): boolean {
  if (message.typeName !== "google.api.HttpBody") return false;
  const [contentType, data] = message.fields;
  return (
    contentType?.number === 1 &&
    contentType.scalar === ScalarType.STRING &&
    data?.number === 2 &&
    data.scalar === ScalarType.BYTES
  );
}

/** Whether the form is written as one string, number or bool, and so fits a path variable. */
export function isScalarForm(form: WellKnown | undefined): boolean {
  return form === "Timestamp" || form === "Duration" || form === "FieldMask" || form === "Wrapper";
}

/** Whether the form can be a query parameter: the scalar forms, and the JSON texts of Struct, Value and ListValue. */
export function isTextForm(form: WellKnown | undefined): boolean {
  return form !== undefined && form !== "Any";
}

function scalar(type: ScalarType): string {
  return `scalar:${type}`;
}

function kindOf<F extends FieldShape<F>>(field: FieldShape<F>): string {
  return `${field.fieldKind}:${field.scalar ?? field.message?.typeName ?? ""}`;
}
