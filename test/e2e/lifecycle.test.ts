/**
 * How a gateway begins and ends: when it listens; what a signal does to readiness, to new connections and to requests in
 * flight, on both engines.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { resolve } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type GatewayProcess, startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { ENGINES } from "../support/gateway-suite.ts";
import { quietPort } from "../support/quiet-port.ts";
import { type SlowLibrary, slowLibrary } from "../support/slow-library.ts";

interface Bench {
  readonly gateway: GatewayProcess;
  readonly library: SlowLibrary;
  readonly ended: Promise<unknown>;
}

async function benchFor(t: TestContext, engine: string, shutdown: object = {}): Promise<Bench> {
  const library = await slowLibrary(t);
  const gateway = await startGateway({
    listeners: [{ address: "127.0.0.1:0", engine }],
    upstreams: { library: { address: library.address, schema: { reflection: true } } },
    shutdown,
  });
  t.after(() => gateway.stop("SIGKILL"));
  return { gateway, library, ended: once(gateway.child, "close") };
}

/** Whether a new connection to the gateway is taken. */
function isAccepting(gateway: GatewayProcess): Promise<boolean> {
  const { hostname, port } = new URL(gateway.url());
  return new Promise((done) => {
    const socket = connect(Number(port), hostname);
    socket.on("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
}

async function untilRefused(gateway: GatewayProcess): Promise<void> {
  while (await isAccepting(gateway));
}

function said(gateway: GatewayProcess, message: string): Promise<unknown> {
  return gateway.logged((line) => line.msg === message);
}

for (const engine of ENGINES) {
  describe(`a signal, engine ${engine}`, { timeout: 30_000, concurrency: 2 }, () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      test(`${signal} lets requests in flight finish, takes no others, and exits 0`, async (t) => {
        const { gateway, library, ended } = await benchFor(t, engine);
        const slow = Promise.all(
          [1, 2].map(async () => {
            const reply = await fetch(`${gateway.url()}/v1/wait?delay=1s`);
            return `${reply.status} ${reply.headers.get("connection")} ${await reply.text()}`;
          }),
        );
        await library.waiting(2);
        gateway.child.kill(signal);
        await said(gateway, "draining");
        const readyz = await fetch(`${gateway.adminUrl}/readyz`);
        assert.equal(readyz.status, 503);
        assert.equal(await readyz.text(), "draining\n");
        assert.equal((await fetch(`${gateway.adminUrl}/healthz`)).status, 200, "it is alive all the same");
        await untilRefused(gateway);
        assert.equal(gateway.child.exitCode, null);
        library.release();
        for (const answer of await slow) assert.match(answer, /^200 close \{/);
        await ended;
        assert.equal(gateway.child.exitCode, 0);
        assert.equal(gateway.stderr, "");
        const requests = gateway.log.filter((line) => line.msg === "request");
        assert.deepEqual(
          requests.map((line) => line.status),
          [200, 200],
        );
      });
    }

    test("the drain timeout cuts off what does not finish", async (t) => {
      const { gateway, library, ended } = await benchFor(t, engine, { drainTimeout: "100ms" });
      const slow = fetch(`${gateway.url()}/v1/wait?delay=1s`).then((reply) => reply.text());
      const cutOff = assert.rejects(slow);
      await library.waiting(1);
      gateway.child.kill("SIGTERM");
      await cutOff;
      await ended;
      await said(gateway, "the drain timeout passed; closing the requests still in flight");
      assert.equal(gateway.child.exitCode, 0);
      const line = await gateway.logged((each) => each.msg === "request");
      assert.equal(line.reason, "CLIENT_GONE");
    });

    test("a stream is in flight too", async (t) => {
      const { gateway, ended } = await benchFor(t, engine, { drainTimeout: "100ms" });
      const reply = await fetch(`${gateway.url()}/v1/shelves/1/books:watch`);
      gateway.child.kill("SIGTERM");
      const last = (await reply.text()).trimEnd().split("\n").at(-1) ?? "";
      assert.match(
        last,
        /^\{"error":\{"code":14,.*"reason":"DRAINING"/,
        "it is not ended as if it were complete",
      );
      await ended;
      assert.equal(gateway.child.exitCode, 0);
    });

    test("a stream that can only be broken off is", async (t) => {
      const { gateway, ended } = await benchFor(t, engine, { drainTimeout: "100ms" });
      const reply = await fetch(`${gateway.url()}/v1/shelves/1/books:watch`, {
        headers: { accept: "application/json" },
      });
      const cutOff = assert.rejects(reply.text(), "an array is not closed");
      gateway.child.kill("SIGTERM");
      await cutOff;
      await ended;
      assert.equal(gateway.child.exitCode, 0);
    });

    test("a stream of events ends at once, so that its client comes back elsewhere", async (t) => {
      const { gateway, ended } = await benchFor(t, engine, { drainTimeout: "20s" });
      const reply = await fetch(`${gateway.url()}/v1/shelves/1/books:watch`, {
        headers: { accept: "text/event-stream" },
      });
      const from = performance.now();
      gateway.child.kill("SIGTERM");
      const text = await reply.text();
      assert.match(text, /^data: \{"revision":.*\n\nretry: 3000\n\n$/s);
      assert.doesNotMatch(text, /event: (end|error)/);
      await ended;
      assert.ok(performance.now() - from < 10_000, "nothing waits for the drain timeout");
      assert.equal(gateway.child.exitCode, 0);
      const line = await gateway.logged((each) => each.msg === "request");
      assert.equal(line.reason, "DRAINING");
    });

    test("a second signal ends it at once, with 1", async (t) => {
      const { gateway, library, ended } = await benchFor(t, engine);
      const cutOff = assert.rejects(fetch(`${gateway.url()}/v1/wait?delay=1s`));
      await library.waiting(1);
      gateway.child.kill("SIGTERM");
      await said(gateway, "draining");
      gateway.child.kill("SIGTERM");
      await ended;
      await cutOff;
      assert.equal(gateway.child.exitCode, 1);
    });

    test("idle connections do not hold it", async (t) => {
      const { gateway, ended } = await benchFor(t, engine);
      const agent = new Agent({ keepAlive: true });
      t.after(() => agent.destroy());
      for (const path of ["/v1/shelves", "/v1/call", "/nope"]) {
        const [reply] = await once(get(`${gateway.url()}${path}`, { agent }), "response");
        reply.resume();
        await once(reply, "end");
      }
      const { hostname, port } = new URL(gateway.url());
      const silent = connect(Number(port), hostname);
      await once(silent, "connect");
      t.after(() => silent.destroy());
      silent.on("error", () => {});
      gateway.child.kill("SIGTERM");
      await ended;
      assert.equal(gateway.child.exitCode, 0);
      assert.ok(!gateway.log.some((line) => String(line.msg).startsWith("the drain timeout")));
    });

    test("readinessDelay goes on serving until balancers have noticed", async (t) => {
      const { gateway, ended } = await benchFor(t, engine, { readinessDelay: "500ms" });
      gateway.child.kill("SIGTERM");
      await said(gateway, "draining");
      assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 503);
      assert.equal((await fetch(`${gateway.url()}/v1/shelves`)).status, 200, "a new connection is taken");
      await ended;
      assert.equal(gateway.child.exitCode, 0);
    });
  });
}

test("a signal during the start ends it, whatever it waits for", { timeout: 20_000 }, async (t) => {
  const sockets: Socket[] = [];
  const hanging = createServer((socket) => sockets.push(socket.on("error", () => {})));
  hanging.listen(0, "127.0.0.1");
  await once(hanging, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    hanging.close();
  });
  const address = hanging.address();
  assert.ok(typeof address === "object" && address !== null);
  const files = await temporaryFiles({
    "x.yaml": JSON.stringify({
      listeners: [{ address: "127.0.0.1:0" }],
      admin: { address: "127.0.0.1:0" },
      strict: true,
      upstreams: {
        hanging: { address: `127.0.0.1:${address.port}`, schema: { reflection: { timeout: "1h" } } },
      },
    }),
  });
  t.after(() => files.remove());
  const asked = once(hanging, "connection");
  const child = spawn(process.execPath, [resolve("dist/main.js"), "serve", "-c", files.path("x.yaml")]);
  t.after(() => child.kill("SIGKILL"));
  await asked;
  child.kill("SIGTERM");
  const [exitCode] = await once(child, "close");
  assert.equal(exitCode, 0);
});

describe("a gateway whose upstream has not told its schema yet", () => {
  for (const engine of ENGINES) {
    test(`does not listen, engine ${engine}; it does once the upstream is known to be away`, async (t) => {
      const sockets: Socket[] = [];
      const hanging = createServer((socket) => sockets.push(socket.on("error", () => {})));
      hanging.listen(0, "127.0.0.1");
      await once(hanging, "listening");
      const upstream = hanging.address();
      assert.ok(typeof upstream === "object" && upstream !== null);
      const port = await quietPort();
      const asked = once(hanging, "connection");
      const starting = startGateway({
        listeners: [{ address: `127.0.0.1:${port}`, engine }],
        upstreams: { hanging: { address: `127.0.0.1:${upstream.port}`, schema: { reflection: true } } },
      });
      t.after(async () => (await starting).stop());
      await asked;
      const [refusal] = await once(connect(port, "127.0.0.1"), "error");
      assert.equal(refusal.code, "ECONNREFUSED");
      hanging.close();
      for (const socket of sockets) socket.destroy();
      const gateway = await starting;
      assert.equal((await fetch(`${gateway.url()}/v1/shelves`)).status, 503);
    });
  }
});
