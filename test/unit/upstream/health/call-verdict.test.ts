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
import type { CallEnd } from "../../../../src/upstream/index.ts";
import {
  callRefused,
  connectionLost,
  httpInsteadOfGrpc,
  replyTooLarge,
  streamReset,
} from "../../../../src/upstream/reply-faults.ts";

type Case = readonly [what: string, status: Status, end: CallEnd, silentMs: number, verdict: CallVerdict];

const CASES: readonly Case[] = [
  ["OK", OK, "answered", 0, "good"],
  ...[Code.UNKNOWN, Code.INTERNAL, Code.UNAVAILABLE, Code.DATA_LOSS].map(
    (code): Case => [`${codeName(code)} of the server`, upstreamStatus(code, ""), "answered", 5, "bad"],
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
  ].map((code): Case => [`${codeName(code)} of the server`, upstreamStatus(code, ""), "answered", 5, "good"]),
  ["CANCELLED by the server", upstreamStatus(Code.CANCELLED, ""), "answered", 5, "none"],
  ["a client that left", gatewayStatus("CLIENT_GONE", ""), "abandoned", 5000, "none"],
  ["a request that was too large", gatewayStatus("BODY_TOO_LARGE", ""), "abandoned", 5, "none"],
  ["a GOAWAY that sends the call elsewhere", callRefused("a"), "abandoned", 5, "none"],
  ["REFUSED_STREAM", callRefused("a"), "broken", 5, "bad"],
  ["a reply that was too large", replyTooLarge("a"), "broken", 0, "none"],
  ["a reply that cannot be read", gatewayStatus("UPSTREAM_REPLY_INVALID", ""), "broken", 0, "bad"],
  ["a connection that was lost", connectionLost("a"), "broken", 5, "bad"],
  ["a connection whose loss has been told", connectionLost("a"), "lost", 5, "none"],
  ["an HTTP 404 instead of gRPC", httpInsteadOfGrpc("a", 404), "broken", 0, "bad"],
  ["an HTTP 503 instead of gRPC", httpInsteadOfGrpc("a", 503), "broken", 0, "bad"],
  ["RST_STREAM with INTERNAL_ERROR", streamReset("a", 2), "broken", 5, "bad"],
  ["RST_STREAM with ENHANCE_YOUR_CALM", streamReset("a", 11), "broken", 5, "bad"],
  ["RST_STREAM with CANCEL", streamReset("a", 8), "broken", 5, "none"],
  ["a deadline after a long silence", gatewayStatus("DEADLINE", ""), "expired", MIN_PATIENCE_MS, "bad"],
  ["a deadline that was too short", gatewayStatus("DEADLINE", ""), "expired", MIN_PATIENCE_MS - 1, "none"],
  ["a deadline in the middle of a reply", gatewayStatus("DEADLINE", ""), "expired", 0, "none"],
  [
    "the server's own deadline",
    upstreamStatus(Code.DEADLINE_EXCEEDED, ""),
    "answered",
    MIN_PATIENCE_MS,
    "bad",
  ],
  ["the server's own short deadline", upstreamStatus(Code.DEADLINE_EXCEEDED, ""), "answered", 5, "none"],
];

for (const [what, status, end, silentMs, verdict] of CASES) {
  test(`${what} is ${verdict === "none" ? "no sign" : `a ${verdict} sign`} of the endpoint`, () => {
    assert.equal(verdictOf(status, end, silentMs), verdict);
  });
}
