/** Which fields a JSON body names, for the FieldMask of a PATCH: a second pass over its keys, which no other request needs. */
import { Byte } from "../compiled/json-source.ts";
import type { MessagePlan } from "../compiled/plan.ts";
import { takeKey } from "../compiled/read-message.ts";
import type { ReadState } from "../compiled/read-state.ts";
import { skipJson } from "../compiled/skip-json.ts";
import { isTraversable } from "../fields/field-path.ts";

/**
 * The paths (proto names, sorted) present in the text that `state` has read as a message of `plan`: through singular
 * messages, stopping at repeated fields, maps and types with a JSON form of their own. `null` is present, `{}` too; names
 * that the schema does not have, and the paths in `except`, are left out.
 */
export function presentPaths(
  state: ReadState,
  plan: MessagePlan,
  except: ReadonlySet<string>,
): readonly string[] {
  const { json } = state;
  json.pos = 0;
  const paths: string[] = [];
  if (json.peek() === Byte.OPEN_BRACE) collect(state, plan, "", except, paths);
  return paths.sort();
}

/** Collects from the object at the cursor; true if it has members. */
function collect(
  state: ReadState,
  plan: MessagePlan,
  prefix: string,
  except: ReadonlySet<string>,
  paths: string[],
): boolean {
  const { json } = state;
  json.pos++;
  if (json.peek() === Byte.CLOSE_BRACE) {
    json.pos++;
    return false;
  }
  do {
    json.peek();
    const field = takeKey(state, plan);
    const first = json.colon();
    const path = field === undefined || field.desc.kind !== "field" ? undefined : prefix + field.desc.name;
    if (path === undefined || field?.desc.kind !== "field" || except.has(path)) skipJson(state);
    else if (first === Byte.OPEN_BRACE && isTraversable(field.desc)) {
      if (!collect(state, field.message, `${path}.`, except, paths)) paths.push(path);
    } else {
      paths.push(path);
      skipJson(state);
    }
  } while (json.more(Byte.CLOSE_BRACE));
  return true;
}
