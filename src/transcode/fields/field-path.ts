/** Field paths of rules (`book.name`), resolved against a message type. */
import type { DescField } from "@bufbuild/protobuf";
import {
  type FieldShape,
  isMessageField,
  type MessageFieldOf,
  type MessageShape,
} from "../../schema/index.ts";
import { suggestion } from "../text/nearest-name.ts";
import { isHttpBody, wellKnownOf } from "./well-known.ts";

/** A path from a message to a field, through singular messages. */
export interface FieldPath<F = DescField> {
  /** Proto names, dotted. */
  readonly name: string;
  readonly parents: readonly F[];
  readonly leaf: F;
}

/** Why a path leads nowhere, and what to do about it. */
export interface PathProblem {
  readonly what: string;
  readonly hint: string;
}

/** Resolves proto names from `message`; the last may name any field, the others singular ordinary messages. */
export function resolveFieldPath<F extends FieldShape<F>>(
  message: MessageShape<F>,
  name: string,
): FieldPath<F> | PathProblem {
  const parents: F[] = [];
  let owner = message;
  const parts = name.split(".");
  for (const [index, part] of parts.entries()) {
    const field = owner.fields.find((candidate) => candidate.name === part);
    if (field === undefined) return unknownField(owner, part);
    if (index === parts.length - 1) return { name, parents, leaf: field };
    if (!isTraversable(field)) {
      return {
        what: `"${field.name}" of ${owner.typeName} is not a message that a path can lead through`,
        hint: "lead the path through singular, ordinary messages only",
      };
    }
    parents.push(field);
    owner = field.message;
  }
  // split() gives at least one part, so the loop has returned.
  return { what: "the path is empty", hint: "name a field" };
}

/** Whether a dotted name may go through `field`: a singular message without a JSON form of its own. */
export function isTraversable<F extends FieldShape<F>>(field: F): field is MessageFieldOf<F> {
  return isMessageField(field) && wellKnownOf(field.message) === undefined && !isHttpBody(field.message);
}

function unknownField<F extends FieldShape<F>>(owner: MessageShape<F>, part: string): PathProblem {
  const sameJsonName = owner.fields.find((candidate) => candidate.jsonName === part);
  const names = owner.fields.map((candidate) => candidate.name);
  return {
    what: `${owner.typeName} has no field "${part}"${suggestion(part, names)}`,
    hint:
      sameJsonName === undefined
        ? "name a field as it stands in the .proto file"
        : `rules use the proto name: "${sameJsonName.name}"`,
  };
}
