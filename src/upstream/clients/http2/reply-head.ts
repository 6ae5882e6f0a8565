/**
 * Header lists of a reply: what they say of HTTP, what of gRPC, and what is metadata.
 * Source: RFC 9113 sections 8.1 to 8.3; gRPC over HTTP/2, "Responses".
 */
import { Code, isCode, OK, type Status, upstreamStatus } from "../../../status/index.ts";
import type { Metadata } from "../../channel.ts";
import { httpInsteadOfGrpc, isGrpcContentType, notGrpc, statusDetails } from "../../reply-faults.ts";

/** Fields that HTTP/2 does not have (RFC 9113 section 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const NO_METADATA: Metadata = [];

/** One header list, read. */
export interface ReplyHead {
  /** 0 in trailers. */
  readonly httpStatus: number;
  readonly contentType: string | undefined;
  readonly encoding: string | undefined;
  /** The encodings that the upstream takes, if it says so. */
  readonly acceptEncoding: string | undefined;
  readonly grpcStatus: string | undefined;
  readonly grpcMessage: string;
  /** Base64. */
  readonly details: string | undefined;
  readonly metadata: Metadata;
}

/** Reads a header list; undefined where HTTP/2 calls it malformed. */
export function readReplyHead(list: readonly string[], kind: "headers" | "trailers"): ReplyHead | undefined {
  let httpStatus = 0;
  let contentType: string | undefined;
  let encoding: string | undefined;
  let acceptEncoding: string | undefined;
  let grpcStatus: string | undefined;
  let grpcMessage = "";
  let details: string | undefined;
  let metadata: string[] | undefined;
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] ?? "";
    const value = list[i + 1] ?? "";
    switch (name) {
      case ":status":
        // The first field or none: pseudo-header fields stand before all others, and this is the only one.
        if (i > 0 || kind === "trailers") return undefined;
        httpStatus = parseHttpStatus(value);
        break;
      case "content-type":
        contentType = value;
        break;
      case "grpc-status":
        grpcStatus = value;
        break;
      case "grpc-message":
        grpcMessage = value;
        break;
      case "grpc-encoding":
        encoding = value;
        break;
      case "grpc-status-details-bin":
        details = value;
        break;
      case "grpc-accept-encoding":
        acceptEncoding = value;
        break;
      default:
        if (!isFieldName(name) || !isFieldValue(value)) return undefined;
        metadata ??= [];
        pushMetadata(metadata, name, value);
    }
  }
  if (kind === "headers" && httpStatus === 0) return undefined;
  return {
    httpStatus,
    contentType,
    encoding,
    acceptEncoding,
    grpcStatus,
    grpcMessage,
    details,
    metadata: metadata ?? NO_METADATA,
  };
}

/** The status that headers alone give, where they are not those of a gRPC reply with messages. */
export function foreignStatus(head: ReplyHead, address: string): Status | undefined {
  if (head.httpStatus !== 200) return httpInsteadOfGrpc(address, head.httpStatus);
  // A header block that a body follows needs a content type (gRPC over HTTP/2, "Response-Headers").
  if (head.contentType !== undefined && isGrpcContentType(head.contentType)) return undefined;
  return notGrpc(address, head.contentType);
}

/** The status of a trailers-only reply. */
export function statusOfHeadersOnly(head: ReplyHead, address: string): Status {
  if (head.grpcStatus !== undefined && isGrpcContentType(head.contentType)) {
    // A proxy's error page may come without a content type, but not with a status of gRPC.
    return statusOfTrailers(head, address);
  }
  return foreignStatus(head, address) ?? notGrpc(address, undefined);
}

/** The status that trailers give. */
export function statusOfTrailers(head: ReplyHead, address: string): Status {
  const { grpcStatus, details } = head;
  if (grpcStatus === "0") return OK;
  if (grpcStatus === undefined) return notGrpc(address, undefined);
  const number = /^\d{1,9}$/.test(grpcStatus) ? Number(grpcStatus) : -1;
  if (number === 0) return OK;
  const code = isCode(number) ? number : Code.UNKNOWN;
  const message = decodeGrpcMessage(head.grpcMessage);
  const known =
    details === undefined ? undefined : statusDetails(Buffer.from(details, "base64"), code, message);
  return upstreamStatus(code, known?.message ?? message, known?.details);
}

/**
 * Decodes `grpc-message`: percent-encoded UTF-8. What is not valid encoding stays as it stands; bytes that are not UTF-8
 * become U+FFFD. Source: gRPC over HTTP/2, "Status-Message".
 */
export function decodeGrpcMessage(text: string): string {
  if (isPlain(text)) return text;
  // Latin-1 by the way that it was read, so each character is one byte of the wire.
  const bytes = Buffer.from(text, "latin1");
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigit(bytes[i + 1]);
    const low = hexDigit(bytes[i + 2]);
    if (bytes[i] === 0x25 && high >= 0 && low >= 0) {
      bytes[length++] = (high << 4) | low;
      i += 2;
    } else {
      bytes[length++] = bytes[i] ?? 0;
    }
  }
  return bytes.toString("utf8", 0, length);
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x25 || c > 0x7e) return false;
  }
  return true;
}

function hexDigit(c: number | undefined): number {
  if (c === undefined) return -1;
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function parseHttpStatus(value: string): number {
  if (value === "200") return 200;
  const status = value.length === 3 ? Number(value) : 0;
  return Number.isInteger(status) && status >= 100 ? status : 0;
}

/** Binary values as padded base64, one value an entry, so that every client gives the same. */
function pushMetadata(metadata: string[], name: string, value: string): void {
  if (!name.endsWith("-bin")) {
    metadata.push(name, value);
    return;
  }
  for (const part of value.split(",")) {
    metadata.push(name, Buffer.from(part, "base64").toString("base64"));
  }
}

/** A token in lower case, and no field of the connection. `te` is a request's. */
function isFieldName(name: string): boolean {
  if (name === "" || name.charCodeAt(0) === 0x3a || CONNECTION_FIELDS.has(name)) return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    // Source: RFC 9113 section 8.2.1.
    if (c <= 0x20 || (c >= 0x41 && c <= 0x5a) || c >= 0x7f || c === 0x3a) return false;
  }
  return true;
}

function isFieldValue(value: string): boolean {
  const length = value.length;
  if (length === 0) return true;
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1))) return false;
  for (let i = 0; i < length; i++) {
    const c = value.charCodeAt(i);
    if (c === 0 || c === 0xa || c === 0xd) return false;
  }
  return true;
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}
