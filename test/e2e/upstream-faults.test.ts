/**
 * A dead, hanging, lying or non-gRPC upstream gets a mapped error within the deadline, and the gateway serves on.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import {
  descriptorsWithoutRules,
  type FaultyUpstreams,
  startFaultyUpstreams,
} from "../support/faulty-upstreams.ts";
import { type GatewayProcess, startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { assertGatewayError, ENGINES, INTERNALS } from "../support/gateway-suite.ts";
import { closeIdleConnections, jsonOf, send } from "../support/http-request.ts";

const SERVICE = "sluice.test.v1.EchoService";
const DEADLINE_MS = 1000;
/** What a loaded machine may add. */
const TOLERANCE_MS = 1500;

/** What a unary call gets of each faulty upstream. */
const UNARY: readonly (readonly [name: string, status: number, reason: string])[] = [
  ["refused", 503, "UPSTREAM_UNREACHABLE"],
  ["unresolvable", 503, "UPSTREAM_UNREACHABLE"],
  ["hanging", 504, "DEADLINE"],
  ["garbage", 503, "UPSTREAM_UNREACHABLE"],
  ["closing", 503, "UPSTREAM_UNREACHABLE"],
  ["resetting", 503, "UPSTREAM_UNREACHABLE"],
  ["http1", 503, "UPSTREAM_UNREACHABLE"],
  ["html200", 502, "UPSTREAM_PROTOCOL"],
  ["html404", 501, "UPSTREAM_PROTOCOL"],
  ["html502", 502, "UPSTREAM_PROTOCOL"],
  ["html401", 401, "UPSTREAM_PROTOCOL"],
  ["redirect", 500, "UPSTREAM_PROTOCOL"],
  ["no-content-type", 502, "UPSTREAM_PROTOCOL"],
  ["no-status", 502, "UPSTREAM_PROTOCOL"],
  ["no-status-no-message", 502, "UPSTREAM_PROTOCOL"],
  ["no-message", 500, "UPSTREAM_REPLY_INVALID"],
  ["two-messages", 500, "UPSTREAM_REPLY_INVALID"],
  ["truncated", 500, "UPSTREAM_REPLY_INVALID"],
  ["cut-prefix", 500, "UPSTREAM_REPLY_INVALID"],
  ["wrong-type", 500, "UPSTREAM_REPLY_INVALID"],
  ["compressed", 500, "UPSTREAM_REPLY_INVALID"],
  ["broken-gzip", 500, "UPSTREAM_REPLY_INVALID"],
  ["huge", 502, "UPSTREAM_REPLY_TOO_LARGE"],
  ["reset", 500, "UPSTREAM_PROTOCOL"],
  ["refuse", 503, "UPSTREAM_UNREACHABLE"],
  ["silent", 504, "DEADLINE"],
  ["silent-after-headers", 504, "DEADLINE"],
];

/** The reasons that have the code UNAVAILABLE. */
const UNAVAILABLE: Readonly<Record<number, string>> = {
  502: "UPSTREAM_PROTOCOL",
  503: "UPSTREAM_UNREACHABLE",
};

