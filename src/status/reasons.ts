/** Why the gateway itself refuses or ends a request: the closed list of words, with their gRPC codes and meanings. */
import { Code } from "./code.ts";

/** One word of the closed list. */
export type Reason =
  | "NO_ROUTE"
  | "METHOD_NOT_ALLOWED"
  | "PATH_INVALID"
  | "PATH_ENCODING"
  | "PARAM_INVALID"
  | "PARAM_UNKNOWN"
  | "PATH_CONFLICT"
  | "JSON_INVALID"
  | "JSON_UNKNOWN_FIELD"
  | "FORM_INVALID"
  | "BODY_NOT_ALLOWED"
  | "MEDIA_TYPE_UNSUPPORTED"
  | "CONTENT_CODING_UNSUPPORTED"
  | "CONTENT_CODING_INVALID"
  | "BODY_TOO_LARGE"
  | "HEADERS_TOO_LARGE"
  | "HEADERS_TOO_MANY"
  | "URL_TOO_LONG"
  | "HEADER_INVALID"
  | "HTTP_MALFORMED"
  | "REQUEST_TIMEOUT"
  | "BODY_TIMEOUT"
  | "CONNECTION_LIMIT"
  | "RANGE_UNSATISFIABLE"
  | "HANDSHAKE_INVALID"
  | "ORIGIN_REFUSED"
  | "FRAME_INVALID"
  | "CLIENT_TOO_FAST"
  | "CORS_REFUSED"
  | "DEADLINE"
  | "CLIENT_GONE"
  | "UPSTREAM_UNREACHABLE"
  | "UPSTREAM_OVERLOADED"
  | "UPSTREAM_PROTOCOL"
  | "UPSTREAM_REPLY_TOO_LARGE"
  | "UPSTREAM_REPLY_INVALID"
  | "NOT_READY"
  | "DRAINING"
  | "INTERNAL";

/**
 * Every error that the gateway itself makes, by reason: a closed list.
 *
 * The word is the same in `google.rpc.ErrorInfo.reason`, in the access log and in metric labels.
 * A test holds this list and docs/errors.md equal.
 */
