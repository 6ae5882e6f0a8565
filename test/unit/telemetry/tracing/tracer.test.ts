import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "../../../../src/status/index.ts";
import {
  type AttributeValue,
  createSampler,
  type RequestFigures,
  type SamplingOptions,
  type SpanRecord,
  TraceIds,
  Tracer,
} from "../../../../src/telemetry/index.ts";
import { record } from "../records.ts";

const PARENT_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_SPAN = "00f067aa0ba902b7";

/** Ids count up from 1. */
function countingIds(): TraceIds {
  let next = 1;
  return new TraceIds((bytes) => {
    for (let i = 0; i < bytes.length; i += 8) {
      bytes.fill(0, i, i + 8);
      bytes[i + 7] = next++;
    }
  });
}

function bench(sampling: SamplingOptions = { ratio: 1, parent: "respect" }) {
  const spans: SpanRecord[] = [];
  const tracer = new Tracer({
    sampler: createSampler(sampling),
    ids: countingIds(),
    sink: { take: (span) => spans.push(span) },
    clock: { wallMs: () => 1_700_000_000_000, steadyMs: () => 1000 },
  });
  return { tracer, spans };
}

function figures(fields: Partial<RequestFigures> = {}): RequestFigures {
  return {
    record: record(),
    scheme: "http",
    host: "api.test:8080",
    clientAddress: "192.0.2.1",
    userAgent: "curl/8",
    httpVersion: 1,
    fromMs: 900,
    toMs: 1000,
    assembling: { fromMs: 901, toMs: 902, laps: 1, busyMs: 1 },
    rendering: { fromMs: 990, toMs: 995, laps: 3, busyMs: 2.25 },
    call: {
      fromMs: 903,
      toMs: 989,
      code: Code.OK,
      repeats: [],
      target: { host: "library.test", port: 50_051 },
    },
    ...fields,
  };
}

function attributes(span: SpanRecord | undefined): Readonly<Record<string, AttributeValue>> {
  const table: Record<string, AttributeValue> = {};
  const flat = span?.attributes ?? [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = String(flat[i]);
    assert.ok(!(name in table), `${name} comes once`);
    table[name] = flat[i + 1] ?? "";
  }
  return table;
}

/** The span of `kind` of a request with these figures. */
function spanOf(kind: SpanRecord["kind"], fields: Partial<RequestFigures>): SpanRecord {
  const { tracer, spans } = bench();
  const trace = tracer.begin([]);
  trace.callTraceParent();
  trace.record(figures(fields));
  const span = spans.find((candidate) => candidate.kind === kind);
  assert.ok(span);
  return span;
}

describe("a trace", () => {
  test("goes on with the caller's ids and state", () => {
    const { tracer, spans } = bench();
    const headers = ["traceparent", `00-${PARENT_TRACE}-${PARENT_SPAN}-01`, "tracestate", "foo=1"];
    const trace = tracer.begin(headers);
    assert.equal(trace.traceId, PARENT_TRACE);
    assert.equal(trace.parentSpanId, PARENT_SPAN);
    const [version, traceId, callSpanId, flags] = trace.callTraceParent().split("-");
    assert.deepEqual([version, traceId, flags], ["00", PARENT_TRACE, "01"]);
    trace.record(figures());
    assert.deepEqual(
      spans.map(({ kind, name, traceId, parentSpanId, traceState }) => [
        kind,
        name,
        traceId,
        parentSpanId,
        traceState,
      ]),
      [
        ["internal", "assemble request", PARENT_TRACE, trace.spanId, "foo=1"],
        ["client", "library.v1.LibraryService/GetShelf", PARENT_TRACE, trace.spanId, "foo=1"],
        ["internal", "render reply", PARENT_TRACE, trace.spanId, "foo=1"],
        ["server", "GET /v1/{name=shelves/*}", PARENT_TRACE, PARENT_SPAN, "foo=1"],
      ],
    );
    assert.equal(spans[1]?.spanId, callSpanId, "the upstream's parent is the CLIENT span");
    assert.equal(spans[3]?.spanId, trace.spanId);
    assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 4, "every span has an id of its own");
  });

  test("begins here where the caller has none, without a parent", () => {
    const { tracer, spans } = bench();
    const trace = tracer.begin(["traceparent", "nonsense", "tracestate", "foo=1"]);
    assert.match(trace.traceId, /^[0-9a-f]{32}$/);
    assert.equal(trace.state, "");
    trace.record(figures());
    assert.equal(spans.at(-1)?.parentSpanId, "");
  });

  test("that is not recorded is passed on as such, with the request's own id", () => {
    const { tracer } = bench({ ratio: 0, parent: "respect" });
    const trace = tracer.begin([]);
    assert.equal(trace.isSampled, false);
    assert.equal(trace.callTraceParent(), `00-${trace.traceId}-${trace.spanId}-00`);
  });

  test("has times since 1970", () => {
    const { startMs, endMs } = spanOf("server", {});
    assert.equal(startMs, 1_700_000_000_000 - 100);
    assert.equal(endMs, 1_700_000_000_000);
  });
});

