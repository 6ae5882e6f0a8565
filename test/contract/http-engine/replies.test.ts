import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExchangeHandler } from "../../../src/http/index.ts";
import { fieldValues, type RawHttpClient, type RawReply } from "../../support/raw-http.ts";
import { describeEngines, signal, withServer } from "../../support/raw-http-server.ts";
import { transports } from "../../support/transports.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Fields of which the last three alone may go out. */
const HOSTILE_FIELDS = [
  ["x-cr", "a\rb"],
  ["x-lf", "a\nb"],
  ["x-crlf", "a\r\nset-cookie: evil=1"],
  ["x-nul", "a\0b"],
  ["x-del", "\x7f"],
  ["x bad", "1"],
  ["x:bad", "1"],
  ["", "1"],
  ["x-é", "1"],
  ["x-\r\n", "1"],
  ["content-length", "1"],
  ["transfer-encoding", "chunked"],
  ["date", "now"],
  ["keep-alive", "x"],
  ["x-tab", "a\tb"],
  ["x-empty", ""],
  ["x-good", "1"],
];

describeEngines(
  "replies",
  (engine) => {
    test("sends status, fields and length of a whole reply", async () => {
      const handler: ExchangeHandler = (exchange) =>
        exchange.respond(201, ["content-type", "text/plain", "set-cookie", "a=1", "set-cookie", "b=2"], "né");
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET + GET);
        for (let i = 0; i < 2; i++) {
          const reply = await client.reply();
          assert.equal(reply.status, 201);
          assert.equal(reply.reason, "Created");
          assert.equal(reply.body.toString(), "né");
          assert.deepEqual(fieldValues(reply, "content-length"), ["3"]);
          assert.deepEqual(fieldValues(reply, "set-cookie"), ["a=1", "b=2"]);
          assert.equal(fieldValues(reply, "date").length, 1);
          for (const name of ["server", "x-powered-by", "uwebsockets"]) {
            assert.deepEqual(fieldValues(reply, name), []);
          }
        }
      });
    });

    for (const [status, sent, reason] of [
      [200, 200, "OK"],
      [207, 207, "Multi-Status"],
      [302, 302, "Found"],
      [404, 404, "Not Found"],
      [429, 429, "Too Many Requests"],
      [499, 499, "Client Closed Request"],
      [599, 599, "Status"],
      [999, 999, "Status"],
      [100, 500, "Internal Server Error"],
      [0, 500, "Internal Server Error"],
      [200.5, 500, "Internal Server Error"],
      [1000, 500, "Internal Server Error"],
    ] as const) {
      test(`sends status ${status} as ${sent} ${reason}`, async () => {
        await withServer(
          engine,
          (exchange) => exchange.respond(status, [], "x"),
          async (server) => {
            const client = await server.connect();
            await client.send(GET);
            const reply = await client.reply();
            assert.deepEqual([reply.status, reply.reason, reply.body.toString()], [sent, reason, "x"]);
          },
        );
      });
    }

    for (const status of [204, 304]) {
      test(`sends ${status} without body and length`, async () => {
        const handler: ExchangeHandler = (exchange) => exchange.respond(status, ["x-a", "1"], "ignored");
        await withServer(engine, handler, async (server) => {
          const client = await server.connect();
          for (let i = 0; i < 2; i++) {
            await client.send(GET);
            const reply = await client.reply();
            assert.equal(reply.status, status);
            assert.deepEqual(fieldValues(reply, "content-length"), []);
            assert.deepEqual(fieldValues(reply, "transfer-encoding"), []);
            assert.deepEqual(fieldValues(reply, "x-a"), ["1"]);
          }
          assert.equal(client.pending, "");
        });
      });
    }

    test("answers HEAD with the fields of the GET and no body", async () => {
      const handler: ExchangeHandler = (exchange) =>
        exchange.respond(200, ["content-type", "text/plain"], Buffer.alloc(1234));
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        for (let i = 0; i < 3; i++) {
          await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
          const reply = await client.reply("HEAD");
          assert.equal(reply.status, 200);
          assert.deepEqual(fieldValues(reply, "content-length"), ["1234"]);
          assert.deepEqual(fieldValues(reply, "content-type"), ["text/plain"]);
        }
        await client.send(GET);
        assert.equal((await client.reply()).body.length, 1234);
        assert.equal(client.pending, "");
      });
    });

    test("sends no body of a started reply to HEAD", async () => {
      const handler: ExchangeHandler = (exchange) => {
        exchange.start(200, ["x-a", "1"]);
        assert.equal(exchange.write("ignored"), true);
        exchange.end();
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert.deepEqual(fieldValues(await client.reply("HEAD"), "x-a"), ["1"]);
        await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        await client.reply("HEAD");
        assert.equal(client.pending, "");
      });
    });

    for (const status of [204, 304]) {
      test(`sends no body of a started reply of ${status}`, async () => {
        const handler: ExchangeHandler = (exchange) => {
          exchange.start(status, ["x-a", "1"]);
          assert.equal(exchange.write("ignored"), true);
          exchange.end();
        };
        await withServer(engine, handler, async (server) => {
          const client = await server.connect();
          for (let i = 0; i < 2; i++) {
            await client.send(GET);
            const reply = await client.reply();
            assert.equal(reply.status, status);
            assert.deepEqual(fieldValues(reply, "x-a"), ["1"]);
            assert.deepEqual(fieldValues(reply, "transfer-encoding"), []);
            assert.equal(client.pending, "");
          }
        });
      });
    }

    test("streams pieces as they are written, and keeps the connection", async () => {
      const written = signal<() => void>();
      const handler: ExchangeHandler = (exchange) => {
        if (exchange.path === "/next") {
          exchange.respond(200, [], "next");
          return;
        }
        exchange.start(200, ["content-type", "application/x-ndjson"]);
        exchange.write('{"a":1}\n');
        written.fire(() => {
          exchange.write("");
          exchange.write(Buffer.from("--é--").subarray(2, 4));
          exchange.write("é\n");
          exchange.end();
        });
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET);
        const finish = await written.promise;
        while (!client.pending.includes('{"a":1}\n')) {
          await client.receivedAtLeast(client.pending.length + 1);
        }
        finish();
        const reply = await client.reply();
        assert.deepEqual(fieldValues(reply, "transfer-encoding"), ["chunked"]);
        assert.equal(reply.body.toString(), '{"a":1}\néé\n');
        await client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
        assert.equal((await client.reply()).body.toString(), "next");
      });
    });

    test("ends a started reply that has no body", async () => {
      const handler: ExchangeHandler = (exchange) => {
        exchange.start(200, []);
        exchange.end();
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET + GET);
        assert.equal((await client.reply()).body.length, 0);
        assert.equal((await client.reply()).body.length, 0);
      });
    });

    test("sends a view over a pooled buffer as that view", async () => {
      const pool = Buffer.from("0123456789");
      const handler: ExchangeHandler = (exchange) => {
        exchange.respond(200, [], new Uint8Array(pool.buffer, pool.byteOffset + 3, 4));
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET);
        assert.equal((await client.reply()).body.toString(), "3456");
      });
    });

    test("drops fields that could split the reply or break its framing, and keeps the others", async () => {
      const handler: ExchangeHandler = (exchange) => exchange.respond(200, HOSTILE_FIELDS.flat(), "body");
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET);
        const reply = await client.reply();
        assert.equal(reply.body.toString(), "body");
        const sent = reply.headers.filter(([name]) => name.startsWith("x-") || name === "set-cookie");
        assert.deepEqual(sent, [
          ["x-tab", "a\tb"],
          ["x-empty", ""],
          ["x-good", "1"],
        ]);
        assert.deepEqual(fieldValues(reply, "content-length"), ["4"]);
        assert.deepEqual(fieldValues(reply, "transfer-encoding"), []);
        assert.equal(fieldValues(reply, "date").length, 1);
      });
    });

    for (const [title, body] of [
      ["without a body", ""],
      ["beside a text", "né"],
      ["beside bytes", Buffer.from("né")],
    ] as const) {
      test(`sends values beyond ASCII as UTF-8, ${title}`, async () => {
        const handler: ExchangeHandler = (exchange) => exchange.respond(200, ["x-name", "café €"], body);
        await withServer(engine, handler, async (server) => {
          const client = await server.connect();
          await client.send(GET);
          const reply = await client.reply();
          const [value = ""] = fieldValues(reply, "x-name");
          assert.equal(Buffer.from(value, "latin1").toString("utf8"), "café €");
          assert.equal(reply.body.toString(), body.toString());
        });
      });
    }

    for (const [title, request, headers] of [
      ["the reply says so", GET, ["connection", "close"]],
      ["the client asks for it", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []],
      ["the client asks for it in a list", "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n", []],
    ] as const) {
      test(`closes the connection when ${title}`, async () => {
        const body = Buffer.alloc(300_000, "abc");
        const handler: ExchangeHandler = (exchange) => exchange.respond(200, headers, body);
        await withServer(engine, handler, async (server) => {
          const client = await server.connect();
          await client.send(request);
          const reply = await client.reply();
          assert.deepEqual(fieldValues(reply, "connection"), ["close"]);
          assert.ok(reply.body.equals(body));
          assert.equal(await client.closed(), "");
        });
      });
    }

    test("sends a long reply to a client that reads late, whole", async () => {
      const handler: ExchangeHandler = (exchange) => exchange.respond(200, [], longBody());
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        assert.ok((await lateReply(client)).body.equals(longBody()));
        await client.send(GET);
        assert.ok((await client.reply()).body.equals(longBody()));
      });
    });

    for (const headers of [[], ["connection", "close"]]) {
      test(`tells when the bytes of a long reply may be written on ${headers.join(": ")}`, async () => {
        const taken = signal<void>();
        const handler: ExchangeHandler = (exchange) => {
          const body = Buffer.from(longBody());
          exchange.respond(200, headers, body, () => {
            body.fill(0);
            taken.fire();
          });
        };
        await withServer(engine, handler, async (server) => {
          const client = await server.connect();
          assert.ok((await lateReply(client)).body.equals(longBody()));
          await taken.promise;
        });
      });
    }

    for (const pieceBytes of [200, 5_000, 40_000, 1_000_000]) {
      test(`holds the writer of ${pieceBytes}-byte pieces while the client does not read`, async () => {
        const total = 24 * 1024 * 1024;
        const held = signal<number>();
        const handler: ExchangeHandler = (exchange) => {
          let offset = 0;
          const more = (): void => {
            while (offset < total) {
              const piece = pattern(offset, Math.min(pieceBytes, total - offset));
              offset += piece.length;
              const goesOn = exchange.write(piece);
              if (!goesOn) {
                held.fire(offset);
                return;
              }
            }
            exchange.end();
          };
          exchange.onDrain = more;
          exchange.start(200, []);
          more();
        };
        await withServer(engine, handler, async (server) => {
          const client = await server.connect();
          client.socket.pause();
          await client.send(GET);
          const offset = await held.promise;
          assert.ok(offset < total, `held after ${offset}`);
          client.socket.resume();
          const received = await readChunked(client.socket, client.pending);
          assert.equal(received.length, total);
          assert.ok(received.equals(pattern(0, total)));
        });
      });
    }

    test("does nothing on calls after the reply has ended", async () => {
      const handler: ExchangeHandler = (exchange) => {
        exchange.onAbort = () => assert.fail("no abort after the reply");
        exchange.respond(200, [], "one");
        exchange.respond(500, [], "two");
        exchange.start(500, []);
        exchange.write("three");
        exchange.end();
        exchange.pauseBody();
        exchange.resumeBody();
        exchange.readBody(10, {
          onChunk: () => assert.fail(),
          onEnd: () => assert.fail(),
          onTooLarge: () => assert.fail(),
        });
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET + GET);
        assert.equal((await client.reply()).body.toString(), "one");
        assert.equal((await client.reply()).body.toString(), "one");
        assert.equal(client.pending, "");
      });
    });

    test("breaks a started reply off, so that the client sees it is not whole", async () => {
      const handler: ExchangeHandler = (exchange) => {
        exchange.onAbort = () => assert.fail("the client did not go away");
        exchange.start(200, []);
        exchange.write("half");
        setImmediate(() => exchange.destroy());
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET);
        assert.ok(!(await client.closed()).includes("\r\n0\r\n"));
      });
    });

    test("sends trailers to a client that takes them, where the engine can", async () => {
      const takes: boolean[] = [];
      const handler: ExchangeHandler = (exchange) => {
        takes.push(exchange.takesTrailers);
        exchange.start(200, []);
        exchange.write("x");
        exchange.end(["grpc-status", "0", "x-evil", "a\r\nb"]);
      };
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        await client.send(GET);
        assert.deepEqual((await client.reply()).trailers, []);
        await client.send("GET / HTTP/1.1\r\nHost: a\r\nTE: deflate, trailers\r\n\r\n");
        const { trailers } = await client.reply();
        const isAble = engine.name === "node";
        assert.deepEqual(trailers, isAble ? [["grpc-status", "0"]] : []);
        assert.deepEqual(takes, [false, isAble], "takesTrailers");
      });
    });
  },
  transports(),
);

