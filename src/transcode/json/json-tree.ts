/**
 * A JSON document as a light tree: number text stays verbatim, so that no 64-bit integer passes through a float64, and
 * every node knows where it stood, so that an error can name the line and column.
 */

/** Any value. Offsets count UTF-16 units in `JsonDocument.text`. */
export type JsonNode = JsonNull | JsonBoolean | JsonNumber | JsonString | JsonArray | JsonObject;

/** `null`. */
export interface JsonNull {
  readonly kind: "null";
  readonly offset: number;
}

/** `true` or `false`. */
export interface JsonBoolean {
  readonly kind: "boolean";
  readonly value: boolean;
  readonly offset: number;
}

/** A number, not yet read as one. */
export interface JsonNumber {
  readonly kind: "number";
  /** As written, and valid by RFC 8259 section 6. */
  readonly text: string;
  readonly offset: number;
}

/** A string. */
export interface JsonString {
  readonly kind: "string";
  /** Unescaped; holds no lone surrogate. */
  readonly value: string;
  readonly offset: number;
}

/** An array; items in document order. */
export interface JsonArray {
  readonly kind: "array";
  readonly items: readonly JsonNode[];
  readonly offset: number;
}

/** An object. */
export interface JsonObject {
  readonly kind: "object";
  /** In document order; no name occurs twice. */
  readonly members: readonly JsonMember[];
  readonly offset: number;
}

/** A member of an object: its name, where that stood, its value. */
export interface JsonMember {
  readonly name: string;
  readonly nameOffset: number;
  readonly value: JsonNode;
}

/** A parsed document together with the text that its offsets point into. */
export interface JsonDocument {
  readonly text: string;
  readonly root: JsonNode;
}

/** The value of the member `name`, or undefined. */
export function memberOf(object: JsonObject, name: string): JsonNode | undefined {
  for (const member of object.members) {
    if (member.name === name) return member.value;
  }
  return undefined;
}
