/**
 * A binding checked against its message types: what the body fills, what each variable fills, what the reply is.
 * Shared by every codec; holds descriptors and decisions, no code.
 */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import {
  type FieldShape,
  isMessageField,
  type MessageFieldOf,
  type MessageShape,
} from "../../schema/index.ts";
import type { Problem } from "../../status/index.ts";
import { type FieldPath, resolveFieldPath } from "../fields/field-path.ts";
import { isHttpBody, isScalarForm, wellKnownOf } from "../fields/well-known.ts";
import type { BindingSpec, RequestBodyKind } from "../transcoder.ts";

/** A singular field whose type is a message. */
export type MessageField = MessageFieldOf<DescField>;

/** What the body of a request fills. */
export type BodyPlan<F = DescField> =
  | { readonly kind: "none" }
  | { readonly kind: "message" }
  | { readonly kind: "field"; readonly field: F }
  /** The request itself, or one field of it, is an HttpBody: raw bytes. */
  | { readonly kind: "http-body"; readonly field: MessageFieldOf<F> | undefined };

/** What a reply consists of. */
export type ReplyPlan<F = DescField> =
  | { readonly kind: "message" }
  | { readonly kind: "field"; readonly path: FieldPath<F> }
  /** The fields that lead from the reply to its HttpBody; none if it is one itself. */
  | { readonly kind: "http-body"; readonly fields: readonly MessageFieldOf<F>[] };

/** One binding, checked. */
export interface BindingPlan {
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** In the order of the captures. */
  readonly variables: readonly FieldPath[];
  readonly body: BodyPlan;
  readonly reply: ReplyPlan;
  /** The field that a PATCH fills with the paths present in its body, if it leaves it unset. */
  readonly updateMask: MessageField | undefined;
}

/** Checks `spec` against its types. All problems are errors: a rule that does not fit its types serves nothing. */
export function planBinding(
  spec: BindingSpec,
  where: string,
): { readonly plan: BindingPlan } | { readonly problems: readonly Problem[] } {
  const { input, output } = spec.method;
  const { problems, ...parts } = planParts(input, output, spec, where);
  if (problems.length > 0) return { problems };
  const updateMask = spec.httpMethod === "PATCH" ? updateMaskOf(input, parts.body) : undefined;
  return { plan: { input, output, ...parts, updateMask } };
}

/** The problems that `planBinding` would find, without a descriptor being built for it. */
export function checkBinding(spec: BindingSpec, where: string): readonly Problem[] {
  const { inputShape, outputShape } = spec.method;
  return planParts(inputShape, outputShape, spec, where).problems;
}

/** The same for descriptors and for the shapes that stand in for them. */
function planParts<F extends FieldShape<F>>(
  input: MessageShape<F>,
  output: MessageShape<F>,
  spec: BindingSpec,
  where: string,
): {
  readonly variables: readonly FieldPath<F>[];
  readonly body: BodyPlan<F>;
  readonly reply: ReplyPlan<F>;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const report: Report = (what, hint) => {
    problems.push({ severity: "error", where, what, hint });
  };
  const variables = spec.variables.flatMap((name) => planVariable(input, name, report));
  const body = planBody(input, spec.body, report);
  checkOverlaps(variables, body, report);
  const reply = planReply(output, spec.responseBody, report);
  return { variables, body, reply, problems };
}

/** What the body is read as. */
export function requestBodyKindOf({ input, body }: Pick<BindingPlan, "input" | "body">): RequestBodyKind {
  switch (body.kind) {
    case "none":
    case "http-body":
      return body.kind;
    case "message":
      return isListForm(input) ? "json-list" : "json";
    case "field": {
      const { field } = body;
      if (field.fieldKind === "list") return "json-list";
      return field.fieldKind === "message" && isListForm(field.message) ? "json-list" : "json";
    }
    default:
      return body satisfies never;
  }
}

function isListForm(message: DescMessage): boolean {
  const form = wellKnownOf(message);
  return form === "ListValue" || form === "Value";
}

/** What paths into the body start with: the body's field and a dot, or nothing. */
export function bodyPrefix({ body }: BindingPlan): string {
  return body.kind === "field" ? `${body.field.name}.` : "";
}

/** The paths of the variables inside of what the body fills, from there. */
export function boundInBody(plan: BindingPlan): ReadonlySet<string> {
  const prefix = bodyPrefix(plan);
  return new Set(
    plan.variables.flatMap(({ name }) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])),
  );
}

/** The paths among `given`, all from the request message, that lie under `prefix`: from there, sorted, without `except`. */
export function formPaths(
  given: Iterable<string>,
  prefix: string,
  except: ReadonlySet<string>,
): readonly string[] {
  const paths: string[] = [];
  for (const path of given) {
    const inner = path.slice(prefix.length);
    if (path.startsWith(prefix) && !except.has(inner)) paths.push(inner);
  }
  return paths.sort();
}

