/**
 * The parser of path templates. It knows nothing of messages: whether a variable's field exists is `compile-rules.ts`.
 *
 *     Template  = "/" [ Segments [ Verb ] ] ;
 *     Segments  = Segment { "/" Segment } ;
 *     Segment   = "*" | "**" | LITERAL | Variable ;
 *     Variable  = "{" FieldPath [ "=" Segments ] "}" ;     (its Segments hold no Variable)
 *     FieldPath = IDENT { "." IDENT } ;
 *     Verb      = ":" LITERAL ;
 *     LITERAL   = pchar { pchar } without "*" ;             (RFC 3986 section 3.3)
 *
 * Over http.proto: `/` alone is legal, and one `**` may stand anywhere, not only last. A colon starts the verb only in the
 * last segment and outside braces; elsewhere it is part of the literal.
 * Source: google/api/http.proto, "Path template syntax".
 */
import type { PathTemplate, TemplateSegment, TemplateVariable } from "./path-template.ts";

/** Longest template text, in characters; a path cannot be matched beyond what listeners accept anyway. */
const MAX_CHARACTERS = 4096;
/** Most segments of a template: it bounds how deep a look-up recurses. */
const MAX_SEGMENTS = 128;

/** A template that does not parse. Caught where rules are compiled, and made a problem there. */
export class TemplateError extends Error {
  /** Where in the text, from 0. */
  readonly offset: number;
  /** What is wrong there. */
  readonly what: string;
  /** What to write instead. */
  readonly hint: string;

  constructor(offset: number, what: string, hint: string) {
    super(`offset ${offset}: ${what} (${hint})`);
    this.name = "TemplateError";
    this.offset = offset;
    this.what = what;
    this.hint = hint;
  }
}

/**
 * Parses a path template.
 * @throws {TemplateError} if the text is not one, or could never match a path that the gateway accepts.
 */
export function parseTemplate(text: string): PathTemplate {
  if (text.length > MAX_CHARACTERS) {
    throw new TemplateError(
      MAX_CHARACTERS,
      `the template is longer than ${MAX_CHARACTERS} characters`,
      "shorten it",
    );
  }
  return new TemplateParser(text).parse();
}

class TemplateParser {
  readonly #text: string;
  #at: number;
  readonly #segments: TemplateSegment[];
  readonly #variables: TemplateVariable[];
  #hasMulti: boolean;

  constructor(text: string) {
    this.#text = text;
    this.#at = 0;
    this.#segments = [];
    this.#variables = [];
    this.#hasMulti = false;
  }

