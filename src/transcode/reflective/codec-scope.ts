/** What both directions of the reflective codec share. */
import type { MessageTypes } from "../fields/message-types.ts";
import type { TypeNames } from "../fields/type-names.ts";

/** The types that a codec knows and its bound on nesting. */
export interface CodecScope {
  readonly types: MessageTypes;
  readonly names: TypeNames;
  /** Deepest nesting of JSON; see {@link wireDepthOf} for messages. */
  readonly maxDepth: number;
}

/**
 * How deep messages may nest on the wire, so that JSON of `maxDepth` levels fits: one level of JSON in a Struct takes
 * up to three messages (Value, ListValue or Struct, and the Value in it).
 */
export function wireDepthOf(maxDepth: number): number {
  return maxDepth * 3;
}
