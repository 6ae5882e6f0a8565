/** The refusals of path captures. */
import { refuse, type StatusError } from "../../status/index.ts";
import type { FieldPath } from "../fields/field-path.ts";
import type { LeafFault } from "../query/leaf-text.ts";
import { quote } from "../text/quote.ts";

/** PATH_CONFLICT: body or query give the variable's field another value. */
export function pathConflict({ name }: FieldPath, capture: string): StatusError {
  const what = `the path says ${quote(capture)}, but the body or query gives another value`;
  return refuse("PATH_CONFLICT", `${name}: ${what}`, name);
}

/** PATH_CONFLICT: body or query set another member of the oneof that the path sets. */
export function oneofConflict({ name }: FieldPath, capture: string): StatusError {
  const what = `the path says ${quote(capture)}, but the body or query sets another field of the same oneof`;
  return refuse("PATH_CONFLICT", `${name}: ${what}`, name);
}

/** PARAM_INVALID: the capture is no value of the variable's field. */
export function refuseCapture({ name }: FieldPath, fault: LeafFault): StatusError {
  return refuse("PARAM_INVALID", `${name}: ${fault.message}`, name);
}
