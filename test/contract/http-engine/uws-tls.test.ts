/**
 * TLS on uWebSockets.js: which certificate a client sees, and what becomes of connections when files change.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { loadUwsEngine } from "../../../src/http/engines/uws/index.ts";
import {
  type HttpListener,
  type ListenOptions,
  type RefusedConnection,
  type ServerIdentity,
  ServerTls,
  type ServerTlsMaterial,
} from "../../../src/http/index.ts";
import { portOf, TEST_LIMITS } from "../../support/listening.ts";
import { RawHttpClient } from "../../support/raw-http.ts";
import { echoHandler } from "../../support/raw-http-server.ts";
import { pem } from "../../support/tls.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const load = loadUwsEngine(TEST_LIMITS.maxHeaderBytes);

describe("uws: TLS", {
  skip: load.engine === undefined && `no addon: ${load.engine === undefined ? load.reason : ""}`,
  timeout: 30_000,
}, () => {
  test("serves under the certificate for the host that a client names, else under the first", async () => {
    await withTls(async (bench) => {
      const identities = [
        bench.identity("server", ["a.test"]),
        bench.identity("server-next", ["b.test", "*.c.test", "a.test"]),
      ];
      const listener = await bench.listenWith(bench.open({ identities }), {}, (exchange) =>
        exchange.respond(200, [], exchange.peer),
      );
      for (const [host, expected] of [
        ["a.test", "server"],
        ["b.test", "server-next"],
        ["x.c.test", "server-next"],
        ["c.test", "server"],
        ["other.test", "server"],
        [undefined, "server"],
      ] as const) {
        const client = await bench.connect(listener, host);
        assert.equal(client.fingerprint, fingerprintOf(expected), `${host}`);
        await client.http.send(GET);
        const reply = await client.http.reply();
        assert.equal(reply.status, 200, `${host}`);
        assert.equal(reply.body.toString(), "127.0.0.1");
      }
    });
  });

  test("shows new connections the new certificate, and keeps the open ones", async () => {
    await withTls(async (bench) => {
      const tls = bench.open({ identities: [bench.identity("server", ["a.test"])] });
      const listener = await bench.listenWith(tls);
      const before = await bench.connect(listener, "a.test");
      assert.equal(before.fingerprint, fingerprintOf("server"));
      for (const name of ["server-next", "server", "server-next"]) {
        assert.deepEqual(tls.replace(materialOf([bench.identity(name, ["a.test"])]), Date.now()), []);
        for (const host of ["a.test", undefined]) {
          const after = await bench.connect(listener, host);
          assert.equal(after.fingerprint, fingerprintOf(name));
          await after.http.send(GET);
          assert.equal((await after.http.reply()).status, 200);
        }
      }
      await before.http.send(GET);
      assert.equal((await before.http.reply()).status, 200);
      assert.equal(listener.connections.open, 7);
    });
  });

  test("carries long bodies both ways", async () => {
    await withTls(async (bench) => {
      const listener = await bench.listen({ identities: [bench.identity("server", [])] }, 4 << 20);
      const client = await bench.connect(listener, undefined);
      const body = Buffer.alloc(3 << 20, "0123456789abcdef");
      await client.http.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
      await client.http.send(body);
      const echo: unknown = JSON.parse((await client.http.reply()).body.toString());
      assert.ok(typeof echo === "object" && echo !== null && "body" in echo);
      assert.equal(echo.body, body.toString());
    });
  });

  test("says of a request that it came over TLS, from a client without a certificate", async () => {
    await withTls(async (bench) => {
      const seen: unknown[] = [];
      const tls = bench.open({ identities: [bench.identity("server", [])] });
      const listener = await bench.listenWith(tls, {}, (exchange) => {
        seen.push(exchange.tls);
        exchange.respond(200, [], "");
      });
      const client = await bench.connect(listener, undefined);
      await client.http.send(GET);
      await client.http.reply();
      assert.deepEqual(seen, [{ certificate: "" }]);
    });
  });

  test("closes a connection too many without an answer, and tells of it", async () => {
    await withTls(async (bench) => {
      const refused: RefusedConnection[] = [];
      const tls = bench.open({ identities: [bench.identity("server", [])] });
      const listener = await bench.listenWith(tls, {
        limits: { ...TEST_LIMITS, connections: 1 },
        onConnectionRefused: (told) => void refused.push(told),
      });
      const first = await bench.connect(listener, undefined);
      await assert.rejects(bench.connect(listener, undefined), { code: "ECONNRESET" });
      assert.deepEqual(refused, [{ fault: "connection-limit", peer: "127.0.0.1", detail: "1 are open" }]);
      await first.http.send(GET);
      assert.equal((await first.http.reply()).status, 200);
    });
  });

  test("drains: idle connections end, and no new one is taken", async () => {
    await withTls(async (bench) => {
      const listener = await bench.listen({ identities: [bench.identity("server", ["a.test"])] });
      const idle = await bench.connect(listener, "a.test");
      await idle.http.send(GET);
      assert.equal((await idle.http.reply()).status, 200);
      await listener.drain();
      await idle.http.closed();
      await assert.rejects(bench.connect(listener, "a.test"), { code: "ECONNREFUSED" });
    });
  });

  test("refuses what the addon cannot do, and files that make no certificate", async () => {
    await withTls(async (bench) => {
      const identities = [bench.identity("server", [])];
      const withClients = ServerTls.open(
        { ...materialOf(identities), clientCaPem: pem("client-ca.pem"), clientCaPath: "client-ca.pem" },
        { minVersion: "TLSv1.2", ciphers: undefined, requiresClientCertificate: true },
        Date.now(),
      ).tls;
      assert.ok(withClients !== undefined);
      await assert.rejects(bench.listenWith(withClients), {
        code: "ENOTSUP",
        message: /client certificates/,
      });
      const gone = bench.open({ identities: [{ ...bench.identity("server", []), keyPath: "/none" }] });
      await assert.rejects(bench.listenWith(gone), { code: "TLS" });
    });
  });
});

/** Files, listeners and clients of one test. */
class TlsBench {
  readonly folder: string = mkdtempSync(join(tmpdir(), "sluice-"));
  readonly #listeners: HttpListener[] = [];
  readonly #sockets: TLSSocket[] = [];
  #files = 0;

