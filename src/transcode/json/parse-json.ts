/**
 * A strict reader of RFC 8259, into a {@link JsonDocument}.
 *
 * Stricter than JSON.parse: bytes that are not UTF-8, lone surrogates (also escaped ones), a name twice in one object
 * and a byte-order mark are refused, because each of them is read differently by different parsers, and a gateway that
 * guesses can be made to check one request and forward another. Depth and number of values are bounded.
 */
import { isUtf8 } from "node:buffer";
import { quote } from "../text/quote.ts";
import { JsonFault, type JsonStep, pointerOf } from "./json-error.ts";
import type { JsonDocument, JsonMember, JsonNode } from "./json-tree.ts";

/** Bounds on one document. */
export interface JsonLimits {
  /** Deepest nesting of arrays and objects. */
  readonly maxDepth: number;
  /** Most values; a tree costs some 50 times the two bytes that the cheapest value takes. */
  readonly maxValues: number;
}

/** Values that a document may hold unless its reader says otherwise. */
export const DEFAULT_MAX_VALUES: number = 500_000;

/** Objects up to this size find duplicate names by comparing, larger ones by a Set. */
const SMALL_OBJECT = 8;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parses a document from its bytes.
 * @throws {JsonFault} JSON_INVALID. Its offset points into the text that `decodeText` gives for the same bytes.
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits): JsonDocument {
  const text = decodeText(bytes);
  if (!isUtf8(bytes))
    throw new JsonFault("JSON_INVALID", "", "UTF-8", "other bytes", invalidOffset(bytes, text));
  return parseJsonText(text, limits);
}

/**
 * Parses a document from text that holds no lone surrogate.
 * @throws {JsonFault} JSON_INVALID
 */
export function parseJsonText(text: string, limits: JsonLimits): JsonDocument {
  return { text, root: new JsonParser(text, limits).document() };
}

/** The bytes as text, whatever is wrong with them; for placing errors. */
export function decodeText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/** Where decoding first had to put a replacement: the first byte that the text does not give back. */
function invalidOffset(bytes: Uint8Array, text: string): number {
  const again = Buffer.from(text, "utf8");
  let i = 0;
  while (i < bytes.length && bytes[i] === again[i]) i++;
  return decodeText(bytes.subarray(0, i)).length;
}

