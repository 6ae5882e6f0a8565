/**
 * What an engine must know about a request's head before it lets the request in: how long the body is, whether the
 * connection lives on, and whether the framing could be read in two ways.
 *
 * Both parsers below us are laxer than we want to be: each accepts some of `Transfer-Encoding: gzip, chunked`,
 * `Transfer-Encoding: identity`, two equal `Content-Length`s, an empty one. Whoever stands in front of us may read
 * those otherwise and take the rest of the bytes for another request (RFC 9112 section 11.2), so none of them runs.
 */
import type { HeaderList } from "../../header-list.ts";

/** The body's length is not announced: it is chunked. */
export const CHUNKED: number = -1;

/** Longest `content-length`, in digits, that a double holds exactly. */
const MAX_LENGTH_DIGITS = 15;

/** The facts of one head. */
export interface HeadFacts {
  /** Bytes of the body; 0 if there is none, {@link CHUNKED} if it is chunked. */
  readonly bodyLength: number;
  /** The framing is ambiguous or unknown: close the connection and answer nothing. */
  readonly ambiguous: boolean;
  /** The client asked for `connection: close`. */
  readonly wantsClose: boolean;
  /** How many `host` fields there are. */
  readonly hosts: number;
  /** Whether each of them may be a host with or without a port, by its characters; the empty one may. */
  readonly areHostsPlain: boolean;
  /** The client takes trailers (`te: trailers`). */
  readonly takesTrailers: boolean;
  /** `upgrade` names `websocket`, `connection` names `upgrade`, and there is no body. Source: RFC 6455 section 4.2.1. */
  readonly offersWebSocket: boolean;
}

/** Reads the facts from a head whose names are lower-case. */
export function readHeadFacts(headers: HeaderList): HeadFacts {
  let bodyLength = 0;
  let lengths = 0;
  let codings = 0;
  let ambiguous = false;
  let wantsClose = false;
  let hosts = 0;
  let areHostsPlain = true;
  let takesTrailers = false;
  let namesWebSocket = false;
  let wantsUpgrade = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    // The length tells nearly all other names apart without comparing text.
    switch (name.length) {
      case 2:
        if (name === "te") takesTrailers ||= hasToken(headers[i + 1] ?? "", "trailers");
        break;
      case 4:
        if (name !== "host") break;
        hosts += 1;
        areHostsPlain &&= isPlainHost(headers[i + 1] ?? "");
        break;
      case 7:
        if (name === "upgrade") namesWebSocket ||= hasToken(headers[i + 1] ?? "", "websocket");
        break;
      case 10:
        if (name !== "connection") break;
        wantsClose ||= hasToken(headers[i + 1] ?? "", "close");
        wantsUpgrade ||= hasToken(headers[i + 1] ?? "", "upgrade");
        break;
      case 14:
        if (name !== "content-length") break;
        lengths += 1;
        bodyLength = parseLength(headers[i + 1] ?? "");
        if (bodyLength < 0) ambiguous = true;
        break;
      case 17:
        if (name !== "transfer-encoding") break;
        codings += 1;
        if (headers[i + 1] !== "chunked") ambiguous = true;
        break;
    }
  }
  if (lengths + codings > 1) ambiguous = true;
  if (codings > 0) bodyLength = CHUNKED;
  const offersWebSocket = namesWebSocket && wantsUpgrade && bodyLength === 0;
  return { bodyLength, ambiguous, wantsClose, hosts, areHostsPlain, takesTrailers, offersWebSocket };
}

/** Digits alone, or -1. */
function parseLength(text: string): number {
  if (text.length === 0 || text.length > MAX_LENGTH_DIGITS) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether a comma-separated list holds `token` (lower-case), parameters aside. */
export function hasToken(list: string, token: string): boolean {
  if (list === token) return true;
  if (list.length < token.length) return false;
  for (const element of list.toLowerCase().split(",")) {
    const semicolon = element.indexOf(";");
    if ((semicolon < 0 ? element : element.slice(0, semicolon)).trim() === token) return true;
  }
  return false;
}

/**
 * Whether a request target is in origin form and plain: `/` first, then visible ASCII without `#`.
 * Absolute and asterisk forms, fragments and raw UTF-8 are refused: a proxy and the gateway could read them differently.
 * Source: RFC 9112 section 3.2.
 */
export function isPlainTarget(target: string): boolean {
  if (target.charCodeAt(0) !== 0x2f) return false;
  for (let i = 1; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code < 0x21 || code > 0x7e || code === 0x23) return false;
  }
  return true;
}

/** Whether a query is visible ASCII without `#`; the empty one is. */
export function isPlainQuery(query: string): boolean {
  for (let i = 0; i < query.length; i++) {
    const code = query.charCodeAt(i);
    if (code < 0x21 || code > 0x7e || code === 0x23) return false;
  }
  return true;
}

/**
 * Whether a host has only characters of `uri-host [ ":" port ]`: no delimiter, such as `/` or `@`, with which others could
 * read another host. Sources: RFC 9110 section 7.2, RFC 3986 section 3.2.2.
 */
function isPlainHost(host: string): boolean {
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    const isLetter = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
    // Digits and the colon stand in one row, as do `-` and the dot.
    if (isLetter || (code >= 0x30 && code <= 0x3a) || code === 0x2d || code === 0x2e) continue;
    if (!"_~%[]!$&'()*+,;=".includes(host.charAt(i))) return false;
  }
  return true;
}

/** Longest method; the longest registered one has 16 letters. */
const MAX_METHOD_LENGTH = 32;

/** Whether `method` is made of capital letters, `-` and `_`, as every registered one is. */
export function isPlainMethod(method: string): boolean {
  if (method.length === 0 || method.length > MAX_METHOD_LENGTH) return false;
  for (let i = 0; i < method.length; i++) {
    const code = method.charCodeAt(i);
    if ((code < 0x41 || code > 0x5a) && code !== 0x2d && code !== 0x5f) return false;
  }
  return true;
}
