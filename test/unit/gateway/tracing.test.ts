import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Gateway, type ListenerSettings, type Route } from "../../../src/gateway/index.ts";
import type { MethodKind } from "../../../src/schema/index.ts";
import { Code, OK, upstreamStatus } from "../../../src/status/index.ts";
import {
  type AccessRecord,
  createSampler,
  type SpanRecord,
  TraceIds,
  Tracer,
} from "../../../src/telemetry/index.ts";
import { FakeChannel } from "../../support/fake-channel.ts";
import { FakeExchange, type FakeRequest } from "../../support/fake-exchange.ts";
import { PLAIN_ERRORS, PLAIN_SETTINGS, plainMethod } from "../../support/plain-routes.ts";
import { snapshotOf } from "../../support/snapshots.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const PARENT = ["traceparent", `00-${TRACE}-${SPAN}-01`, "tracestate", "foo=1"];

interface Options {
  readonly tracing: "on" | "off";
  readonly kind?: MethodKind;
  readonly ratio?: number;
  readonly listener?: Partial<ListenerSettings>;
  /** Whether rendering breaks, as only a fault of the gateway's own can make it. */
  readonly rendering?: "broken";
}

/** A gateway over one fake channel, with a tracer or without. */
class Bench {
  readonly channel = new FakeChannel();
  readonly spans: SpanRecord[] = [];
  readonly records: AccessRecord[] = [];
  readonly faults: object[] = [];
  readonly #gateway: Gateway;
  readonly #listener: ListenerSettings;

  constructor({ tracing, kind = "unary", ratio = 1, listener, rendering }: Options) {
    const tracer = new Tracer({
      sampler: createSampler({ ratio, parent: "respect" }),
      ids: new TraceIds((bytes) => void bytes.fill(7)),
      sink: { take: (span) => this.spans.push(span) },
      clock: { wallMs: () => Date.now(), steadyMs: () => performance.now() },
    });
    const fault = (fields: object): void => void this.faults.push(fields);
    this.#gateway = new Gateway(
      snapshotOf([this.#route(kind, rendering)], PLAIN_ERRORS),
      { requestStarted: () => {}, requestFinished: (record) => this.records.push(record) },
      { level: "info", trace: fault, debug: fault, info: fault, warn: fault, error: fault, fatal: fault },
      tracing === "on" ? tracer : undefined,
    );
    const plain = { name: "test", index: 0, trailingSlash: "strict", trustedHops: 0 } as const;
    this.#listener = { ...plain, ...listener };
  }

  handle(request: FakeRequest): FakeExchange {
    const exchange = new FakeExchange(request);
    this.#gateway.handlerFor(this.#listener)(exchange);
    return exchange;
  }

  /** The values of one name in the metadata of the call. */
  sent(name: string): readonly string[] {
    const { metadata } = this.channel.call;
    return metadata.filter((_, i) => i % 2 === 1 && metadata[i - 1] === name);
  }

  /** The kinds and names of the spans, in the order in which they began. */
  get outline(): readonly string[] {
    const inOrder = [...this.spans].sort((a, b) => a.startMs - b.startMs);
    return inOrder.map(({ kind, name }) => `${kind} ${name}`);
  }

  attribute(kind: SpanRecord["kind"], name: string): unknown {
    const flat = this.spans.find((span) => span.kind === kind)?.attributes ?? [];
    const at = flat.findIndex((value, i) => i % 2 === 0 && value === name);
    return at < 0 ? undefined : flat[at + 1];
  }

  #route(kind: MethodKind, rendering: "broken" | undefined): Route {
    return {
      httpMethod: "GET",
      template: "/v1/{name}",
      source: "annotation",
      variables: ["name"],
      body: "",
      responseBody: "",
      upstream: "library",
      policySet: 0,
      target: { host: "library.test", port: 50_051 },
      channel: this.channel,
      method: plainMethod(kind),
      transcoder: {
        requestBody: "json",
        complete: (message) => ({ message, unknownFields: [], pretty: false }),
        streamedFile: () => undefined,
        repliesWithHttpBody: false,
        assemble: () => ({ message: Buffer.from("m"), unknownFields: [], pretty: false }),
        render: (message) => {
          if (rendering === "broken") throw new TypeError("a fault");
          return Buffer.from(message);
        },
      },
      settings: PLAIN_SETTINGS,
    };
  }
}

function answer({ channel }: Bench): void {
  const { listener } = channel.call;
  listener.onHeaders([]);
  listener.onMessage(Buffer.from("{}"));
  listener.onStatus(OK, []);
}

describe("without tracing", () => {
  test("the client's trace context goes upstream as it is", () => {
    const bench = new Bench({ tracing: "off" });
    bench.handle({ path: "/v1/a", headers: PARENT });
    assert.deepEqual(bench.sent("traceparent"), [PARENT[1]]);
    assert.deepEqual(bench.sent("tracestate"), ["foo=1"]);
    answer(bench);
    assert.equal(bench.records[0]?.traceId, "");
  });
});

