/**
 * A JSON text being read: a cursor over UTF-8 bytes, and how reading ends when the text does not fit.
 * Source: RFC 8259.
 */
import { gatewayStatus, StatusError } from "../../status/index.ts";
import type { ByteSink } from "./byte-sink.ts";
import { InputBytes } from "./input-bytes.ts";
import { locate } from "./json-location.ts";

/** The bytes of JSON's syntax. */
export const Byte = {
  QUOTE: 0x22,
  COMMA: 0x2c,
  MINUS: 0x2d,
  DOT: 0x2e,
  COLON: 0x3a,
  OPEN_BRACKET: 0x5b,
  BACKSLASH: 0x5c,
  CLOSE_BRACKET: 0x5d,
  LOWER_F: 0x66,
  LOWER_N: 0x6e,
  LOWER_T: 0x74,
  OPEN_BRACE: 0x7b,
  CLOSE_BRACE: 0x7d,
} as const;

/** How many bytes of a wrong value are shown. */
const SHOWN_BYTES = 60;

/** The cursor. `bytes`, `pos` and the number halves are open to the codec's inner loops. */
export class JsonSource extends InputBytes {
  /** Offset of the next byte; a value's first byte whenever a value is about to be read. */
  pos = 0;
  end = 0;
  /** The last 64-bit integer read: its unsigned halves. */
  low = 0;
  high = 0;
  /** For values with escapes that are read without them; made when the first one comes. */
  unescaped: { readonly text: ByteSink; readonly plain: JsonSource } | undefined = undefined;

  /** Starts a new text. */
  reset(text: Uint8Array): void {
    this.load(text);
    this.pos = 0;
    this.end = text.length;
  }

  /** Skips white space; returns the byte after it, 0 at the end of the text. The byte is not consumed. */
  peek(): number {
    const bytes = this.bytes;
    let byte = bytes[this.pos] ?? 0;
    while (byte <= 0x20) {
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
      this.pos++;
      byte = bytes[this.pos] ?? 0;
    }
    return byte;
  }

  /** Consumes `byte` after white space. */
  expect(byte: number): void {
    if (this.peek() !== byte) throw this.unexpected(`"${String.fromCharCode(byte)}"`);
    this.pos++;
  }

  /** Consumes `:` after a key, and the white space around it; returns the first byte of the value. */
  colon(): number {
    if (this.bytes[this.pos] === Byte.COLON) this.pos++;
    else this.expect(Byte.COLON);
    return this.peek();
  }

  /** Nothing but white space may follow. */
  expectEnd(): void {
    this.peek();
    if (this.pos < this.end) throw this.unexpected("the end of the text");
  }

  /** Consumes `,` (true) or `close` (false). */
  more(close: number): boolean {
    const byte = this.peek();
    if (byte !== Byte.COMMA && byte !== close)
      throw this.unexpected(`"," or "${String.fromCharCode(close)}"`);
    this.pos++;
    return byte === Byte.COMMA;
  }

  /** Consumes the literal `null`. */
  takeNull(): void {
    const { bytes, pos } = this;
    if (bytes[pos + 1] !== 0x75 || bytes[pos + 2] !== 0x6c || bytes[pos + 3] !== 0x6c)
      throw this.unexpected("null");
    this.pos = pos + 4;
  }

  /** Consumes `true` or `false`, or undefined if neither stands here. */
  takeBoolean(): boolean | undefined {
    const { bytes, pos } = this;
    if (bytes[pos] === Byte.LOWER_T) {
      if (bytes[pos + 1] !== 0x72 || bytes[pos + 2] !== 0x75 || bytes[pos + 3] !== 0x65) return undefined;
      this.pos = pos + 4;
      return true;
    }
    if (bytes[pos] !== Byte.LOWER_F) return undefined;
    if (bytes[pos + 1] !== 0x61 || bytes[pos + 2] !== 0x6c || bytes[pos + 3] !== 0x73) return undefined;
    if (bytes[pos + 4] !== 0x65) return undefined;
    this.pos = pos + 5;
    return false;
  }

  /** The refusal of whatever stands at the cursor. */
  unexpected(expected: string): StatusError {
    return this.refusal(this.pos, expected);
  }

  /** JSON_INVALID: at `offset`, `expected` should stand. `hint` follows what was found. */
  refusal(offset: number, expected: string, hint: string = ""): StatusError {
    return this.fault("JSON_INVALID", offset, `expected ${expected}, found ${this.#shown(offset)}${hint}`);
  }

  /** A refusal with a text of its own; pointer, line and column of `offset` are added. */
  fault(reason: "JSON_INVALID" | "JSON_UNKNOWN_FIELD", offset: number, what: string): StatusError {
    const [place] = locate(this.bytes.subarray(0, this.end), [offset]);
    const pointer = place?.pointer ?? "";
    const description = `${what} (line ${place?.line ?? 1}, column ${place?.column ?? 1})`;
    const message = `${pointer === "" ? "the body" : pointer}: ${description}`;
    // The violation's field names the place already, so its description does not repeat it.
    return new StatusError(gatewayStatus(reason, message, [{ field: pointer, description }]));
  }

  /** The token at `offset`, cut to a length that fits a message. */
  #shown(offset: number): string {
    if (offset >= this.end) return "the end of the text";
    const bytes = this.bytes;
    let to = offset + 1;
    if (bytes[offset] === Byte.QUOTE) {
      while (to < this.end && bytes[to] !== Byte.QUOTE) to += bytes[to] === Byte.BACKSLASH ? 2 : 1;
      to = Math.min(to + 1, this.end);
    } else if (bytes[offset] === Byte.OPEN_BRACE) return "an object";
    else if (bytes[offset] === Byte.OPEN_BRACKET) return "a list";
    else if ((bytes[offset] ?? 0) >= 0x80) {
      const [character = ""] = bytes.toString("utf8", offset, Math.min(offset + 4, this.end));
      return character === "\ufeff" ? "a byte order mark" : character;
    } else while (to < this.end && isTokenByte(bytes[to] ?? 0) && isTokenByte(bytes[offset] ?? 0)) to++;
    const cut = to - offset > SHOWN_BYTES;
    const text = bytes.toString("utf8", offset, cut ? offset + SHOWN_BYTES : to);
    return cut ? `${text}…` : text;
  }
}

/** Whether a byte can be part of a number or literal. */
function isTokenByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === Byte.MINUS ||
    byte === Byte.DOT ||
    byte === 0x2b ||
    byte === 0x5f
  );
}
