/**
 * The tokens of a .proto file, with the comments between them.
 *
 * Which declaration a comment belongs to is decided as protoc does (`Tokenizer::NextWithComments`): what begins on the
 * line of the token before it trails that token; of what follows, the last block that no blank line separates from the
 * next token leads that one, unless the token closes a scope; the first block trails the token before it if a blank line
 * comes after it but none before; all others are detached.
 * Source: https://protobuf.dev/reference/protobuf/proto3-spec/ (lexical elements), google/protobuf/io/tokenizer.h.
 */
import { MAX_NAME_LENGTH } from "../../check-file.ts";
import { unescapeString } from "./escapes.ts";
import { ProtoFault } from "./proto-fault.ts";

/** What a token is. */
export type TokenKind = "identifier" | "integer" | "float" | "string" | "symbol" | "end";

/** Comments before a token, without their marks; each line ends in a newline. */
export interface TokenComments {
  /** Of the token before. */
  readonly trailing: string | undefined;
  readonly detached: readonly string[];
  readonly leading: string | undefined;
}

/** A token. */
export interface Token {
  readonly kind: TokenKind;
  /** As written; "" at the end. */
  readonly text: string;
  /** What a string holds: octal and hex escapes may give any bytes. */
  readonly bytes: Buffer | undefined;
  readonly line: number;
  readonly column: number;
  readonly comments: TokenComments | undefined;
}

const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /0[xX][0-9A-Fa-f]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?/y;
const INTEGER = /^(?:0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*)$/;
const BLANKS = /[ \t\r\v\f]*/y;
/** Longer than any number of 64 bits needs, and short enough to be read at once. */
const MAX_NUMBER_LENGTH = 400;
const WORD = /[A-Za-z0-9_]/;

/** Reads tokens one after the other. */
export class Lexer {
  readonly #text: string;
  #pos: number;
  #line: number;
  #lineStart: number;
  #isFirst: boolean;

  constructor(text: string) {
    this.#text = text;
    // A byte order mark is no part of the text.
    this.#pos = text.startsWith("\uFEFF") ? 1 : 0;
    this.#line = 1;
    this.#lineStart = this.#pos;
    this.#isFirst = true;
  }

