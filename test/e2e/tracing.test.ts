/**
 * Traces from end to end: what the upstream is told, and what a collector gets of it.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { descriptorPath, ENGINES } from "../support/gateway-suite.ts";
import { closeIdleConnections, send } from "../support/http-request.ts";
import { type CollectedSpan, OtlpCollector } from "../support/otlp-collector.ts";
import { quietPort } from "../support/quiet-port.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e473";
const SPAN = "00f067aa0ba902b7";

/** A trace id of its own for each test. */
function traceId(n: number): string {
  return `${TRACE}${n.toString(16)}`;
}

interface Scene {
  readonly gateway: GatewayProcess;
  readonly echo: EchoServer;
  close(): Promise<void>;
}

async function startScene(tracing: object, more: object = {}): Promise<Scene> {
  const echo = await startEchoServer();
  const gateway = await startGateway({
    listeners: ENGINES.map((engine) => ({ address: "127.0.0.1:0", engine })),
    upstreams: { echo: { address: echo.address, schema: { descriptors: [descriptorPath()] } } },
    tracing: { enabled: true, ...tracing },
    ...more,
  });
  return {
    gateway,
    echo,
    close: async () => {
      closeIdleConnections();
      await gateway.stop();
      await echo.close();
    },
  };
}

function spanOf(spans: readonly CollectedSpan[], kind: CollectedSpan["kind"], name?: string): CollectedSpan {
  const found = spans.find((span) => span.kind === kind && (name === undefined || span.name === name));
  assert.ok(found, `there is a ${kind} span ${name ?? ""} among ${spans.map((span) => span.name).join()}`);
  return found;
}

async function metric(gateway: GatewayProcess, line: string): Promise<number> {
  const { body } = await send(gateway.adminUrl, "GET /metrics");
  const found = body
    .toString()
    .split("\n")
    .find((candidate) => candidate.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1));
}