describe("sampling", () => {
  const sampled = `00-${PARENT_TRACE}-${PARENT_SPAN}-01`;
  const unsampled = `00-${PARENT_TRACE}-${PARENT_SPAN}-00`;
  const cases: readonly [
    ratio: number,
    parent: SamplingOptions["parent"],
    header: string,
    result: boolean,
  ][] = [
    [0, "respect", sampled, true],
    [1, "respect", unsampled, false],
    [0, "ignore", sampled, false],
    [1, "ignore", unsampled, true],
    [1, "respect", "", true],
    [0, "respect", "", false],
  ];
  for (const [ratio, parent, header, result] of cases) {
    test(`of ${ratio}, ${parent}ing ${header || "no parent"}, is ${result}`, () => {
      const { tracer } = bench({ ratio, parent });
      assert.equal(tracer.begin(header === "" ? [] : ["traceparent", header]).isSampled, result);
    });
  }

  test("takes its share of trace ids, and the same ones each time", () => {
    const sampler = createSampler({ ratio: 0.25, parent: "ignore" });
    let state = 1;
    const ids = new TraceIds((bytes) => {
      for (let i = 0; i < bytes.length; i++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        bytes[i] = state >>> 16;
      }
    });
    const traces = Array.from({ length: 20_000 }, () => ids.traceId());
    const taken = traces.filter((id) => sampler(id, undefined));
    assert.ok(Math.abs(taken.length / traces.length - 0.25) < 0.02, `took ${taken.length}`);
    assert.ok(taken.every((id) => sampler(id, undefined)));
  });

  test("ids are never all zeros, whatever chance gives", () => {
    const ids = new TraceIds((bytes) => void bytes.fill(0));
    for (let i = 0; i < 1000; i++) {
      assert.match(ids.traceId(), /[1-9a-f]/);
      assert.match(ids.spanId(), /[1-9a-f]/);
    }
  });
});

