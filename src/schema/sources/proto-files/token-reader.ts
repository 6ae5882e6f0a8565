/**
 * Reads the parts that all declarations of a .proto are made of: names, numbers, strings, punctuation.
 */
import { MAX_FULL_NAME_LENGTH } from "../../check-file.ts";
import { Lexer, type Token } from "./lexer.ts";
import { ProtoFault } from "./proto-fault.ts";

const MAX_INT32 = 2_147_483_647;

/** Looks one token ahead. Every `expect…` throws {@link ProtoFault} where the file has something else. */
export class TokenReader {
  readonly #lexer: Lexer;
  #current: Token;
  #next: Token | undefined;
  #last: Token;

  constructor(text: string) {
    this.#lexer = new Lexer(text);
    this.#current = this.#lexer.next();
    this.#next = undefined;
    this.#last = this.#current;
  }

  /** The token that was taken last. */
  get last(): Token {
    return this.#last;
  }

  /** The token that is read next. */
  get current(): Token {
    return this.#current;
  }

  /** The token after that. */
  get following(): Token {
    this.#next ??= this.#lexer.next();
    return this.#next;
  }

  take(): Token {
    const token = this.#current;
    this.#last = token;
    this.#current = this.following;
    this.#next = undefined;
    return token;
  }

  isAt(text: string): boolean {
    return this.#current.text === text && this.#current.kind !== "string";
  }

  /** Takes `text` if it is next. */
  accept(text: string): boolean {
    if (!this.isAt(text)) return false;
    this.take();
    return true;
  }

  expect(text: string): Token {
    if (!this.isAt(text)) throw this.unexpected(`"${text}"`);
    return this.take();
  }

  expectName(what: string): Token {
    if (this.#current.kind !== "identifier") throw this.unexpected(what);
    return this.take();
  }

  /** A name with dots: `a.b.C`, `.a.b.C`. */
  expectTypeName(what: string): string {
    let name = this.accept(".") ? "." : "";
    name += this.expectName(what).text;
    while (this.accept(".")) {
      const at = this.#current;
      name += `.${this.expectName(what).text}`;
      if (name.length > MAX_FULL_NAME_LENGTH) {
        throw new ProtoFault(at, `the name is longer than ${MAX_FULL_NAME_LENGTH} characters`);
      }
    }
    return name;
  }

  /** One string, or several in a row, which are one. */
  expectString(what: string): { readonly bytes: Buffer; readonly text: string } {
    if (this.#current.kind !== "string") throw this.unexpected(what);
    const parts: Buffer[] = [];
    while (this.#current.kind === "string") parts.push(this.take().bytes ?? Buffer.alloc(0));
    const bytes = parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
    return { bytes, text: bytes.toString("utf8") };
  }

  /** A whole number from 0 to `max`. */
  expectNumber(what: string, max: number = MAX_INT32): number {
    const token = this.#current;
    if (token.kind !== "integer") throw this.unexpected(what);
    const value = parseInteger(token.text);
    if (value > BigInt(max)) throw new ProtoFault(token, `${token.text} is out of range for ${what}`);
    this.take();
    return Number(value);
  }

  /** A whole number of 32 bits with a sign. */
  expectSigned(what: string): number {
    if (!this.accept("-")) return this.expectNumber(what);
    return -this.expectNumber(what, MAX_INT32 + 1);
  }

  unexpected(wanted: string): ProtoFault {
    const { kind, text } = this.#current;
    const found = kind === "end" ? "the end of the file" : text.length > 40 ? `${text.slice(0, 40)}…` : text;
    return new ProtoFault(
      this.#current,
      `expected ${wanted}, found ${kind === "string" || kind === "end" ? found : `"${found}"`}`,
    );
  }
}

/** The value of a token of kind `integer`: decimal, `0x…` or octal. */
export function parseInteger(text: string): bigint {
  const isOctal = text.length > 1 && text.startsWith("0") && !/^0[xX]/.test(text);
  return BigInt(isOctal ? `0o${text.slice(1)}` : text);
}
