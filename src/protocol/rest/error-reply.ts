/**
 * A status that is not OK, as a whole HTTP reply.
 */
import { httpStatusOf, type Status } from "../../status/index.ts";
import type { Metadata } from "../../upstream/index.ts";
import type { ErrorFormat, ErrorSettings, RouteSettings } from "../protocol.ts";
import { mediaRanges, namedWeight } from "./accept.ts";
import type { Reply } from "./reply.ts";
import { pushCacheControl, pushReplyHeaders } from "./reply-headers.ts";

/**
 * Sends `status` as the reply. `headers` are further fields (an upstream's metadata, `Allow`).
 *
 * A status after which the connection cannot be used, because a body was left unread, closes it.
 */
export function sendError(
  reply: Reply,
  status: Status,
  settings: ErrorSettings,
  headers: readonly string[],
): void {
  const httpStatus = httpStatusOf(status, settings.httpStatusByCode);
  const error = settings.render(status, httpStatus, chooseFormat(reply, settings.format));
  const fields = ["content-type", error.contentType, ...headers];
  pushCacheControl(fields, settings.cacheControl);
  if (error.retryAfterSeconds !== undefined) fields.push("retry-after", String(error.retryAfterSeconds));
  if (status.reason === "BODY_TOO_LARGE") fields.push("connection", "close");
  // RFC 9110, section 15.5.16: tells this 415 from one that is about the media type.
  if (status.reason === "CONTENT_CODING_UNSUPPORTED") {
    fields.push("accept-encoding", settings.acceptEncoding ?? "identity");
  }
  // RFC 6455, section 4.2.2: what a client with another version may try.
  if (status.reason === "HANDSHAKE_INVALID") fields.push("sec-websocket-version", "13");
  reply.respond(httpStatus, fields, error.body);
}

/**
 * Sends the status of a call that failed before anything was sent, with the upstream's metadata. An upstream that fails
 * early may put it in either block (a trailers-only reply has but one), so both count and both read the same. `more` are
 * fields of the gateway's own.
 */
export function sendCallError(
  reply: Reply,
  status: Status,
  settings: RouteSettings,
  metadata: Metadata,
  trailers: Metadata,
  more: readonly string[] = [],
): void {
  const headers: string[] = [...more];
  pushReplyHeaders(headers, metadata, settings.responseHeaders);
  pushReplyHeaders(headers, trailers, settings.responseHeaders);
  sendError(reply, status, settings.errors, headers);
}

/** The client's wish for problem details wins over the route's format. */
function chooseFormat({ exchange: { headers } }: Reply, format: ErrorFormat): ErrorFormat {
  return namedWeight(mediaRanges(headers), "application/problem+json") > 0 ? "problem" : format;
}