export const REASONS: Readonly<Record<Reason, { readonly code: Code; readonly what: string }>> = {
  NO_ROUTE: { code: Code.NOT_FOUND, what: "No route has this path." },
  METHOD_NOT_ALLOWED: {
    code: Code.UNIMPLEMENTED,
    what: "The path exists under other HTTP methods, listed in Allow.",
  },
  PATH_INVALID: {
    code: Code.INVALID_ARGUMENT,
    what: "The path holds a dot segment (. or ..), plain or encoded.",
  },
  PATH_ENCODING: {
    code: Code.INVALID_ARGUMENT,
    what: "A path segment is not valid percent-encoding or not UTF-8.",
  },
  PARAM_INVALID: {
    code: Code.INVALID_ARGUMENT,
    what: "A path variable or query parameter does not fit its field.",
  },
  PARAM_UNKNOWN: { code: Code.INVALID_ARGUMENT, what: "A query parameter names no field of the request." },
  PATH_CONFLICT: {
    code: Code.INVALID_ARGUMENT,
    what: "Body or query give a path-bound field another value.",
  },
  JSON_INVALID: {
    code: Code.INVALID_ARGUMENT,
    what: "The body is not JSON, or does not fit the request message.",
  },
  JSON_UNKNOWN_FIELD: {
    code: Code.INVALID_ARGUMENT,
    what: "The body names a field that the message does not have.",
  },
  FORM_INVALID: {
    code: Code.INVALID_ARGUMENT,
    what: "A multipart form is malformed, cut short, or has too many parts.",
  },
  BODY_NOT_ALLOWED: { code: Code.INVALID_ARGUMENT, what: "The route takes no body, but one was sent." },
  MEDIA_TYPE_UNSUPPORTED: {
    code: Code.INVALID_ARGUMENT,
    what: "The route cannot read a body of this Content-Type.",
  },
  CONTENT_CODING_UNSUPPORTED: {
    code: Code.INVALID_ARGUMENT,
    what: "The body is in a content coding (Content-Encoding) that the route does not decode.",
  },
  CONTENT_CODING_INVALID: {
    code: Code.INVALID_ARGUMENT,
    what: "The body is not in the content coding that Content-Encoding names, or is cut short.",
  },
  BODY_TOO_LARGE: { code: Code.RESOURCE_EXHAUSTED, what: "The body is longer than the limit of the route." },
  HEADERS_TOO_LARGE: {
    code: Code.RESOURCE_EXHAUSTED,
    what: "The request head is longer than the listener's limit.",
  },
  HEADERS_TOO_MANY: {
    code: Code.RESOURCE_EXHAUSTED,
    what: "The request head has more fields than limits.maxHeaders.",
  },
  URL_TOO_LONG: {
    code: Code.RESOURCE_EXHAUSTED,
    what: "Path and query are longer than limits.maxUrlBytes.",
  },
  HEADER_INVALID: {
    code: Code.INVALID_ARGUMENT,
    what: "A header that the gateway reads has a malformed value.",
  },
  HTTP_MALFORMED: { code: Code.INVALID_ARGUMENT, what: "The request is not well-formed HTTP." },
  REQUEST_TIMEOUT: { code: Code.DEADLINE_EXCEEDED, what: "The request did not arrive in time." },
  BODY_TIMEOUT: {
    code: Code.DEADLINE_EXCEEDED,
    what: "The body did not arrive within limits.bodyTimeout.",
  },
  CONNECTION_LIMIT: {
    code: Code.UNAVAILABLE,
    what: "As many connections are open as limits.connections allows; closed without a request.",
  },
  RANGE_UNSATISFIABLE: {
    code: Code.OUT_OF_RANGE,
    what: "The blob has no bytes in the range that the client asks for.",
  },
  HANDSHAKE_INVALID: {
    code: Code.INVALID_ARGUMENT,
    what: "A WebSocket handshake is malformed, or offers no subprotocol that is spoken here.",
  },
  ORIGIN_REFUSED: {
    code: Code.PERMISSION_DENIED,
    what: "A page of this origin may not open a WebSocket here.",
  },
  FRAME_INVALID: {
    code: Code.INVALID_ARGUMENT,
    what: "A WebSocket frame breaks the protocol, or is not what the call takes at this point.",
  },
  CLIENT_TOO_FAST: {
    code: Code.RESOURCE_EXHAUSTED,
    what: "A WebSocket has sent more than the upstream took and the gateway may keep.",
  },
  CORS_REFUSED: {
    code: Code.PERMISSION_DENIED,
    what: "The origin, method or header of a preflight is not allowed.",
  },
  DEADLINE: { code: Code.DEADLINE_EXCEEDED, what: "The upstream did not answer within the deadline." },
  CLIENT_GONE: { code: Code.CANCELLED, what: "The client closed the connection before the reply." },
  UPSTREAM_UNREACHABLE: { code: Code.UNAVAILABLE, what: "No connection to the upstream could be had." },
  UPSTREAM_OVERLOADED: {
    code: Code.RESOURCE_EXHAUSTED,
    what: "A limit of the upstream is reached; the message says which.",
  },
  UPSTREAM_PROTOCOL: { code: Code.UNAVAILABLE, what: "The upstream answered, but not with gRPC." },
  UPSTREAM_REPLY_TOO_LARGE: {
    code: Code.RESOURCE_EXHAUSTED,
    what: "The reply is longer than maxReceiveMessageBytes, or far longer as JSON than as it came.",
  },
  UPSTREAM_REPLY_INVALID: {
    code: Code.INTERNAL,
    what: "The reply is not a message of the type that the schema names.",
  },
  NOT_READY: { code: Code.UNAVAILABLE, what: "No schema has been loaded yet." },
  DRAINING: { code: Code.UNAVAILABLE, what: "The gateway shuts down and has ended the stream." },
  INTERNAL: { code: Code.INTERNAL, what: "A fault in the gateway; the cause is in its log." },
};
