import assert from "node:assert/strict";
import { linkSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { EngineLimits, ExchangeHandler, HttpEngine, RefusedRequest } from "../../../src/http/index.ts";
import { RawHttpClient } from "../../support/raw-http.ts";
import {
  describeEngines,
  echoHandler,
  type RawHttpServer,
  signal,
  TEST_LIMITS,
  withServer,
} from "../../support/raw-http-server.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

describeEngines("limits", (engine) => {
  const withLimits = async (
    limits: Partial<EngineLimits>,
    body: (server: RawHttpServer, refused: readonly RefusedRequest[]) => Promise<void>,
    handler: ExchangeHandler = echoHandler(),
  ): Promise<void> => {
    const refused: RefusedRequest[] = [];
    const listen = (server: RawHttpServer): Promise<void> => body(server, refused);
    await withServer(
      engine,
      handler,
      listen,
      { ...TEST_LIMITS, ...limits },
      (told) => void refused.push(told),
    );
  };

  test("answers a connection too many with 503, and takes new ones once others have gone", async () => {
    await withLimits({ connections: 2 }, async (server, refused) => {
      const first = await server.connect();
      const second = await server.connect();
      await first.send(GET);
      assert.equal((await first.reply()).status, 200);
      await second.send(GET);
      assert.equal((await second.reply()).status, 200);
      const third = await server.connect();
      assert.match(await third.closed(), /^HTTP\/1\.1 503 .*"reason":"CONNECTION_LIMIT"/s);
      assert.deepEqual(
        refused.map(({ reason, httpStatus, peer }) => ({ reason, httpStatus, peer })),
        [{ reason: "CONNECTION_LIMIT", httpStatus: 503, peer: "127.0.0.1" }],
      );
      assert.deepEqual(server.listener.connections, { open: 2, accepted: 3, refused: 1, retired: 0 });
      await first.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      await first.closed();
      const fourth = await server.connect();
      await fourth.send(GET);
      assert.equal((await fourth.reply()).status, 200);
      assert.equal(server.listener.connections.open, 2);
    });
  });

  for (const [title, limits, request, status, reason, message] of [
    [
      "more fields than it may have",
      { maxHeaders: 8 },
      `GET / HTTP/1.1\r\nHost: a\r\n${"X-A: 1\r\n".repeat(8)}\r\n`,
      431,
      "HEADERS_TOO_MANY",
      "the request head has 9 fields, more than 8",
    ],
    [
      "a target that is too long",
      { maxUrlBytes: 100 },
      `GET /${"a".repeat(60)}?b=${"c".repeat(60)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      414,
      "URL_TOO_LONG",
      "the request target has 124 bytes, more than 100",
    ],
  ] as const) {
    test(`answers a head with ${title} by ${status}, and closes`, async () => {
      await withLimits(limits, async (server, refused) => {
        const client = await server.connect();
        await client.send(request);
        const text = await client.closed();
        assert.match(
          text,
          new RegExp(`^HTTP/1\\.1 ${status} .*"message":"${message}".*"reason":"${reason}"`, "s"),
        );
        assert.deepEqual(
          refused.map(({ reason: told, httpStatus }) => [told, httpStatus]),
          [[reason, status]],
        );
      });
    });
  }

  test("takes a head with just as many fields and as long a target as it may have", async () => {
    await withLimits({ maxHeaders: 8, maxUrlBytes: 100 }, async (server) => {
      const client = await server.connect();
      for (const target of [`/${"a".repeat(95)}?b=c`, `/${"a".repeat(99)}`]) {
        await client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n${"X-A: 1\r\n".repeat(7)}\r\n`);
        assert.equal((await client.reply()).status, 200, target);
      }
    });
  });

  test("tells a listener that needs a body whole that it is too slow, and closes after its reply", async () => {
    const handler: ExchangeHandler = (exchange) =>
      exchange.readBody(100, {
        onChunk: () => undefined,
        onEnd: () => exchange.respond(200, [], "whole"),
        onTooLarge: () => exchange.respond(413, [], "long"),
        onTooSlow: (timeoutMs) => exchange.respond(408, [], `${timeoutMs}`),
      });
    await withLimits(
      { bodyTimeoutMs: 200 },
      async (server) => {
        const client = await server.connect();
        await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n");
        const drip = setInterval(() => void client.send("x"), 20);
        const text = await client.closed();
        clearInterval(drip);
        assert.match(text, /^HTTP\/1\.1 408 .*connection: close.*200$/is);
        const quick = await server.connect();
        await quick.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345");
        assert.equal((await quick.reply()).status, 200);
      },
      handler,
    );
  });

  test("lets a listener without that promise take its body as slowly as it comes", async () => {
    const sent = signal<RawHttpClient>();
    const handler: ExchangeHandler = (exchange) => {
      let bytes = 0;
      exchange.readBody(100, {
        onChunk: (chunk) => {
          bytes += chunk.length;
        },
        onEnd: () => exchange.respond(200, [], String(bytes)),
        onTooLarge: () => exchange.respond(413, [], ""),
      });
    };
    await withLimits(
      { bodyTimeoutMs: 80 },
      async (server) => {
        const client = await server.connect();
        await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
        let left = 20;
        const drip = setInterval(() => {
          void client.send("x");
          left--;
          if (left > 0) return;
          clearInterval(drip);
          sent.fire(client);
        }, 10);
        assert.equal((await (await sent.promise).reply()).body.toString(), "20");
      },
      handler,
    );
  });

  test("closes a connection after as many requests as it may carry", {
    skip: engine.name === "uws" && "the addon does not tell which connection a request came on",
  }, async () => {
    await withLimits({ requestsPerConnection: 2 }, async (server) => {
      const client = await server.connect();
      await client.send(GET);
      assert.doesNotMatch(JSON.stringify((await client.reply()).headers), /"close"/);
      await client.send(`${GET}${GET}`);
      const rest = await client.closed();
      assert.equal(rest.split("HTTP/1.1 200 ").length, 2, rest);
      assert.equal(server.listener.connections.retired, 1);
    });
  });
});

