/**
 * Which types have a JSON form of their own.
 * Source: https://protobuf.dev/programming-guides/json/#field-presence (table of well-known types).
 */
import type { DescMessage } from "@bufbuild/protobuf";

/** The special JSON forms, as numbers for the codec's dispatch. */
export const Form = {
  OBJECT: 0,
  WRAPPER: 1,
  TIMESTAMP: 2,
  DURATION: 3,
  FIELD_MASK: 4,
  STRUCT: 5,
  VALUE: 6,
  LIST_VALUE: 7,
  ANY: 8,
} as const;

/** One of {@link Form}. */
export type WellKnown = (typeof Form)[keyof typeof Form];

/** `name:kind` of the fields that the form relies on; a type of that name with others is an ordinary message. */
const FORMS: ReadonlyMap<string, { readonly form: WellKnown; readonly fields: readonly string[] }> = new Map([
  ["google.protobuf.Timestamp", { form: Form.TIMESTAMP, fields: ["1:scalar:3", "2:scalar:5"] }],
  ["google.protobuf.Duration", { form: Form.DURATION, fields: ["1:scalar:3", "2:scalar:5"] }],
  ["google.protobuf.FieldMask", { form: Form.FIELD_MASK, fields: ["1:list:9"] }],
  ["google.protobuf.Any", { form: Form.ANY, fields: ["1:scalar:9", "2:scalar:12"] }],
  ["google.protobuf.Struct", { form: Form.STRUCT, fields: ["1:map:"] }],
  ["google.protobuf.ListValue", { form: Form.LIST_VALUE, fields: ["1:list:"] }],
  [
    "google.protobuf.Value",
    {
      form: Form.VALUE,
      fields: ["1:enum:", "2:scalar:1", "3:scalar:9", "4:scalar:8", "5:message:", "6:message:"],
    },
  ],
  ["google.protobuf.DoubleValue", { form: Form.WRAPPER, fields: ["1:scalar:1"] }],
  ["google.protobuf.FloatValue", { form: Form.WRAPPER, fields: ["1:scalar:2"] }],
  ["google.protobuf.Int64Value", { form: Form.WRAPPER, fields: ["1:scalar:3"] }],
  ["google.protobuf.UInt64Value", { form: Form.WRAPPER, fields: ["1:scalar:4"] }],
  ["google.protobuf.Int32Value", { form: Form.WRAPPER, fields: ["1:scalar:5"] }],
  ["google.protobuf.UInt32Value", { form: Form.WRAPPER, fields: ["1:scalar:13"] }],
  ["google.protobuf.BoolValue", { form: Form.WRAPPER, fields: ["1:scalar:8"] }],
  ["google.protobuf.StringValue", { form: Form.WRAPPER, fields: ["1:scalar:9"] }],
  ["google.protobuf.BytesValue", { form: Form.WRAPPER, fields: ["1:scalar:12"] }],
]);

/** The form of a type. Descriptors are untrusted, so the fields are compared and not the name alone. */
export function wellKnownOf(desc: DescMessage): WellKnown {
  const known = FORMS.get(desc.typeName);
  if (known === undefined) return Form.OBJECT;
  const fields = [...desc.fields]
    .sort((a, b) => a.number - b.number)
    .map((field) => `${field.number}:${field.fieldKind}:${field.scalar ?? ""}`);
  return fields.join() === known.fields.join() ? known.form : Form.OBJECT;
}