describe("the SERVER span", () => {
  test("has the attributes of the HTTP conventions", () => {
    assert.deepEqual(attributes(spanOf("server", {})), {
      "http.request.method": "GET",
      "url.path": "/v1/shelves/1",
      "url.scheme": "http",
      "http.response.status_code": 200,
      "http.route": "/v1/{name=shelves/*}",
      "server.address": "api.test",
      "server.port": 8080,
      "client.address": "192.0.2.1",
      "network.peer.address": "192.0.2.1",
      "network.protocol.version": "1.1",
      "user_agent.original": "curl/8",
      "http.request.body.size": 3,
      "http.response.body.size": 40,
      "sluice.upstream": "library",
      "sluice.request_id": "id-1",
    });
  });

  const outcomes: readonly [status: number, outcome: string, errorType: string | undefined][] = [
    [200, "unset", undefined],
    [404, "unset", undefined],
    [499, "unset", undefined],
    [500, "error", "500"],
    [503, "error", "503"],
  ];
  for (const [httpStatus, outcome, errorType] of outcomes) {
    test(`of a ${httpStatus} has the outcome ${outcome}`, () => {
      const span = spanOf("server", { record: record({ httpStatus }) });
      assert.equal(span.outcome, outcome);
      assert.equal(attributes(span)["error.type"], errorType);
    });
  }

  test("names the gateway's reason", () => {
    const failed = record({ httpStatus: 504, code: Code.DEADLINE_EXCEEDED, reason: "DEADLINE" });
    const found = attributes(spanOf("server", { record: failed }));
    assert.equal(found["error.type"], "DEADLINE");
    assert.equal(found["sluice.reason"], "DEADLINE");
  });

  test("of an unknown method and no route has a name that clients cannot choose", () => {
    const span = spanOf("server", { record: record({ httpMethod: "BREW", route: "" }), call: undefined });
    assert.equal(span.name, "HTTP");
    assert.equal(attributes(span)["http.request.method"], "_OTHER");
    assert.equal(attributes(span)["http.request.method_original"], "BREW");
  });

  const hosts: readonly [host: string, address: string | undefined, port: number | undefined][] = [
    ["", undefined, undefined],
    ["api.test", "api.test", undefined],
    ["[::1]", "[::1]", undefined],
    ["[::1]:81", "[::1]", 81],
    ["a:b", "a:b", undefined],
    ["a:99999", "a:99999", undefined],
  ];
  for (const [host, address, port] of hosts) {
    test(`of a request to host "${host}" has address ${address} and port ${port}`, () => {
      const found = attributes(spanOf("server", { host }));
      assert.equal(found["server.address"], address);
      assert.equal(found["server.port"], port);
    });
  }

  test("holds no more than 1024 characters of what a client says", () => {
    const long = "x".repeat(5000);
    const span = spanOf("server", { userAgent: long, host: long, record: record({ path: `/${long}` }) });
    for (const value of span.attributes) assert.ok(String(value).length <= 1024);
  });
});

describe("the CLIENT span", () => {
  test("has the attributes of the RPC conventions", () => {
    const span = spanOf("client", {});
    assert.equal(span.outcome, "unset");
    assert.deepEqual(attributes(span), {
      "rpc.system.name": "grpc",
      "rpc.method": "library.v1.LibraryService/GetShelf",
      "rpc.status_code": "OK",
      "server.address": "library.test",
      "server.port": 50_051,
      "sluice.upstream": "library",
    });
  });

  test("is an error for every code but OK, and tells repeated calls as events", () => {
    const call = {
      fromMs: 903,
      toMs: 989,
      code: Code.NOT_FOUND,
      target: undefined,
      repeats: [
        { atMs: 910, previousAttempts: 1, afterCode: Code.UNAVAILABLE },
        { atMs: 920, previousAttempts: 2, afterCode: Code.OK },
      ],
    };
    const span = spanOf("client", { call });
    assert.equal(span.outcome, "error");
    assert.equal(attributes(span)["error.type"], "NOT_FOUND");
    assert.equal(
      attributes(span)["server.address"],
      "library",
      "a group of servers goes by the upstream's name",
    );
    assert.deepEqual(span.events, [
      {
        name: "retry",
        atMs: 1_700_000_000_000 - 90,
        attributes: ["sluice.previous_attempts", 1, "rpc.status_code", "UNAVAILABLE"],
      },
      { name: "hedge", atMs: 1_700_000_000_000 - 80, attributes: ["sluice.previous_attempts", 2] },
    ]);
  });
});

test("an INTERNAL span tells how many messages it stands for, and the time that they took", () => {
  const { tracer, spans } = bench();
  const trace = tracer.begin([]);
  trace.record(figures({ assembling: undefined, call: undefined }));
  const [rendering] = spans;
  assert.equal(rendering?.name, "render reply");
  assert.deepEqual(attributes(rendering), { "sluice.messages": 3, "sluice.busy_ms": 2.25 });
  assert.equal(spans.length, 2, "what did not happen has no span");
});
