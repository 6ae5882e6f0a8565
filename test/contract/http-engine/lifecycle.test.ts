import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  type ExchangeHandler,
  type HttpEngine,
  type HttpExchange,
  ListenError,
} from "../../../src/http/index.ts";
import { fieldValues, RawHttpClient, sendAndReset } from "../../support/raw-http.ts";
import {
  describeEngines,
  echoHandler,
  portOf,
  signal,
  TEST_LIMITS,
  withServer,
} from "../../support/raw-http-server.ts";
import { transports } from "../../support/transports.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

describeEngines(
  "lifecycle",
  (engine) => {
    test("listens on a free port and tells which", async () => {
      await withServer(engine, echoHandler(), async (server) => {
        const { address } = server.listener;
        assert.ok(address.path === undefined);
        assert.equal(address.host, "127.0.0.1");
        assert.ok(address.port > 0);
      });
    });

    for (const [title, occupy] of [
      ["another server", occupyWithServer],
      ["a listener of its own", () => occupyWithEngine(engine)],
    ] as const) {
      test(`says that the port is taken by ${title}`, async () => {
        const taken = await occupy();
        try {
          await assert.rejects(
            engine.listen({ host: "127.0.0.1", port: taken.port }, { limits: TEST_LIMITS }, echoHandler()),
            (error) => {
              assert.ok(error instanceof ListenError);
              assert.equal(error.code, "EADDRINUSE");
              assert.ok(error.message.includes(`127.0.0.1:${taken.port}`), error.message);
              assert.ok(error.message.includes("EADDRINUSE"), error.message);
              return true;
            },
          );
        } finally {
          taken.release();
        }
      });
    }

    test("says that an address is not one of this machine", async () => {
      await assert.rejects(
        engine.listen({ host: "203.0.113.1", port: 0 }, { limits: TEST_LIMITS }, echoHandler()),
        (error) => {
          assert.ok(error instanceof ListenError);
          assert.equal(error.code, "EADDRNOTAVAIL");
          return true;
        },
      );
    });

    for (const [title, leave] of [
      ["closes", (client: RawHttpClient) => client.close()],
      ["resets", (client: RawHttpClient) => client.reset()],
    ] as const) {
      test(`tells once that the client ${title} before the reply`, async () => {
        let aborts = 0;
        const arrived = signal<HttpExchange>();
        const aborted = signal();
        const handler: ExchangeHandler = (exchange) => {
          if (exchange.path === "/good") {
            exchange.respond(200, [], "");
            return;
          }
          exchange.onAbort = () => {
            aborts += 1;
            aborted.fire();
          };
          exchange.readBody(10, {
            onChunk: () => undefined,
            onEnd: () => arrived.fire(exchange),
            onTooLarge: () => undefined,
          });
        };
        await withServer(engine, handler, async (server) => {
          const client = await server.connect();
          await client.send(GET);
          const exchange = await arrived.promise;
          leave(client);
          await aborted.promise;
          // All of these do nothing now.
          exchange.pauseBody();
          exchange.resumeBody();
          exchange.start(200, []);
          assert.equal(exchange.write("x"), true);
          exchange.end();
          exchange.respond(200, [], "x");
          exchange.destroy();
          assert.equal(exchange.peer, "127.0.0.1");
          const next = await server.connect();
          await next.send("GET /good HTTP/1.1\r\nHost: a\r\n\r\n");
          assert.equal((await next.reply()).status, 200);
          assert.equal(aborts, 1);
        });
      });
    }

    test("does not run a request whose client has reset before it was accepted: its address is lost", async () => {
      const ran: string[] = [];
      const handler: ExchangeHandler = (exchange) => {
        ran.push(exchange.peer);
        exchange.respond(200, [], "");
      };
      await withServer(engine, handler, async (server) => {
        sendAndReset(portOf(server.listener), GET);
        const next = await server.connect();
        await next.send(GET);
        assert.equal((await next.reply()).status, 200);
        assert.equal(ran.length, 1);
      });
    });

    test("tells that the client goes away in the middle of its body, without an end", async () => {
      const aborted = signal();
      const arrived = signal();
      const handler: ExchangeHandler = (exchange) => {
        exchange.onAbort = () => aborted.fire();
        exchange.readBody(100, {
          onChunk: () => arrived.fire(),
          onEnd: () => assert.fail(),
          onTooLarge: () => assert.fail(),
        });
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        await arrived.promise;
        client.close();
        await aborted.promise;
      });
    });

    test("tells that the client goes away in the middle of a held reply", async () => {
      const aborted = signal();
      const held = signal();
      const handler: ExchangeHandler = (exchange) => {
        exchange.onAbort = () => aborted.fire();
        exchange.start(200, []);
        const piece = Buffer.alloc(50_000);
        while (exchange.write(piece));
        held.fire();
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        client.socket.pause();
        await client.send(GET);
        await held.promise;
        client.reset();
        await aborted.promise;
      });
    });

    test("tells every request of the connection that the client goes away", {
      skip: engine.name === "uws" && "no pipelining",
    }, async () => {
      const paths = new Set<string>();
      const arrived = signal();
      const aborted = signal();
      const handler: ExchangeHandler = (exchange) => {
        exchange.onAbort = () => {
          paths.add(exchange.path);
          if (paths.size === 2) aborted.fire();
        };
        if (exchange.path === "/2") arrived.fire();
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
        await arrived.promise;
        client.close();
        await aborted.promise;
      });
    });

    test("drains: refuses connections, finishes what is under way, closes idle connections", async () => {
      const arrived = signal<HttpExchange>();
      const handler: ExchangeHandler = (exchange) => {
        if (exchange.path === "/slow") arrived.fire(exchange);
        else exchange.respond(200, [], "quick");
      };
      await withServer(engine, handler, async (server) => {
        const idle = await server.connect();
        await idle.send(GET);
        await idle.reply();
        const fresh = await server.connect();
        const slow = await server.connect();
        await slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        const exchange = await arrived.promise;
        let isDrained = false;
        const drained = server.listener.drain().then(() => {
          isDrained = true;
        });
        await assert.rejects(RawHttpClient.connect(portOf(server.listener)), { code: "ECONNREFUSED" });
        assert.equal(isDrained, false);
        exchange.respond(200, [], "late");
        const reply = await slow.reply();
        assert.equal(reply.body.toString(), "late");
        assert.deepEqual(fieldValues(reply, "connection"), ["close"]);
        await drained;
        assert.equal(await slow.closed(), "");
        assert.equal(await idle.closed(), "");
        assert.equal(await fresh.closed(), "");
      });
    });

    test("drains at once when nothing is under way", async () => {
      await withServer(engine, echoHandler(), async (server) => {
        const idle = await server.connect();
        await idle.send(GET);
        await idle.reply();
        await server.listener.drain();
        assert.equal(await idle.closed(), "");
        await server.listener.drain();
      });
    });

    test("drains without cutting a long reply", async () => {
      const body = Buffer.alloc(8 * 1024 * 1024, "0123456789abc");
      const arrived = signal<HttpExchange>();
      await withServer(
        engine,
        (exchange) => arrived.fire(exchange),
        async (server) => {
          const client = await server.connect();
          client.socket.pause();
          await client.send(GET);
          const exchange = await arrived.promise;
          const drained = server.listener.drain();
          exchange.respond(200, [], body);
          for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
          client.socket.resume();
          assert.ok((await client.reply()).body.equals(body));
          await drained;
        },
      );
    });

    test("drains without cutting a stream", async () => {
      const arrived = signal<HttpExchange>();
      await withServer(
        engine,
        (exchange) => {
          exchange.start(200, []);
          exchange.write("a");
          arrived.fire(exchange);
        },
        async (server) => {
          const client = await server.connect();
          await client.send(GET);
          const exchange = await arrived.promise;
          const drained = server.listener.drain();
          exchange.write("b");
          exchange.end();
          assert.equal((await client.reply()).body.toString(), "ab");
          await drained;
          await client.closed();
        },
      );
    });

    test("closes everything at once", async () => {
      const arrived = signal();
      const aborted = signal();
      const handler: ExchangeHandler = (exchange) => {
        exchange.onAbort = () => aborted.fire();
        arrived.fire();
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET);
        await arrived.promise;
        server.listener.close();
        await aborted.promise;
        assert.equal(await client.closed(), "");
        server.listener.close();
        await server.listener.drain();
      });
    });

    for (const end of ["drain", "close"]) {
      test(`lets the process end after ${end}`, async () => {
        const script = fileURLToPath(new URL("./exit-child.js", import.meta.url));
        const child = spawn(process.execPath, [script, engine.name, end], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        const output: Buffer[] = [];
        child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
        const [code] = await once(child, "close");
        assert.equal(code, 0);
        assert.equal(Buffer.concat(output).toString(), "served\n");
      });
    }

    test("closes a connection that sends no whole head in time", {
      skip: engine.name === "uws" && "the addon waits for 10 s, whatever the limit",
    }, async () => {
      const limits = { ...TEST_LIMITS, idleTimeoutMs: 100, headTimeoutMs: 100 };
      const run = async (bytes: string): Promise<string> => {
        let rest = "";
        await withServer(
          engine,
          echoHandler(),
          async (server) => {
            const client = await server.connect();
            if (bytes !== "") await client.send(bytes);
            rest = await client.closed();
          },
          limits,
        );
        return rest;
      };
      assert.match(await run("GET / HTTP/1.1\r\nHost: a\r\nX-"), /^HTTP\/1\.1 408 .*"REQUEST_TIMEOUT"/s);
      assert.match(await run("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"), /^$/);
      assert.match(await run(GET), /^HTTP\/1\.1 200 /);
    });
  },
  transports(),
);

async function occupyWithServer(): Promise<{ port: number; release: () => void }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { port: address.port, release: () => void server.close() };
}

async function occupyWithEngine(engine: HttpEngine): Promise<{ port: number; release: () => void }> {
  const listener = await engine.listen(
    { host: "127.0.0.1", port: 0 },
    { limits: TEST_LIMITS },
    echoHandler(),
  );
  return { port: portOf(listener), release: () => listener.close() };
}
