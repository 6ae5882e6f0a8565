/**
 * A request path cut into segments: on the raw `/` first, decoded afterwards, so that `%2F` is never a separator.
 *
 * `/` has no segments, `/a` one, `/a/` two, of which the second is empty. Source: RFC 3986 section 3.3.
 */
import { refuse } from "../status/index.ts";
import { decodeSegment, decodeSegments, type ReservedExpansion, shown } from "./percent-decoding.ts";

/** What a slash at the end of a path means: `strict` an empty last segment, `ignore` nothing. A listener's setting. */
export type TrailingSlash = "strict" | "ignore";

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;

/**
 * One reading of a path. A path whose last segment ends in a registered verb has several: with that verb taken off, and
 * whole.
 */
export class SplitPath {
  /** How many segments there are. */
  readonly count: number;
  /** Where the last segment ends in `raw`; behind it are a verb or a slash that does not count. */
  readonly end: number;
  /** Trie nodes visited on behalf of this reading: what a look-up costs, whatever the clock says. */
  visits: number;
  readonly #raw: string;
  /** Where each segment starts; may reach beyond `count`. */
  readonly #starts: readonly number[];
  /** Decoded segments; a hole is a segment that needs no decoding and was not asked for. */
  readonly #texts: (string | undefined)[];

  private constructor(raw: string, end: number, starts: readonly number[], texts: (string | undefined)[]) {
    // What is left of the path, not its separators, decides: with an end of 1 it is `/`.
    this.count = end === 1 ? 0 : starts.length - (end < (starts[starts.length - 1] ?? 0) ? 1 : 0);
    this.end = end;
    this.visits = 0;
    this.#raw = raw;
    this.#starts = starts;
    this.#texts = texts;
  }

  /**
   * Cuts and checks a path, as it stands in the request (no query).
   * @returns undefined if it does not start with `/`.
   * @throws {StatusError} INVALID_ARGUMENT: PATH_ENCODING for a broken escape, bytes that are not UTF-8 and characters
   *   that a URL cannot hold; PATH_INVALID for `.` and `..` segments, encoded or not.
   */
  static parse(raw: string, trailingSlash: TrailingSlash): SplitPath | undefined {
    if (raw.charCodeAt(0) !== SLASH) return undefined;
    const starts = [1];
    let isEscaped = false;
    for (let i = 1; i < raw.length; i++) {
      const code = raw.charCodeAt(i);
      if (code === SLASH) starts.push(i + 1);
      else if (code === PERCENT) isEscaped = true;
      else if (code <= 0x20 || code >= 0x7f) throw unencoded(raw, i);
      else if (code === DOT && raw.charCodeAt(i - 1) === SLASH) refuseRawDots(raw, i);
    }
    const ignoresLast =
      trailingSlash === "ignore" && raw.length > 1 && raw.charCodeAt(raw.length - 1) === SLASH;
    const path = new SplitPath(raw, ignoresLast ? raw.length - 1 : raw.length, starts, []);
    if (isEscaped) path.#decodeAll();
    return path;
  }

  /**
   * The reading that ends before `colon`, where a verb starts.
   * @throws {StatusError} INVALID_ARGUMENT, PATH_INVALID, if a `.` or `..` segment is left.
   */
  withoutVerb(colon: number): SplitPath {
    const texts = this.#texts.slice(0, this.count - 1);
    const reading = new SplitPath(this.#raw, colon, this.#starts, texts);
    if (reading.count > 0) {
      const last = decodeSegment(reading.rawSegment(reading.count - 1));
      refuseDots(last, last);
      texts[reading.count - 1] = last;
    }
    return reading;
  }

  /**
   * Where a verb may start: the leftmost of the last `limit` colons of the last segment (unencoded ones), or -1.
   * `limit` keeps a segment made of colons from being tried at each of them.
   */
  firstColon(limit: number): number {
    const from = this.#startOf(this.count - 1);
    let first = -1;
    let at = this.end;
    for (let i = 0; i < limit && at > from; i++) {
      at = this.#raw.lastIndexOf(":", at - 1);
      if (at < from) break;
      first = at;
    }
    return first;
  }

  /** The next colon of the last segment behind `colon`, or -1. */
  nextColon(colon: number): number {
    const next = this.#raw.indexOf(":", colon + 1);
    return next < this.end ? next : -1;
  }

  /** What stands behind `colon`, decoded: the verb, if the colon starts one. */
  textBehind(colon: number): string {
    return decodeSegment(this.#raw.slice(colon + 1, this.end));
  }

  /** Segment `index`, decoded; "" if it is empty. */
  text(index: number): string {
    const known = this.#texts[index];
    if (known !== undefined) return known;
    const raw = this.rawSegment(index);
    this.#texts[index] = raw;
    return raw;
  }

  /** Segment `index` as it was sent. */
  rawSegment(index: number): string {
    return this.#raw.slice(this.#startOf(index), this.#endOf(index));
  }

  /** Segments `from` to `to` (exclusive) as one capture: decoded, but for what several segments keep. */
  capture(from: number, to: number, reservedExpansion: ReservedExpansion): string {
    if (from >= to) return "";
    return decodeSegments(this.#raw.slice(this.#startOf(from), this.#endOf(to - 1)), reservedExpansion);
  }

  #startOf(index: number): number {
    return this.#starts[index] ?? this.end;
  }

  #endOf(index: number): number {
    return index >= this.count - 1 ? this.end : this.#startOf(index + 1) - 1;
  }

  #decodeAll(): void {
    for (let i = 0; i < this.count; i++) {
      const raw = this.rawSegment(i);
      const text = decodeSegment(raw);
      refuseDots(text, raw);
      this.#texts[i] = text;
    }
  }
}

function refuseDots(text: string, raw: string): void {
  if (text !== "." && text !== "..") return;
  throw refuse("PATH_INVALID", `the path holds the segment "${raw}"; dot segments are refused, not resolved`);
}

/** Refuses if the segment whose first dot stands at `at` is `.` or `..`. */
function refuseRawDots(raw: string, at: number): void {
  const next = raw.charCodeAt(at + 1) === DOT ? at + 2 : at + 1;
  if (next < raw.length && raw.charCodeAt(next) !== SLASH) return;
  const segment = raw.slice(at, next);
  refuseDots(segment, segment);
}

function unencoded(raw: string, at: number): Error {
  const code = raw.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0");
  return refuse("PATH_ENCODING", `the path "${shown(raw)}" holds U+${code}, which must be percent-encoded`);
}
