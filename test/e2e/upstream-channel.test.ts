/** What the config of an upstream decides about its connections, through the built gateway. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { assertGatewayError, descriptorPath } from "../support/gateway-suite.ts";
import { closeIdleConnections, send } from "../support/http-request.ts";

const HANG = { timeout: 60_000 };

type Mapping = Readonly<Record<string, unknown>>;

/** A gateway in front of `count` echo servers; all are closed when `use` is done. */
async function withGateway(
  count: number,
  upstream: (addresses: readonly string[]) => Mapping,
  use: (gateway: GatewayProcess, echoes: readonly EchoServer[]) => Promise<void>,
): Promise<void> {
  const echoes = await Promise.all(Array.from({ length: count }, () => startEchoServer()));
  const schema = { descriptors: [descriptorPath()] };
  const gateway = await startGateway({
    listeners: [{ address: "127.0.0.1:0", engine: "node" }],
    upstreams: { echo: { schema, ...upstream(echoes.map(({ address }) => address)) } },
  });
  try {
    await use(gateway, echoes);
  } finally {
    closeIdleConnections();
    await gateway.stop();
    for (const echo of echoes) await echo.close();
  }
}

/** Metrics of the gateway, by name and labels. */
async function scrape(gateway: GatewayProcess): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return new Map(
    text
      .split("\n")
      .filter((line) => line.startsWith("sluice_upstream_"))
      .map((line) => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))] as const;
      }),
  );
}

async function echo(gateway: GatewayProcess): Promise<void> {
  const answer = await send(gateway.url(), "GET /v1/ping");
  assert.equal(answer.status, 200, answer.body.toString());
}

/** The value of an endpoint's metric. */
function ofEndpoint(metrics: ReadonlyMap<string, number>, name: string, { address }: EchoServer): number {
  return metrics.get(`sluice_upstream_${name}{upstream="echo",endpoint="${address}"}`) ?? Number.NaN;
}

describe("an upstream of several addresses", HANG, () => {
  test("spreads its calls evenly in turns, and tells of each endpoint", async () => {
    const config = (address: readonly string[]): Mapping => ({ address, loadBalancing: "round_robin" });
    await withGateway(3, config, async (gateway, echoes) => {
      // The routes wait for the first connection; the others are a moment later.
      for (let ready = 0; ready < 3; ) {
        ready = (await scrape(gateway)).get('sluice_upstream_endpoints{upstream="echo",state="ready"}') ?? 0;
      }
      for (let i = 0; i < 12; i++) await echo(gateway);
      assert.deepEqual(
        echoes.map(({ calls }) => calls.length),
        [4, 4, 4],
      );
      const metrics = await scrape(gateway);
      for (const server of echoes) {
        assert.equal(ofEndpoint(metrics, "connections", server), 1);
        assert.equal(ofEndpoint(metrics, "picks_total", server), 4);
        assert.equal(ofEndpoint(metrics, "streams", server), 0);
        assert.equal(ofEndpoint(metrics, "connect_failures_total", server), 0);
        for (const bytes of ["sent_bytes_total", "received_bytes_total"]) {
          assert.ok(ofEndpoint(metrics, bytes, server) > 100, bytes);
        }
      }
    });
  });

  test("splits them by weight", async () => {
    const config = (addresses: readonly string[]): Mapping => ({
      address: addresses.map((address, i) => ({ address, weight: i === 0 ? 4 : 1 })),
      loadBalancing: "weighted",
    });
    await withGateway(2, config, async (gateway, echoes) => {
      for (let ready = 0; ready < 2; ) {
        ready = (await scrape(gateway)).get('sluice_upstream_endpoints{upstream="echo",state="ready"}') ?? 0;
      }
      for (let i = 0; i < 20; i++) await echo(gateway);
      assert.deepEqual(
        echoes.map(({ calls }) => calls.length),
        [16, 4],
      );
    });
  });

  test("takes the first alone under pick_first, and the next when it is gone", async () => {
    const config = (address: readonly string[]): Mapping => ({ address, loadBalancing: "pick_first" });
    await withGateway(2, config, async (gateway, [first, second]) => {
      assert.ok(first !== undefined && second !== undefined);
      for (let i = 0; i < 3; i++) await echo(gateway);
      assert.equal(ofEndpoint(await scrape(gateway), "connections", second), 0);
      await first.close();
      for (let i = 0; i < 3; i++) await echo(gateway);
      assert.deepEqual([first.calls.length, second.calls.length], [3, 3]);
    });
  });
});