  /**
   * The next token; at the end of the file one of kind `end`, again and again.
   * @throws {ProtoFault} where no token is.
   */
  next(): Token {
    const gap = this.#readGap();
    const line = this.#line;
    const column = this.#pos - this.#lineStart + 1;
    const char = this.#text[this.#pos];
    const token = (kind: TokenKind, text: string, bytes?: Buffer): Token => {
      this.#pos += text.length;
      return { kind, text, bytes, line, column, comments: gap.commentsBefore(text) };
    };
    if (char === undefined) return token("end", "");
    const identifier = this.#match(IDENTIFIER);
    if (identifier !== undefined) {
      if (identifier.length > MAX_NAME_LENGTH)
        throw this.#fault(`the name is longer than ${MAX_NAME_LENGTH} characters`);
      return token("identifier", identifier);
    }
    const number = this.#match(NUMBER);
    if (number !== undefined) {
      const after = this.#text[this.#pos + number.length];
      if (after !== undefined && WORD.test(after)) throw this.#fault(`"${number}${after}" is not a number`);
      if (number.length > MAX_NUMBER_LENGTH) throw this.#fault("the number is too long");
      if (INTEGER.test(number)) return token("integer", number);
      if (/^0[0-9]+$/.test(number)) throw this.#fault(`"${number}" is not an octal number`);
      return token("float", number);
    }
    if (char === '"' || char === "'") {
      const text = this.#stringAhead(char);
      if (text === undefined) throw this.#fault("the string does not end on its line");
      const bytes = unescapeString(text.slice(1, -1));
      if (bytes === undefined) throw this.#fault("the string has an escape that there is not");
      return token("string", text, bytes);
    }
    if (char < " " || char > "~") throw this.#fault("a character that no .proto has outside of strings");
    return token("symbol", char);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#pos;
    return pattern.exec(this.#text)?.[0];
  }

  /** The string that begins here; undefined where it does not end on its line. */
  #stringAhead(quote: string): string | undefined {
    // By hand: a pattern with escapes in it runs out of stack on a string of millions of them.
    for (let at = this.#pos + 1; at < this.#text.length; at++) {
      const char = this.#text[at];
      if (char === quote) return this.#text.slice(this.#pos, at + 1);
      if (char === "\\") at++;
      if (this.#text[at] === "\n") return undefined;
    }
    return undefined;
  }

  #fault(what: string): ProtoFault {
    return new ProtoFault({ line: this.#line, column: this.#pos - this.#lineStart + 1 }, what);
  }

  /** Passes over white space and comments. */
  #readGap(): Gap {
    const gap = new Gap(this.#isFirst ? "detached" : "attached");
    if (!this.#isFirst && !this.#readRestOfLine(gap)) return gap;
    this.#isFirst = false;
    for (;;) {
      this.#skipBlanks();
      const comment = this.#readComment();
      if (comment !== undefined) {
        gap.add(comment.text, comment.isLine);
        if (!comment.isLine) {
          // The rest of its line is no blank line.
          this.#skipBlanks();
          this.#skipNewline();
        }
      } else if (this.#skipNewline()) {
        gap.blankLine();
      } else {
        return gap;
      }
    }
  }

  /** What follows a token on its line; false where that is the next token. */
  #readRestOfLine(gap: Gap): boolean {
    this.#skipBlanks();
    const comment = this.#readComment();
    if (comment === undefined) return this.#skipNewline();
    if (!comment.isLine) {
      this.#skipBlanks();
      // Between two tokens of a line it could belong to either.
      if (!this.#skipNewline()) return false;
    }
    gap.add(comment.text, comment.isLine);
    gap.flush();
    return true;
  }

  #skipBlanks(): void {
    this.#pos += this.#match(BLANKS)?.length ?? 0;
  }

  #skipNewline(): boolean {
    if (this.#text[this.#pos] !== "\n") return false;
    this.#pos++;
    this.#line++;
    this.#lineStart = this.#pos;
    return true;
  }

  /** A comment with its line end, if it is of one line; undefined where none begins. */
  #readComment(): { readonly text: string; readonly isLine: boolean } | undefined {
    if (this.#text[this.#pos] !== "/") return undefined;
    const mark = this.#text[this.#pos + 1];
    if (mark === "/") {
      const end = this.#text.indexOf("\n", this.#pos);
      const text = this.#text.slice(this.#pos + 2, end === -1 ? undefined : end + 1);
      this.#pos = end === -1 ? this.#text.length : end;
      this.#skipNewline();
      return { text, isLine: true };
    }
    if (mark !== "*") return undefined;
    const end = this.#text.indexOf("*/", this.#pos + 2);
    if (end === -1) throw this.#fault("the comment does not end");
    const lines = this.#text.slice(this.#pos + 2, end).split("\n");
    this.#line += lines.length - 1;
    if (lines.length > 1) this.#lineStart = this.#text.lastIndexOf("\n", end) + 1;
    this.#pos = end + 2;
    const text = lines.map((line, i) => (i === 0 ? line : line.replace(/^[ \t\r\v\f]*\*?/, ""))).join("\n");
    return { text, isLine: false };
  }
}

/** The comments between two tokens, on their way to one of them. */
class Gap {
  #canTrail: boolean;
  #trailing: string | undefined;
  #detached: string[] | undefined;
  #current: { text: string; readonly isLine: boolean } | undefined;

  constructor(start: "attached" | "detached") {
    this.#canTrail = start === "attached";
    this.#trailing = undefined;
    this.#detached = undefined;
    this.#current = undefined;
  }

  add(text: string, isLine: boolean): void {
    if (this.#current?.isLine === true && isLine) {
      this.#current.text += text;
      return;
    }
    this.flush();
    this.#current = { text, isLine };
  }

  flush(): void {
    const text = this.#current?.text;
    this.#current = undefined;
    if (text === undefined) return;
    if (this.#canTrail) this.#trailing = text;
    else {
      this.#detached ??= [];
      this.#detached.push(text);
    }
    this.#canTrail = false;
  }

  blankLine(): void {
    this.flush();
    this.#canTrail = false;
  }

  /** The comments, given the token that they come before; undefined for none. */
  commentsBefore(token: string): TokenComments | undefined {
    if (token === "}" || token === "]" || token === ")" || token === "") this.flush();
    const leading = this.#current?.text;
    const detached = this.#detached;
    if (leading === undefined && detached === undefined && this.#trailing === undefined) return undefined;
    return { trailing: this.#trailing, detached: detached ?? [], leading };
  }
}