type Report = (what: string, hint: string) => void;

function planVariable<F extends FieldShape<F>>(
  input: MessageShape<F>,
  name: string,
  report: Report,
): readonly FieldPath<F>[] {
  const path = resolveFieldPath(input, name);
  if ("what" in path) {
    report(`path variable "${name}": ${path.what}`, path.hint);
    return [];
  }
  const unfit = textMisfit(path.leaf);
  if (unfit !== undefined) {
    report(`path variable "${name}" names ${unfit}`, SINGULAR);
    return [];
  }
  if (isHttpBody(input)) {
    report(
      `path variable "${name}" would fill the inside of an HttpBody`,
      "wrap the HttpBody in a request message",
    );
    return [];
  }
  return [path];
}

/** What kind of field `field` is if one text cannot be its value; undefined if one can. */
export function textMisfit<F extends FieldShape<F>>(field: F): string | undefined {
  if (field.fieldKind === "list") return "a repeated field";
  if (field.fieldKind === "map") return "a map field";
  if (!isMessageField(field) || isScalarForm(wellKnownOf(field.message))) return undefined;
  return `a field of type ${field.message.typeName}`;
}

const SINGULAR = "a path variable fills a singular scalar, enum, Timestamp, Duration, FieldMask or wrapper";

function planBody<F extends FieldShape<F>>(
  input: MessageShape<F>,
  body: string,
  report: Report,
): BodyPlan<F> {
  if (body === "") return { kind: "none" };
  if (body === "*") {
    return isHttpBody(input) ? { kind: "http-body", field: undefined } : { kind: "message" };
  }
  if (body.includes(".")) {
    report(`body "${body}" is a path`, 'body is "*" or the name of one top-level field');
    return { kind: "none" };
  }
  const path = resolveFieldPath(input, body);
  if ("what" in path) {
    report(`body "${body}": ${path.what}`, path.hint);
    return { kind: "none" };
  }
  const { leaf } = path;
  if (isMessageField(leaf) && isHttpBody(leaf.message)) return { kind: "http-body", field: leaf };
  return { kind: "field", field: leaf };
}

/** Two sources for one field, found before any request is. */
function checkOverlaps<F extends FieldShape<F>>(
  variables: readonly FieldPath<F>[],
  body: BodyPlan<F>,
  report: Report,
): void {
  const bodyField = body.kind === "field" || body.kind === "http-body" ? body.field : undefined;
  const oneofs = new Map<string, string>();
  const seen = new Set<string>();
  for (const variable of variables) {
    if (variable.leaf === bodyField) {
      report(
        `the body and a path variable both fill "${variable.name}"`,
        "give the body another field, or drop the variable",
      );
    }
    if (seen.has(variable.name)) report(`two path variables fill "${variable.name}"`, "name each field once");
    seen.add(variable.name);
    let prefix = "";
    for (const field of [...variable.parents, variable.leaf]) {
      if (field.oneof !== undefined) {
        const key = `${prefix}${field.oneof.name}`;
        const other = oneofs.get(key) ?? field.name;
        if (other !== field.name) {
          report(
            `path variables fill "${other}" and "${field.name}" of the oneof "${field.oneof.name}"`,
            "a oneof holds one field at a time",
          );
        }
        oneofs.set(key, field.name);
      }
      prefix += `${field.name}.`;
    }
  }
}

function planReply<F extends FieldShape<F>>(
  output: MessageShape<F>,
  responseBody: string,
  report: Report,
): ReplyPlan<F> {
  if (responseBody === "")
    return isHttpBody(output) ? { kind: "http-body", fields: [] } : { kind: "message" };
  const path = resolveFieldPath(output, responseBody);
  if ("what" in path) {
    report(`response_body "${responseBody}": ${path.what}`, path.hint);
    return { kind: "message" };
  }
  const { parents, leaf } = path;
  if (!isMessageField(leaf) || !isHttpBody(leaf.message)) return { kind: "field", path };
  return { kind: "http-body", fields: [...parents.filter((parent) => isMessageField(parent)), leaf] };
}

/** The one FieldMask of the request, if the body is an ordinary message in a named field. */
function updateMaskOf(input: DescMessage, body: BodyPlan): MessageField | undefined {
  if (body.kind !== "field" || body.field.fieldKind !== "message") return undefined;
  if (wellKnownOf(body.field.message) !== undefined) return undefined;
  const masks = input.fields
    .filter(isMessageField)
    .filter((field) => wellKnownOf(field.message) === "FieldMask");
  return masks.length === 1 ? masks[0] : undefined;
}