  parse(): PathTemplate {
    if (this.#peek() !== "/") {
      throw this.#error(
        this.#text === "" ? "the template is empty" : "a template starts with `/`",
        "write it as an absolute path, e.g. `/v1/shelves/{shelf}`",
      );
    }
    this.#at++;
    let verb = "";
    if (this.#at < this.#text.length) {
      this.#parseSegments("template");
      verb = this.#parseVerb();
    }
    if (this.#at < this.#text.length) {
      throw this.#error(
        `unexpected \`${this.#peek()}\``,
        "a segment is a literal, `*`, `**` or one whole `{variable}`, followed by `/` or the verb",
      );
    }
    return { text: this.#text, segments: this.#segments, verb, variables: this.#variables };
  }

  #parseSegments(scope: "template" | "variable"): void {
    this.#parseSegment(scope);
    while (this.#peek() === "/") {
      this.#at++;
      this.#parseSegment(scope);
    }
  }

  #parseSegment(scope: "template" | "variable"): void {
    const first = this.#peek();
    if (first === "{") {
      if (scope === "variable") {
        throw this.#error(
          "a variable inside a variable",
          "variables do not nest: name one field for the whole, or several side by side",
        );
      }
      this.#parseVariable();
      return;
    }
    if (this.#segments.length === MAX_SEGMENTS) {
      throw this.#error(`more than ${MAX_SEGMENTS} segments`, "shorten the template");
    }
    this.#segments.push(first === "*" ? this.#parseWildcard() : this.#parseLiteralSegment(scope));
  }

  #parseWildcard(): TemplateSegment {
    if (this.#text[this.#at + 1] !== "*") {
      this.#at++;
      return { kind: "*" };
    }
    if (this.#hasMulti) {
      throw this.#error("a second `**`", "a template may hold one `**`: write `*` for single segments");
    }
    this.#hasMulti = true;
    this.#at += 2;
    return { kind: "**" };
  }

  #parseLiteralSegment(scope: "template" | "variable"): TemplateSegment {
    const start = this.#at;
    // Only the last segment can carry a verb, so a colon with a slash behind it is data.
    const isLast = scope === "template" && !this.#text.includes("/", start);
    const text = this.#parseLiteral(isLast ? "ends-at-colon" : "takes-colon");
    if (text === "") {
      throw this.#error(
        this.#peek() === undefined || this.#peek() === "/"
          ? "an empty segment"
          : `unexpected \`${this.#peek()}\``,
        "every segment needs text, `*`, `**` or a variable; a template does not end in `/`",
      );
    }
    if (text === "." || text === "..") {
      this.#at = start;
      throw this.#error(
        `a \`${text}\` segment`,
        "requests with `.` or `..` segments are refused, so it could never match",
      );
    }
    return { kind: "literal", text };
  }

  #parseLiteral(colon: "ends-at-colon" | "takes-colon"): string {
    const start = this.#at;
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === "/" || character === "{" || character === "}") break;
      if (character === ":" && colon === "ends-at-colon") break;
      if (character === "%") {
        if (!/^%[0-9A-Fa-f]{2}$/.test(this.#text.slice(this.#at, this.#at + 3))) {
          throw this.#error(
            "a broken percent-escape",
            "write `%` and two hexadecimal digits, `%25` for the sign itself",
          );
        }
        this.#at += 3;
        continue;
      }
      if (!/[A-Za-z0-9\-._~!$&'()+,;=:@]/.test(character)) {
        throw this.#error(
          `\`${character}\` in a literal`,
          `write it percent-encoded: \`${encoded(this.#text, this.#at)}\``,
        );
      }
      this.#at++;
    }
    const raw = this.#text.slice(start, this.#at);
    try {
      return decodeURIComponent(raw);
    } catch {
      this.#at = start;
      throw this.#error(
        `the escapes of \`${raw}\` are not UTF-8`,
        "requests with such bytes are refused, so it could never match",
      );
    }
  }

  #parseVerb(): string {
    if (this.#peek() !== ":") return "";
    this.#at++;
    const verb = this.#parseLiteral("takes-colon");
    if (verb === "" || this.#at < this.#text.length) {
      throw this.#error(
        verb === "" ? "an empty verb" : `unexpected \`${this.#peek()}\` after the verb`,
        "a verb is literal text at the end of the template, e.g. `:cancel`",
      );
    }
    return verb;
  }

  #parseVariable(): void {
    const opening = this.#at;
    this.#at++;
    const fieldPath = this.#parseFieldPath();
    const start = this.#segments.length;
    if (this.#peek() === "=") {
      this.#at++;
      this.#parseSegments("variable");
    } else if (this.#peek() === "}") {
      if (start === MAX_SEGMENTS)
        throw this.#error(`more than ${MAX_SEGMENTS} segments`, "shorten the template");
      this.#segments.push({ kind: "*" });
    }
    if (this.#peek() !== "}") {
      throw this.#error(
        this.#peek() === undefined
          ? "a variable without its `}`"
          : `unexpected \`${this.#peek()}\` in a variable`,
        "a variable is `{field}` or `{field=segments}`",
      );
    }
    this.#at++;
    if (this.#variables.some((variable) => variable.fieldPath === fieldPath)) {
      this.#at = opening;
      throw this.#error(`the variable \`${fieldPath}\` a second time`, "a field can be bound once");
    }
    const end = this.#segments.length;
    const isSingle = end - start === 1 && this.#segments[start]?.kind !== "**";
    this.#variables.push({ fieldPath, start, end, span: isSingle ? "segment" : "segments" });
  }

  #parseFieldPath(): string {
    const start = this.#at;
    for (;;) {
      const identifier = /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.#text.slice(this.#at))?.[0];
      if (identifier === undefined) {
        throw this.#error(
          "no field name where one is due",
          "a field path is proto field names joined by `.`, e.g. `book.name`",
        );
      }
      this.#at += identifier.length;
      if (this.#peek() !== ".") return this.#text.slice(start, this.#at);
      this.#at++;
    }
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #error(what: string, hint: string): TemplateError {
    return new TemplateError(this.#at, what, hint);
  }
}

/** The percent-encoding of the whole character (perhaps a surrogate pair) at `offset`. */
function encoded(text: string, offset: number): string {
  const code = text.codePointAt(offset) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff) return "%EF%BF%BD"; // half of a pair has no encoding of its own
  // encodeURIComponent leaves `*` as it is.
  return code === 0x2a ? "%2A" : encodeURIComponent(String.fromCodePoint(code));
}
