/** Schemas that change while the gateway runs: by files, by reflection, held, and from the cache. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { withoutMethods } from "../support/descriptor-edits.ts";
import { ECHO_DESCRIPTORS, startEchoServer } from "../support/echo-server.ts";
import { LiveGateway } from "../support/live-gateway.ts";
import { quietPort } from "../support/quiet-port.ts";
import { SteadyLoad } from "../support/steady-load.ts";

const HANG = { timeout: 60_000 };
const FULL = readFileSync(ECHO_DESCRIPTORS);
const WITHOUT_PING = withoutMethods(ECHO_DESCRIPTORS, "Ping");

/** The status of `GET /v1/ping`: 200 where the schema has the method. */
async function ping(live: LiveGateway): Promise<number> {
  const reply = await fetch(`${live.gateway.url()}/v1/ping`);
  await reply.arrayBuffer();
  return reply.status;
}

function untilPing(live: LiveGateway, status: number): Promise<number> {
  return live.until(
    () => ping(live),
    (found) => found === status,
  );
}

describe("a descriptor file", HANG, () => {
  test("is taken up when it changes, which the log, GET /schema and the metrics tell", async (t) => {
    const echo = await startEchoServer();
    t.after(() => echo.close());
    const config = { upstreams: { echo: { address: echo.address, schema: { descriptors: ["api.binpb"] } } } };
    const live = await LiveGateway.start(config, { "api.binpb": FULL });
    t.after(() => live.stop());
    assert.equal(await ping(live), 200);
    await live.replace("api.binpb", WITHOUT_PING);
    await untilPing(live, 404);
    const removed = ["- GET /v1/ping (breaking)", "- method sluice.test.v1.EchoService.Ping (breaking)"];
    const { lastChange, state } = await live.schema("echo");
    assert.equal(state, "served");
    for (const line of removed) {
      assert.ok(lastChange?.changes.includes(line), JSON.stringify(lastChange));
      await live.gateway.logged(({ msg, change }) => msg === "changed" && change === line);
    }
    assert.equal((await live.metric("sluice_schema_changes_total", 'kind="removed"')) >= 2, true);
    await live.replace("api.binpb", "broken");
    const told = await live.gateway.logged(({ msg }) => msg === "schema not loaded; the last good one stays");
    assert.match(String(told.cause), /api\.binpb/);
    assert.equal((await fetch(`${live.gateway.url()}/v1/echo`)).status, 200);
    assert.equal(await live.metric("sluice_schema_stale"), 1);
    await live.replace("api.binpb", FULL);
    await untilPing(live, 200);
    assert.equal(await live.metric("sluice_schema_stale"), 0);
  });

  test("is taken up where a ConfigMap swaps its folder of links", async (t) => {
    const echo = await startEchoServer();
    t.after(() => echo.close());
    const config = {
      upstreams: { echo: { address: echo.address, schema: { descriptors: ["api.binpb", "map"] } } },
    };
    const live = await LiveGateway.start(config, { "api.binpb": WITHOUT_PING });
    t.after(() => live.stop());
    assert.equal(await ping(live), 404);
    const version = async (name: string, content: Uint8Array): Promise<void> => {
      await mkdir(live.path(`map/${name}`), { recursive: true });
      await writeFile(live.path(`map/${name}/echo.binpb`), content);
      await symlink(name, live.path("map/..tmp"));
      await rename(live.path("map/..tmp"), live.path("map/..data"));
    };
    await version("..1", WITHOUT_PING);
    await symlink("..data/echo.binpb", live.path("map/echo.binpb"));
    await live.write({
      ...config,
      upstreams: { echo: { ...config.upstreams.echo, schema: { descriptors: ["map"] } } },
    });
    await live.gateway.logged(({ msg }) => msg === "reloaded");
    await version("..2", FULL);
    await untilPing(live, 200);
  });
});