class JsonParser {
  readonly #text: string;
  readonly #limits: JsonLimits;
  /** The steps to the value being read; only the first `#depth` count. */
  readonly #path: JsonStep[] = [];
  #depth = 0;
  #values = 0;
  #at = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  document(): JsonNode {
    this.#space();
    const root = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#fault("the end of the document");
    return root;
  }

  #value(): JsonNode {
    if (++this.#values > this.#limits.maxValues) {
      throw this.#fault(`at most ${this.#limits.maxValues} values`, "more");
    }
    const offset = this.#at;
    switch (this.#text.charCodeAt(offset)) {
      case 0x7b:
        return this.#object(offset);
      case 0x5b:
        return this.#array(offset);
      case QUOTE:
        return { kind: "string", value: this.#string(), offset };
      case 0x74:
        this.#word("true");
        return { kind: "boolean", value: true, offset };
      case 0x66:
        this.#word("false");
        return { kind: "boolean", value: false, offset };
      case 0x6e:
        this.#word("null");
        return { kind: "null", offset };
      default:
        return this.#number(offset);
    }
  }

  #object(offset: number): JsonNode {
    this.#enter();
    const members: JsonMember[] = [];
    let names: Set<string> | undefined;
    this.#at++;
    this.#space();
    if (this.#text.charCodeAt(this.#at) === 0x7d) return this.#leave({ kind: "object", members, offset });
    for (;;) {
      const nameOffset = this.#at;
      this.#path[this.#depth - 1] = "";
      if (this.#text.charCodeAt(this.#at) !== QUOTE)
        throw this.#fault("a name in double quotes", undefined, 1);
      const name = this.#string();
      this.#path[this.#depth - 1] = name;
      if (names === undefined && members.length === SMALL_OBJECT) {
        names = new Set(members.map((member) => member.name));
      }
      if (names === undefined ? members.some((member) => member.name === name) : names.has(name)) {
        throw new JsonFault(
          "JSON_INVALID",
          pointerOf(this.#path, this.#depth),
          "each name once",
          `${quote(name)} again`,
          nameOffset,
        );
      }
      names?.add(name);
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== 0x3a) throw this.#fault('":"');
      this.#at++;
      this.#space();
      members.push({ name, nameOffset, value: this.#value() });
      this.#space();
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === 0x7d) return this.#leave({ kind: "object", members, offset });
      if (unit !== 0x2c) throw this.#fault('"," or "}"', undefined, 1);
      this.#at++;
      this.#space();
    }
  }

  #array(offset: number): JsonNode {
    this.#enter();
    const items: JsonNode[] = [];
    this.#at++;
    this.#space();
    if (this.#text.charCodeAt(this.#at) === 0x5d) return this.#leave({ kind: "array", items, offset });
    for (;;) {
      this.#path[this.#depth - 1] = items.length;
      items.push(this.#value());
      this.#space();
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === 0x5d) return this.#leave({ kind: "array", items, offset });
      if (unit !== 0x2c) throw this.#fault('"," or "]"', undefined, 1);
      this.#at++;
      this.#space();
    }
  }

  #enter(): void {
    if (this.#depth >= this.#limits.maxDepth) {
      throw this.#fault(`at most ${this.#limits.maxDepth} levels of nesting`, "more");
    }
    this.#depth++;
  }

  #leave(node: JsonNode): JsonNode {
    this.#depth--;
    this.#at++;
    return node;
  }

  #string(): string {
    const text = this.#text;
    let start = ++this.#at;
    let value = "";
    for (;;) {
      const unit = text.charCodeAt(this.#at);
      if (unit === QUOTE) {
        value += text.slice(start, this.#at++);
        return value;
      }
      if (unit === BACKSLASH) {
        value += text.slice(start, this.#at) + this.#escape();
        start = this.#at;
      } else if (unit >= 0x20) {
        this.#at++;
      } else {
        throw this.#fault(this.#at < text.length ? "an escaped control character" : "a closing quote");
      }
    }
  }

  #escape(): string {
    const unit = this.#text.charCodeAt(++this.#at);
    if (unit === 0x75) return this.#unicodeEscape();
    const plain = ESCAPES.get(unit);
    if (plain === undefined) throw this.#fault('an escape (one of "\\/bfnrtu)');
    this.#at++;
    return plain;
  }

  /** `\uXXXX`, and the second half of a surrogate pair with it. */
  #unicodeEscape(): string {
    const start = this.#at - 1;
    const unit = this.#hex();
    if ((unit & 0xf800) !== 0xd800) return String.fromCharCode(unit);
    if (unit < 0xdc00 && this.#text.startsWith("\\u", this.#at)) {
      this.#at++;
      const low = this.#hex();
      if ((low & 0xfc00) === 0xdc00) return String.fromCharCode(unit, low);
    }
    this.#at = start;
    throw this.#fault("a surrogate pair", `the lone surrogate U+${unit.toString(16).toUpperCase()}`);
  }

  /** Four hex digits after the `u` at the current place. */
  #hex(): number {
    let code = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexDigit(this.#text.charCodeAt(++this.#at));
      if (digit < 0) throw this.#fault("four hex digits");
      code = code * 16 + digit;
    }
    this.#at++;
    return code;
  }

  #number(offset: number): JsonNode {
    const text = this.#text;
    if (text.charCodeAt(this.#at) === 0x2d) this.#at++;
    else if (!isDigit(text.charCodeAt(this.#at))) throw this.#fault("a JSON value");
    if (text.charCodeAt(this.#at) === 0x30) this.#at++;
    else this.#digits();
    if (text.charCodeAt(this.#at) === 0x2e) {
      this.#at++;
      this.#digits();
    }
    if ((text.charCodeAt(this.#at) | 0x20) === 0x65) {
      const sign = text.charCodeAt(++this.#at);
      if (sign === 0x2b || sign === 0x2d) this.#at++;
      this.#digits();
    }
    return { kind: "number", text: text.slice(offset, this.#at), offset };
  }

  #digits(): void {
    if (!isDigit(this.#text.charCodeAt(this.#at))) throw this.#fault("a digit");
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  #word(word: string): void {
    if (!this.#text.startsWith(word, this.#at)) throw this.#fault("a JSON value");
    this.#at += word.length;
  }

  #space(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at++;
    }
  }

  /** A fault at the current place; `up` says how many steps of the path are not part of the place. */
  #fault(expected: string, found?: string, up = 0): JsonFault {
    const pointer = pointerOf(this.#path, this.#depth - up);
    return new JsonFault("JSON_INVALID", pointer, expected, found ?? this.#here(), this.#at);
  }

  #here(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return "the end of the document";
    return quote(String.fromCodePoint(code));
  }
}

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x22, '"'],
  [0x5c, "\\"],
  [0x2f, "/"],
  [0x62, "\b"],
  [0x66, "\f"],
  [0x6e, "\n"],
  [0x72, "\r"],
  [0x74, "\t"],
]);

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function hexDigit(unit: number): number {
  if (isDigit(unit)) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
