/**
 * A `multipart/form-data` body as a sequence of parts, cut anywhere: `push` takes a piece, `next` says what it held.
 *
 * The delimiters are found by the parser of @fastify/busboy, which is a Node.js stream that makes a stream of each part.
 * They are never left to flow: what a piece brings is read out of them at once and in order, so nothing waits in them
 * between pieces, and whoever pauses the body holds everything. Source: RFC 7578, RFC 2046 section 5.1.
 */
import type { Readable } from "node:stream";
import { Dicer } from "@fastify/busboy";
import { StatusError } from "../../status/index.ts";
import { boundaryOf, type PartHead, type PartHeaders, readPartHead, refuseForm } from "./part-head.ts";

/** Most parts of one form. */
const MAX_PARTS = 1000;
/** Most headers of one part. */
const MAX_HEADERS = 32;
/** Most bytes that the headers of one part may take. */
const MAX_HEADER_BYTES = 8 * 1024;
/**
 * The parser drops what is longer without a word, so it gets room beyond our own limit: folded lines, of which we see
 * a third at worst.
 */
const PARSED_HEADER_BYTES = 3 * MAX_HEADER_BYTES;
/** A view of the parser's own buffer is shorter than this. */
const MAX_LOOKBEHIND = 256;

/** What comes next in a form. */
export type FormEvent =
  | { readonly kind: "part"; readonly head: PartHead }
  /** More of the current part. */
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "part-end" }
  /** The form is complete, and the body has ended. */
  | { readonly kind: "end" };

interface Part {
  readonly stream: Readable;
  readonly ordinal: number;
  /** Undefined until all of its headers have come. */
  head: PartHead | undefined;
  /** What is wrong with its headers, or with there being such a part. */
  fault: StatusError | undefined;
  isTold: boolean;
}

/** Thrown through the parser to stop it within a piece; never seen by anyone else. */
const HALT: Error = new Error("the form is at fault");

/** The last thing the parser is given: a delimiter may begin with it, so it is held back, and lets go what was held so far. */
const LINE_END = Buffer.from("\r\n");

const PART_END: FormEvent = { kind: "part-end" };
const END: FormEvent = { kind: "end" };

/** Reads one form. What it holds is what the last piece brought and {@link next} has not given yet. */
export class FormParts {
  readonly #parser: Dicer;
  readonly #onSettled: () => void;
  /** Parts that have begun and not been told to their end. */
  readonly #parts: Part[] = [];
  #count = 0;
  /** Whether the closing delimiter has come. */
  #isComplete = false;
  #isEnded = false;
  #isEndTold = false;
  /** Whether the form is at fault, so that nothing is parsed any more. */
  #isHalted = false;
  #cut: StatusError | undefined = undefined;

