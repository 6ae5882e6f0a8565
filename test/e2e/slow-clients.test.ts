/**
 * Clients that take their time, to hold connections that others need (slow loris): the gateway gets rid of them by its
 * limits, and serves everybody else meanwhile.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Crowd } from "../support/crowd.ts";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { descriptorPath, ENGINES } from "../support/gateway-suite.ts";
import { closeIdleConnections, send } from "../support/http-request.ts";
import { metricOf } from "../support/metrics.ts";
import { RawHttpClient } from "../support/raw-http.ts";

/** Connections of the listener that is crowded. */
const PLACES = 2_000;
const DRIP_MS = 50;

describe("slow clients", { timeout: 60_000, concurrency: true }, () => {
  let echo: EchoServer;
  let gateway: GatewayProcess;
  before(async () => {
    echo = await startEchoServer();
    gateway = await startGateway({
      accessLog: { enabled: false },
      listeners: ENGINES.flatMap((engine) => {
        // uWebSockets.js has 10 s, fixed.
        const headTimeout = engine === "node" ? { headTimeout: "1s" } : {};
        const one = { address: "127.0.0.1:0", engine };
        return [
          { ...one, limits: { ...headTimeout, bodyTimeout: "1s" } },
          { ...one, limits: { connections: PLACES } },
        ];
      }),
      upstreams: { echo: { address: echo.address, schema: { descriptors: [descriptorPath()] } } },
    });
  });
  after(async () => {
    closeIdleConnections();
    await gateway.stop();
    await echo.close();
  });

  for (const [index, engine] of ENGINES.entries()) {
    const urlOf = (which: 0 | 1): string => gateway.url(index * 2 + which);
    const portOf = (which: 0 | 1): number => Number(new URL(urlOf(which)).port);

    test(`${engine}: heads that never end are given up, those that drip and those that do not`, async () => {
      const port = portOf(0);
      const dripping = await Crowd.gather(port, 50, "GET / HTTP/1.1\r\nHost: a\r\nX-A: ", "do not wait");
      const stuck = await Crowd.gather(port, 50, "GET / HT", "do not wait");
      const silent = await Crowd.gather(port, 50, "", "do not wait");
      const drip = setInterval(() => dripping.send("x"), DRIP_MS);
      const served = serveUntil(
        () => send(urlOf(0), "GET /v1/echo?stringValue=a"),
        Promise.all([dripping.allClosed(), stuck.allClosed(), silent.allClosed()]),
      );
      await served;
      clearInterval(drip);
      for (const { received } of [...dripping.members, ...stuck.members]) {
        // A reset for bytes that came too late may overtake the reply.
        if (engine === "node") assert.match(received, /^(HTTP\/1\.1 408 .*REQUEST_TIMEOUT.*)?$/s);
        else assert.equal(received, "");
      }
      const told = await metricOf(gateway.adminUrl, "sluice_gateway_errors_total", {
        reason: "REQUEST_TIMEOUT",
      });
      assert.ok(told >= 100, `${told} of 150 are in the metric`);
    });

    test(`${engine}: bodies that drip are answered 408, and reach no upstream`, async () => {
      const head =
        "POST /v1/echo HTTP/1.1\r\nHost: a\r\nX-Drip: 1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n";
      const before = await bodyTimeouts();
      const dripping = await Crowd.gather(portOf(0), 100, `${head}{"stringValue":"`, "do not wait");
      const drip = setInterval(() => dripping.send("x"), DRIP_MS);
      await serveUntil(() => send(urlOf(0), "GET /v1/echo?stringValue=a"), dripping.allClosed());
      clearInterval(drip);
      const answered = dripping.members.filter(({ received }) => received !== "");
      // As above; the metric tells of all.
      assert.ok(answered.length > 0);
      for (const { received } of answered) assert.match(received, /^HTTP\/1\.1 408 .*"BODY_TIMEOUT"/s);
      assert.ok((await bodyTimeouts()) - before >= 100);
      assert.ok(echo.calls.every(({ metadata }) => metadata.get("x-drip").length === 0));
    });

    test(`${engine}: half-open connections up to the limit cost those that are there nothing, and new ones a 503`, async () => {
      const port = portOf(1);
      const regular = await RawHttpClient.connect(port);
      const ask = async (): Promise<{ readonly status: number }> => {
        await regular.send("GET /v1/echo?stringValue=a HTTP/1.1\r\nHost: a\r\n\r\n");
        return await regular.reply();
      };
      assert.equal((await ask()).status, 200);
      const crowd = await Crowd.gather(port, PLACES - 1, "GET / HTTP/1.1\r\nX-", "do not wait");
      const late = await Crowd.gather(port, 20, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "do not wait");
      await late.allClosed();
      for (const { received } of late.members)
        assert.match(received, /^(HTTP\/1\.1 503 .*CONNECTION_LIMIT.*)?$/s);
      assert.ok(late.members.some(({ received }) => received !== ""));
      await serveUntil(ask, crowd.allClosed());
      assert.equal((await send(urlOf(1), "GET /v1/echo?stringValue=a")).status, 200);
      regular.close();
    });
  }

  const bodyTimeouts = (): Promise<number> =>
    metricOf(gateway.adminUrl, "sluice_gateway_errors_total", { reason: "BODY_TIMEOUT" });
});

/** Asks one thing after the other until `end`; each has to be answered with 200. */
async function serveUntil(
  ask: () => Promise<{ readonly status: number }>,
  end: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  const over = end.then(() => {
    isOver = true;
  });
  let served = 0;
  while (!isOver) {
    const { status } = await ask();
    assert.equal(status, 200);
    served++;
    // What is asked at full speed would leave the clients, in this process, no time to drip.
    await new Promise((resolve) => {
      setTimeout(resolve, DRIP_MS);
    });
  }
  await over;
  assert.ok(served > 0);
}
