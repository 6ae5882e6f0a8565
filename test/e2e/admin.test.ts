/**
 * What operators see of a running gateway: the admin listener and the log.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { startBrowser, WITHOUT_BROWSER, withPage } from "../support/browser.ts";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { GatewayProcess, type LogLine, startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { describeGateway, ENGINES } from "../support/gateway-suite.ts";

const S = "sluice.test.v1.EchoService";

/** The samples of a scrape, by name and labels. */
async function scrape(gateway: GatewayProcess): Promise<ReadonlyMap<string, number>> {
  const reply = await fetch(`${gateway.adminUrl}/metrics`);
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const lines = (await reply.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
}

/** The access log line of a request, by its id. */
function accessLine(gateway: GatewayProcess, id: string): Promise<LogLine> {
  return gateway.logged((line) => line.msg === "request" && line.requestId === id);
}

describeGateway("metrics and access log", { upstream: { unknownFields: "report" } }, (subject) => {
  test("count requests by template, gRPC method and both statuses, and time them", async () => {
    const before = await scrape(subject.gateway);
    const requests = ["/v1/fail/5", "/v1/fail/5", "/v1/count/2", "/nowhere"];
    for (const path of requests) await (await fetch(`${subject.url}${path}`)).text();
    await (await fetch(`${subject.url}/v1/echo?nope=1&nada=2`)).text();
    const after = await scrape(subject.gateway);
    const grown = (sample: string): number => (after.get(sample) ?? 0) - (before.get(sample) ?? 0);
    const counted: readonly [sample: string, growth: number][] = [
      [
        `sluice_requests_total{method="GET",route="/v1/fail/{code}",rpc="${S}.Fail",http_status="404",grpc_status="NOT_FOUND"}`,
        2,
      ],
      [
        `sluice_requests_total{method="GET",route="/v1/count/{to}",rpc="${S}.Count",http_status="200",grpc_status="OK"}`,
        1,
      ],
      ['sluice_requests_total{method="GET",route="",rpc="",http_status="404",grpc_status="NOT_FOUND"}', 1],
      ['sluice_gateway_errors_total{reason="NO_ROUTE"}', 1],
      [`sluice_unknown_fields_total{rpc="${S}.Echo"}`, 2],
      [`sluice_request_duration_seconds_count{route="/v1/fail/{code}",rpc="${S}.Fail"}`, 2],
      [`sluice_upstream_duration_seconds_count{upstream="echo",rpc="${S}.Fail"}`, 2],
      [`sluice_transcoding_duration_seconds_count{rpc="${S}.Fail"}`, 2],
      ["sluice_requests_in_flight", 0],
    ];
    for (const [sample, growth] of counted) assert.equal(grown(sample), growth, sample);
    const endpoint = `{upstream="echo",endpoint="${subject.echo.address}"}`;
    assert.equal(after.get(`sluice_upstream_connections${endpoint}`), 1);
    for (const phase of ["upstream", "transcoding"]) {
      const whole =
        after.get(`sluice_request_duration_seconds_sum{route="/v1/fail/{code}",rpc="${S}.Fail"}`) ?? 0;
      const labels = phase === "upstream" ? `{upstream="echo",rpc="${S}.Fail"}` : `{rpc="${S}.Fail"}`;
      const part = after.get(`sluice_${phase}_duration_seconds_sum${labels}`) ?? 0;
      assert.ok(part > 0 && part <= whole, `${phase}: ${part} of ${whole}`);
    }
    assert.ok((after.get("process_cpu_seconds_total") ?? 0) > 0);
  });

  test("count what is in flight, and a client that leaves as 499", async () => {
    const calls = subject.echo.calls.length;
    const leaving = new AbortController();
    const id = `leaves-${subject.port}`;
    const request = fetch(`${subject.url}/v1/hang`, {
      signal: leaving.signal,
      headers: { "x-request-id": id },
    });
    await subject.echo.untilCalls(calls + 1);
    assert.equal((await scrape(subject.gateway)).get("sluice_requests_in_flight"), 1);
    leaving.abort();
    await assert.rejects(request);
    const line = await accessLine(subject.gateway, id);
    assert.equal(line.status, 499);
    assert.equal(line.grpcStatus, "CANCELLED");
    assert.equal(line.reason, "CLIENT_GONE");
    assert.equal((await scrape(subject.gateway)).get("sluice_requests_in_flight"), 0);
  });

  test("the access log has one line a request, with every field", async () => {
    const id = `line-${subject.port}`;
    const body = '{"stringValue":"äöü"}';
    const reply = await fetch(`${subject.url}/v1/echo`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "x-request-id": id },
    });
    const bytesOut = (await reply.arrayBuffer()).byteLength;
    assert.equal(reply.headers.get("x-request-id"), id);
    const { time, durationMs, upstreamMs, transcodeMs, ...line } = await accessLine(subject.gateway, id);
    assert.deepEqual(line, {
      level: "info",
      requestId: id,
      listener: "127.0.0.1:0",
      peer: "127.0.0.1",
      method: "POST",
      path: "/v1/echo",
      route: "/v1/echo",
      rpc: `${S}.Echo`,
      upstream: "echo",
      status: 200,
      grpcStatus: "OK",
      bytesIn: Buffer.byteLength(body),
      bytesOut,
      msg: "request",
    });
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
    assert.ok(Number(durationMs) >= Number(upstreamMs) && Number(upstreamMs) > 0);
    assert.ok(Number(transcodeMs) > 0 && Number(transcodeMs) < Number(durationMs));
  });

  const lines: readonly [what: string, path: string, fields: LogLine][] = [
    [
      "an upstream's error has no reason",
      "/v1/fail/9",
      { status: 400, grpcStatus: "FAILED_PRECONDITION", reason: undefined },
    ],
    [
      "the gateway's own error has one",
      "/v1/numbers/x/1/1/1",
      { status: 400, grpcStatus: "INVALID_ARGUMENT", reason: "PARAM_INVALID", upstreamMs: 0 },
    ],
    [
      "no route",
      "/nowhere?token=secret",
      { status: 404, grpcStatus: "NOT_FOUND", reason: "NO_ROUTE", route: "", rpc: "", path: "/nowhere" },
    ],
    ["unknown fields are named", "/v1/echo?nope=1", { status: 200, unknownFields: ["nope"] }],
  ];
  for (const [i, [what, path, fields]] of lines.entries()) {
    test(`the access log: ${what}`, async () => {
      const id = `row-${i}-${subject.port}`;
      await (await fetch(`${subject.url}${path}`, { headers: { "x-request-id": id } })).text();
      const line = await accessLine(subject.gateway, id);
      for (const [name, value] of Object.entries(fields)) assert.deepEqual(line[name], value, name);
      assert.doesNotMatch(JSON.stringify(line), /secret/, "queries may hold secrets");
    });
  }

  test("an id that is not fit for a log line is replaced", async () => {
    const reply = await fetch(`${subject.url}/v1/ping`, { headers: { "x-request-id": "x".repeat(200) } });
    assert.match(reply.headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
  });
});