describe("with tracing", () => {
  test("the upstream gets a child of the client's trace, and the state once", () => {
    const bench = new Bench({ tracing: "on" });
    bench.handle({ path: "/v1/a", headers: PARENT });
    const [traceparent, ...others] = bench.sent("traceparent");
    assert.deepEqual(others, []);
    assert.match(traceparent ?? "", new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    assert.ok(!traceparent?.includes(SPAN));
    assert.deepEqual(bench.sent("tracestate"), ["foo=1"]);
  });

  test("an invalid context of the client does not reach the upstream", () => {
    const bench = new Bench({ tracing: "on" });
    bench.handle({ path: "/v1/a", headers: ["traceparent", "00-x", "tracestate", "foo=1"] });
    assert.match(bench.sent("traceparent")[0] ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.deepEqual(bench.sent("tracestate"), []);
  });

  test("a request has its spans once it is over, and its record the trace's id", () => {
    const bench = new Bench({ tracing: "on" });
    bench.handle({ path: "/v1/a", headers: PARENT });
    assert.deepEqual(bench.spans, []);
    answer(bench);
    assert.deepEqual(bench.outline, [
      "server GET /v1/{name}",
      "internal assemble request",
      "client t.S/Get",
      "internal render reply",
    ]);
    assert.equal(bench.records[0]?.traceId, TRACE);
    assert.equal(bench.attribute("client", "server.address"), "library.test");
  });

  test("a request that is not sampled has none", () => {
    const bench = new Bench({ tracing: "on", ratio: 0 });
    bench.handle({ path: "/v1/a" });
    answer(bench);
    assert.deepEqual(bench.spans, []);
    assert.match(bench.records[0]?.traceId ?? "", /^[0-9a-f]{32}$/);
    assert.match(bench.sent("traceparent")[0] ?? "", /-00$/);
  });

  test("a request without a route has a span without one", () => {
    const bench = new Bench({ tracing: "on" });
    bench.handle({ path: "/nowhere" });
    assert.deepEqual(bench.outline, ["server GET"]);
    assert.equal(bench.attribute("server", "sluice.reason"), "NO_ROUTE");
  });

  test("a call that fails is an error of its own span", () => {
    const bench = new Bench({ tracing: "on" });
    bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onStatus(upstreamStatus(Code.NOT_FOUND, "no"), []);
    assert.deepEqual(
      bench.spans.map(({ kind, outcome }) => [kind, outcome]),
      [
        ["internal", "unset"],
        ["client", "error"],
        ["server", "unset"],
      ],
    );
    assert.equal(bench.attribute("client", "rpc.status_code"), "NOT_FOUND");
  });

  test("a client that leaves ends all spans", () => {
    const bench = new Bench({ tracing: "on" });
    bench.handle({ path: "/v1/a" }).onAbort?.();
    assert.deepEqual(bench.outline, ["server GET /v1/{name}", "internal assemble request", "client t.S/Get"]);
    assert.equal(bench.attribute("client", "rpc.status_code"), "CANCELLED");
    assert.equal(bench.attribute("server", "http.response.status_code"), 499);
  });

  test("a stream has one span for all that it renders", () => {
    const bench = new Bench({ tracing: "on", kind: "server_streaming" });
    bench.handle({ path: "/v1/a" });
    const { listener } = bench.channel.call;
    listener.onHeaders([]);
    for (let i = 0; i < 3; i++) listener.onMessage(Buffer.from("{}"));
    listener.onStatus(OK, []);
    const rendered = bench.spans.find(({ name }) => name === "render reply");
    assert.deepEqual(rendered?.attributes.slice(0, 2), ["sluice.messages", 3]);
  });

  test("calls that are sent again are events of the call's span", () => {
    const bench = new Bench({ tracing: "on" });
    bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onRepeat?.(1, Code.UNAVAILABLE);
    answer(bench);
    const call = bench.spans.find(({ kind }) => kind === "client");
    assert.deepEqual(
      call?.events.map(({ name }) => name),
      ["retry"],
    );
  });

  test("what trusted proxies say of the request counts, and nothing that others say", () => {
    const headers = [
      ["host", "inner:8080"],
      ["x-forwarded-for", "6.6.6.6, 203.0.113.9"],
      ["x-forwarded-proto", "https"],
      ["x-forwarded-host", "api.test"],
    ].flat();
    const views = [0, 1].map((trustedHops) => {
      const bench = new Bench({ tracing: "on", listener: { trustedHops } });
      bench.handle({ path: "/nowhere", headers });
      return ["url.scheme", "server.address", "client.address"].map((name) =>
        bench.attribute("server", name),
      );
    });
    assert.deepEqual(views, [
      ["http", "inner", "192.0.2.1"],
      ["https", "api.test", "203.0.113.9"],
    ]);
  });

  test("a fault inside the gateway is logged with the ids of request and trace", () => {
    const bench = new Bench({ tracing: "on", rendering: "broken" });
    bench.handle({ path: "/v1/a", headers: [...PARENT, "x-request-id", "r-1"] });
    answer(bench);
    const [fault] = bench.faults;
    assert.deepEqual({ ...fault, err: undefined }, { requestId: "r-1", traceId: TRACE, err: undefined });
  });
});
