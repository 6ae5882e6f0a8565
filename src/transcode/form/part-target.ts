/**
 * Which field a part of a `multipart/form-data` body fills. Names are those of query parameters, from the request message
 * or, where the body is a message in one field, from there; that field can also be named itself.
 */
import type { BindingPlan, MessageField } from "../binding/binding-plan.ts";
import type { MessageTypes } from "../fields/message-types.ts";
import {
  type ParameterTarget,
  resolveName,
  type UnfitTarget,
  type UnknownTarget,
} from "../query/resolve-parameter.ts";
import { quote } from "../text/quote.ts";

/** What of a binding decides where its parts go. */
export type FormPlan = Pick<BindingPlan, "input" | "body">;

/** The field that the part `name` stands for; the target's path begins at the request message. */
export function resolvePart(
  types: MessageTypes,
  { input, body }: FormPlan,
  name: string,
  maxDepth: number,
): ParameterTarget | UnknownTarget | UnfitTarget {
  const whole = resolveName(types, input, name, maxDepth);
  if (body.kind !== "field") return whole;
  const { field } = body;
  const isInField = whole.kind === "target" && (whole.parents[0] ?? whole.leaf) === field;
  if (!isOrdinary(types, field)) {
    if (whole.kind !== "target" || isInField) return whole;
    return { kind: "unfit", what: `the body is ${quote(field.name)} alone; other fields go into the query` };
  }
  const inner = resolveName(types, field.message, name, maxDepth);
  if (inner.kind === "target") {
    return { ...inner, parents: [field, ...inner.parents], path: `${field.name}.${inner.path}` };
  }
  return isInField ? whole : inner;
}

/** Whether `field` holds one message without a JSON form of its own. */
function isOrdinary(
  types: MessageTypes,
  field: ParameterTarget["leaf"],
): field is MessageField & ParameterTarget["leaf"] {
  return field.fieldKind === "message" && types.of(field.message).wellKnown === undefined;
}
