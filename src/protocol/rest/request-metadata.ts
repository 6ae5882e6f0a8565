/**
 * Request headers to gRPC metadata (docs/transcoding.md, "Headers, deadlines, cancellation").
 */
import type { HeaderList } from "../../http/index.ts";
import { refuse } from "../../status/index.ts";
import type { Metadata } from "../../upstream/index.ts";
import { isAsciiValue } from "../ascii-value.ts";
import { FORWARDING_FIELDS, type ForwardedSource, pushForwarding } from "../forwarding.ts";
import type { HeaderRules } from "../header-rules.ts";

/** Fields that concern one hop or the HTTP message itself, and those that the gateway writes. Source: RFC 9110, 7.6.1. */
const NEVER_FORWARDED: ReadonlySet<string> = new Set([
  ...FORWARDING_FIELDS,
  "accept-encoding",
  "connection",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-request-id",
]);

/** The trace that a request belongs to: what the upstream is told of it. */
export interface CallTraceContext {
  callTraceParent(): string;
  /** The `tracestate`; "" for none. */
  readonly state: string;
}

/**
 * The metadata that goes upstream with a request.
 *
 * Where the gateway traces, `trace` takes the place of the client's own trace context, which is passed on otherwise.
 * A field whose name gRPC does not allow, or whose value is not printable ASCII, does not cross.
 * `trustedHops` is the number of proxies in front of the gateway whose forwarding headers are believed.
 * @throws {StatusError} INVALID_ARGUMENT, reason HEADER_INVALID, for a `-bin` field that is not base64.
 */
export function requestMetadata(
  source: ForwardedSource,
  rules: HeaderRules,
  trustedHops: number,
  requestId: string,
  trace?: CallTraceContext,
): Metadata {
  const { headers } = source;
  const perHop = perHopNames(headers);
  const metadata: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (NEVER_FORWARDED.has(name) || perHop?.has(name)) continue;
    const target = metadataName(name, rules);
    if (target === undefined) continue;
    if (trace !== undefined && (target === "traceparent" || target === "tracestate")) continue;
    pushField(metadata, target, headers[i + 1] ?? "");
  }
  if (rules.fixed.length > 0) metadata.push(...rules.fixed);
  metadata.push("x-request-id", requestId);
  if (trace !== undefined) {
    metadata.push("traceparent", trace.callTraceParent());
    if (trace.state !== "") metadata.push("tracestate", trace.state);
  }
  pushForwarding(metadata, source, trustedHops);
  return metadata;
}

/** Whether a request header of this name may reach an upstream at all, rules of the route aside. */
export function isForwardable(name: string): boolean {
  return isMetadataName(name) && !isReserved(name);
}

function metadataName(name: string, rules: HeaderRules): string | undefined {
  const target = rules.toMetadata(name);
  if (target === undefined || isReserved(target)) return undefined;
  return isMetadataName(target) ? target : undefined;
}

/** Names that gRPC or the body keep for themselves. */
function isReserved(name: string): boolean {
  return (
    name.startsWith("grpc-") ||
    name.startsWith("content-") ||
    name.startsWith("sec-websocket-") ||
    name.startsWith(":") ||
    NEVER_FORWARDED.has(name)
  );
}

function pushField(metadata: string[], name: string, value: string): void {
  if (!name.endsWith("-bin")) {
    if (isAsciiValue(value)) metadata.push(name, value);
    return;
  }
  // Several binary values may share one field, joined by commas (gRPC over HTTP/2, "Custom-Metadata").
  for (const part of value.split(",")) {
    const text = part.trim();
    if (!isBase64(text)) {
      throw refuse(
        "HEADER_INVALID",
        `header ${name}: ${JSON.stringify(text.slice(0, 64))} is not base64`,
        name,
      );
    }
    metadata.push(name, Buffer.from(text, "base64").toString("base64"));
  }
}

/** The fields that `Connection` names beside `close` and `keep-alive`; undefined where there are none. */
function perHopNames(headers: HeaderList): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== "connection") continue;
    const value = headers[i + 1] ?? "";
    if (value === "keep-alive" || value === "close") continue;
    names ??= new Set();
    for (const name of value.split(",")) names.add(name.trim().toLowerCase());
  }
  return names;
}

/** gRPC over HTTP/2, "Header-Name": digits, lower-case letters, `_`, `-`, `.`. */
function isMetadataName(name: string): boolean {
  if (name === "") return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const isAllowed =
      (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x5f || c === 0x2d || c === 0x2e;
    if (!isAllowed) return false;
  }
  return true;
}

/** Either alphabet, padded or not; at most two `=` and only at the end. */
function isBase64(text: string): boolean {
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text.charCodeAt(end - 1) === 0x3d) end--;
  if (end % 4 === 1) return false;
  for (let i = 0; i < end; i++) {
    const c = text.charCodeAt(i);
    const isDigit =
      (c >= 0x41 && c <= 0x5a) ||
      (c >= 0x61 && c <= 0x7a) ||
      (c >= 0x30 && c <= 0x39) ||
      c === 0x2b ||
      c === 0x2f ||
      c === 0x2d ||
      c === 0x5f;
    if (!isDigit) return false;
  }
  return true;
}
