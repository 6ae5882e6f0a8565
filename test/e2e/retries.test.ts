/**
 * Which calls the gateway sends again, counted at the upstream.
 */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema,
  MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { descriptorsWithoutRules } from "../support/faulty-upstreams.ts";
import { type GatewayProcess, startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { type Answer, closeIdleConnections, send } from "../support/http-request.ts";
import { type PlannedUpstream, startPlannedUpstream } from "../support/planned-upstream.ts";

const SERVICE = "sluice.test.v1.EchoService";
const CLIENTS = ["http2", "grpc-js"] as const;

/** What is asked, how the upstream answers, what the client gets, and how often the upstream was asked. */
const CASES: readonly (readonly [line: string, plan: string, status: number, attempts: number])[] = [
  ["GET /echo", "ok", 200, 1],
  ["GET /echo", "14,14,ok", 200, 3],
  ["GET /echo", "14", 503, 3],
  ["HEAD /echo", "14,ok", 200, 2],
  ["GET /echo", "h14,ok", 200, 2],
  ["GET /echo", "lost,ok", 200, 2],
  ["GET /echo", "5,ok", 404, 1],
  ["GET /echo", "14,13,ok", 500, 2],
  ["GET /echo", "14:5,ok", 200, 2],
  ["GET /echo", "14:-1,ok", 503, 1],
  ["GET /echo", "14:60000,ok", 503, 1],
  ["GET /count/1", "14,ok", 200, 2],
  ["GET /count/1", "h14,ok", 200, 2],
  ["GET /count/1", "m14,ok", 200, 1],
  ["POST /marked", "14,lost,ok", 200, 3],
  ["POST /echo", "14,ok", 503, 1],
  ["POST /echo", "lost,ok", 503, 1],
  ["PUT /echo", "14,ok", 503, 1],
  ["PATCH /echo", "14,ok", 503, 1],
  ["DELETE /echo", "14,ok", 503, 1],
  ["GET /any", "14,ok", 503, 1],
  ["GET /once", "14,ok", 503, 1],
];

describe("retries and hedging", { timeout: 60_000 }, () => {
  let upstream: PlannedUpstream | undefined;
  let gateway: GatewayProcess | undefined;
  let removeFiles = async (): Promise<void> => undefined;
  let keys = 0;

  before(async () => {
    upstream = await startPlannedUpstream();
    const { address } = upstream;
    const files = await temporaryFiles({ "echo.binpb": markedDescriptors() });
    removeFiles = () => files.remove();
    const upstreamOf = (name: string, more: object): readonly [string, object] => [
      name,
      {
        address,
        schema: { descriptors: [files.path("echo.binpb")] },
        http: { rules: rulesAt(name) },
        ...more,
      },
    ];
    gateway = await startGateway({
      listeners: [{ address: "127.0.0.1:0" }],
      defaults: { deadline: "10s" },
      upstreams: Object.fromEntries([
        ...CLIENTS.map((client) =>
          upstreamOf(client, {
            client,
            routes: [{ selector: `${SERVICE}.Ping`, retry: { attempts: 1 } }],
          }),
        ),
        upstreamOf("outage", {
          retry: { initialBackoff: "1ms" },
          retryBudget: { percent: 20, minPerSecond: 0 },
        }),
        upstreamOf("hedged", { hedging: { attempts: 2, delay: "30ms" } }),
      ]),
    });
  });
  after(async () => {
    closeIdleConnections();
    await gateway?.stop();
    await upstream?.close();
    await removeFiles();
  });

  const running = (): { upstream: PlannedUpstream; gateway: GatewayProcess } => {
    if (upstream === undefined || gateway === undefined) throw new Error("the suite has not started");
    return { upstream, gateway };
  };

  /** Sends a request with a plan; the key tells its attempts from others. */
  async function ask(line: string, plan: string): Promise<{ answer: Answer; key: string }> {
    const key = `k${keys++}`;
    const answer = await send(running().gateway.url(), line, { headers: ["x-key", key, "x-plan", plan] });
    return { answer, key };
  }

  for (const client of CLIENTS) {
    describe(`with the client ${client}`, () => {
      for (const [line, plan, status, attempts] of CASES) {
        test(`${line} answered ${plan}: ${status} after ${attempts}`, async () => {
          const { answer, key } = await ask(line.replace("/", `/${client}/`), plan);
          assert.equal(answer.status, status, answer.body.toString());
          assert.equal(running().upstream.attemptsOf(key).length, attempts);
        });
      }

      test("the upstream is told how often a call was sent before, and the time that remains", async () => {
        const { key } = await ask(`GET /${client}/echo`, "14,14:50,ok");
        const seen = running()
          .upstream.attemptsOf(key)
          .map(({ headers }) => headers);
        assert.deepEqual(
          seen.map((headers) => headers["grpc-previous-rpc-attempts"]),
          [undefined, "1", "2"],
        );
        const [first = 0, , last = 0] = seen.map((headers) => millisecondsOf(headers["grpc-timeout"]));
        assert.ok(first <= 10_000 && last <= first - 50, `${first} ms, then ${last} ms`);
      });

      test("a stream that has begun tells its failure in the stream", async () => {
        const { answer } = await ask(`GET /${client}/count/1`, "m14,ok");
        const lines = answer.body.toString().trim().split("\n");
        assert.equal(lines.length, 2);
        assert.match(lines[1] ?? "", /"error":\{"code":14/);
      });

      test("a client that leaves during the pause is not retried for", async () => {
        const { upstream, gateway } = running();
        const key = `gone-${client}`;
        const { hostname, port } = new URL(gateway.url());
        const socket = connect(Number(port), hostname);
        const fields = [`host: ${hostname}`, `x-key: ${key}`, "x-plan: 14:300,ok", `x-request-id: ${key}`];
        socket.write(`GET /${client}/echo HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
        await upstream.untilAttempts(key, 1);
        // Its answer comes over the same connection, behind the failure; by then the pause has begun.
        await ask(`GET /${client}/echo`, "ok");
        socket.destroy();
        const line = await gateway.logged((line) => line.requestId === key);
        assert.equal(line.status, 499);
        // A pause that begins later, and is as long.
        await ask(`GET /${client}/echo`, "14:300,ok");
        assert.equal(upstream.attemptsOf(key).length, 1);
      });
    });
  }

  test("an outage costs no more than the budget: a fifth of 200 calls", async () => {
    const { upstream, gateway } = running();
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask("GET /outage/echo", "14")));
    for (const { answer } of answers) assert.equal(answer.status, 503);
    const perCall = answers.map(({ key }) => upstream.attemptsOf(key).length);
    const attempts = perCall.reduce((sum, count) => sum + count, 0);
    // What the budget does not use runs out over ten seconds, so a slow machine gets a little less.
    assert.ok(attempts > 210 && attempts <= 240, `${attempts} attempts`);
    const refused = perCall.filter((count) => count < 3).length;
    const repeated = perCall.filter((count) => count > 1).length;
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const count = (series: string): number =>
      Number(
        metrics
          .split("\n")
          .find((line) => line.startsWith(`${series} `))
          ?.split(" ")[1],
      );
    assert.equal(
      count('sluice_upstream_retries_total{upstream="outage",reason="UNAVAILABLE"}'),
      attempts - 200,
    );
    assert.equal(count('sluice_upstream_retry_budget_exhausted_total{upstream="outage"}'), refused);
    const series = 'sluice_upstream_repeated_calls_total{upstream="outage",outcome="failure"}';
    assert.equal(count(series), repeated);
  });

  test("with hedging, a GET that is not answered is sent once more, and the first copy is cancelled", async () => {
    const { upstream } = running();
    const { answer, key } = await ask("GET /hedged/echo", "hang,ok");
    assert.equal(answer.status, 200);
    const [first] = upstream.attemptsOf(key);
    assert.equal(upstream.attemptsOf(key).length, 2);
    // Closed by the reset that comes with the answer, unless it has been already.
    if (first?.stream.closed === false) await new Promise((resolve) => first.stream.once("close", resolve));
    assert.equal(first?.stream.rstCode, 8);
  });

  test("with hedging, a POST is sent once", async () => {
    const key = `k${keys++}`;
    const headers = ["x-key", key, "x-plan", "hang", "grpc-timeout", "300m"];
    const answer = await send(running().gateway.url(), "POST /hedged/echo", { headers });
    assert.equal(answer.status, 504);
    assert.equal(running().upstream.attemptsOf(key).length, 1);
  });
});

/** The rules of one upstream, below its name. */
function rulesAt(name: string): readonly object[] {
  return [
    {
      selector: `${SERVICE}.Echo`,
      get: `/${name}/echo`,
      additionalBindings: [
        { post: `/${name}/echo` },
        { put: `/${name}/echo` },
        { patch: `/${name}/echo` },
        { delete: `/${name}/echo` },
      ],
    },
    { selector: `${SERVICE}.EchoField`, post: `/${name}/marked` },
    { selector: `${SERVICE}.Count`, get: `/${name}/count/{to}` },
    { selector: `${SERVICE}.Wildcard`, custom: { kind: "*", path: `/${name}/any` } },
    { selector: `${SERVICE}.Ping`, get: `/${name}/once` },
  ];
}

/** The echo service without rules, its method EchoField marked as one that may run twice. */
function markedDescriptors(): Uint8Array {
  const set = fromBinary(FileDescriptorSetSchema, descriptorsWithoutRules());
  const methods = set.file.flatMap(({ service }) => service).flatMap(({ method }) => method);
  for (const method of methods.filter(({ name }) => name === "EchoField")) {
    const idempotencyLevel = MethodOptions_IdempotencyLevel.IDEMPOTENT;
    method.options = create(MethodOptionsSchema, { idempotencyLevel });
  }
  return toBinary(FileDescriptorSetSchema, set);
}

/** A `grpc-timeout`. */
function millisecondsOf(value: string | string[] | undefined): number {
  const [, digits, unit = ""] = /^(\d+)([HMSmun])$/.exec(String(value)) ?? [];
  const factor = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }[unit];
  return Number(digits) * (factor ?? Number.NaN);
}
