import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requestDeadlineMs } from "../../../src/protocol/rest/index.ts";
import { StatusError } from "../../../src/status/index.ts";

const NONE = Number.POSITIVE_INFINITY;

describe("the deadline of a request is the least of grpc-timeout, x-server-timeout and the route's limit", () => {
  const cases: readonly [headers: readonly string[], limitMs: number, deadlineMs: number][] = [
    [[], NONE, NONE],
    [[], 30_000, 30_000],
    [["grpc-timeout", "5S"], 30_000, 5000],
    [["grpc-timeout", "5S"], 1000, 1000],
    [["grpc-timeout", "100m"], NONE, 100],
    [["grpc-timeout", "1500u"], NONE, 1.5],
    [["grpc-timeout", "2000000n"], NONE, 2],
    [["grpc-timeout", "2M"], NONE, 120_000],
    [["grpc-timeout", "1H"], NONE, 3_600_000],
    [["grpc-timeout", "99999999H"], 7, 7],
    [["grpc-timeout", "0S"], 30_000, 0],
    [["x-server-timeout", "2"], 30_000, 2000],
    [["x-server-timeout", "0.25"], 30_000, 250],
    [["x-server-timeout", "1", "grpc-timeout", "300m"], 30_000, 300],
  ];
  for (const [headers, limitMs, deadlineMs] of cases) {
    test(`[${headers.join(": ")}] under ${limitMs} ms gives ${deadlineMs} ms`, () => {
      assert.equal(requestDeadlineMs(headers, limitMs), deadlineMs);
    });
  }
});

describe("a malformed timeout is refused, naming header and value", () => {
  const cases: readonly [name: string, value: string][] = [
    ["grpc-timeout", ""],
    ["grpc-timeout", "S"],
    ["grpc-timeout", "5"],
    ["grpc-timeout", "5s"],
    ["grpc-timeout", "-5S"],
    ["grpc-timeout", "1.5S"],
    ["grpc-timeout", "123456789S"],
    ["x-server-timeout", ""],
    ["x-server-timeout", "-1"],
    ["x-server-timeout", "1e3"],
    ["x-server-timeout", "1."],
    ["x-server-timeout", "NaN"],
    ["x-server-timeout", "111111111111111111111"],
  ];
  for (const [name, value] of cases) {
    test(`${name}: ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => requestDeadlineMs([name, value], NONE),
        (error) =>
          error instanceof StatusError &&
          error.status.reason === "HEADER_INVALID" &&
          error.message.includes(name) &&
          error.message.includes(JSON.stringify(value)),
      );
    });
  }
});