describe("a schema by reflection", HANG, () => {
  test("follows a rolling update of its upstream, and no request fails", async (t) => {
    let [a, b] = [
      await startEchoServer({ reflected: WITHOUT_PING }),
      await startEchoServer({ reflected: WITHOUT_PING }),
    ];
    t.after(() => Promise.all([a.close(), b.close()]));
    const live = await LiveGateway.start({
      upstreams: { echo: { address: [a.address, b.address], schema: { reflection: { interval: "1h" } } } },
    });
    t.after(() => live.stop());
    assert.equal(await ping(live), 404);
    const load = new SteadyLoad({
      url: live.gateway.url(),
      path: "/v1/echo?string_value=x",
      connections: 4,
      thinkMs: 2,
    });
    load.start();
    const { address } = a;
    const hasConnections = (isSo: (count: number) => boolean): Promise<number> =>
      live.until(() => live.metric("sluice_upstream_connections", `endpoint="${address}"`), isSo);
    await hasConnections((count) => count > 0);
    await a.close();
    await hasConnections((count) => count === 0);
    a = await startEchoServer({ address, reflected: FULL });
    await hasConnections((count) => count > 0);
    await b.close();
    b = await startEchoServer({ address: b.address, reflected: FULL });
    await untilPing(live, 200);
    await load.stop();
    const { requests, failures } = load.take();
    assert.deepEqual(failures, {});
    assert.ok(requests > 20);
  });

  test("is asked for again at its interval", async (t) => {
    const address = `127.0.0.1:${await quietPort()}`;
    let echo = await startEchoServer({ address, reflected: WITHOUT_PING });
    t.after(() => echo.close());
    const live = await LiveGateway.start({
      upstreams: { echo: { address, client: "grpc-js", schema: { reflection: { interval: "1s" } } } },
    });
    t.after(() => live.stop());
    assert.equal(await ping(live), 404);
    await echo.close();
    echo = await startEchoServer({ address, reflected: FULL });
    await untilPing(live, 200);
  });
});

describe("onBreakingChange: hold", HANG, () => {
  test("keeps the old routes until POST /schema/confirm names the digest", async (t) => {
    const echo = await startEchoServer();
    t.after(() => echo.close());
    const schema = { descriptors: ["api.binpb"], onBreakingChange: "hold" };
    const live = await LiveGateway.start(
      { upstreams: { echo: { address: echo.address, schema } } },
      { "api.binpb": FULL },
    );
    t.after(() => live.stop());
    await live.replace("api.binpb", WITHOUT_PING);
    const { held } = await live.until(
      () => live.schema("echo"),
      (entry) => entry.held !== undefined,
    );
    assert.ok(held);
    assert.ok(held.changes.includes("- GET /v1/ping (breaking)"), JSON.stringify(held));
    assert.equal(await ping(live), 200);
    assert.equal(await live.metric("sluice_schema_held", 'upstream="echo"'), 1);
    await assert.rejects(live.confirm("echo", "0".repeat(64)), /409/);
    await assert.rejects(live.confirm("nobody", held.digest), /409/);
    const { status, body } = await live.confirm("echo", held.digest);
    assert.equal(status, 200);
    assert.ok(body.changes.includes("- GET /v1/ping (breaking)"));
    assert.equal(await ping(live), 404);
    assert.equal(await live.metric("sluice_schema_held", 'upstream="echo"'), 0);
  });
});

describe("an upstream that is away at the start", HANG, () => {
  test("has its routes from the cache where an earlier start knew them, and the live ones once it is there", async (t) => {
    const address = `127.0.0.1:${await quietPort()}`;
    const config = { schemaCache: "cache", upstreams: { echo: { address, schema: { reflection: true } } } };
    let echo = await startEchoServer({ address });
    const first = await LiveGateway.start(config);
    t.after(() => first.stop());
    assert.equal(await ping(first), 200);
    await echo.close();
    const cached = { ...config, schemaCache: first.path("cache") };
    const second = await LiveGateway.start(cached);
    t.after(() => second.stop());
    assert.equal((await fetch(`${second.gateway.adminUrl}/readyz`)).status, 200);
    assert.equal(await ping(second), 503, "there is a route, and nobody behind it");
    assert.equal((await second.schema("echo")).from, "cache");
    assert.equal(await second.metric("sluice_schema_stale"), 1);
    echo = await startEchoServer({ address, reflected: WITHOUT_PING });
    t.after(() => echo.close());
    await untilPing(second, 404);
    assert.equal((await second.schema("echo")).from, "sources");
  });

  test("has no routes without a cache, and gets them when it comes", async (t) => {
    const address = `127.0.0.1:${await quietPort()}`;
    const live = await LiveGateway.start({ upstreams: { echo: { address, schema: { reflection: true } } } });
    t.after(() => live.stop());
    assert.equal((await fetch(`${live.gateway.adminUrl}/readyz`)).status, 503);
    assert.equal(await ping(live), 503);
    assert.equal((await live.schema("echo")).state, "discovering");
    const echo = await startEchoServer({ address });
    t.after(() => echo.close());
    await untilPing(live, 200);
    assert.equal((await fetch(`${live.gateway.adminUrl}/readyz`)).status, 200);
  });
});
