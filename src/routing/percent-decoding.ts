/**
 * Percent-decoding of path segments and captures. Not for queries: a `+` in a path is a plus.
 */
import { refuse } from "../status/index.ts";

/**
 * Which escapes a capture of several segments keeps as written.
 *
 * `all-except-slash` decodes everything but `%2F`; `keep-reserved` also leaves the reserved characters of RFC 6570
 * (RFC 3986 section 2.2) encoded, which is what http.proto calls the default without `fully_decode_reserved_expansion`.
 */
export type ReservedExpansion = "all-except-slash" | "keep-reserved";

const PERCENT = 0x25;
const SLASH = 0x2f;
const RESERVED = ":/?#[]@!$&'()*+,;=";

/** A piece of hostile input, cut to what a message may show. */
export function shown(text: string, limitCharacters: number = 64): string {
  return text.length <= limitCharacters ? text : `${text.slice(0, limitCharacters)}…`;
}

/**
 * Decodes every escape of one segment.
 * @throws {StatusError} INVALID_ARGUMENT, reason PATH_ENCODING, on a broken escape or bytes that are not UTF-8.
 */
export function decodeSegment(raw: string): string {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    // decodeURIComponent throws nothing but URIError, for both faults alike.
    throw refuse(
      "PATH_ENCODING",
      `path segment "${shown(raw)}" holds a broken percent-escape or bytes that are not UTF-8`,
    );
  }
}

/**
 * Decodes the capture of several segments, slashes between them included.
 *
 * `%2F` stays as written (also its letter case), because otherwise a slash in the data could not be told from a separator.
 * Source: google/api/http.proto, "Path template syntax".
 * @throws {StatusError} INVALID_ARGUMENT, reason PATH_ENCODING, as `decodeSegment`.
 */
export function decodeSegments(raw: string, reservedExpansion: ReservedExpansion): string {
  let at = raw.indexOf("%");
  if (at < 0) return raw;
  let decoded = "";
  let from = 0;
  // A kept escape is an ASCII character, so cutting there never divides a UTF-8 sequence.
  while (at >= 0) {
    const code = escapedCode(raw, at);
    const kept =
      code === SLASH ||
      (reservedExpansion === "keep-reserved" && code >= 0 && RESERVED.includes(String.fromCharCode(code)));
    if (kept) {
      decoded += decodeSegment(raw.slice(from, at)) + raw.slice(at, at + 3);
      from = at + 3;
    }
    at = raw.indexOf("%", at + 1);
  }
  return decoded + decodeSegment(raw.slice(from));
}

/** The byte that the escape at `at` stands for, or -1 if it is broken. */
function escapedCode(raw: string, at: number): number {
  if (raw.charCodeAt(at) !== PERCENT) return -1;
  const high = hexDigit(raw.charCodeAt(at + 1));
  const low = hexDigit(raw.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** The value of a hexadecimal digit's character code (NaN past the end of the text), or -1. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x41 && code <= 0x46) return code - 0x37;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  return -1;
}
