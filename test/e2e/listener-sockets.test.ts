/**
 * Listeners that are unix sockets, and one with TLS on uWebSockets.js whose certificate is rotated.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, renameSync, statSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { descriptorPath, ENGINES } from "../support/gateway-suite.ts";
import { RawHttpClient } from "../support/raw-http.ts";
import { pem } from "../support/tls.ts";

const GET = "GET /v1/echo?stringValue=a HTTP/1.1\r\nHost: a\r\n\r\n";
type Files = Awaited<ReturnType<typeof temporaryFiles>>;

describe("sockets of listeners", { timeout: 60_000 }, () => {
  let echo: EchoServer;
  let files: Files;
  before(async () => {
    echo = await startEchoServer();
    files = await temporaryFiles({});
  });
  after(async () => {
    await echo.close();
    await files.remove();
  });
  const upstreams = (): Readonly<Record<string, unknown>> => ({
    echo: { address: echo.address, schema: { descriptors: [descriptorPath()] } },
  });

  test("both engines and the admin listener serve on unix sockets, also those of a killed gateway", async () => {
    const paths = [...ENGINES, "admin"].map((name) => files.path(`${name}.sock`));
    const config = {
      listeners: ENGINES.map((engine, i) => ({ address: `unix:${paths[i]}`, socketMode: "0600", engine })),
      admin: { address: `unix:${paths[2]}` },
      upstreams: upstreams(),
    };
    const killed = await startGateway(config);
    await killed.logged(({ msg, engine }) => msg === "listening" && engine === "node");
    await killed.stop("SIGKILL");
    assert.ok(paths.every((path) => existsSync(path)));
    const gateway = await startGateway(config);
    await gateway.logged(({ msg, engine }) => msg === "listening" && engine === "node");
    assert.deepEqual(
      paths.map((path) => statSync(path).mode & 0o777),
      [0o600, 0o600, 0o660],
    );
    for (const [i, request] of [
      GET,
      GET,
      "GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ].entries()) {
      const client = new RawHttpClient(connect(paths[i] ?? ""));
      await client.send(request);
      assert.equal((await client.reply()).status, 200, paths[i]);
      client.close();
    }
    assert.equal(await gateway.stop(), 0);
    assert.deepEqual(
      paths.map((path) => existsSync(path)),
      [false, false, false],
    );
  });

  test("uws shows a rotated certificate to new connections, and keeps the open ones", async () => {
    for (const end of ["pem", "key"])
      copyFileSync(`test/fixtures/tls/server.${end}`, files.path(`tls.${end}`));
    const certificate = { certificate: files.path("tls.pem"), key: files.path("tls.key") };
    const gateway = await startGateway({
      listeners: [{ address: "127.0.0.1:0", engine: "uws", tls: { certificates: [certificate] } }],
      upstreams: upstreams(),
    });
    try {
      const port = Number(new URL(gateway.url()).port);
      const before = await openTls(port);
      assert.equal(before.fingerprint, fingerprintOf("server"));
      for (const end of ["pem", "key"]) {
        copyFileSync(`test/fixtures/tls/server-next.${end}`, files.path(`next.${end}`));
        renameSync(files.path(`next.${end}`), files.path(`tls.${end}`));
      }
      // The files are looked at every few seconds; the suite's timeout is the limit.
      let shown = "";
      while (shown !== fingerprintOf("server-next")) {
        const client = await openTls(port);
        shown = client.fingerprint;
        await client.http.send(GET);
        assert.equal((await client.http.reply()).status, 200);
        client.http.close();
        await new Promise((resolve) => {
          setTimeout(resolve, 100);
        });
        // Otherwise the addon would close it, as it does after ten seconds of silence.
        await before.http.send(GET);
        assert.equal((await before.http.reply()).status, 200);
      }
      before.http.close();
    } finally {
      await gateway.stop();
    }
  });
});

async function openTls(
  port: number,
): Promise<{ readonly http: RawHttpClient; readonly fingerprint: string }> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return { http: new RawHttpClient(socket), fingerprint: socket.getPeerCertificate().fingerprint256 };
}

function fingerprintOf(name: string): string {
  return new X509Certificate(pem(`${name}.pem`)).fingerprint256;
}
