/** The JSON forms of types as numbers, for the codec's dispatch. Which type has which is `fields/well-known.ts`'s. */
import type { DescMessage } from "@bufbuild/protobuf";
import { type WellKnown, wellKnownOf } from "../fields/well-known.ts";

/** The JSON forms; OBJECT is that of ordinary messages. */
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
export type Form = (typeof Form)[keyof typeof Form];

const FORMS: Readonly<Record<WellKnown, Form>> = {
  Any: Form.ANY,
  Timestamp: Form.TIMESTAMP,
  Duration: Form.DURATION,
  FieldMask: Form.FIELD_MASK,
  Struct: Form.STRUCT,
  Value: Form.VALUE,
  ListValue: Form.LIST_VALUE,
  Wrapper: Form.WRAPPER,
};

/** The form of a type. */
export function formOf(desc: DescMessage): Form {
  const known = wellKnownOf(desc);
  return known === undefined ? Form.OBJECT : FORMS[known];
}
