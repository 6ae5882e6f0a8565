/** How a file stands to the other parts of a form that becomes several messages. */
import type { DescField } from "@bufbuild/protobuf";
import type { BindingPlan } from "../binding/binding-plan.ts";
import type { MessageTypes } from "../fields/message-types.ts";
import type { StreamedFile } from "../transcoder.ts";
import { resolvePart } from "./part-target.ts";
import { takesFile } from "./part-value.ts";

/** As {@link Transcoder.streamedFile}, for one binding. */
export function streamedFileOf(
  types: MessageTypes,
  plan: BindingPlan,
  maxDepth: number,
  name: string,
  before: readonly string[],
): StreamedFile | undefined {
  const file = resolvePart(types, plan, name, maxDepth);
  if (file.kind !== "target" || !takesFile(file.leaf)) return undefined;
  const own = membersOf([...file.parents, file.leaf]);
  if (own.size === 0) return "joined";
  for (const { parents, leaf } of plan.variables) if (isRival(own, [...parents, leaf])) return "apart";
  for (const other of before) {
    const found = resolvePart(types, plan, other, maxDepth);
    if (found.kind === "target" && isRival(own, [...found.parents, found.leaf])) return "apart";
  }
  return "joined";
}

/** The oneofs that a path of fields goes through, by where they stand, and the member of each. */
function membersOf(fields: readonly DescField[]): ReadonlyMap<string, DescField> {
  const members = new Map<string, DescField>();
  let prefix = "";
  for (const field of fields) {
    if (field.oneof !== undefined) members.set(`${prefix}${field.oneof.name}`, field);
    prefix += `${field.name}.`;
  }
  return members;
}

function isRival(own: ReadonlyMap<string, DescField>, fields: readonly DescField[]): boolean {
  for (const [key, member] of membersOf(fields)) {
    const mine = own.get(key);
    if (mine !== undefined && mine !== member) return true;
  }
  return false;
}
