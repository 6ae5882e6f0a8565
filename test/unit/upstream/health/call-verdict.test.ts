import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Code,
  codeName,
  gatewayStatus,
  OK,
  type Status,
  upstreamStatus,
} from "../../../../src/status/index.ts";
import {
  type CallVerdict,
  MIN_PATIENCE_MS,
  verdictOf,
} from "../../../../src/upstream/health/call-verdict.ts";
import { httpInsteadOfGrpc, streamReset } from "../../../../src/upstream/reply-faults.ts";

const CASES: readonly (readonly [what: string, status: Status, silentMs: number, verdict: CallVerdict])[] = [
  ["OK", OK, 0, "good"],
  ...[Code.UNKNOWN, Code.INTERNAL, Code.UNAVAILABLE, Code.DATA_LOSS].map(
    (code) => [`${codeName(code)} of the server`, upstreamStatus(code, ""), 5, "bad"] as const,
  ),
  ...[
    Code.INVALID_ARGUMENT,
    Code.NOT_FOUND,
    Code.ALREADY_EXISTS,
    Code.PERMISSION_DENIED,
    Code.RESOURCE_EXHAUSTED,
    Code.FAILED_PRECONDITION,
    Code.ABORTED,
    Code.OUT_OF_RANGE,
    Code.UNIMPLEMENTED,
    Code.UNAUTHENTICATED,
  ].map((code) => [`${codeName(code)} of the server`, upstreamStatus(code, ""), 5, "good"] as const),
  ["CANCELLED by the server", upstreamStatus(Code.CANCELLED, ""), 5, "none"],
  ["the client left", gatewayStatus("CLIENT_GONE", ""), 5000, "none"],
  ["the request was too large", gatewayStatus("BODY_TOO_LARGE", ""), 5, "none"],
  ["the reply was too large", gatewayStatus("UPSTREAM_REPLY_TOO_LARGE", ""), 0, "none"],
  ["a fault of the gateway", gatewayStatus("INTERNAL", ""), 0, "none"],
  ["a reply that cannot be read", gatewayStatus("UPSTREAM_REPLY_INVALID", ""), 0, "bad"],
  ["the connection was lost", gatewayStatus("UPSTREAM_UNREACHABLE", ""), 5, "bad"],
  ["an HTTP 404 instead of gRPC", httpInsteadOfGrpc("a", 404), 0, "bad"],
  ["an HTTP 503 instead of gRPC", httpInsteadOfGrpc("a", 503), 0, "bad"],
  ["RST_STREAM with INTERNAL_ERROR", streamReset("a", 2), 5, "bad"],
  ["RST_STREAM with ENHANCE_YOUR_CALM", streamReset("a", 11), 5, "bad"],
  ["RST_STREAM with CANCEL", streamReset("a", 8), 5, "none"],
  ["a deadline after a long silence", gatewayStatus("DEADLINE", ""), MIN_PATIENCE_MS, "bad"],
  ["a deadline that was too short", gatewayStatus("DEADLINE", ""), MIN_PATIENCE_MS - 1, "none"],
  ["a deadline in the middle of a reply", gatewayStatus("DEADLINE", ""), 0, "none"],
  ["the server's own deadline", upstreamStatus(Code.DEADLINE_EXCEEDED, ""), MIN_PATIENCE_MS, "bad"],
];

for (const [what, status, silentMs, verdict] of CASES) {
  test(`${what} is ${verdict === "none" ? "no sign" : `a ${verdict} sign`} of the endpoint`, () => {
    assert.equal(verdictOf(status, silentMs), verdict);
  });
}