describe("the admin listener", { timeout: 30_000 }, () => {
  let echo: EchoServer;
  let gateway: GatewayProcess;
  before(async () => {
    echo = await startEchoServer();
    gateway = await startGateway({
      upstreams: { echo: { address: echo.address, schema: { reflection: true } } },
    });
  });
  after(async () => {
    await gateway.stop();
    await echo.close();
  });

  const rows: readonly [request: string, status: number, body: RegExp][] = [
    ["GET /healthz", 200, /^ok\n$/],
    ["HEAD /healthz", 200, /^$/],
    ["GET /readyz", 200, /^ready\n$/],
    ["GET /readyz?verbose", 200, /^ready\n\[\+\] process: running\n\[\+\] schema of echo: loaded\n$/],
    ["GET /upstreams", 200, /"name": "echo",\n\s*"state": "ready"/],
    ["GET /config", 200, /"file": "[^"]+",\n\s*"listeners": \[/],
    ["GET /", 200, /^<!doctype html>/],
    ["GET /healthz?verbose", 200, /^ok\n$/],
    ["POST /healthz", 405, /only GET, HEAD\n$/],
    ["DELETE /routes", 405, /only GET, HEAD\n$/],
    ["GET /v1/ping", 404, /^not found/],
    ["GET /healthz/", 404, /^not found/],
  ];
  for (const [request, status, body] of rows) {
    test(request, async () => {
      const [method = "", path = ""] = request.split(" ");
      const reply = await fetch(`${gateway.adminUrl}${path}`, { method });
      assert.equal(reply.status, status);
      assert.match(await reply.text(), body);
    });
  }

  test("the route table as JSON, and as text for whoever asks for it", async () => {
    const json = await fetch(`${gateway.adminUrl}/routes`);
    assert.equal(json.headers.get("content-type"), "application/json");
    const table: unknown = await json.json();
    assert.ok(
      typeof table === "object" && table !== null && "routes" in table && Array.isArray(table.routes),
    );
    assert.ok(table.routes.length > 50);
    const text = await fetch(`${gateway.adminUrl}/routes`, { headers: { accept: "text/plain" } });
    assert.match(text.headers.get("content-type") ?? "", /^text\/plain/);
    const lines = (await text.text()).trimEnd().split("\n");
    assert.equal(lines.length, table.routes.length + 1);
    assert.match(lines[0] ?? "", /^METHOD +TEMPLATE +RPC/);
  });

  test("the level of the log can be changed while it runs", async () => {
    const change = await fetch(`${gateway.adminUrl}/log?level=debug`, { method: "POST" });
    assert.equal(change.status, 200);
    assert.deepEqual(await (await fetch(`${gateway.adminUrl}/log`)).json(), { level: "debug" });
    const back = await fetch(`${gateway.adminUrl}/log?level=info`, { method: "POST" });
    assert.equal(back.status, 200);
  });

  test("a page for people shows all of it in a browser", { skip: WITHOUT_BROWSER }, async () => {
    const browser = await startBrowser();
    try {
      await withPage(browser, `${gateway.adminUrl}/`, async (page) => {
        await page.getByRole("status").getByText("ready").waitFor();
        await page.getByRole("cell", { name: "schema of echo" }).waitFor();
        await page.getByRole("cell", { name: echo.address, exact: true }).waitFor();
        await page.getByRole("heading", { name: /^Routes \(\d+\)$/ }).waitFor();
        await page.getByLabel("filter routes").fill("/v1/fail");
        await page.getByRole("heading", { name: /^Routes \(\d of \d+\)$/ }).waitFor();
        await page.getByLabel("level of the log").selectOption("warn");
        const changed = async (): Promise<unknown> => (await fetch(`${gateway.adminUrl}/log`)).json();
        while (JSON.stringify(await changed()) !== '{"level":"warn"}');
        await page.getByRole("cell", { name: "served", exact: true }).waitFor();
        await page.getByRole("button", { name: "reload" }).click();
        // Its file is gone by now.
        await page.getByRole("status").getByText("refused").waitFor();
        await page.getByText("Config in force").click();
        await page.getByText('"upstreams"').waitFor();
      });
    } finally {
      await browser.close();
      await fetch(`${gateway.adminUrl}/log?level=info`, { method: "POST" });
    }
  });

  test("is not reachable over the public listener", async () => {
    for (const path of ["/healthz", "/metrics", "/routes"]) {
      assert.equal((await fetch(`${gateway.url()}${path}`)).status, 404);
    }
  });

  test("every metric is in the runbook, docs/operations.md", async () => {
    const scraped = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const families = [...scraped.matchAll(/^# TYPE (sluice_\w+) /gm)].map(([, name = ""]) => name);
    assert.ok(families.length > 30, `${families.length} families`);
    const runbook = await readFile("docs/operations.md", "utf8");
    const missing = families.filter((name) => !runbook.includes(`\`${name}\``));
    assert.deepEqual(missing, []);
  });

  test("does not count as traffic", async () => {
    const samples = [...(await scrape(gateway)).keys()];
    assert.ok(!samples.some((sample) => sample.includes('route="/metrics"')));
  });
});

describe("log settings", { timeout: 30_000 }, () => {
  let echo: EchoServer;
  before(async () => {
    echo = await startEchoServer();
  });
  after(() => echo.close());

  for (const engine of ENGINES) {
    const rows: readonly [
      what: string,
      config: object,
      messages: readonly string[],
      absent: readonly string[],
    ][] = [
      ["accessLog off", { accessLog: { enabled: false } }, ["listening", "serving"], ["request"]],
      ["level debug", { log: { level: "debug" } }, ["listening", "request"], []],
    ];
    for (const [what, config, messages, absent] of rows) {
      test(`${what}, engine ${engine}`, async () => {
        const gateway = await startGateway({
          listeners: [{ address: "127.0.0.1:0", engine }],
          upstreams: { echo: { address: echo.address, schema: { reflection: true } } },
          ...config,
        });
        await (await fetch(`${gateway.url()}/v1/ping`)).text();
        assert.equal(await gateway.stop(), 0);
        const said = new Set(gateway.log.map((line) => line.msg));
        for (const message of messages) assert.ok(said.has(message), message);
        for (const message of absent) assert.ok(!said.has(message), message);
        assert.equal(gateway.stderr, "");
      });
    }
  }

  test("level warn silences the gateway, not its access log", async () => {
    const port = await freePort();
    const files = await temporaryFiles({
      "x.yaml": JSON.stringify({
        listeners: [{ address: `127.0.0.1:${port}` }],
        admin: { enabled: false },
        upstreams: { echo: { address: echo.address, schema: { reflection: true } } },
        log: { level: "warn" },
      }),
    });
    const gateway = new GatewayProcess(
      spawn(process.execPath, [resolve("dist/main.js"), "serve", "-c", files.path("x.yaml")]),
    );
    const statusOf = (): Promise<number> =>
      fetch(`http://127.0.0.1:${port}/v1/ping`).then(
        (reply) => reply.status,
        () => 0,
      );
    while ((await statusOf()) !== 200);
    assert.equal(await gateway.stop(), 0);
    await files.remove();
    assert.deepEqual(new Set(gateway.log.map((line) => line.msg)), new Set(["request"]));
  });
});

/** A port that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}