  /** A fixture's certificate, in files of its own. */
  identity(name: string, names: readonly string[]): ServerIdentity {
    const paths = [".pem", ".key"].map((end) => {
      const path = join(this.folder, `${this.#files++}${end}`);
      copyFileSync(`test/fixtures/tls/${name}${end}`, path);
      return path;
    });
    const [certificatePath = "", keyPath = ""] = paths;
    return {
      certificatePath,
      keyPath,
      certificatePem: readFileSync(certificatePath, "utf8"),
      keyPem: readFileSync(keyPath, "utf8"),
      names,
    };
  }

  open({ identities }: Pick<ServerTlsMaterial, "identities">): ServerTls {
    const settings = { minVersion: "TLSv1.2", ciphers: undefined, requiresClientCertificate: false } as const;
    const { tls, faults } = ServerTls.open(materialOf(identities), settings, Date.now());
    assert.ok(tls !== undefined, JSON.stringify(faults));
    return tls;
  }

  listen(material: Pick<ServerTlsMaterial, "identities">, limitBytes?: number): Promise<HttpListener> {
    return this.listenWith(this.open(material), {}, echoHandler(limitBytes));
  }

  async listenWith(
    tls: ServerTls,
    options: Partial<ListenOptions> = {},
    handler: Parameters<NonNullable<typeof load.engine>["listen"]>[2] = echoHandler(),
  ): Promise<HttpListener> {
    assert.ok(load.engine !== undefined);
    const address = { host: "127.0.0.1", port: 0 };
    const listener = await load.engine.listen(address, { limits: TEST_LIMITS, tls, ...options }, handler);
    this.#listeners.push(listener);
    return listener;
  }

  async connect(
    listener: HttpListener,
    servername: string | undefined,
  ): Promise<{ readonly http: RawHttpClient; readonly fingerprint: string }> {
    const socket = connect({
      port: portOf(listener),
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ...(servername === undefined ? {} : { servername }),
    });
    this.#sockets.push(socket);
    await once(socket, "secureConnect");
    return { http: new RawHttpClient(socket), fingerprint: socket.getPeerCertificate().fingerprint256 };
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const listener of this.#listeners) listener.close();
    rmSync(this.folder, { recursive: true });
  }
}

function materialOf(identities: readonly ServerIdentity[]): ServerTlsMaterial {
  return { identities, clientCaPem: undefined, clientCaPath: undefined };
}

function fingerprintOf(name: string): string {
  return new X509Certificate(pem(`${name}.pem`)).fingerprint256;
}

async function withTls(body: (bench: TlsBench) => Promise<void>): Promise<void> {
  const bench = new TlsBench();
  try {
    await body(bench);
  } finally {
    bench.close();
  }
}
