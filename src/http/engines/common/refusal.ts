/**
 * The replies that an engine gives by itself, in the same JSON form as the gateway's own errors.
 */
import { REASONS, type Reason } from "../../../status/index.ts";
import type { EngineLimits } from "../../engine.ts";
import type { HeaderList } from "../../header-list.ts";
import { type HeadFacts, isPlainQuery, isPlainTarget } from "./request-head.ts";
import { reasonPhrase } from "./status-line.ts";

/** A reply that ends the connection, for requests that never reach the handler. */
export interface Refusal {
  readonly reason: Reason;
  readonly status: number;
  readonly body: string;
}

/** Headers of every refusal. */
export const REFUSAL_HEADERS: HeaderList = ["content-type", "application/json", "connection", "close"];

/** The bytes are no request of a version of HTTP that is spoken here. */
export const NOT_HTTP: Refusal = refusal(400, "HTTP_MALFORMED", "the request is not well-formed HTTP");
/** The request target is not a plain path with query. */
export const TARGET_NOT_PLAIN: Refusal = refusal(
  400,
  "HTTP_MALFORMED",
  "the request target must be a path of visible ASCII characters; percent-encode all others",
);
/** `host` is missing or there are several. */
export const HOST_NOT_ONE: Refusal = refusal(
  400,
  "HTTP_MALFORMED",
  "the request needs exactly one host field",
);
/** `host` is none. */
export const HOST_NOT_PLAIN: Refusal = refusal(
  400,
  "HTTP_MALFORMED",
  "the host field is no host name or address, with or without a port",
);
/** The head did not arrive in time. */
export const HEAD_TOO_SLOW: Refusal = refusal(408, "REQUEST_TIMEOUT", "the request did not arrive in time");

/** The listener has as many connections as it may. */
export const CONNECTIONS_FULL: Refusal = refusal(
  503,
  "CONNECTION_LIMIT",
  "too many connections are open; try again later",
);

/** The head is longer than the listener's limit. */
export function headTooLarge({ maxHeaderBytes }: EngineLimits): Refusal {
  return refusal(431, "HEADERS_TOO_LARGE", `the request head is longer than ${maxHeaderBytes} bytes`);
}

/** For more fields than the listener's limit; undefined for any others. */
export function refusalOfCount(headers: HeaderList, { maxHeaders }: EngineLimits): Refusal | undefined {
  const count = headers.length / 2;
  if (count <= maxHeaders) return undefined;
  return refusal(431, "HEADERS_TOO_MANY", `the request head has ${count} fields, more than ${maxHeaders}`);
}

/** For a target that is longer than the listener's limit; undefined for any other. */
export function refusalOfUrl(
  path: string,
  query: string,
  { maxUrlBytes }: EngineLimits,
): Refusal | undefined {
  // The mark between the two counts where there is a query.
  const bytes = path.length + (query === "" ? 0 : query.length + 1);
  if (bytes <= maxUrlBytes) return undefined;
  return refusal(414, "URL_TOO_LONG", `the request target has ${bytes} bytes, more than ${maxUrlBytes}`);
}

/**
 * A refusal as the bytes of a whole HTTP/1.1 reply that closes its connection, for connections without an exchange.
 * `date` is an HTTP date (RFC 9110, section 5.6.7).
 */
export function refusalBytes({ status, body }: Refusal, date: string): string {
  return (
    `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\ndate: ${date}\r\ncontent-type: application/json\r\n` +
    `connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}

/** What is looked at of a head before its request becomes an exchange. */
export interface CheckedHead {
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly facts: HeadFacts;
  /** How few `host` fields there may be; more than one is never right. */
  readonly hostsNeeded: 0 | 1;
}

/** Why the engine answers a request by itself; undefined for one that is fit to be handed over. */
export function refusalOfHead(
  { path, query, headers, facts, hostsNeeded }: CheckedHead,
  limits: EngineLimits,
): Refusal | undefined {
  const ofSize = refusalOfUrl(path, query, limits) ?? refusalOfCount(headers, limits);
  if (ofSize !== undefined) return ofSize;
  if (facts.hosts > 1 || facts.hosts < hostsNeeded) return HOST_NOT_ONE;
  if (!facts.areHostsPlain) return HOST_NOT_PLAIN;
  if (!isPlainTarget(path) || !isPlainQuery(query)) return TARGET_NOT_PLAIN;
  return undefined;
}

function refusal(status: number, reason: Reason, message: string): Refusal {
  const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "sluice" };
  return { reason, status, body: JSON.stringify({ code: REASONS[reason].code, message, details: [info] }) };
}
