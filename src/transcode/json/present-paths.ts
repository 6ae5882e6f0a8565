/** Which fields a JSON body names: for path conflicts, and for the FieldMask of a PATCH. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isTraversable } from "../fields/field-path.ts";
import type { MessageTypes } from "../fields/message-types.ts";
import type { JsonNode } from "./json-tree.ts";

/** Whether `root`, the JSON of a message, gives the field that `fields` lead to another value than `null`. */
export function isPresent(root: JsonNode, fields: readonly DescField[]): boolean {
  let node = root;
  for (const field of fields) {
    if (node.kind !== "object") return false;
    const member = node.members.find(({ name }) => name === field.jsonName || name === field.name);
    if (member === undefined || member.value.kind === "null") return false;
    node = member.value;
  }
  return true;
}

/**
 * The paths (proto names, sorted) present in `root`, the JSON of a `message`: through singular messages, stopping at
 * repeated fields, maps and types with a JSON form of their own. `null` is present, `{}` too; names that the schema
 * does not have, and the paths in `except`, are left out.
 */
export function presentPaths(
  types: MessageTypes,
  message: DescMessage,
  root: JsonNode,
  except: ReadonlySet<string>,
): readonly string[] {
  const paths: string[] = [];
  collect(types, message, root, "", except, paths);
  return paths.sort();
}

function collect(
  types: MessageTypes,
  message: DescMessage,
  node: JsonNode,
  prefix: string,
  except: ReadonlySet<string>,
  paths: string[],
): void {
  if (node.kind !== "object") return;
  const { byName } = types.of(message);
  for (const { name, value } of node.members) {
    const field = byName.get(name);
    if (field === undefined) continue;
    const path = prefix + field.name;
    if (except.has(path)) continue;
    if (isTraversable(field) && value.kind === "object" && value.members.length > 0) {
      collect(types, field.message, value, `${path}.`, except, paths);
    } else paths.push(path);
  }
}