  /**
   * `onSettled` is called when there may be more to read though nothing was pushed: the parser tells the end a tick late.
   * @throws {StatusError} FORM_INVALID if the Content-Type names no boundary.
   */
  constructor(contentType: string, onSettled: () => void) {
    const config: Dicer.Config & { readonly maxHeaderSize: number; readonly partHwm: number } = {
      boundary: boundaryOf(contentType),
      maxHeaderPairs: MAX_HEADERS + 1,
      maxHeaderSize: PARSED_HEADER_BYTES,
      // Parts are emptied after each piece, so they need not hold the parser.
      partHwm: Number.MAX_SAFE_INTEGER,
    };
    this.#onSettled = onSettled;
    this.#parser = new Dicer(config);
    this.#parser.on("part", (stream) => this.#begin(stream));
    this.#parser.on("finish", () => {
      this.#isComplete = true;
      this.#onSettled();
    });
    // The one thing that the parser finds wrong: the body has ended.
    this.#parser.on("error", () => {
      this.#cut = this.#cutShort();
      this.#onSettled();
    });
  }

  /** Takes a piece of the body. */
  push(piece: Uint8Array): void {
    // What follows the closing delimiter means nothing.
    if (this.#isComplete || this.#isHalted) return;
    try {
      this.#parser.write(piece);
    } catch (error) {
      if (error !== HALT) throw error;
      this.#isHalted = true;
    }
  }

  /** The body is over. */
  end(): void {
    this.#isEnded = true;
    // Whether the parser has begun the part after a delimiter depends on how the body was cut; from here on it has.
    this.push(LINE_END);
    if (this.#isComplete || this.#isHalted) this.#onSettled();
    else this.#parser.end();
  }

  /** What comes next; undefined until more is pushed or settled, and after the end. @throws {StatusError} FORM_INVALID */
  next(): FormEvent | undefined {
    const [part] = this.#parts;
    const event = part === undefined ? this.#end() : this.#of(part);
    if (event === undefined && this.#cut !== undefined) throw this.#cut;
    return event;
  }

  /** `part` is the first that has not been told to its end. */
  #of(part: Part): FormEvent | undefined {
    if (part.fault !== undefined) throw part.fault;
    const isOver = this.#isComplete || this.#parts.length > 1;
    if (part.head === undefined) {
      if (isOver) throw refuseForm(`part ${part.ordinal}: its headers do not end with an empty line`);
      return undefined;
    }
    if (!part.isTold) {
      part.isTold = true;
      return { kind: "part", head: part.head };
    }
    // A Buffer, as the stream has neither encoding nor object mode.
    const bytes: Buffer | null = part.stream.read();
    if (bytes !== null) return { kind: "data", bytes: owned(bytes) };
    if (!isOver) return undefined;
    this.#parts.shift();
    return PART_END;
  }

  #end(): FormEvent | undefined {
    if (!this.#isComplete || !this.#isEnded || this.#isEndTold) return undefined;
    this.#isEndTold = true;
    return END;
  }

  /** Faults are kept with their part, so that what came before it is told first, however the body is cut. */
  #begin(stream: Readable): void {
    const part: Part = { stream, ordinal: ++this.#count, head: undefined, fault: undefined, isTold: false };
    this.#parts.push(part);
    if (this.#count > MAX_PARTS) {
      part.fault = refuseForm(`the form has more than ${MAX_PARTS} parts`);
      throw HALT;
    }
    stream.on("header", (headers: PartHeaders) => {
      try {
        checkSize(headers, part.ordinal);
        part.head = readPartHead(headers, part.ordinal);
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        part.fault = error;
        throw HALT;
      }
    });
    // Told by the parser too, which has a listener.
    stream.on("error", ignore);
  }

  #cutShort(): StatusError {
    const part = this.#parts.at(-1);
    if (this.#count === 0) return refuseForm("the body ends before a part begins; does the boundary match?");
    if (part === undefined)
      return refuseForm(`the body ends after part ${this.#count}, without a closing boundary`);
    const name = part.head === undefined ? "" : ` (${JSON.stringify(part.head.name.slice(0, 100))})`;
    return refuseForm(`the body ends within part ${part.ordinal}${name}, without a closing boundary`);
  }
}

function checkSize(headers: PartHeaders, ordinal: number): void {
  let count = 0;
  let bytes = 0;
  for (const [name, values = []] of Object.entries(headers)) {
    count += values.length;
    for (const value of values) bytes += name.length + value.length + 4;
  }
  if (count > MAX_HEADERS) throw refuseForm(`part ${ordinal} has more than ${MAX_HEADERS} headers`);
  if (bytes >= MAX_HEADER_BYTES)
    throw refuseForm(`part ${ordinal}: its headers are longer than ${MAX_HEADER_BYTES} bytes`);
}

/** The same bytes, surely not in the parser's own buffer, which it writes again. */
function owned(bytes: Buffer): Uint8Array {
  return bytes.byteLength > MAX_LOOKBEHIND ? bytes : Buffer.from(bytes);
}

function ignore(): void {
  // See where it is used.
}
