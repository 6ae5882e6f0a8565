/**
 * Whether a path variable can be bound: its field must be singular, and have a form that is one text.
 */
import { isMessageField, type MessageFieldOf, type MessageShape, type RuleField } from "../schema/index.ts";

/**
 * Well-known types whose JSON form is a string or another scalar. Not `Value`: its text would not tell a number from a string.
 * Source: https://protobuf.dev/programming-guides/json/
 */
const SCALAR_FORMS: ReadonlySet<string> = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
  "google.protobuf.BoolValue",
  "google.protobuf.BytesValue",
  "google.protobuf.DoubleValue",
  "google.protobuf.FloatValue",
  "google.protobuf.Int32Value",
  "google.protobuf.Int64Value",
  "google.protobuf.StringValue",
  "google.protobuf.UInt32Value",
  "google.protobuf.UInt64Value",
]);

/** Why a variable cannot be bound. */
export interface VariableFault {
  readonly what: string;
  readonly hint: string;
}

/**
 * Checks one variable against the request message. Fields inside a oneof are fine.
 * @returns undefined if it can be bound.
 */
export function variableFault(fieldPath: string, input: MessageShape): VariableFault | undefined {
  const names = fieldPath.split(".");
  let message: MessageShape = input;
  for (const [i, name] of names.entries()) {
    const field = message.fields.find((candidate) => candidate.name === name);
    if (field === undefined) return unknownField(fieldPath, name, message);
    if (field.fieldKind === "list" || field.fieldKind === "map") {
      return {
        what: `variable ${fieldPath}: ${name} is a ${field.fieldKind === "map" ? "map" : "repeated"} field`,
        hint: "a path variable names a singular field; repeated ones go into the query or the body",
      };
    }
    const isLast = i === names.length - 1;
    if (isLast) return isMessageField(field) ? messageFault(fieldPath, field) : undefined;
    if (!isMessageField(field)) {
      return {
        what: `variable ${fieldPath}: ${name} is not a message, so it has no field ${names[i + 1]}`,
        hint: `write {${names.slice(0, i + 1).join(".")}}`,
      };
    }
    message = field.message;
  }
  return undefined;
}

/** Two variables of which one holds the other's field, as `{name}` and `{name.first}`, or undefined. */
export function overlappingVariables(fieldPaths: readonly string[]): readonly [string, string] | undefined {
  for (const outer of fieldPaths) {
    const inner = fieldPaths.find((fieldPath) => fieldPath.startsWith(`${outer}.`));
    if (inner !== undefined) return [outer, inner];
  }
  return undefined;
}

function messageFault(fieldPath: string, field: MessageFieldOf<RuleField>): VariableFault | undefined {
  if (SCALAR_FORMS.has(field.message.typeName)) return undefined;
  const inner = field.message.fields.find(({ fieldKind }) => fieldKind === "scalar");
  return {
    what: `variable ${fieldPath} is a message, ${field.message.typeName}`,
    hint:
      inner === undefined
        ? "a path variable names a field that is not a message"
        : `a path variable names a field that is not a message, e.g. {${fieldPath}.${inner.name}}`,
  };
}

function unknownField(fieldPath: string, name: string, message: MessageShape): VariableFault {
  const what = `variable ${fieldPath}: ${message.typeName} has no field ${name}`;
  const byJsonName = message.fields.find((field) => field.jsonName === name);
  if (byJsonName !== undefined) return { what, hint: `templates use proto names: ${byJsonName.name}` };
  const names = message.fields.map((field) => field.name);
  if (names.length === 0) return { what, hint: "the message has no fields" };
  const nearest = nearestName(name, names);
  return {
    what,
    hint:
      nearest === undefined ? `its fields are ${names.slice(0, 10).join(", ")}` : `did you mean ${nearest}?`,
  };
}

/** The name that one small slip away from `name` would be: equal but for case and `_`, or one character apart. */
function nearestName(name: string, names: readonly string[]): string | undefined {
  const bare = (text: string): string => text.replaceAll("_", "").toLowerCase();
  return (
    names.find((other) => bare(other) === bare(name)) ?? names.find((other) => isOneEditApart(name, other))
  );
}

function isOneEditApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return Math.max(a.length, b.length) - start - end <= 1;
}
