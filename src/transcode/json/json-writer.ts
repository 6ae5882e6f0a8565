/**
 * JSON text, piece by piece: commas, indentation and the depth limit are its business, meaning is the caller's.
 */
import { refuse } from "../../status/index.ts";

/** How the text is laid out, and how deep it may nest. */
export interface JsonLayout {
  /** Indent by two spaces; otherwise there is no white space. */
  readonly pretty: boolean;
  readonly maxDepth: number;
}

/** A place to return to; see {@link JsonWriter.rewind}. */
export interface JsonMark {
  readonly length: number;
  readonly depth: number;
  readonly isFirst: boolean;
}

/** Writes one value. */
export class JsonWriter {
  readonly #layout: JsonLayout;
  #text = "";
  #depth = 0;
  #isFirst = true;

  constructor(layout: JsonLayout) {
    this.#layout = layout;
  }

  get text(): string {
    return this.#text;
  }

  /** Opens an object or array. @throws {StatusError} UPSTREAM_REPLY_INVALID beyond the depth limit. */
  open(bracket: "{" | "["): void {
    if (++this.#depth > this.#layout.maxDepth) {
      throw refuse(
        "UPSTREAM_REPLY_INVALID",
        `the upstream's reply nests more than ${this.#layout.maxDepth} levels deep`,
      );
    }
    this.#text += bracket;
    this.#isFirst = true;
  }

  close(bracket: "}" | "]"): void {
    this.#depth--;
    if (!this.#isFirst) this.#newLine();
    this.#text += bracket;
    this.#isFirst = false;
  }

  /** Starts the next item of an array. */
  item(): void {
    if (!this.#isFirst) this.#text += ",";
    this.#isFirst = false;
    this.#newLine();
  }

  /** Starts the next member of an object. */
  name(name: string): void {
    this.item();
    this.#text += JSON.stringify(name) + (this.#layout.pretty ? ": " : ":");
  }

  string(value: string): void {
    this.#text += JSON.stringify(value);
  }

  /** A number, `true`, `false` or `null`, or anything that needs no escapes between its quotes. */
  literal(text: string): void {
    this.#text += text;
  }

  mark(): JsonMark {
    return { length: this.#text.length, depth: this.#depth, isFirst: this.#isFirst };
  }

  /** Takes back everything written since `mark`. */
  rewind(mark: JsonMark): void {
    this.#text = this.#text.slice(0, mark.length);
    this.#depth = mark.depth;
    this.#isFirst = mark.isFirst;
  }

  #newLine(): void {
    if (this.#layout.pretty) this.#text += `\n${"  ".repeat(this.#depth)}`;
  }
}
