/**
 * The replies that an engine gives by itself, in the same JSON form as the gateway's own errors.
 */
import { REASONS, type Reason } from "../../../status/index.ts";
import type { HeaderList } from "../../header-list.ts";
import { reasonPhrase } from "./status-line.ts";

/** A reply that ends the connection, for requests that never reach the handler. */
export interface Refusal {
  readonly reason: Reason;
  readonly status: number;
  readonly body: string;
}

/** Headers of every refusal. */
export const REFUSAL_HEADERS: HeaderList = ["content-type", "application/json", "connection", "close"];

/** The head is longer than the listener's limit. */
export const HEAD_TOO_LARGE: Refusal = refusal(431, "HEADERS_TOO_LARGE", "the request head is too long");
/** The bytes are not an HTTP/1.1 request. */
export const NOT_HTTP: Refusal = refusal(400, "HTTP_MALFORMED", "the request is not well-formed HTTP/1.1");
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
/** The head did not arrive in time. */
export const HEAD_TOO_SLOW: Refusal = refusal(408, "REQUEST_TIMEOUT", "the request did not arrive in time");

/** The head has more fields than the listener's limit. */
export const HEADERS_TOO_MANY: Refusal = refusal(
  431,
  "HEADERS_TOO_MANY",
  "the request head has too many fields",
);
/** Path and query are longer than the listener's limit. */
export const URL_TOO_LONG: Refusal = refusal(414, "URL_TOO_LONG", "the request target is too long");
/** The listener has as many connections as it may. */
export const CONNECTIONS_FULL: Refusal = refusal(
  503,
  "CONNECTION_LIMIT",
  "too many connections are open; try again later",
);

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

function refusal(status: number, reason: Reason, message: string): Refusal {
  const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "sluice" };
  return { reason, status, body: JSON.stringify({ code: REASONS[reason].code, message, details: [info] }) };
}