describe("tracing", { timeout: 60_000 }, () => {
  let collector: OtlpCollector;
  let scene: Scene;

  before(async () => {
    collector = await OtlpCollector.start();
    scene = await startScene({
      exporter: { endpoint: collector.endpoint, interval: "20ms", headers: { "x-key": "k-1" } },
      serviceName: "edge",
      attributes: { "deployment.environment.name": "test" },
    });
  });
  after(async () => {
    await scene.close();
    await collector.close();
  });

  for (const [index, engine] of ENGINES.entries()) {
    test(`a request is one trace from the client to the upstream (${engine})`, async () => {
      const id = traceId(index);
      const from = scene.echo.calls.length;
      const headers = ["traceparent", `00-${id}-${SPAN}-01`, "tracestate", "foo=1", "user-agent", "tester"];
      const answer = await send(scene.gateway.url(index), "POST /v1/echo", {
        headers: [...headers, "content-type", "application/json"],
        body: '{"stringValue":"a"}',
      });
      assert.equal(answer.status, 200);
      const spans = await collector.trace(id);
      const server = spanOf(spans, "server");
      const client = spanOf(spans, "client");
      const assemble = spanOf(spans, "internal", "assemble request");
      const render = spanOf(spans, "internal", "render reply");
      assert.equal(spans.length, 4);
      assert.equal(server.parentSpanId, SPAN);
      for (const span of [client, assemble, render]) {
        assert.equal(span.parentSpanId, server.spanId);
        assert.equal(span.traceState, "foo=1");
        assert.ok(span.startNs >= server.startNs && span.endNs <= server.endNs, `${span.name} lies within`);
        assert.equal(span.status, 0);
      }
      assert.ok(assemble.endNs <= client.startNs && client.endNs <= render.startNs);
      assert.ok(
        Math.abs(Number(server.endNs / 1_000_000n) - Date.now()) < 60_000,
        "times are those of the wall",
      );

      assert.equal(server.name, "POST /v1/echo");
      const {
        "http.response.body.size": size,
        "sluice.request_id": requestId,
        ...attributes
      } = server.attributes;
      assert.equal(size, answer.body.length);
      assert.equal(requestId, answer.headers["x-request-id"]);
      const url = new URL(scene.gateway.url(index));
      assert.deepEqual(attributes, {
        "http.request.method": "POST",
        "url.path": "/v1/echo",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "http.route": "/v1/echo",
        "server.address": url.hostname,
        "server.port": Number(url.port),
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "tester",
        "http.request.body.size": 19,
        "sluice.upstream": "echo",
      });
      const [host, port] = scene.echo.address.split(":");
      assert.equal(client.name, "sluice.test.v1.EchoService/Echo");
      assert.deepEqual(client.attributes, {
        "rpc.system.name": "grpc",
        "rpc.method": "sluice.test.v1.EchoService/Echo",
        "rpc.status_code": "OK",
        "server.address": host,
        "server.port": Number(port),
        "sluice.upstream": "echo",
      });

      const [call] = scene.echo.calls.slice(from);
      assert.deepEqual(call?.metadata.get("traceparent"), [`00-${id}-${client.spanId}-01`]);
      assert.deepEqual(call?.metadata.get("tracestate"), ["foo=1"]);
      const line = await scene.gateway.logged(({ traceId: logged }) => logged === id);
      assert.equal(line.requestId, requestId, "the access log names the trace");
    });
  }

  test("the collector gets the process's attributes and the exporter's headers", () => {
    const [request] = collector.requests;
    assert.equal(request?.path, "/v1/traces");
    assert.equal(request?.headers["x-key"], "k-1");
    assert.equal(request?.resource["service.name"], "edge");
    assert.equal(request?.resource["deployment.environment.name"], "test");
    assert.equal(request?.resource["process.pid"], scene.gateway.child.pid);
    assert.equal(request?.scope.name, "sluice");
  });

  test("a trace that begins here, or whose context is broken, has no parent", async () => {
    for (const headers of [
      [],
      ["traceparent", `00-${traceId(15).toUpperCase()}-${SPAN}-01`, "tracestate", "a=1"],
    ]) {
      const { headers: reply } = await send(scene.gateway.url(), "GET /v1/echo", { headers });
      const { traceId: id } = await scene.gateway.logged(
        ({ requestId }) => requestId === reply["x-request-id"],
      );
      const spans = await collector.trace(String(id));
      assert.equal(spanOf(spans, "server").parentSpanId, "");
      assert.equal(spanOf(spans, "server").traceState, "");
    }
  });

  test("a caller's decision not to record is respected, and passed on", async () => {
    const id = traceId(9);
    const from = scene.echo.calls.length;
    await send(scene.gateway.url(), "GET /v1/echo", { headers: ["traceparent", `00-${id}-${SPAN}-00`] });
    const [call] = scene.echo.calls.slice(from);
    assert.match(String(call?.metadata.get("traceparent")[0]), new RegExp(`^00-${id}-[0-9a-f]{16}-00$`));
    // What follows is exported after it would have been.
    await send(scene.gateway.url(), "GET /v1/echo", {
      headers: ["traceparent", `00-${traceId(10)}-${SPAN}-01`],
    });
    await collector.trace(traceId(10));
    assert.deepEqual(
      collector.spans.filter((span) => span.traceId === id),
      [],
    );
  });

  test("a failed call is an error of the CLIENT span, its retries are events of it", async () => {
    const id = traceId(11);
    const answer = await send(scene.gateway.url(), "GET /v1/echo", {
      headers: ["traceparent", `00-${id}-${SPAN}-01`, "x-fail-after", "0", "x-fail-code", "14"],
    });
    assert.equal(answer.status, 503);
    const spans = await collector.trace(id);
    const client = spanOf(spans, "client");
    assert.equal(client.status, 2);
    assert.equal(client.attributes["error.type"], "UNAVAILABLE");
    assert.deepEqual(
      client.events.map(({ name, attributes }) => [name, attributes]),
      [1, 2].map((n) => ["retry", { "sluice.previous_attempts": n, "rpc.status_code": "UNAVAILABLE" }]),
    );
    assert.equal(spanOf(spans, "server").status, 2);
    assert.equal(spanOf(spans, "server").attributes["error.type"], "503");
  });

  test("a request that fits no route is a trace of one span", async () => {
    const id = traceId(12);
    await send(scene.gateway.url(), "GET /nowhere", { headers: ["traceparent", `00-${id}-${SPAN}-01`] });
    const spans = await collector.trace(id);
    assert.deepEqual(
      spans.map(({ name, status, attributes }) => [name, status, attributes["sluice.reason"]]),
      [["GET", 0, "NO_ROUTE"]],
    );
  });

  test("what became of spans can be read from the metrics", async () => {
    assert.ok((await metric(scene.gateway, 'sluice_trace_spans_total{outcome="exported"}')) >= 8);
    assert.equal(await metric(scene.gateway, 'sluice_trace_spans_total{outcome="dropped"}'), 0);
  });
});

