/**
 * gRPC metadata to response headers (docs/transcoding.md), and the HTTP status that an upstream may choose.
 */
import { findHeader } from "../../http/index.ts";
import type { Metadata } from "../../upstream/index.ts";
import type { HeaderRules } from "../header-rules.ts";

/** The metadata key by which an upstream chooses a 2xx or 3xx status; it never reaches the client. */
const HTTP_STATUS_KEY = "x-http-code";

/** Fields that the gateway or its HTTP engine writes, or that concern the upstream's own hop. */
const RESERVED: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-request-id",
  HTTP_STATUS_KEY,
]);

/** Appends the fields of `metadata` that may go to the client to `headers`. A `-bin` value stays base64. */
export function pushReplyHeaders(headers: string[], metadata: Metadata, rules: HeaderRules): void {
  for (let i = 0; i + 1 < metadata.length; i += 2) {
    const name = metadata[i] ?? "";
    if (isReserved(name) || name.startsWith("grpc-") || name.startsWith(":")) continue;
    const target = rules.toHeader(name);
    if (target !== undefined && !isReserved(target)) headers.push(target, metadata[i + 1] ?? "");
  }
}

/**
 * Appends the route's `Cache-Control` to the complete fields of a reply, unless they have one: the upstream knows more of
 * this resource than the config does of all of them.
 */
export function pushCacheControl(headers: string[], cacheControl: string | undefined): void {
  if (cacheControl === undefined || findHeader(headers, "cache-control") !== undefined) return;
  headers.push("cache-control", cacheControl);
}

/** Who may read a reply across origins is the config's to say (`cors`), preflights included. */
function isReserved(name: string): boolean {
  return RESERVED.has(name) || name.startsWith("access-control-");
}

/** The status of a reply that succeeded: 200, or the upstream's choice from 200 to 399. */
export function chosenHttpStatus(metadata: Metadata): number {
  for (let i = 0; i + 1 < metadata.length; i += 2) {
    if (metadata[i] !== HTTP_STATUS_KEY) continue;
    const status = Number(metadata[i + 1]);
    if (Number.isInteger(status) && status >= 200 && status <= 399) return status;
  }
  return 200;
}

/** Whether a reply of this status has no body (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5). */
export function hasNoBody(httpStatus: number): boolean {
  return httpStatus === 204 || httpStatus === 205 || httpStatus === 304;
}
