/**
 * Cuts a stream of bytes into the JSON values in it: one after another (with or without whitespace between them, so that
 * NDJSON, JSON text sequences and plain concatenation are all the same), or the elements of one array.
 *
 *   values:  between --value--> between
 *   array:   between --[--> first --value--> after --,--> next --value--> after --]--> closed
 *                             +--------------- ] ----------------------------------------^
 *
 * Where a value ends is all that is found out here, by counting brackets outside of strings; whether it is JSON is for
 * the codec to say. Every byte is looked at once, however the stream is cut.
 * Source: RFC 8259; RFC 7464 section 2 for the record separator.
 */
import { Pieces } from "../../http/index.ts";
import { refuse } from "../../status/index.ts";

/** How the values stand in the stream; `array-or-values` goes by the first byte. */
export type JsonSequence = "values" | "array-or-values";

const NOTHING = new Uint8Array(0);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const RECORD_SEPARATOR = 0x1e;

/** Where the scanner is between values. */
type Place = "between" | "first" | "next" | "after" | "closed";

/** What the scanner is inside of. */
type Inside = "nothing" | "container" | "container-string" | "string" | "scalar";

/** Scans what {@link push} gives it; {@link next} takes the values out. */
export class JsonValues {
  readonly #sequence: JsonSequence;
  readonly #limitBytes: number;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  /** What of the value under way lies in earlier chunks. */
  readonly #pieces = new Pieces();
  #place: Place = "between";
  #inside: Inside = "nothing";
  #depth = 0;
  #isEscaped = false;
  #isFirst = true;
  #count = 0;

  /** No value may be longer than `limitBytes`. */
  constructor(sequence: JsonSequence, limitBytes: number) {
    this.#sequence = sequence;
    this.#limitBytes = limitBytes;
  }

  /** How many values have begun. */
  get count(): number {
    return this.#count;
  }

  /** Adds bytes. Only once `next` has said that there is no further value in the last ones. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * The next value that is complete, or undefined where more bytes are needed.
   * @throws {StatusError} JSON_INVALID for bytes that belong to no value, BODY_TOO_LARGE beyond the limit.
   */
  next(): Uint8Array | undefined {
    if (this.#inside === "nothing" && !this.#findStart()) return undefined;
    const start = this.#at;
    if (this.#scan()) return this.#take(start);
    this.#checkLength(this.#chunk.length - start);
    this.#pieces.push(this.#chunk.subarray(start));
    this.#chunk = NOTHING;
    this.#at = 0;
    return undefined;
  }

  /**
   * The stream is complete: the last value, if only now it is known to have ended.
   * @throws {StatusError} JSON_INVALID if it ends within a value or an array.
   */
  end(): Uint8Array | undefined {
    if (this.#inside !== "nothing" && this.#inside !== "scalar") {
      throw refuse("JSON_INVALID", `the body ends within message ${this.#count}`);
    }
    const last = this.#inside === "scalar" ? this.#take(this.#at) : undefined;
    this.#inside = "nothing";
    if (this.#place !== "between" && this.#place !== "closed") {
      throw refuse("JSON_INVALID", `the body ends within its array, after message ${this.#count}`);
    }
    return last;
  }

  /** Goes to the first byte of the next value; false where it is not there yet. */
  #findStart(): boolean {
    const chunk = this.#chunk;
    while (this.#at < chunk.length) {
      const byte = chunk[this.#at] ?? 0;
      if (isSpace(byte) || (byte === RECORD_SEPARATOR && this.#sequence === "values")) {
        this.#at++;
        continue;
      }
      const isArray = this.#isFirst && byte === OPEN_ARRAY && this.#sequence === "array-or-values";
      this.#isFirst = false;
      if (isArray) this.#place = "first";
      else if (this.#place === "after" && byte === COMMA) this.#place = "next";
      else if ((this.#place === "after" || this.#place === "first") && byte === CLOSE_ARRAY) {
        this.#place = "closed";
      } else {
        this.#begin(byte);
        return true;
      }
      this.#at++;
    }
    return false;
  }

  #begin(byte: number): void {
    if (this.#place === "after" || this.#place === "closed" || isDelimiter(byte)) {
      const where = this.#count === 0 ? "before the first message" : `after message ${this.#count}`;
      throw refuse("JSON_INVALID", `${where}: unexpected ${shown(byte)}`);
    }
    this.#count++;
    this.#depth = 0;
    this.#isEscaped = false;
    if (byte === QUOTE) {
      this.#inside = "string";
      this.#at++;
      this.#pieces.push(QUOTE_PIECE);
    } else this.#inside = byte === OPEN_OBJECT || byte === OPEN_ARRAY ? "container" : "scalar";
  }

  /** Goes on to the end of the value, or of the chunk; true where the value has ended. */
  #scan(): boolean {
    switch (this.#inside) {
      case "string":
        return this.#scanString();
      case "scalar":
        return this.#scanScalar();
      case "container":
      case "container-string":
        return this.#scanContainer();
      case "nothing":
        return false;
      default:
        return this.#inside satisfies never;
    }
  }

  /** To the byte behind the closing quote; the opening one is behind us. */
  #scanString(): boolean {
    const chunk = this.#chunk;
    for (; this.#at < chunk.length; this.#at++) {
      const byte = chunk[this.#at];
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) {
        this.#at++;
        this.#inside = "nothing";
        return true;
      }
    }
    return false;
  }

  #scanScalar(): boolean {
    const chunk = this.#chunk;
    for (; this.#at < chunk.length; this.#at++) {
      const byte = chunk[this.#at] ?? 0;
      const isEnd = isSpace(byte) || isDelimiter(byte) || byte === QUOTE || byte === RECORD_SEPARATOR;
      if (!isEnd && byte !== OPEN_OBJECT && byte !== OPEN_ARRAY) continue;
      this.#inside = "nothing";
      return true;
    }
    return false;
  }

  #scanContainer(): boolean {
    const chunk = this.#chunk;
    const end = chunk.length;
    let at = this.#at;
    let depth = this.#depth;
    let isInString = this.#inside === "container-string";
    let isEscaped = this.#isEscaped;
    while (at < end) {
      const byte = chunk[at++];
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isInString = false;
      } else if (byte === QUOTE) isInString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth--;
        if (depth === 0) {
          this.#at = at;
          this.#inside = "nothing";
          return true;
        }
      }
    }
    this.#at = at;
    this.#depth = depth;
    this.#isEscaped = isEscaped;
    this.#inside = isInString ? "container-string" : "container";
    return false;
  }

  /** The value that ends at the scanner's place and, as far as it lies in this chunk, begins at `start`. */
  #take(start: number): Uint8Array {
    if (this.#place === "first" || this.#place === "next") this.#place = "after";
    const last = this.#chunk.subarray(start, this.#at);
    this.#checkLength(last.length);
    if (this.#pieces.byteLength === 0) return last;
    this.#pieces.push(last);
    return this.#pieces.takeAll();
  }

  #checkLength(addedBytes: number): void {
    if (this.#pieces.byteLength + addedBytes <= this.#limitBytes) return;
    const what = `message ${this.#count} is longer than the limit of ${this.#limitBytes} bytes`;
    throw refuse("BODY_TOO_LARGE", what);
  }
}

/** The opening quote of a top-level string, which is passed before its inside is scanned. */
const QUOTE_PIECE: Uint8Array = Uint8Array.of(QUOTE);

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Bytes with which no value begins, and with which a number or a name ends. */
function isDelimiter(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT;
}

function shown(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `byte ${byte}`;
}
