/**
 * From the field section of an HTTP/2 request to a head as HTTP/1.1 has it, which is what everything behind it reads.
 */
import { isAscii } from "../common/index.ts";

/** The head of one request. */
export interface Http2Head {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Without pseudo-fields; `:authority` is `host`, and crumbs of `cookie` are one field. */
  readonly headers: readonly string[];
  /** About as many bytes as the head has in HTTP/1.1. */
  readonly bytes: number;
}

/** Bytes around a field in HTTP/1.1: `: ` and CR LF. */
const FIELD_OVERHEAD = 4;

/**
 * Reads `[name, value, …]` as it came, which node:http2 has checked: names are lower-case, pseudo-fields come first and
 * once, `connection` and its like are not there (RFC 9113, sections 8.2 and 8.3).
 *
 * A `host` beside another `:authority` stays as a second field: two hosts are refused, as section 8.3.1 demands. Node reads
 * values as Latin-1; those beyond ASCII are read again as UTF-8.
 */
export function readHead(raw: readonly string[]): Http2Head {
  let method = "";
  let target = "";
  let authority: string | undefined;
  let cookieAt = -1;
  let bytes = 0;
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? "";
    const latin = raw[i + 1] ?? "";
    const value = isAscii(latin) ? latin : Buffer.from(latin, "latin1").toString("utf8");
    bytes += name.length + latin.length + FIELD_OVERHEAD;
    if (name.charCodeAt(0) === 0x3a) {
      if (name === ":method") method = value;
      else if (name === ":path") target = value;
      else if (name === ":authority") {
        authority = value;
        headers.push("host", value);
      }
    } else if (name === "host" && value === authority) {
      // It is there already.
    } else if (name === "cookie" && cookieAt >= 0) {
      // RFC 9113, section 8.2.3.
      headers[cookieAt] = `${headers[cookieAt]}; ${value}`;
    } else {
      if (name === "cookie") cookieAt = headers.length + 1;
      headers.push(name, value);
    }
  }
  const mark = target.indexOf("?");
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? "" : target.slice(mark + 1),
    headers,
    bytes,
  };
}
