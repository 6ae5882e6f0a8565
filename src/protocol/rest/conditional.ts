/**
 * Replies to GET of which a client has a part, or all: entity tags, `If-None-Match`, and ranges of bytes.
 *
 *     Range         = "bytes=" ( first "-" [ last ] | "-" suffix-length )
 *     Content-Range = "bytes " ( first "-" last "/" length | "*" "/" length )
 *     If-None-Match = "*" | #entity-tag        If-Range = entity-tag | HTTP-date
 *     entity-tag    = [ "W/" ] DQUOTE *etagc DQUOTE
 *
 * A request for several ranges, in other units, or that is malformed gets the whole, as RFC 9110 leaves open to a server.
 * So does one with a date in `If-Range`: nothing says here how exact the date of a reply is.
 * Source: RFC 9110, sections 8.8.3, 13.1.2, 13.1.5 and 14.
 */
import { createHash } from "node:crypto";
import { findHeader, type HeaderList } from "../../http/index.ts";

/** 132 bits: enough that no two replies share a tag. */
const TAG_LENGTH = 22;

/**
 * The tag of a reply of these bytes and this type. SHA-256: 0.5 ns a byte, as cheap as weaker ones where the CPU has
 * instructions for it.
 */
export function entityTag(
  strength: "weak" | "strong",
  contentType: string,
  body: Uint8Array | string,
): string {
  const digest = createHash("sha256").update(contentType).update("\n").update(body).digest("base64url");
  const tag = `"${digest.slice(0, TAG_LENGTH)}"`;
  return strength === "weak" ? `W/${tag}` : tag;
}

/** Whether `If-None-Match` says that the client has the reply of this tag already. */
export function hasMatch(headers: HeaderList, etag: string): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === "if-none-match" && listHas(headers[i + 1] ?? "", etag)) return true;
  }
  return false;
}

/** What part of a reply the client is to get. Positions are those of the first byte and of the one after the last. */
export type Selection = "whole" | "unsatisfiable" | { readonly start: number; readonly end: number };

/** The range that a GET asks for, of a reply of `length` bytes. `etag` is the reply's; undefined if it has none. */
export function selectRange(headers: HeaderList, length: number, etag: string | undefined): Selection {
  const range = findHeader(headers, "range");
  if (range === undefined) return "whole";
  const condition = findHeader(headers, "if-range");
  // Only a strong tag says that the bytes are the same.
  if (condition !== undefined && (condition !== etag || etag.startsWith("W/"))) return "whole";
  const equals = range.indexOf("=");
  if (range.slice(0, equals).trim().toLowerCase() !== "bytes") return "whole";
  return parseRange(range.slice(equals + 1).trim(), length);
}

function parseRange(text: string, length: number): Selection {
  const dash = text.indexOf("-");
  const first = text.slice(0, dash);
  const last = text.slice(dash + 1);
  if (dash < 0 || !isDigits(first) || !isDigits(last) || first + last === "") return "whole";
  if (first === "") {
    const suffix = Number(last);
    if (suffix === 0) return "unsatisfiable";
    // Of nothing, the last bytes are all of it, for which there is no Content-Range.
    return length === 0 ? "whole" : { start: Math.max(0, length - suffix), end: length };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return "whole";
  if (start >= length) return "unsatisfiable";
  return { start, end: last === "" ? length : Math.min(Number(last) + 1, length) };
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return false;
  }
  return true;
}

/** Whether a list of tags holds `etag` by weak comparison, or is `*`. */
function listHas(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  const opaque = etag.startsWith("W/") ? etag.slice(2) : etag;
  // Tags may hold commas, but no quotes: what stands between every other quote is a tag.
  for (let at = list.indexOf('"'); at >= 0; ) {
    const end = list.indexOf('"', at + 1);
    if (end < 0) return false;
    if (list.slice(at, end + 1) === opaque) return true;
    at = list.indexOf('"', end + 1);
  }
  return false;
}