describe("connections", HANG, () => {
  test("are open before the first request", async () => {
    await withGateway(
      1,
      ([address]) => ({ address }),
      async (gateway, [server]) => {
        assert.ok(server !== undefined);
        await gateway.logged(({ msg }) => msg === "serving");
        const metrics = await scrape(gateway);
        assert.equal(ofEndpoint(metrics, "connections", server), 1);
        assert.equal(ofEndpoint(metrics, "picks_total", server), 0);
      },
    );
  });

  test("are left to the first request where warmUp is 0s", async () => {
    await withGateway(
      1,
      ([address]) => ({ address, connections: { warmUp: "0s" } }),
      async (gateway, [server]) => {
        assert.ok(server !== undefined);
        await gateway.logged(({ msg }) => msg === "serving");
        assert.ok(Number.isNaN(ofEndpoint(await scrape(gateway), "connections", server)));
        await echo(gateway);
        assert.equal(ofEndpoint(await scrape(gateway), "connections", server), 1);
      },
    );
  });

  test("are replaced at their age under load, and no request fails or is sent twice", async () => {
    await withGateway(
      1,
      ([address]) => ({ address, connections: { maxAge: "1s" } }),
      async (gateway, [server]) => {
        assert.ok(server !== undefined);
        let requests = 0;
        const until = performance.now() + 3500;
        const client = async (): Promise<void> => {
          while (performance.now() < until) {
            requests++;
            await echo(gateway);
          }
        };
        await Promise.all(Array.from({ length: 8 }, client));
        assert.equal(server.calls.length, requests);
        const peers = new Set(server.calls.map(({ peer }) => peer));
        assert.ok(peers.size >= 3, `${peers.size} connections`);
        const metrics = await scrape(gateway);
        assert.equal(ofEndpoint(metrics, "connections", server), 1);
        for (const reason of ["refused", "goaway", "never_sent"]) {
          const sample = `sluice_upstream_resent_calls_total{upstream="echo",reason="${reason}"}`;
          assert.equal(metrics.get(sample), 0, reason);
        }
      },
    );
  });
});

describe("limits", HANG, () => {
  test("answer 429 at once, name themselves, and are counted", async () => {
    await withGateway(
      1,
      ([address]) => ({ address, limits: { maxInFlight: 2 } }),
      async (gateway, [server]) => {
        assert.ok(server !== undefined);
        const leaving = new AbortController();
        const slow = [1, 2].map(() =>
          fetch(`${gateway.url()}/v1/hang`, { signal: leaving.signal }).catch(() => undefined),
        );
        await server.untilCalls(2);
        const from = performance.now();
        const answer = await send(gateway.url(), "GET /v1/ping");
        assert.ok(performance.now() - from < 5000);
        const body = assertGatewayError(answer, 429, "UPSTREAM_OVERLOADED");
        assert.equal(
          body.message,
          `upstream ${server.address} is overloaded: the limit of calls in flight, 2, is reached (limits.maxInFlight)`,
        );
        const metrics = await scrape(gateway);
        assert.equal(metrics.get('sluice_upstream_calls_in_flight{upstream="echo"}'), 2);
        assert.equal(metrics.get('sluice_upstream_pending_calls{upstream="echo"}'), 0);
        assert.equal(
          metrics.get('sluice_upstream_refused_calls_total{upstream="echo",limit="maxInFlight"}'),
          1,
        );
        leaving.abort();
        await Promise.all(slow);
        for (let inFlight = 2; inFlight > 0; ) {
          inFlight = (await scrape(gateway)).get('sluice_upstream_calls_in_flight{upstream="echo"}') ?? 0;
        }
        await echo(gateway);
      },
    );
  });
});