/** The reply to GET, read only some turns of the event loop after it was sent. */
async function lateReply(client: RawHttpClient): Promise<RawReply> {
  client.socket.pause();
  await client.send(GET);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  client.socket.resume();
  return client.reply();
}

function longBody(): Buffer {
  return pattern(0, 8 * 1024 * 1024);
}

/** Bytes that depend on their position, so that a lost or doubled piece shows. */
function pattern(start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = ((start + i) * 31 + ((start + i) >> 8)) & 0xff;
  return bytes;
}

/** Decodes a long chunked reply without joining what has come again and again. */
async function readChunked(socket: import("node:net").Socket, pending: string): Promise<Buffer> {
  const received: Buffer[] = [Buffer.from(pending, "latin1")];
  await new Promise<void>((resolve) => {
    socket.removeAllListeners("data");
    let end = "";
    socket.on("data", (chunk: Buffer) => {
      received.push(chunk);
      end = (end + chunk.subarray(-7).toString("latin1")).slice(-7);
      if (end === "\r\n0\r\n\r\n") resolve();
    });
    socket.on("close", () => resolve());
  });
  const bytes = Buffer.concat(received);
  const chunks: Buffer[] = [];
  let position = bytes.indexOf("\r\n\r\n") + 4;
  for (;;) {
    const end = bytes.indexOf("\r\n", position);
    const size = Number.parseInt(bytes.toString("latin1", position, end), 16);
    assert.ok(size >= 0, "a chunk size");
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(end + 2, end + 2 + size));
    position = end + 2 + size + 2;
  }
}
