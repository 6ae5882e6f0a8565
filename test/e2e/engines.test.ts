/**
 * Which HTTP engine serves, on a host where the addon of uWebSockets.js loads and on one where it does not: there, a copy of
 * the build with all dependencies but that one.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { ECHO_DESCRIPTORS, type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { GatewayProcess, startGateway, temporaryFiles } from "../support/gateway-process.ts";

let echo: EchoServer;
before(async () => {
  echo = await startEchoServer({ reflection: [] });
});
after(() => echo.close());

function configFor(engine: string): Readonly<Record<string, unknown>> {
  return {
    listeners: [{ address: "127.0.0.1:0", engine }],
    admin: { address: "127.0.0.1:0" },
    upstreams: { echo: { address: echo.address, schema: { descriptors: [resolve(ECHO_DESCRIPTORS)] } } },
  };
}

describe("where the addon loads", () => {
  for (const [engine, serves] of [
    ["uws", "uws"],
    ["node", "node"],
    ["auto", "uws"],
  ] as const) {
    test(`engine ${engine} is ${serves}, and the log says so`, async () => {
      const gateway = await startGateway(configFor(engine));
      assert.equal((await fetch(`${gateway.url()}/v1/ping`)).status, 200);
      const line = await gateway.logged((each) => each.msg === "listening");
      assert.equal(line.engine, serves);
      assert.equal(await gateway.stop(), 0);
    });
  }
});

test("with several listeners the log says which is which", async () => {
  const config = configFor("auto");
  const gateway = await startGateway({
    ...config,
    listeners: [
      { name: "plain", address: "127.0.0.1:0" },
      { name: "both", address: "127.0.0.1:0", http2: true },
      { address: "127.0.0.1:0" },
    ],
  });
  const listeners = (msg: RegExp): readonly unknown[] =>
    gateway.log
      .filter((line) => msg.test(String(line.msg)))
      .map(({ listener, engine }) => [listener, engine]);
  const last = await gateway.logged(({ msg, listener }) => msg === "listening" && listener === undefined);
  assert.equal(last.engine, "uws");
  assert.deepEqual(listeners(/^HTTP engine: /), [
    ["plain", "uws"],
    ["both", "node"],
    ["127.0.0.1:0", "uws"],
  ]);
  assert.deepEqual(listeners(/^listening$/), [
    ["plain", "uws"],
    ["both", "node"],
    [undefined, "uws"],
  ]);
  assert.equal(await gateway.stop(), 0);
});

describe("where the addon does not load", () => {
  let files: Awaited<ReturnType<typeof temporaryFiles>>;
  before(async () => {
    files = await temporaryFiles({
      "uws.yaml": JSON.stringify(configFor("uws")),
      "auto.yaml": JSON.stringify(configFor("auto")),
    });
    await cp("dist", files.path("dist"), { recursive: true });
    await cp("package.json", files.path("package.json"));
    await mkdir(files.path("node_modules"));
    for (const name of await readdir("node_modules")) {
      if (name.startsWith("uWebSockets.js") || name === "@uwsjs") continue;
      await symlink(resolve("node_modules", name), join(files.folder, "node_modules", name));
    }
  });
  after(() => files.remove());

  test("auto falls back to node:http and says why", async () => {
    const main = files.path("dist/main.js");
    const gateway = new GatewayProcess(
      spawn(process.execPath, [main, "serve", "-c", files.path("auto.yaml")]),
    );
    await gateway.logged((line) => line.msg === "admin listening");
    assert.equal((await fetch(`${gateway.url()}/v1/ping`)).status, 200);
    const line = await gateway.logged((each) => each.level === "warn");
    assert.equal(line.engine, "node");
    assert.equal(line.msg, "HTTP engine: node:http, since no uWebSockets.js addon loads");
    assert.match(String(line.reason), /uWebSockets\.js-next: .+; uWebSockets\.js: .+/);
    assert.equal(await gateway.stop(), 0);
  });

  test("uws fails the start with one clear line", async () => {
    const args = [files.path("dist/main.js"), "serve", "-c", files.path("uws.yaml")];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.match(stderr, /^sluice: engine uws: no uWebSockets\.js addon loads: [^\n]+\n$/);
    assert.equal(status, 1);
  });
});