describeEngines("unix sockets", (engine) => {
  test("serves on one, with the permissions that it was given, and takes the file away at the end", async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "a.sock");
      const listener = await listenOn(engine, path);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.deepEqual(listener.address, { path, mode: 0o600 });
      const client = new RawHttpClient(connect(path));
      await client.send(GET);
      assert.equal((await client.reply()).body.toString(), "from <>");
      client.close();
      listener.close();
      assert.throws(() => statSync(path), { code: "ENOENT" });
    });
  });

  test("replaces a file that a killed process left behind", async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "a.sock");
      await leaveStale(path);
      const listener = await listenOn(engine, path);
      listener.close();
    });
  });

  test("leaves alone a socket that is listened on, and a file that is no socket", async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "a.sock");
      const listener = await listenOn(engine, path);
      await assert.rejects(listenOn(engine, path), {
        code: "EADDRINUSE",
        message: `cannot listen on unix:${path}: another process listens there`,
      });
      const client = new RawHttpClient(connect(path));
      await client.send(GET);
      assert.equal((await client.reply()).status, 200);
      client.close();
      listener.close();
      writeFileSync(path, "precious");
      await assert.rejects(listenOn(engine, path), { code: "ENOTSOCK" });
      assert.equal(statSync(path).size, 8);
      await assert.rejects(listenOn(engine, join(folder, "none", "a.sock")), { code: /ENOENT|EACCES/ });
    });
  });
});

function listenOn(engine: HttpEngine, path: string): ReturnType<HttpEngine["listen"]> {
  return engine.listen({ path, mode: 0o600 }, { limits: TEST_LIMITS }, (exchange) =>
    exchange.respond(200, [], `from <${exchange.peer}>`),
  );
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A socket file whose listener is gone: what SIGKILL leaves. */
async function leaveStale(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  // The server removes the name that it knows, at its end.
  linkSync(path, `${path}.kept`);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  renameSync(`${path}.kept`, path);
}
