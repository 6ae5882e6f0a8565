/**
 * Applies a `google.protobuf.FieldMask` to a message.
 * Source: google/protobuf/field_mask.proto, "Field Masks in Update Operations"; AIP-134.
 */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** Paths through more messages than this are refused. */
const MAX_DEPTH = 20;

/**
 * Copies the fields that `paths` name (proto names, dotted) from `source` to `target`; what is unset in `source` is
 * cleared. Lists and maps are replaced as a whole. Returns the paths that name nothing, in which case `target` may be
 * changed in part.
 */
export function applyFieldMask(
  type: DescMessage,
  target: Message,
  source: Message,
  paths: readonly string[],
): readonly string[] {
  const to = reflect(type, target);
  const from = reflect(type, source);
  return paths.filter((path) => {
    const parts = path.split(".");
    return parts.length > MAX_DEPTH || !copyField(to, from, parts);
  });
}

/** False if the path names no field. */
function copyField(target: ReflectMessage, source: ReflectMessage, parts: readonly string[]): boolean {
  const [name, ...rest] = parts;
  const field = target.fields.find((candidate) => candidate.name === name);
  if (field === undefined) return false;
  if (rest.length === 0) {
    if (source.isSet(field)) target.set(field, source.get(field));
    else target.clear(field);
    return true;
  }
  if (field.fieldKind !== "message") return false;
  if (!source.isSet(field) && !target.isSet(field)) return hasField(field, rest);
  // An unset message field reads as an empty one that belongs to nobody.
  const inner = target.get(field);
  if (!copyField(inner, source.get(field), rest)) return false;
  target.set(field, inner);
  return true;
}

function hasField(parent: DescField & { fieldKind: "message" }, parts: readonly string[]): boolean {
  const [name, ...rest] = parts;
  const field = parent.message.fields.find((candidate) => candidate.name === name);
  if (field === undefined || rest.length === 0) return field !== undefined;
  return field.fieldKind === "message" && hasField(field, rest);
}
