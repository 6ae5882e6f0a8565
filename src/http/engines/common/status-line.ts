/**
 * HTTP statuses with their reason phrases, the one table of the engines.
 * Source: RFC 9110 section 15; 499 is the common word for "the client closed the connection".
 */
import { STATUS_CODES } from "node:http";

const FIRST = 200;
const LAST = 999;
const LINES: readonly string[] = Array.from({ length: LAST - FIRST + 1 }, (_, index) => {
  const status = FIRST + index;
  return `${status} ${phraseOf(status)}`;
});

function phraseOf(status: number): string {
  if (status === 499) return "Client Closed Request";
  return STATUS_CODES[status] ?? "Status";
}

/** The status as sent: one that cannot end a request (below 200, above 999, no integer) becomes 500. */
export function finalStatus(status: number): number {
  return Number.isInteger(status) && status >= FIRST && status <= LAST ? status : 500;
}

/** Number and reason phrase, e.g. `404 Not Found`; `status` as from {@link finalStatus}. */
export function statusLine(status: number): string {
  return LINES[status - FIRST] ?? "500 Internal Server Error";
}

/** The reason phrase alone; `status` as from {@link finalStatus}. */
export function reasonPhrase(status: number): string {
  return statusLine(status).slice(4);
}

/** Whether a reply with `status` has neither body nor `content-length` (RFC 9110 sections 8.6, 15.3.5, 15.4.5). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}
