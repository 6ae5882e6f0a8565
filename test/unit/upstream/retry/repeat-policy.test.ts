import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, gatewayStatus, REASONS, type Reason, upstreamStatus } from "../../../../src/status/index.ts";
import { codeSet } from "../../../../src/upstream/index.ts";
import { backoffMs, isRepeatable, pushbackOf } from "../../../../src/upstream/retry/repeat-policy.ts";
import { RETRY } from "./stage.ts";

const ALL = codeSet(Object.values(Code));

describe("a failure is worth another try", () => {
  test("if the upstream sent it, and the policy names its code", () => {
    for (const code of Object.values(Code)) {
      const status = upstreamStatus(code, "");
      assert.equal(isRepeatable(status, ALL), true);
      assert.equal(isRepeatable(status, codeSet([Code.UNAVAILABLE, Code.ABORTED])), [10, 14].includes(code));
      assert.equal(isRepeatable(status, 0), false);
    }
  });

  // The keys of REASONS, which Object.keys widens to string.
  for (const reason of Object.keys(REASONS) as Reason[]) {
    const isTransport = reason === "UPSTREAM_UNREACHABLE" || reason === "UPSTREAM_PROTOCOL";
    test(`${isTransport ? "as a fault of the transport" : "but never what the gateway refuses"}: ${reason}`, () => {
      assert.equal(isRepeatable(gatewayStatus(reason, ""), ALL), isTransport);
    });
  }

  test("not where the fault of the transport stands for another code", () => {
    const status = { ...gatewayStatus("UPSTREAM_PROTOCOL", ""), code: Code.UNAUTHENTICATED };
    assert.equal(isRepeatable(status, codeSet([Code.UNAVAILABLE])), false);
  });
});

describe("grpc-retry-pushback-ms", () => {
  const cases: Readonly<Record<string, number | "never">> = {
    "0": 0,
    "1": 1,
    "250": 250,
    "60000": 60_000,
    "60001": "never",
    "2147483647": "never",
    "-1": "never",
    "-0": "never",
    "": "never",
    "01": "never",
    "+5": "never",
    "5ms": "never",
    "1e3": "never",
    "1.5": "never",
    " 5": "never",
    "99999999999999999999": "never",
  };
  for (const [value, expected] of Object.entries(cases)) {
    test(`${JSON.stringify(value)} means ${expected}`, () => {
      assert.equal(pushbackOf(["x", "y", "grpc-retry-pushback-ms", value]), expected);
    });
  }

  test("is nothing where it is not there", () => {
    assert.equal(pushbackOf([]), undefined);
    assert.equal(pushbackOf(["x", "grpc-retry-pushback-ms"]), undefined);
  });

  test("twice means never", () => {
    const field = ["grpc-retry-pushback-ms", "5"];
    assert.equal(pushbackOf([...field, ...field]), "never");
  });
});

test("pauses grow by powers of two up to the limit, and are random below that", () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 50, 2000].map((count) => backoffMs(RETRY, count, () => 1));
  assert.deepEqual(longest, [40, 80, 160, 320, 640, 1000, 1000, 1000, 1000]);
  assert.equal(
    backoffMs(RETRY, 3, () => 0.25),
    40,
  );
  assert.equal(
    backoffMs(RETRY, 3, () => 0),
    0,
  );
});