describe("upstream faults", { timeout: 60_000 }, () => {
  let faults: FaultyUpstreams | undefined;
  let echo: EchoServer | undefined;
  let gateway: GatewayProcess | undefined;
  let removeFiles = async (): Promise<void> => undefined;

  before(async () => {
    faults = await startFaultyUpstreams();
    echo = await startEchoServer();
    const files = await temporaryFiles({ "echo.binpb": descriptorsWithoutRules() });
    removeFiles = () => files.remove();
    const upstreams = [...faults.addresses, ["good", echo.address] as const].map(([name, address]) => [
      name,
      {
        address,
        schema: { descriptors: [files.path("echo.binpb")] },
        http: {
          rules: [
            { selector: `${SERVICE}.Echo`, get: `/${name}/echo` },
            { selector: `${SERVICE}.Count`, get: `/${name}/count/{to}` },
            { selector: `${SERVICE}.DownloadStream`, get: `/${name}/blob` },
          ],
        },
      },
    ]);
    gateway = await startGateway({
      listeners: ENGINES.map((engine) => ({ address: "127.0.0.1:0", engine })),
      defaults: {
        deadline: `${DEADLINE_MS}ms`,
        idleTimeout: `${DEADLINE_MS}ms`,
        json: { emitDefaults: false },
      },
      upstreams: Object.fromEntries(upstreams),
    });
  });
  after(async () => {
    closeIdleConnections();
    await gateway?.stop();
    await faults?.close();
    await echo?.close();
    await removeFiles();
  });

  for (const [index, engine] of ENGINES.entries()) {
    describe(`engine ${engine}`, { concurrency: 8 }, () => {
      const url = (): string => gateway?.url(index) ?? "";
      for (const [name, status, reason] of UNARY) {
        test(`${name}: ${status} ${reason}, in time`, async () => {
          const from = performance.now();
          const answer = await send(url(), `GET /${name}/echo`);
          const took = performance.now() - from;
          assertGatewayError(answer, status, reason);
          assert.doesNotMatch(answer.body.toString(), /secret page|ECONN|RST_STREAM|https:/);
          assert.ok(took < DEADLINE_MS + TOLERANCE_MS, `it took ${took} ms`);
          assert.equal((await send(url(), "GET /good/echo")).status, 200, "the gateway serves on");
        });
      }

      for (const [name, status] of [
        ["refused", 503],
        ["html200", 502],
        ["no-status-no-message", 502],
        ["compressed", 500],
        ["reset", 500],
        ["silent", 504],
      ] as const) {
        test(`a stream of ${name}: ${status} before the first message`, async () => {
          const answer = await send(url(), `GET /${name}/count/1`);
          assert.equal(answer.status, status, answer.body.toString());
          assert.doesNotMatch(answer.body.toString(), INTERNALS);
        });
      }

      test("a grpc-status that is no number is UNKNOWN", async () => {
        const answer = await send(url(), "GET /status-garbage/echo");
        assert.equal(answer.status, 500);
        assert.deepEqual(jsonOf(answer), { code: 2, message: "", details: [] });
      });

      for (const name of ["dies-at-once", "dies-midway"]) {
        test(`${name}: UNAVAILABLE, whether the stream or the connection is seen to end first`, async () => {
          const answer = await send(url(), `GET /${name}/echo`);
          assertGatewayError(answer, answer.status === 502 ? 502 : 503, UNAVAILABLE[answer.status] ?? "");
        });
      }

      test("a stream whose upstream dies midway is told so in the last line", async () => {
        const answer = await send(url(), "GET /dies-midway/count/5");
        assert.equal(answer.status, 200);
        const [first, last] = answer.body.toString().split("\n");
        assert.equal(first, '{"value":1}');
        assert.match(last ?? "", /^\{"error":\{"code":14,.*"domain":"sluice"/);
      });

      test("a stream with no status at its end is told so in the last line", async () => {
        const answer = await send(url(), "GET /no-status/count/5");
        assert.match(
          answer.body.toString(),
          /^\{"value":1\}\n\{"error":\{"code":14,.*"reason":"UPSTREAM_PROTOCOL"/,
        );
      });

      test("a blob whose upstream dies midway is cut off", async () => {
        await assert.rejects(send(url(), "GET /dies-midway/blob"), { code: "ECONNRESET" });
      });
    });
  }

  test("nothing of it was a fault of the gateway", () => {
    assert.deepEqual(
      gateway?.log.filter((line) => line.level === "error" || line.level === "fatal"),
      [],
    );
    assert.equal(gateway?.stderr, "");
  });
});

describe("an upstream that dies and comes back", { timeout: 30_000 }, () => {
  // It goes away without an answer. grpc-js takes the code of the GOAWAY, CANCEL, for the answer.
  const cutBy = {
    http2: [503, "UPSTREAM_UNREACHABLE"],
    "grpc-js": [499, "UPSTREAM_PROTOCOL"],
  } as const;
  for (const [client, [cutStatus, cutReason]] of Object.entries(cutBy)) {
    test(`is unreachable meanwhile, cuts what was under way, and works again on the same port: ${client}`, async () => {
      let echo = await startEchoServer();
      const { address } = echo;
      let gateway: GatewayProcess | undefined;
      try {
        gateway = await startGateway({
          upstreams: {
            echo: {
              address,
              client,
              schema: { reflection: true },
              deadline: "5s",
              json: { emitDefaults: false },
            },
          },
        });
        const url = gateway.url();
        assert.deepEqual(jsonOf(await send(url, "GET /v1/echo?int32Value=1")), { int32Value: 1 });
        const count = echo.calls.length;
        const hanging = send(url, "GET /v1/hang");
        await echo.untilCalls(count + 1);
        await echo.close();
        assertGatewayError(await hanging, cutStatus, cutReason);
        assertGatewayError(await send(url, "GET /v1/echo"), 503, "UPSTREAM_UNREACHABLE");
        echo = await startEchoServer({ address });
        let answer = await send(url, "GET /v1/echo?int32Value=2");
        while (answer.status === 503) answer = await send(url, "GET /v1/echo?int32Value=2");
        assert.deepEqual(jsonOf(answer), { int32Value: 2 });
      } finally {
        closeIdleConnections();
        await gateway?.stop();
        await echo.close();
      }
    });
  }
});
