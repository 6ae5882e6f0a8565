/**
 * Metadata between the flat list of the port and grpc-js's `Metadata`.
 *
 * What the port hands over may come from a hostile HTTP request, and a header that HTTP/2 refuses makes grpc-js drop
 * the connection and try the call again without end. So every field is checked here first.
 * Source: gRPC over HTTP/2, "Custom-Metadata"; RFC 9113 section 8.2.
 */
import { Metadata as GrpcMetadata } from "@grpc/grpc-js";
import { gatewayStatus, type Status } from "../../../status/index.ts";
import type { Metadata } from "../../channel.ts";

/** Fields that belong to the connection or to the framing of the call; the client writes its own. */
const TRANSPORT_FIELDS: ReadonlySet<string> = new Set([
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
 * Fields that node:http2 refuses to send twice; their values are joined as RFC 9110 section 5.3 has it.
 * Source: Node's lib/internal/http2/util.js, "singleValueHeaders".
 */
const SINGLE_FIELDS: ReadonlySet<string> = new Set([
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

/** Fields of a reply that are not the upstream's metadata. */
const REPLY_FRAMING: ReadonlySet<string> = new Set([
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
]);

/**
 * Metadata for a call, or the status (HEADER_INVALID) that refuses it.
 *
 * Fields of the transport are left out. A `-bin` value is base64 in either alphabet, padded or not, perhaps several
 * joined by commas; text values are printable ASCII.
 */
export function toGrpcMetadata(
  list: Metadata,
): { readonly metadata: GrpcMetadata } | { readonly refusal: Status } {
  const metadata = new GrpcMetadata();
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] ?? "";
    const value = list[i + 1] ?? "";
    if (TRANSPORT_FIELDS.has(name) || name.startsWith(":")) continue;
    if (!isName(name)) return refusal(`metadata name ${quote(name)} is not one of gRPC`);
    if (name.endsWith("-bin")) {
      for (const part of value.split(",")) {
        const encoded = part.trim();
        if (!isBase64(encoded)) return refusal(`metadata ${name}: ${quote(value)} is not base64`);
        metadata.add(name, Buffer.from(encoded, "base64"));
      }
      continue;
    }
    if (!isText(value)) return refusal(`metadata ${name}: ${quote(value)} is not printable ASCII`);
    const earlier = SINGLE_FIELDS.has(name) ? metadata.get(name)[0] : undefined;
    if (earlier === undefined) metadata.add(name, value);
    else metadata.set(name, `${earlier.toString()}, ${value}`);
  }
  return { metadata };
}

/** The custom metadata of a reply's headers or trailers as a flat list; binary values as padded base64. */
export function fromGrpcMetadata(metadata: GrpcMetadata): Metadata {
  const list: string[] = [];
  const headers = metadata.toHttp2Headers();
  for (const name of Object.keys(headers)) {
    if (REPLY_FRAMING.has(name)) continue;
    const value = headers[name];
    if (Array.isArray(value)) for (const each of value) list.push(name, each);
    else if (value !== undefined) list.push(name, String(value));
  }
  return list;
}

function refusal(message: string): { readonly refusal: Status } {
  return { refusal: gatewayStatus("HEADER_INVALID", message) };
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

/** Source: gRPC over HTTP/2, `Header-Name → 1*( %x30-39 / %x61-7A / "_" / "-" / "." )`. */
function isName(name: string): boolean {
  // An assignment to this name on an object would not make a field of it.
  if (name === "" || name === "__proto__") return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const ok = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x5f || c === 0x2d || c === 0x2e;
    if (!ok) return false;
  }
  return true;
}

function isText(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

/** Whether `text` is base64 of either alphabet; padding is optional and only at the end. */
function isBase64(text: string): boolean {
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
