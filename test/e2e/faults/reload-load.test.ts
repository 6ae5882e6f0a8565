/** Reloads, and the end, while requests run: nobody notices. `npm run proof:reload` has the exact figures. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startDemoUpstream } from "../../../src/demo/index.ts";
import { startEchoServer } from "../../support/echo-server.ts";
import { type GatewayProcess, startGateway } from "../../support/gateway-process.ts";
import { descriptorPath, ENGINES } from "../../support/gateway-suite.ts";
import { LiveGateway, type ProcessFigures } from "../../support/live-gateway.ts";
import { alternatingConfigs, RELOADS } from "../../support/reload-configs.ts";
import { type LoadFigures, SteadyLoad } from "../../support/steady-load.ts";

for (const engine of ENGINES) {
  describe(`a hundred reloads under load, engine ${engine}`, { timeout: 120_000 }, () => {
    test("fail no request, keep nothing, and leave no upstream behind", async (t) => {
      const echo = await startEchoServer();
      t.after(() => echo.close());
      const configs = alternatingConfigs(engine, echo.address, descriptorPath());
      const live = await LiveGateway.start(configs[0]);
      t.after(() => live.stop());
      const load = new SteadyLoad({
        url: live.gateway.url(),
        path: "/v1/echo?string_value=x",
        connections: 8,
        thinkMs: 2,
      });
      load.start();
      await pause(500);
      load.take();
      await live.probe();
      await pause(1000);
      const before = load.take();
      const quiet = await live.probe();
      let afterTen = quiet;
      for (let i = 1; i <= RELOADS; i++) {
        await live.write(configs[i % 2 === 0 ? 0 : 1]);
        const { status, body } = await live.reload();
        assert.equal(status, 200, JSON.stringify(body));
        assert.equal(body.result, "applied");
        if (i !== 10) continue;
        assert.deepEqual(load.take().failures, {});
        afterTen = await live.probe();
      }
      const during = load.take();
      const afterAll = await live.probe();
      await load.stop();
      const told = ({ medianMs, p99Ms, maxMs }: LoadFigures, { busyMs }: ProcessFigures): string =>
        `median ${medianMs.toFixed(1)}, p99 ${p99Ms.toFixed(1)}, longest ${maxMs.toFixed(1)} ms, busy ${busyMs.toFixed(1)} ms`;
      t.diagnostic(
        `before: ${told(before, quiet)}; during: ${told(during, afterAll)}, ${during.requests} requests`,
      );
      t.diagnostic(`heap after 10: ${afterTen.heapBytes}, after ${RELOADS}: ${afterAll.heapBytes}`);
      assert.deepEqual(before.failures, {});
      assert.deepEqual(during.failures, {});
      assert.ok(during.requests > 500, `${during.requests} requests`);
      // Tests share their processors with others; the figure itself is in the diagnostic, and the goal in the proof.
      assert.ok(afterAll.busyMs < quiet.busyMs + 50, `${afterAll.busyMs} ms, before ${quiet.busyMs} ms`);
      assert.ok(afterAll.heapBytes < afterTen.heapBytes + 6_000_000, `${afterAll.heapBytes} bytes`);
      await live.until(
        () => live.metric("sluice_upstreams_retiring"),
        (retiring) => retiring === 0,
      );
      assert.equal(await live.metric("sluice_reloads_total", 'result="applied"'), RELOADS);
    });
  });

  describe(`SIGTERM under load, engine ${engine}`, { timeout: 60_000 }, () => {
    test("loses no request of clients that go by readiness", async (t) => {
      const library = await startDemoUpstream({ address: "127.0.0.1:0" });
      t.after(() => library.close());
      const gateway: GatewayProcess = await startGateway({
        listeners: [{ address: "127.0.0.1:0", engine }],
        upstreams: { library: { address: library.address, schema: { reflection: true } } },
        shutdown: { readinessDelay: "700ms" },
      });
      t.after(() => gateway.stop("SIGKILL"));
      const quick = new SteadyLoad({ url: gateway.url(), path: "/v1/shelves", connections: 8, thinkMs: 1 });
      const slow = new SteadyLoad({
        url: gateway.url(),
        path: "/v1/wait?delay=0.6s",
        connections: 8,
        thinkMs: 0,
      });
      quick.start();
      slow.start();
      await pause(300);
      const ended = once(gateway.child, "close");
      gateway.child.kill("SIGTERM");
      while ((await fetch(`${gateway.adminUrl}/readyz`)).status === 200) await pause(20);
      await Promise.all([quick.stop(), slow.stop()]);
      const figures = [quick.take(), slow.take()];
      assert.deepEqual(
        figures.map(({ failures }) => failures),
        [{}, {}],
      );
      assert.ok(figures.every(({ requests }) => requests >= 8));
      await ended;
      assert.equal(gateway.child.exitCode, 0);
    });
  });
}
