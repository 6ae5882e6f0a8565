/**
 * What every client holds to where metadata crosses: which fields are its own, and what may stand in the others.
 *
 * What the port hands over may come from a hostile HTTP request. Source: gRPC over HTTP/2, "Custom-Metadata"; RFC 9113
 * section 8.2.
 */
import { gatewayStatus, type Status } from "../status/index.ts";

/** Fields that belong to the connection or to the framing of the call; the client writes its own. */
export const TRANSPORT_FIELDS: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "content-type",
  "expect",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-timeout",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);

/**
 * Fields that node:http2 refuses to send twice, and of which it reads only the first; their values are joined as RFC 9110
 * section 5.3 has it.
 * Source: Node's lib/internal/http2/util.js, "singleValueHeaders".
 */
export const SINGLE_FIELDS: ReadonlySet<string> = new Set([
  "access-control-allow-credentials",
  "access-control-max-age",
  "access-control-request-method",
  "age",
  "authorization",
  "content-encoding",
  "content-language",
  "content-location",
  "content-md5",
  "content-range",
  "date",
  "dnt",
  "etag",
  "expires",
  "from",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "range",
  "referer",
  "retry-after",
  "tk",
  "upgrade-insecure-requests",
  "x-content-type-options",
]);

/** Fields that must not stay in anyone's table of header fields (RFC 7541 section 7.1.3). */
export const SENSITIVE_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
]);

/** Fields of a reply that are not the upstream's metadata. */
export const REPLY_FRAMING: ReadonlySet<string> = new Set([
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
]);

/** HEADER_INVALID for a name that gRPC does not have. */
export function invalidName(name: string): Status {
  return gatewayStatus("HEADER_INVALID", `metadata name ${quote(name)} is not one of gRPC`);
}

/** HEADER_INVALID for a text value with other characters than printable ASCII. */
export function invalidText(name: string, value: string): Status {
  return gatewayStatus("HEADER_INVALID", `metadata ${name}: ${quote(value)} is not printable ASCII`);
}

/** HEADER_INVALID for a `-bin` value. */
export function invalidBase64(name: string, value: string): Status {
  return gatewayStatus("HEADER_INVALID", `metadata ${name}: ${quote(value)} is not base64`);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

/** Source: gRPC over HTTP/2, `Header-Name → 1*( %x30-39 / %x61-7A / "_" / "-" / "." )`. */
export function isMetadataName(name: string): boolean {
  // An assignment to this name on an object would not make a field of it.
  if (name === "" || name === "__proto__") return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const ok = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x5f || c === 0x2d || c === 0x2e;
    if (!ok) return false;
  }
  return true;
}

/** Source: gRPC over HTTP/2, `ASCII-Value → 1*( %x20-%x7E )`; empty values pass too. */
export function isMetadataText(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

/** Whether `text` is base64 of either alphabet; padding is optional and only at the end. */
export function isBase64(text: string): boolean {
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text.charCodeAt(end - 1) === 0x3d) end--;
  if (end % 4 === 1) return false;
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    const isLetterOrDigit = (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39);
    // + / - _
    if (!isLetterOrDigit && c !== 0x2b && c !== 0x2f && c !== 0x2d && c !== 0x5f) return false;
  }
  return true;
}