describe("a collector in trouble", { timeout: 60_000 }, () => {
  test("that refuses costs its spans, and one line of the log", async () => {
    const collector = await OtlpCollector.start();
    collector.answer = { kind: "status", status: 500 };
    const scene = await startScene({ exporter: { endpoint: collector.endpoint, interval: "10ms" } });
    for (let i = 0; i < 3; i++) {
      await send(scene.gateway.url(), "GET /v1/echo");
      const count = collector.requests.length;
      await collector.until(() => collector.requests.length > count - 1);
    }
    await collector.until(() => collector.spans.length === 12);
    const rejected = 'sluice_trace_spans_total{outcome="rejected"}';
    while ((await metric(scene.gateway, rejected)) < 12);
    await scene.close();
    await collector.close();
    const lines = scene.gateway.log.filter(({ msg }) => msg === "spans cannot be exported");
    assert.deepEqual(
      lines.map(({ level, cause }) => [level, cause]),
      [["warn", "HTTP status 500: not now please"]],
    );
  });

  test("that never answers delays no request, and the end no longer than the exporter's timeout", async () => {
    const collector = await OtlpCollector.start();
    collector.answer = { kind: "hang" };
    const scene = await startScene({
      exporter: { endpoint: collector.endpoint, interval: "10ms", timeout: "300ms" },
    });
    const { status } = await send(scene.gateway.url(), "GET /v1/echo");
    assert.equal(status, 200);
    await collector.until(() => collector.requests.length > 0);
    const from = performance.now();
    closeIdleConnections();
    assert.equal(await scene.gateway.stop(), 0);
    assert.ok(performance.now() - from < 5000);
    await scene.close();
    await collector.close();
  });

  test("that is away when requests come gets their spans when it is back", async () => {
    const port = await quietPort();
    const scene = await startScene({
      exporter: { endpoint: `http://127.0.0.1:${port}`, interval: "10ms" },
    });
    await send(scene.gateway.url(), "GET /v1/echo", {
      headers: ["traceparent", `00-${traceId(1)}-${SPAN}-01`],
    });
    const { cause } = await scene.gateway.logged(({ msg }) => msg === "spans cannot be exported");
    assert.match(String(cause), /ECONNREFUSED/);
    const collector = await OtlpCollector.start(port);
    assert.equal((await collector.trace(traceId(1))).length, 4);
    await scene.gateway.logged(({ msg }) => msg === "spans are exported again");
    await scene.close();
    await collector.close();
  });

  test("gets the last spans before the gateway ends", async () => {
    const collector = await OtlpCollector.start();
    const scene = await startScene({ exporter: { endpoint: collector.endpoint, interval: "5m" } });
    await send(scene.gateway.url(), "GET /v1/echo");
    assert.equal(collector.requests.length, 0);
    await scene.close();
    assert.equal(collector.spans.length, 4);
    await collector.close();
  });
});

test("an unsampled gateway records nothing, and tells the upstream so", { timeout: 30_000 }, async () => {
  const collector = await OtlpCollector.start();
  const scene = await startScene({
    exporter: { endpoint: collector.endpoint, interval: "10ms" },
    sampling: { ratio: 0, parent: "ignore" },
  });
  await send(scene.gateway.url(), "GET /v1/echo", {
    headers: ["traceparent", `00-${traceId(1)}-${SPAN}-01`],
  });
  assert.match(String(scene.echo.calls[0]?.metadata.get("traceparent")[0]), /-00$/);
  await scene.close();
  assert.deepEqual(collector.requests, []);
  await collector.close();
});
