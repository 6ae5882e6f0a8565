/**
 * Where the access log goes, and what happens when it cannot go there.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { runSluice, startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { descriptorPath } from "../support/gateway-suite.ts";
import { closeIdleConnections, send } from "../support/http-request.ts";

async function droppedLines(adminUrl: string): Promise<number> {
  const { body } = await send(adminUrl, "GET /metrics");
  return Number(/^sluice_access_log_dropped_total (\d+)$/m.exec(body.toString())?.[1]);
}

describe("the access log", { timeout: 60_000 }, () => {
  let echo: EchoServer;
  let files: Awaited<ReturnType<typeof temporaryFiles>>;
  before(async () => {
    echo = await startEchoServer();
    files = await temporaryFiles({});
  });
  after(async () => {
    closeIdleConnections();
    await files.remove();
    await echo.close();
  });

  const upstreams = (): object => ({
    echo: { address: echo.address, schema: { descriptors: [descriptorPath()] } },
  });

  test("goes to a file by a template, with its secrets taken out, while the log stays where it was", async () => {
    const file = files.path("access.log");
    const gateway = await startGateway({
      upstreams: upstreams(),
      accessLog: { file, format: '{method} {path}?{query} {status} "{header.user-agent}" {header.cookie}' },
    });
    await send(gateway.url(), "GET /v1/files/a%0Ab?token=geheim&int32Value=1", {
      headers: ["user-agent", 'a "b"', "cookie", "session=geheim"],
    });
    closeIdleConnections();
    await gateway.stop();
    assert.equal(
      await readFile(file, "utf8"),
      'GET /v1/files/a%0Ab?token=[redacted]&int32Value=1 400 "a \\"b\\"" [redacted]\n',
    );
    assert.deepEqual(
      gateway.log.filter(({ msg }) => msg === "request"),
      [],
    );
    assert.ok(
      gateway.log.some(({ msg }) => msg === "stopped"),
      "the last words are there",
    );
  });

  test("that was moved away is opened anew on SIGHUP", async () => {
    const file = files.path("rotated.log");
    const gateway = await startGateway({
      upstreams: upstreams(),
      accessLog: { file, format: "{path}" },
    });
    await send(gateway.url(), "GET /v1/echo");
    while ((await readFile(file, "utf8")) === "");
    await rename(file, `${file}.1`);
    gateway.child.kill("SIGHUP");
    while (!existsSync(file)) await send(gateway.adminUrl, "GET /healthz");
    await send(gateway.url(), "GET /nowhere");
    closeIdleConnections();
    await gateway.stop();
    assert.deepEqual(
      [await readFile(`${file}.1`, "utf8"), await readFile(file, "utf8")],
      ["/v1/echo\n", "/nowhere\n"],
    );
  });

  test("can leave out what succeeded", async () => {
    const gateway = await startGateway({
      upstreams: upstreams(),
      accessLog: { sampling: { ratio: 0 }, fields: ["path", "status"] },
    });
    for (const path of ["/v1/echo", "/nowhere", "/v1/echo"]) await send(gateway.url(), `GET ${path}`);
    closeIdleConnections();
    await gateway.stop();
    const lines = gateway.log.filter(({ msg }) => msg === "request");
    assert.deepEqual(
      lines.map(({ path, status }) => [path, status]),
      [["/nowhere", 404]],
    );
  });

  test("that cannot be opened fails the start, and says why", async () => {
    const config = {
      listeners: [{ address: "127.0.0.1:0" }],
      admin: { address: "127.0.0.1:0" },
      upstreams: upstreams(),
      accessLog: { file: files.path("none/access.log") },
    };
    await writeFile(files.path("bad.yaml"), JSON.stringify(config));
    const { exitCode, stderr } = await runSluice(["serve", "--config", files.path("bad.yaml")]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^sluice: the access log cannot be opened: ENOENT.*none\/access\.log/);
  });

  test("on a full disk loses its lines, not the requests", async () => {
    const gateway = await startGateway({ upstreams: upstreams(), accessLog: { file: "/dev/full" } });
    for (let i = 0; i < 20; i++) assert.equal((await send(gateway.url(), "GET /v1/echo")).status, 200);
    await gateway.logged(({ msg }) => msg === "the access log cannot be written; its lines are dropped");
    while ((await droppedLines(gateway.adminUrl)) < 20);
    closeIdleConnections();
    assert.equal(await gateway.stop(), 0);
    const told = gateway.log.filter(({ msg }) => String(msg).startsWith("the access log cannot"));
    assert.equal(told.length, 1, "it is said once");
  });

  test("into a pipe that nobody reads is dropped and counted; requests and the end go on", async () => {
    const gateway = await startGateway({
      upstreams: upstreams(),
      accessLog: { bufferBytes: "64KiB", fields: ["path", "header.x-long"] },
    });
    const { child, adminUrl } = gateway;
    const url = gateway.url();
    // From here on nobody reads.
    child.stdout?.pause();
    const exited = once(child, "exit");
    const headers = ["x-long", "x".repeat(8000)];
    let slowestMs = 0;
    for (let i = 0; i < 200; i++) {
      const from = performance.now();
      assert.equal((await send(url, "GET /v1/echo", { headers })).status, 200);
      slowestMs = Math.max(slowestMs, performance.now() - from);
    }
    const dropped = await droppedLines(adminUrl);
    assert.ok(dropped > 50, `1.6 MB do not fit into pipe and buffer: ${dropped} dropped`);
    assert.ok(slowestMs < 2000, `no request waits for the log: ${slowestMs} ms`);
    closeIdleConnections();
    child.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);
    child.stdout?.resume();
  });
});
