/**
 * What Sluice answers in each situation of `gateway_errors` in test/cases/errors.json, which tells what other gateways answer.
 * Where it differs from them on purpose, `note` says why; docs/errors.md decides.
 */
import type { Answer } from "../support/http-request.ts";

/** The request that makes the situation, against the echo service, and the answer. */
export interface ErrorCase {
  readonly line: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly status: number;
  /** The gateway's own reason; undefined for a status of the upstream, or a reply that is no error. */
  readonly reason?: string;
  readonly check?: (answer: Answer) => boolean;
  readonly note?: string;
}

const JSON_TYPE = ["content-type", "application/json"];

/** By `case`. */
export const ERROR_CASES: Readonly<Record<string, ErrorCase>> = {
  "no route for the path": { line: "GET /nowhere", status: 404, reason: "NO_ROUTE" },
  "path exists for another HTTP method": {
    line: "DELETE /v1/echo",
    status: 405,
    reason: "METHOD_NOT_ALLOWED",
    check: ({ headers }) => headers.allow !== undefined,
    note: "405 with Allow as RFC 9110 asks, where grpc-gateway v2 says 501 and Envoy 404",
  },
  "malformed JSON body": {
    line: "POST /v1/echo",
    headers: JSON_TYPE,
    body: "{,",
    status: 400,
    reason: "JSON_INVALID",
  },
  "body ends early": {
    line: "POST /v1/echo",
    headers: JSON_TYPE,
    body: '{"stringValue":"a',
    status: 400,
    reason: "JSON_INVALID",
  },
  "text after the JSON value": {
    line: "POST /v1/echo",
    headers: JSON_TYPE,
    body: "{}{}",
    status: 400,
    reason: "JSON_INVALID",
    note: "grpc-gateway ignores it; a body is one JSON value",
  },
  "unknown field in the JSON body": {
    line: "POST /v1/echo",
    headers: JSON_TYPE,
    body: '{"nothing":1}',
    status: 400,
    reason: "JSON_UNKNOWN_FIELD",
    note: "refused by default, as the conformance suite wants; `unknownFields: ignore` is what the others do",
  },
  "unknown enum name in the JSON body": {
    line: "POST /v1/echo",
    headers: JSON_TYPE,
    body: '{"enumValue":"PURPLE"}',
    status: 400,
    reason: "JSON_INVALID",
    note: "grpc-gateway v2 drops it silently",
  },
  "unknown query parameter": {
    line: "GET /v1/echo?nothing=1",
    status: 400,
    reason: "PARAM_UNKNOWN",
    note: "Envoy does not transcode, grpc-gateway ignores, vanguard says 500; `unknownFields` decides here",
  },
  "path variable value does not fit the field type": {
    line: "GET /v1/numbers/x/1/1/1",
    status: 400,
    reason: "PARAM_INVALID",
  },
  "same field in path and query": {
    line: "DELETE /v1/echo/a?stringValue=b",
    status: 400,
    reason: "PATH_CONFLICT",
    note: "the path is authoritative and another value is an error: which of two values wins is not left to chance",
  },
  'same field in path and JSON body (body "*")': {
    line: "PUT /v1/echo/a",
    headers: JSON_TYPE,
    body: '{"stringValue":"b"}',
    status: 400,
    reason: "PATH_CONFLICT",
    note: "as above; what Envoy does under reject_binding_body_field_collisions",
  },
  "request body over the limit": {
    line: "POST /v1/body/bytes",
    headers: JSON_TYPE,
    body: `"${"A".repeat(1022)}"`,
    status: 413,
    reason: "BODY_TOO_LARGE",
  },
  "response over the limit": {
    line: "GET /v1/blob?size_bytes=200000",
    status: 502,
    reason: "UPSTREAM_REPLY_TOO_LARGE",
    note: "the upstream's reply is at fault, so 502 where Envoy says 500",
  },
  "invalid grpc-timeout header": {
    line: "GET /v1/echo",
    headers: ["grpc-timeout", "soon"],
    status: 400,
    reason: "HEADER_INVALID",
  },
  "deadline passed": {
    line: "GET /v1/hang",
    headers: ["grpc-timeout", "50m"],
    status: 504,
    reason: "DEADLINE",
  },
  "grpc-status-details-bin present": {
    line: "POST /v1/fail",
    headers: JSON_TYPE,
    // The bytes of the case's example, as the upstream's raw details.
    body: '{"code":5,"message":"another text","rawDetails":"CAUSElJlc291cmNlIG5vdCBmb3VuZA"}',
    status: 404,
    check: ({ body }) => body.toString() === '{"code":5,"message":"Resource not found","details":[]}',
    note: "`details` is always there",
  },
  "grpc-message percent-encoded": {
    line: "GET /v1/fail/5?message=Resource%20not%20found",
    status: 404,
    check: ({ body }) => body.toString() === '{"code":5,"message":"Resource not found","details":[]}',
  },
  "error after a unary body was already sent": {
    line: "GET /v1/count/2?fail_after=1&fail_code=13",
    status: 200,
    check: ({ body }) => body.toString().endsWith('{"error":{"code":13,"message":"","details":[]}}\n'),
    note: "a unary reply is held until its status is known, so this can only be a stream, which tells it in a last line",
  },
  UNAUTHENTICATED: {
    line: "GET /v1/fail/16?message=who%20are%20you",
    status: 401,
    check: ({ headers }) => headers["www-authenticate"] === undefined,
    note: "a challenge has a grammar (RFC 9110, 11.6.1) that a message does not keep; an upstream sends it as metadata",
  },
  "error body keys": {
    line: "GET /v1/fail/2?message=x",
    status: 500,
    check: ({ body }) => body.toString() === '{"code":2,"message":"x","details":[]}',
    note: "google.rpc.Status as grpc-gateway v2, Envoy and vanguard; not AIP-193's envelope",
  },
};
