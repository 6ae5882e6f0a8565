/** TLS of the built gateway's listeners: SNI, HTTP/2, client certificates, and a certificate that is rotated under load. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, mkdtemp, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, startGateway } from "../support/gateway-process.ts";
import { descriptorPath } from "../support/gateway-suite.ts";
import { Http2Client } from "../support/http2-client.ts";

const FIXTURES = resolve("test/fixtures/tls");
const CA = ["ca.pem", "ca-next.pem"].map((name) => readFileSync(join(FIXTURES, name), "utf8"));

/** Puts a certificate and its key of the fixtures into `folder`, as one would who rotates them. */
async function install(folder: string, name: string): Promise<void> {
  for (const end of ["pem", "key"]) {
    await copyFile(join(FIXTURES, `${name}.${end}`), join(folder, `new.${end}`));
    await rename(join(folder, `new.${end}`), join(folder, `server.${end}`));
  }
}

function secure(port: number, options: ConnectionOptions = {}): Http2Client {
  const socket = connectTls({
    socket: connect(port, "127.0.0.1"),
    servername: "localhost",
    ca: CA,
    ALPNProtocols: ["h2"],
    ...options,
  });
  return new Http2Client(socket);
}

describe("TLS of listeners", { timeout: 60_000 }, () => {
  let echo: EchoServer;
  before(async () => {
    echo = await startEchoServer();
  });
  after(() => echo.close());

  async function serve(
    t: TestContext,
    tls: Readonly<Record<string, unknown>>,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<GatewayProcess> {
    const gateway = await startGateway({
      listeners: [{ address: "127.0.0.1:0", engine: "node", tls, ...more }],
      upstreams: { echo: { address: echo.address, schema: { descriptors: [descriptorPath()] } } },
    });
    t.after(() => gateway.stop("SIGKILL"));
    return gateway;
  }

  function portOf(gateway: GatewayProcess): number {
    return Number(new URL(gateway.url()).port);
  }

  test("a certificate that is rotated under load is shown to the next connection; no request fails", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-listener-"));
    t.after(() => rm(folder, { recursive: true }));
    await install(folder, "server");
    const files = { certificate: join(folder, "server.pem"), key: join(folder, "server.key") };
    const gateway = await serve(t, { certificates: [files] });
    const port = portOf(gateway);
    const lasting = secure(port);
    const issuers = new Set<string>();
    let isOver = false;
    let requests = 0;
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const socket = connectTls({
          socket: connect(port, "127.0.0.1"),
          servername: "localhost",
          ca: CA,
          ALPNProtocols: ["h2"],
        });
        const fresh = new Http2Client(socket);
        for (const client of [fresh, lasting]) {
          assert.equal((await client.request({ ":path": "/v1/ping" })).status, 200);
          requests++;
        }
        issuers.add(String(socket.getPeerCertificate().issuer.CN));
        fresh.close();
      }
    });
    while (requests < 50) await Promise.race([...load, new Promise((resolve) => setImmediate(resolve))]);
    await install(folder, "server-next");
    await gateway.logged((line) => line.msg === "TLS files reloaded");
    const atReload = requests;
    while (requests < atReload + 50)
      await Promise.race([...load, new Promise((resolve) => setImmediate(resolve))]);
    isOver = true;
    await Promise.all(load);
    lasting.close();
    assert.equal(issuers.size, 2, [...issuers].join());
  });

  for (const engine of ["uws", "node"] as const) {
    test(`each name has its certificate, and an unknown one the first: engine ${engine}`, async (t) => {
      const file = (name: string): string => join(FIXTURES, name);
      const pair = (name: string, host: string) => ({
        certificate: file(`${name}.pem`),
        key: file(`${name}.key`),
        names: [host],
      });
      const certificates = [pair("server", "a.example"), pair("server-next", "*.b.example")];
      const gateway = await startGateway({
        listeners: [{ address: "127.0.0.1:0", engine, tls: { certificates } }],
        upstreams: { echo: { address: echo.address, schema: { descriptors: [descriptorPath()] } } },
      });
      t.after(() => gateway.stop("SIGKILL"));
      const issuerFor = async (servername: string): Promise<string> => {
        const plain = connect(portOf(gateway), "127.0.0.1");
        const socket = connectTls({
          socket: plain,
          servername,
          ca: CA,
          checkServerIdentity: () => undefined,
        });
        await once(socket, "secureConnect");
        const { issuer } = socket.getPeerCertificate();
        socket.destroy();
        return String(issuer.CN);
      };
      assert.equal(await issuerFor("a.example"), "Sluice test CA");
      assert.equal(await issuerFor("deep.b.example"), "Sluice test next");
      assert.equal(await issuerFor("unknown.example"), "Sluice test CA");
    });
  }

  test("a client's certificate goes upstream, and no client can make one up", async (t) => {
    const file = (name: string): string => join(FIXTURES, name);
    const gateway = await serve(t, {
      certificates: [{ certificate: file("server.pem"), key: file("server.key") }],
      clientCertificates: { ca: file("client-ca.pem") },
    });
    const read = (name: string): string => readFileSync(file(name), "utf8");
    const client = secure(portOf(gateway), { cert: read("client.pem"), key: read("client.key") });
    const reply = await client.request({
      ":path": "/v1/metadata",
      "x-forwarded-client-cert": 'Hash=0;Subject="CN=admin"',
      "x-forwarded-proto": "http",
    });
    assert.equal(reply.status, 200);
    const text = reply.body.toString();
    assert.match(text, /"x-forwarded-client-cert","value":"Hash=[0-9a-f]{64};Subject=\\"CN=gateway\\""/);
    assert.match(text, /"x-forwarded-proto","value":"https"/);
    assert.doesNotMatch(text, /admin/);
    client.close();
    for (const options of [{}, { cert: read("client-stranger.pem"), key: read("client-stranger.key") }]) {
      const stranger = secure(portOf(gateway), options);
      assert.equal((await stranger.request({ ":path": "/v1/ping" })).status, 0);
      stranger.close();
    }
  });

  test("all metrics of a listener call it by its name", async (t) => {
    const file = (name: string): string => join(FIXTURES, name);
    const tls = { certificates: [{ certificate: file("server.pem"), key: file("server.key") }] };
    const gateway = await serve(t, tls, { name: "public" });
    const stranger = connect(portOf(gateway), "127.0.0.1").on("error", () => undefined);
    stranger.end("no TLS at all");
    await once(stranger.resume(), "close");
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const samples = [...metrics.matchAll(/^(sluice_\w+)\{listener="([^"]*)"/gm)];
    const names = (of: 1 | 2): readonly string[] => [...new Set(samples.map((sample) => sample[of] ?? ""))];
    assert.deepEqual(names(2), ["public"]);
    assert.deepEqual([...names(1)].sort(), [
      "sluice_connections",
      "sluice_connections_retired_total",
      "sluice_connections_total",
      "sluice_listener_tls_certificate_expiry_seconds",
      "sluice_listener_tls_reloads_total",
      "sluice_refused_connections_total",
    ]);
  });
});
