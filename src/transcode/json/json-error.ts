/**
 * Faults of a JSON document: what was expected, what was found, and where (JSON pointer, line, column).
 *
 * Whoever reads JSON throws a {@link JsonFault}; whoever knows where the JSON came from (a body, a query parameter)
 * turns it into the StatusError that ends the request.
 */
import { gatewayStatus, StatusError } from "../../status/index.ts";
import { clip, quote } from "../text/quote.ts";
import type { JsonNode } from "./json-tree.ts";

/** One step into a document: a member's name or an item's index. */
export type JsonStep = string | number;

/** Longest pointer that an error repeats; a hostile document can make keys of megabytes. */
const MAX_POINTER = 512;

/** What is wrong in a JSON document. Carries no stack: it answers a client. */
export class JsonFault extends Error {
  readonly reason: "JSON_INVALID" | "JSON_UNKNOWN_FIELD";
  /** RFC 6901; "" is the whole document. */
  readonly pointer: string;
  readonly expected: string;
  readonly found: string;
  /** Into the document's text, in UTF-16 units. */
  readonly offset: number;

  constructor(reason: JsonFault["reason"], pointer: string, expected: string, found: string, offset: number) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(`expected ${expected}, found ${found}`);
    Error.stackTraceLimit = limit;
    this.name = "JsonFault";
    this.reason = reason;
    this.pointer = pointer;
    this.expected = expected;
    this.found = found;
    this.offset = offset;
  }
}

/** The refusal of a body with this fault; `text` is the document that the fault's offset points into. */
export function refuseBody(fault: JsonFault, text: string): StatusError {
  const { line, column } = positionOf(text, fault.offset);
  const what = `${fault.message} (line ${line}, column ${column})`;
  const where = fault.pointer === "" ? "the body" : fault.pointer;
  // The violation's field names the place already, so its description does not repeat it.
  const violations = [{ field: fault.pointer, description: what }];
  return new StatusError(gatewayStatus(fault.reason, `${where}: ${what}`, violations));
}

/** Line and column of `offset`, both from 1; columns count characters (code points), not bytes. */
export function positionOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let column = 1;
  const end = Math.min(offset, text.length);
  for (let i = 0; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x0a || (unit === 0x0d && text.charCodeAt(i + 1) !== 0x0a)) {
      line++;
      column = 1;
    } else if (unit !== 0x0d && (unit & 0xfc00) !== 0xdc00) {
      // The second half of a surrogate pair belongs to the column of the first.
      column++;
    }
  }
  return { line, column };
}

/** The JSON pointer (RFC 6901) of the first `length` steps of `path`. */
export function pointerOf(path: readonly JsonStep[], length: number): string {
  let pointer = "";
  for (let i = 0; i < length && pointer.length <= MAX_POINTER; i++) {
    const step = path[i];
    const name = typeof step === "string" ? step.replaceAll("~", "~0").replaceAll("/", "~1") : String(step);
    pointer += `/${name}`;
  }
  return clip(pointer, MAX_POINTER);
}

/** A node as an error message shows it: scalars by value, cut short; the rest by kind. */
export function describeNode(node: JsonNode): string {
  switch (node.kind) {
    case "null":
      return "null";
    case "boolean":
      return String(node.value);
    case "number":
      return clip(node.text, 40);
    case "string":
      return quote(node.value);
    case "array":
      return "an array";
    case "object":
      return "an object";
  }
}
