/**
 * Which field a query parameter names.
 *
 * ```
 * Name = Part *("." Part) ["[" key "]"]      Part = a JSON name or a proto name
 * ```
 * A map's key runs from the first `[` to the `]` at the end and may hold anything.
 */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isTraversable } from "../fields/field-path.ts";
import { jsonNamesOf, type MessageType, type MessageTypes } from "../fields/message-types.ts";
import { isHttpBody, isTextForm, wellKnownOf } from "../fields/well-known.ts";
import { suggestion } from "../text/nearest-name.ts";
import { quote } from "../text/quote.ts";

/** A parameter that names a field. */
export interface ParameterTarget {
  readonly kind: "target";
  readonly parents: readonly DescField[];
  readonly leaf: DescField;
  /** The text in brackets; present exactly if `leaf` is a map. */
  readonly mapKey: string | undefined;
  /** Proto names, dotted, without the key: equal for every spelling of one field. */
  readonly path: string;
}

/** A parameter that names no field: `owner` has none by the name of `part`. */
export interface UnknownTarget {
  readonly kind: "unknown";
  readonly owner: MessageType;
  readonly part: string;
}

/** A parameter that names a field which no parameter can fill. */
export interface UnfitTarget {
  readonly kind: "unfit";
  readonly what: string;
}

/** As {@link resolveName}, but unfit too where the field takes no text. */
export function resolveParameter(
  types: MessageTypes,
  message: DescMessage,
  name: string,
  maxDepth: number,
): ParameterTarget | UnknownTarget | UnfitTarget {
  const found = resolveName(types, message, name, maxDepth);
  const unfit = found.kind === "target" ? unfitLeaf(found.leaf) : undefined;
  return unfit === undefined ? found : { kind: "unfit", what: unfit };
}

/** The field that `name` stands for, from `message`; names deeper than `maxDepth` are unfit. */
export function resolveName(
  types: MessageTypes,
  message: DescMessage,
  name: string,
  maxDepth: number,
): ParameterTarget | UnknownTarget | UnfitTarget {
  const bracket = name.endsWith("]") ? name.indexOf("[") : -1;
  const mapKey = bracket < 0 ? undefined : name.slice(bracket + 1, -1);
  const parts = (bracket < 0 ? name : name.slice(0, bracket)).split(".", maxDepth + 1);
  if (parts.length > maxDepth) return { kind: "unfit", what: `more than ${maxDepth} levels of nesting` };
  const parents: DescField[] = [];
  let owner = message;
  let path = "";
  for (const [index, part] of parts.entries()) {
    const type = types.of(owner);
    const field = type.byName.get(part);
    if (field === undefined) return { kind: "unknown", owner: type, part };
    path += index === 0 ? field.name : `.${field.name}`;
    if (index === parts.length - 1) {
      const unfit = unfitKey(field, mapKey);
      return unfit === undefined
        ? { kind: "target", parents, leaf: field, mapKey, path }
        : { kind: "unfit", what: unfit };
    }
    if (!isTraversable(field)) return { kind: "unfit", what: blocked(field, path) };
    parents.push(field);
    owner = field.message;
  }
  // split() gives at least one part, so the loop has returned.
  return { kind: "unfit", what: "the name is empty" };
}

/** What to tell who wrote an unknown name. Looks for a name nearby, so it is not for names that are passed over. */
export function describeUnknown({ owner, part }: UnknownTarget): string {
  return `no field ${quote(part)} in ${owner.desc.typeName}${suggestion(part, jsonNamesOf(owner))}`;
}

function blocked(field: DescField, path: string): string {
  if (field.message !== undefined && isHttpBody(field.message))
    return `"${path}" is filled by the body alone`;
  if (field.message !== undefined && isTextForm(wellKnownOf(field.message)))
    return `"${path}" is one value, a ${field.message.typeName}: ${path}=…`;
  return `"${path}" has no fields that a parameter can name`;
}

function unfitKey(field: DescField, mapKey: string | undefined): string | undefined {
  if (field.fieldKind === "map" && mapKey === undefined) return "a map is given as name[key]=value";
  if (field.fieldKind !== "map" && mapKey !== undefined) return "only a map takes a key in brackets";
  return undefined;
}

function unfitLeaf(field: DescField): string | undefined {
  if (field.message === undefined || isTextForm(wellKnownOf(field.message))) return undefined;
  if (isHttpBody(field.message)) return "an HttpBody is filled by the body alone";
  if (field.fieldKind !== "message") return "a list or map of messages cannot be a parameter";
  return isTraversable<DescField>(field)
    ? "a message cannot be a parameter; name one of its fields"
    : "an Any cannot be a parameter";
}
