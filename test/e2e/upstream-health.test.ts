/** Endpoints that are ill, through the built gateway: what reaches them, what clients notice, what operators read. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { assertGatewayError, descriptorPath } from "../support/gateway-suite.ts";
import { closeIdleConnections, send } from "../support/http-request.ts";
import { PlayedUpstream } from "../support/played-upstreams.ts";

const HANG = { timeout: 60_000 };

type Mapping = Readonly<Record<string, unknown>>;

/** A gateway in front of three played upstreams, all connected. */
async function withGateway(
  options: Mapping,
  use: (gateway: GatewayProcess, upstreams: readonly PlayedUpstream[], ill: PlayedUpstream) => Promise<void>,
): Promise<void> {
  const upstreams = await Promise.all([1, 2, 3].map(() => PlayedUpstream.start()));
  const [, ill] = upstreams;
  assert.ok(ill !== undefined);
  for (const upstream of upstreams) {
    upstream.health = "SERVING";
    upstream.reply = new Uint8Array(0);
  }
  const gateway = await startGateway({
    listeners: [{ address: "127.0.0.1:0", engine: "node" }],
    upstreams: {
      echo: {
        address: upstreams.map(({ address }) => address),
        schema: { descriptors: [descriptorPath()] },
        loadBalancing: "round_robin",
        // What an ill endpoint does is to be seen.
        retry: { attempts: 1 },
        ...options,
      },
    },
  });
  try {
    const ready = 'sluice_upstream_endpoints{upstream="echo",state="ready"} 3';
    while (!(await metricsOf(gateway)).includes(ready)) await new Promise(setImmediate);
    await use(gateway, upstreams, ill);
  } finally {
    closeIdleConnections();
    await gateway.stop();
    for (const upstream of upstreams) await upstream.close();
  }
}

async function metricsOf(gateway: GatewayProcess): Promise<readonly string[]> {
  return (await (await fetch(`${gateway.adminUrl}/metrics`)).text()).split("\n");
}

/** Requests one after the other; gives how many failed, each as it should. */
async function request(gateway: GatewayProcess, count: number): Promise<number> {
  let failures = 0;
  for (let i = 0; i < count; i++) {
    const { status } = await send(gateway.url(), "GET /v1/ping");
    if (status === 200) continue;
    assert.equal(status, 503);
    failures++;
  }
  return failures;
}

describe("an endpoint of three", HANG, () => {
  const outlierEjection = { consecutiveFailures: 2, baseEjection: "2s" };

  test("whose calls fail is ejected, and comes back when it is well", async () => {
    await withGateway({ outlierEjection }, async (gateway, _upstreams, ill) => {
      ill.behaviour = "fails";
      assert.equal(await request(gateway, 8), 2);
      const ejected = await gateway.logged(({ msg }) => msg === "endpoint ejected: its calls fail");
      const { level, upstream, endpoint, reason } = ejected;
      assert.deepEqual([level, upstream, endpoint, reason], ["warn", "echo", ill.address, "failures"]);
      ill.behaviour = "answers";
      const labels = `upstream="echo",endpoint="${ill.address}"`;
      const metrics = await metricsOf(gateway);
      assert.ok(
        metrics.includes(`sluice_upstream_endpoint_ejections_total{${labels},reason="failures"} 1`),
        metrics.filter((line) => line.includes("ejections")).join("\n"),
      );
      assert.ok(
        metrics.includes(`sluice_upstream_endpoint_ejections_total{${labels},reason="latency"} 0`),
        metrics.filter((line) => line.includes("ejections")).join("\n"),
      );
      while (!gateway.log.some(({ msg }) => msg === "endpoint back from ejection")) {
        assert.equal(await request(gateway, 1), 0);
      }
      assert.ok((await metricsOf(gateway)).includes(`sluice_upstream_endpoint_healthy{${labels}} 1`));
      const before = ill.calls;
      assert.equal(await request(gateway, 9), 0);
      assert.equal(ill.calls, before + 3);
    });
  });

  test("is left alone where outlierEjection is false", async () => {
    await withGateway({ outlierEjection: false }, async (gateway, _upstreams, ill) => {
      ill.behaviour = "fails";
      assert.equal(await request(gateway, 60), 20);
      assert.ok(
        !(await metricsOf(gateway)).some((line) => line.startsWith("sluice_upstream_endpoint_healthy{")),
      );
    });
  });

  test("that says that it does not serve gets no requests until it says that it does", async () => {
    await withGateway({ healthCheck: true }, async (gateway, _upstreams, ill) => {
      ill.health = "NOT_SERVING";
      const line = await gateway.logged(({ msg }) => msg === "endpoint not serving");
      assert.deepEqual(
        [line.upstream, line.endpoint, line.why],
        ["echo", ill.address, 'its health service says "not serving"'],
      );
      const labels = `upstream="echo",endpoint="${ill.address}"`;
      assert.ok((await metricsOf(gateway)).includes(`sluice_upstream_endpoint_healthy{${labels}} 0`));
      const before = ill.calls;
      assert.equal(await request(gateway, 20), 0);
      assert.equal(ill.calls, before);
      ill.health = "SERVING";
      await gateway.logged(({ msg }) => msg === "endpoint serving again");
      assert.equal(await request(gateway, 9), 0);
      assert.ok(ill.calls - before >= 2, `${ill.calls - before} calls`);
    });
  });
});

describe("when no endpoint serves", HANG, () => {
  test("requests go to all of them, and the log says so", async () => {
    await withGateway({ healthCheck: { mode: "check", interval: "100ms" } }, async (gateway, upstreams) => {
      for (const upstream of upstreams) upstream.health = "NOT_SERVING";
      await gateway.logged(({ msg }) => String(msg).startsWith("too few endpoints are healthy"));
      assert.equal(await request(gateway, 9), 0);
    });
  });

  test("they are answered 503 at once where panic is switched off", async () => {
    const options = { healthCheck: true, outlierEjection: { panicThreshold: 0 } };
    await withGateway(options, async (gateway, upstreams) => {
      for (const upstream of upstreams) upstream.health = "NOT_SERVING";
      while (gateway.log.filter(({ msg }) => msg === "endpoint not serving").length < 3) {
        await new Promise(setImmediate);
      }
      const answer = await send(gateway.url(), "GET /v1/ping");
      const { message } = assertGatewayError(answer, 503, "UPSTREAM_UNREACHABLE");
      assert.match(message, /cannot be reached: none of its endpoints is healthy$/);
    });
  });
});

test("that an upstream has no health service is told once, and keeps nothing from it", HANG, async () => {
  await withGateway({ healthCheck: true }, async (gateway, upstreams) => {
    for (const upstream of upstreams) {
      upstream.health = "none";
      for (const session of upstream.server.sessions) session.destroy();
    }
    await gateway.logged(({ msg }) => String(msg).startsWith("upstream has no health service"));
    while (upstreams.some(({ calls }) => calls === 0)) await send(gateway.url(), "GET /v1/ping");
    assert.equal(
      gateway.log.filter(({ msg }) => String(msg).startsWith("upstream has no health service")).length,
      1,
    );
  });
});
