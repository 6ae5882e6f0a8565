import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SpanRecord } from "../../../../src/telemetry/index.ts";
import { encodeRequest, SpanEncoder } from "../../../../src/telemetry/otlp/index.ts";
import { decodeTraces } from "../../../support/otlp-collector.ts";

const SPAN: SpanRecord = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: "",
  traceState: "",
  kind: "server",
  name: "GET /v1/{name}",
  startMs: 1_700_000_000_000.125,
  endMs: 1_700_000_000_001,
  attributes: [],
  events: [],
  outcome: "unset",
  message: "",
};
const RESOURCE = { attributes: ["service.name", "sluice", "process.pid", 7], version: "1.2.3" };

function roundTrip(...spans: readonly SpanRecord[]): ReturnType<typeof decodeTraces> {
  const encoder = new SpanEncoder();
  return decodeTraces(
    encodeRequest(
      RESOURCE,
      spans.map((span) => encoder.encode(span)),
    ),
  );
}

describe("an OTLP request", () => {
  test("names resource, scope and conventions", () => {
    const { resource, scope, schemaUrl } = roundTrip();
    assert.deepEqual(resource, { "service.name": "sluice", "process.pid": 7 });
    assert.deepEqual(scope, { name: "sluice", version: "1.2.3" });
    assert.match(schemaUrl, /^https:\/\/opentelemetry\.io\/schemas\/1\.\d+\.0$/);
  });

  test("holds spans whole", () => {
    const child: SpanRecord = {
      ...SPAN,
      spanId: "0000000000000001",
      parentSpanId: SPAN.spanId,
      traceState: "foo=1",
      kind: "client",
      name: "ünïcode",
      attributes: ["text", "ä", "yes", true, "no", false, "int", 300, "zero", 0, "share", 0.25],
      events: [{ name: "retry", atMs: 1_700_000_000_000.5, attributes: ["n", 1] }],
      outcome: "error",
      message: "gone",
    };
    const { spans } = roundTrip(SPAN, child);
    assert.deepEqual(spans, [
      {
        traceId: SPAN.traceId,
        spanId: SPAN.spanId,
        parentSpanId: "",
        traceState: "",
        kind: "server",
        name: "GET /v1/{name}",
        startNs: 1_700_000_000_000_125_000n,
        endNs: 1_700_000_000_001_000_000n,
        attributes: {},
        events: [],
        status: 0,
        flags: 1,
      },
      {
        traceId: SPAN.traceId,
        spanId: "0000000000000001",
        parentSpanId: SPAN.spanId,
        traceState: "foo=1",
        kind: "client",
        name: "ünïcode",
        startNs: 1_700_000_000_000_125_000n,
        endNs: 1_700_000_000_001_000_000n,
        attributes: { text: "ä", yes: true, no: false, int: 300, zero: 0, share: 0.25 },
        events: [{ name: "retry", atNs: 1_700_000_000_000_500_000n, attributes: { n: 1 } }],
        status: 2,
        flags: 1,
      },
    ]);
  });

  const numbers = [0, 1, 127, 128, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1, -(2 ** 40), 0.5, -1.25, 1e300];
  for (const value of numbers) {
    test(`holds the number ${value}`, () => {
      const { spans } = roundTrip({ ...SPAN, attributes: ["n", value] });
      assert.deepEqual(spans[0]?.attributes, { n: value });
    });
  }

  const times = [0.001, 4_294_967.295, 4_294_967.296, 1_763_655_440_123.456, 8_640_000_000_000_000 / 1000];
  for (const ms of times) {
    test(`holds the time ${ms} to the microsecond`, () => {
      const { spans } = roundTrip({ ...SPAN, startMs: ms });
      assert.equal(spans[0]?.startNs, BigInt(Math.round(ms * 1000)) * 1000n);
    });
  }
});
