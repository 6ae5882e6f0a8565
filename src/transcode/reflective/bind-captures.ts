/** Path captures into a message: bound last, and authoritative. */

import { toBinary } from "@bufbuild/protobuf";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";
import { isReflectMessage } from "@bufbuild/protobuf/reflect";
import { oneofConflict, pathConflict, refuseCapture } from "../binding/path-faults.ts";
import type { FieldPath } from "../fields/field-path.ts";
import { LeafFault } from "../query/leaf-text.ts";
import { enter, hasOther } from "./bind-parameters.ts";
import type { CodecScope } from "./codec-scope.ts";
import { leafFromText } from "./leaf.ts";

/**
 * Sets the field of one path variable.
 *
 * `isGiven` says whether body or query gave the field already, which presence alone cannot tell: `"id": 0` leaves no
 * trace in a message. Another value than the capture's is refused, as is another field of the same oneof.
 * @throws {StatusError} PARAM_INVALID if the capture does not fit the field, PATH_CONFLICT
 */
export function bindCapture(
  scope: CodecScope,
  message: ReflectMessage,
  variable: FieldPath,
  capture: string,
  isGiven: boolean,
): void {
  const value = read(scope, variable, capture);
  let owner = message;
  for (const parent of variable.parents) {
    const child = enter(owner, parent);
    if (child === undefined) throw oneofConflict(variable, capture);
    owner = child;
  }
  if (hasOther(owner, variable.leaf)) throw oneofConflict(variable, capture);
  if (isGiven && !isSame(owner.get(variable.leaf), value)) {
    throw pathConflict(variable, capture);
  }
  owner.set(variable.leaf, value);
}

function read(scope: CodecScope, variable: FieldPath, capture: string): unknown {
  try {
    return leafFromText(scope, variable.leaf, capture);
  } catch (error) {
    throw error instanceof LeafFault ? refuseCapture(variable, error) : error;
  }
}

function isSame(given: unknown, captured: unknown): boolean {
  if (isReflectMessage(given) && isReflectMessage(captured)) {
    return isSame(toBinary(given.desc, given.message), toBinary(captured.desc, captured.message));
  }
  if (given instanceof Uint8Array && captured instanceof Uint8Array) {
    return Buffer.compare(given, captured) === 0;
  }
  // Object.is: NaN equals NaN here, as it is one value on the wire.
  return Object.is(given, captured);
}
