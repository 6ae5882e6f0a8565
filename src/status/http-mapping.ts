/**
 * gRPC code and gateway reason to HTTP status: the only table of them.
 * Source: google/rpc/code.proto; RFC 9110 section 15 for the gateway's own errors.
 */
import { Code } from "./code.ts";
import { REASONS, type Reason } from "./reasons.ts";
import type { Status } from "./status.ts";

const BY_CODE: Readonly<Record<Code, number>> = {
  [Code.OK]: 200,
  [Code.CANCELLED]: 499,
  [Code.UNKNOWN]: 500,
  [Code.INVALID_ARGUMENT]: 400,
  [Code.DEADLINE_EXCEEDED]: 504,
  [Code.NOT_FOUND]: 404,
  [Code.ALREADY_EXISTS]: 409,
  [Code.PERMISSION_DENIED]: 403,
  [Code.RESOURCE_EXHAUSTED]: 429,
  [Code.FAILED_PRECONDITION]: 400,
  [Code.ABORTED]: 409,
  [Code.OUT_OF_RANGE]: 400,
  [Code.UNIMPLEMENTED]: 501,
  [Code.INTERNAL]: 500,
  [Code.UNAVAILABLE]: 503,
  [Code.DATA_LOSS]: 500,
  [Code.UNAUTHENTICATED]: 401,
};

/** Reasons for which HTTP has a more exact word than the gRPC code's. */
const BY_REASON: Readonly<Partial<Record<Reason, number>>> = {
  METHOD_NOT_ALLOWED: 405,
  BODY_TOO_LARGE: 413,
  HEADERS_TOO_LARGE: 431,
  HEADERS_TOO_MANY: 431,
  URL_TOO_LONG: 414,
  REQUEST_TIMEOUT: 408,
  BODY_TIMEOUT: 408,
  RANGE_UNSATISFIABLE: 416,
  MEDIA_TYPE_UNSUPPORTED: 415,
  CONTENT_CODING_UNSUPPORTED: 415,
  UPSTREAM_PROTOCOL: 502,
  UPSTREAM_REPLY_TOO_LARGE: 502,
};

/** Replacements by code, from config; absent codes keep the table's value. */
export type HttpStatusOverrides = Readonly<Partial<Record<Code, number>>>;

/**
 * The HTTP status for `status`. The exact word of a reason wins over an override; it holds for the reason's own code only:
 * an upstream that answers a plain 401 is UPSTREAM_PROTOCOL, but stays 401.
 */
export function httpStatusOf(status: Status, overrides: HttpStatusOverrides): number {
  const { reason, code } = status;
  const exact = reason !== undefined && REASONS[reason].code === code ? BY_REASON[reason] : undefined;
  return exact ?? overrides[code] ?? BY_CODE[code];
}

/**
 * The gRPC code for an HTTP reply that carries no gRPC status.
 * Source: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
 */
export function codeOfHttpStatus(httpStatus: number): Code {
  switch (httpStatus) {
    case 400:
      return Code.INTERNAL;
    case 401:
      return Code.UNAUTHENTICATED;
    case 403:
      return Code.PERMISSION_DENIED;
    case 404:
      return Code.UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code.UNAVAILABLE;
    default:
      return Code.UNKNOWN;
  }
}
