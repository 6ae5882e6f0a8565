import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExchangeHandler, RefusedRequest } from "../../../src/http/index.ts";
import {
  describeEngines,
  echoHandler,
  parseEcho,
  type RawHttpServer,
  TEST_LIMITS,
  withServer,
} from "../../support/raw-http-server.ts";
import { transports } from "../../support/transports.ts";

/** What is pipelined behind a probe, and must never run. */
const SECOND = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";

/** Framing that could be read in two ways: the request must not run, nor what comes behind it. */
const SMUGGLING: Readonly<Record<string, string>> = {
  "two equal Content-Length": "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
  "two different Content-Length": "Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc",
  "Content-Length as a list": "Content-Length: 3, 3\r\n\r\nabc",
  "an empty Content-Length": "Content-Length:\r\n\r\n",
  "a blank Content-Length": "Content-Length: \t \r\n\r\n",
  "a signed Content-Length": "Content-Length: +3\r\n\r\nabc",
  "a negative Content-Length": "Content-Length: -3\r\n\r\nabc",
  "a hexadecimal Content-Length": "Content-Length: 0x3\r\n\r\nabc",
  "a fractional Content-Length": "Content-Length: 3.0\r\n\r\nabc",
  "a Content-Length with a space": "Content-Length: 3 3\r\n\r\nabc",
  "a Content-Length beyond 2^53": "Content-Length: 99999999999999999999\r\n\r\nabc",
  "a Content-Length that wraps to 3": "Content-Length: 18446744073709551619\r\n\r\nabc",
  "Content-Length and Transfer-Encoding": "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "Transfer-Encoding and Content-Length": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
  "an empty Content-Length and Transfer-Encoding":
    "Content-Length:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "Content-Length and an empty Transfer-Encoding": "Content-Length: 3\r\nTransfer-Encoding:\r\n\r\nabc",
  "an empty Transfer-Encoding": "Transfer-Encoding:\r\n\r\n",
  "Transfer-Encoding: identity": "Transfer-Encoding: identity\r\n\r\n",
  "Transfer-Encoding: gzip, chunked": "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  "Transfer-Encoding: chunked, chunked": "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
  "Transfer-Encoding: chunked, identity": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
  "Transfer-Encoding: xchunked": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
  "Transfer-Encoding: chunked;q=1": "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
  'Transfer-Encoding: "chunked"': 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
  "two Transfer-Encoding": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "two different Transfer-Encoding": "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
  "a space before the colon": "Content-Length : 3\r\n\r\nabc",
  "a vertical tab before chunked": "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
  "a folded Transfer-Encoding": "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
  "a field line that ends in LF": "X: y\nContent-Length: 3\r\n\r\nabc",
};

/** Heads that are refused; the connection closes, with or without a reply. */
const MALFORMED: Readonly<Record<string, string>> = {
  "no Host": "GET / HTTP/1.1\r\nX-A: 1\r\n\r\n",
  "two Host": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
  "a folded field": "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\r\n",
  "NUL in a value": "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\x002\r\n\r\n",
  "NUL in a name": "GET / HTTP/1.1\r\nHost: a\r\nX\0A: 1\r\n\r\n",
  "NUL in the target": "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
  "CR in a value": "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r2\r\n\r\n",
  "a space in a name": "GET / HTTP/1.1\r\nHost: a\r\nX A: 1\r\n\r\n",
  "a line without colon": "GET / HTTP/1.1\r\nHost: a\r\nX-A\r\n\r\n",
  "no version": "GET /\r\nHost: a\r\n\r\n",
  "HTTP/2.0 in the line": "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
  "HTTP/1.2": "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
  "almost a preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r ",
  "a space in the target": "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
  "a target without slash": "GET books HTTP/1.1\r\nHost: a\r\n\r\n",
  "an absolute target": "GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
  "an asterisk": "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  "an authority": "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
  "a fragment": "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
  "a fragment in the query": "GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n",
  "raw UTF-8 in the target": "GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
  "raw Latin-1 in the query": "GET /?q=\xe9 HTTP/1.1\r\nHost: a\r\n\r\n",
  "a lower-case method": "get / HTTP/1.1\r\nHost: a\r\n\r\n",
  "a method that is none": "G=T / HTTP/1.1\r\nHost: a\r\n\r\n",
  "a chunk size that is none": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
  TLS: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
};

/** A handler that notes the paths which ran, and answers once the body is there. */
function notingHandler(paths: string[]): ExchangeHandler {
  const echo = echoHandler();
  return (exchange) => {
    paths.push(exchange.path);
    echo(exchange);
  };
}

describeEngines(
  "framing",
  (engine) => {
    for (const [title, probe] of Object.entries(SMUGGLING)) {
      test(`closes the connection on ${title}, before what is pipelined behind`, async () => {
        const paths: string[] = [];
        await withServer(engine, notingHandler(paths), async (server) => {
          const client = await server.connect();
          await client.send(`POST /probe HTTP/1.1\r\nHost: a\r\n${probe}${SECOND}${SECOND}`);
          const rest = await client.closed();
          assert.deepEqual(paths, []);
          assert.ok(rest === "" || rest.startsWith("HTTP/1.1 400 "), rest);
          assert.equal(rest.split("HTTP/1.1 ").length <= 2, true, "at most one reply");
          await assertServes(server);
        });
      });
    }

    for (const [title, request] of Object.entries(MALFORMED)) {
      test(`refuses ${title}, and closes the connection`, async () => {
        const paths: string[] = [];
        await withServer(engine, notingHandler(paths), async (server) => {
          const client = await server.connect();
          await client.send(request);
          await client.send(SECOND);
          // Where the server still waits for the rest, the end of the bytes ends it.
          client.socket.end();
          const rest = await client.closed();
          assert.ok(!paths.includes("/second"), "nothing behind it runs");
          assert.ok(rest === "" || /^HTTP\/1\.1 (400|431|505) /.test(rest), rest);
          await assertServes(server);
        });
      });
    }

    for (const [title, request, expected] of [
      [
        "a bad Host",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        { node: "HTTP_MALFORMED", uws: undefined },
      ],
      [
        "a Host that could be read as another",
        "GET / HTTP/1.1\r\nHost: a@b/c\r\n\r\n",
        { node: "HTTP_MALFORMED", uws: "HTTP_MALFORMED" },
      ],
      [
        "a bad target",
        "GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n",
        { node: "HTTP_MALFORMED", uws: "HTTP_MALFORMED" },
      ],
      [
        "a fragment",
        "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
        { node: "HTTP_MALFORMED", uws: "HTTP_MALFORMED" },
      ],
      [
        "a bad method",
        "get / HTTP/1.1\r\nHost: a\r\n\r\n",
        { node: "HTTP_MALFORMED", uws: "HTTP_MALFORMED" },
      ],
    ] as const) {
      test(`answers ${title} in the gateway's form, where the engine can, and tells of it`, async () => {
        const refused: RefusedRequest[] = [];
        const exchange = async (server: RawHttpServer): Promise<void> => {
          const client = await server.connect();
          await client.send(request);
          const text = await client.closed();
          assert.ok(text.startsWith("HTTP/1.1 400 "), text);
          const reason = engine.name === "node" ? expected.node : expected.uws;
          if (reason === undefined) return;
          const body = text.slice(text.indexOf("\r\n\r\n") + 4);
          assert.deepEqual(reasonOf(JSON.parse(body)), reason);
          assert.deepEqual(
            refused.map((told) => [told.reason, told.httpStatus, told.peer, told.bytesOut]),
            [[reason, 400, "127.0.0.1", body.length]],
          );
        };
        await withServer(engine, echoHandler(), exchange, TEST_LIMITS, (request) => refused.push(request));
      });
    }

    for (const [title, request, engines] of [
      [
        "a transfer coding that is unknown",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ["node", "uws"],
      ],
      // uWebSockets.js answers this by itself.
      ["a CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", ["node"]],
    ] as const) {
      test(`tells of ${title}, with or without an answer`, async () => {
        const refused: RefusedRequest[] = [];
        const exchange = async (server: RawHttpServer): Promise<void> => {
          const client = await server.connect();
          await client.send(request);
          const text = await client.closed();
          if (!engines.some((name) => name === engine.name)) return;
          const length = text === "" ? 0 : text.length - text.indexOf("\r\n\r\n") - 4;
          assert.deepEqual(
            refused.map((told) => [told.reason, told.httpStatus, told.peer, told.bytesOut]),
            [["HTTP_MALFORMED", 400, "127.0.0.1", length]],
          );
        };
        await withServer(engine, echoHandler(), exchange, TEST_LIMITS, (request) => refused.push(request));
      });
    }

    test("takes a head just below the limit, and answers a longer one with 431", async () => {
      await withServer(engine, echoHandler(), async (server) => {
        for (const [length, isTaken] of [
          [31_000, true],
          [40_000, false],
          [600_000, false],
        ] as const) {
          for (const request of [
            `GET /${"a".repeat(length)} HTTP/1.1\r\nHost: a\r\n\r\n`,
            `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${"a".repeat(length)}\r\n\r\n`,
          ]) {
            const client = await server.connect();
            await client.send(request);
            if (isTaken) {
              assert.equal((await client.reply()).status, 200);
              client.close();
              continue;
            }
            const text = await client.closed();
            // A reset for what was not read may overtake the reply.
            assert.ok(text === "" || text.startsWith("HTTP/1.1 431 "), text);
          }
        }
      });
    });

    test("says why a head is too long, and tells of it", async () => {
      const refused: RefusedRequest[] = [];
      const exchange = async (server: RawHttpServer): Promise<void> => {
        const client = await server.connect();
        await client.send(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${"a".repeat(33_000)}\r\n\r\n`);
        const reply = await client.reply();
        assert.equal(reply.status, 431);
        const error = JSON.parse(reply.body.toString());
        assert.equal(reasonOf(error), "HEADERS_TOO_LARGE");
        assert.equal(error.message, `the request head is longer than ${TEST_LIMITS.maxHeaderBytes} bytes`);
        assert.deepEqual(
          refused.map(({ reason, httpStatus }) => [reason, httpStatus]),
          [["HEADERS_TOO_LARGE", 431]],
        );
      };
      await withServer(engine, echoHandler(), exchange, TEST_LIMITS, (request) => refused.push(request));
    });

    test("never buffers a head without end", async () => {
      await withServer(engine, echoHandler(), async (server) => {
        const client = await server.connect();
        void client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
        for (let i = 0; i < 20 && client.socket.writable; i++) await client.send("a".repeat(10_000));
        assert.match(await client.closed(), /^(HTTP\/1\.1 431 |$)/);
      });
    });

    test("takes the path of a target with very many segments", async () => {
      await withServer(engine, echoHandler(), async (server) => {
        const client = await server.connect();
        const path = "/a".repeat(5_000);
        await client.send(`GET ${path}?x HTTP/1.1\r\nHost: a\r\n\r\n`);
        assert.equal(parseEcho((await client.reply()).body).path, path);
      });
    });

    test("takes HTTP/1.0, or refuses it", async () => {
      await withServer(engine, echoHandler(), async (server) => {
        const client = await server.connect();
        await client.send("GET /old HTTP/1.0\r\n\r\n");
        const text = await client.closed();
        if (engine.name === "node") assert.match(text, /^HTTP\/1\.1 200 OK.*"path":"\/old"/s);
        else assert.match(text, /^HTTP\/1\.1 505 /);
      });
    });

    test("refuses a chunked body in HTTP/1.0", async () => {
      const paths: string[] = [];
      await withServer(engine, notingHandler(paths), async (server) => {
        const client = await server.connect();
        await client.send(
          `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
        );
        await client.closed();
        assert.deepEqual(paths, []);
      });
    });

    test("takes trailers, or closes the connection", async () => {
      await withServer(engine, echoHandler(), async (server) => {
        const client = await server.connect();
        await client.send(
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n",
        );
        if (engine.name === "node") assert.equal(parseEcho((await client.reply()).body).body, "abc");
        else assert.match(await client.closed(), /^(HTTP\/1\.1 (400|505) |$)/);
      });
    });

    test("does not run what it then refuses for its trailers", async () => {
      let ended = 0;
      const handler: ExchangeHandler = (exchange) =>
        exchange.readBody(100, {
          onChunk: () => undefined,
          onEnd: () => {
            ended++;
            exchange.respond(200, [], "whole");
          },
          onTooLarge: () => undefined,
        });
      await withServer(engine, handler, async (server) => {
        const client = await server.connect();
        const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        await client.send(`${head}3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n`);
        const text = await client.closed();
        assert.equal(ended, text.startsWith("HTTP/1.1 200 ") ? 1 : 0, text);
        const other = await server.connect();
        await other.send(`${head}3\r\nabc\r\n0\r\n\r\n`);
        assert.match(await other.closed(), /^HTTP\/1\.1 200 /);
      });
    });

    // The addon takes the extension for digits and waits for a longer chunk, until `idleTimeoutMs` has passed.
    test("takes chunk extensions", { skip: engine.name === "uws" && "the addon cannot" }, async () => {
      await withServer(engine, echoHandler(), async (server) => {
        const client = await server.connect();
        await client.send(
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
        );
        assert.equal(parseEcho((await client.reply()).body).body, "abc");
      });
    });

    test("runs nothing behind a chunked body that a lax parser could end early", async () => {
      for (const body of [
        "1\nA0\r\n\r\n",
        "1;\nA\r\n0\r\n\r\n",
        "3\r\nabcXX0\r\n\r\n",
        "\r\n",
        "g\r\n",
        "0\r\nXXGET /second HTTP/1.1\r\nHost: a\r\n\r\n",
      ]) {
        const paths: string[] = [];
        await withServer(engine, notingHandler(paths), async (server) => {
          const client = await server.connect();
          await client.send(
            `POST /probe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}${SECOND}${SECOND}`,
          );
          // Where the server still waits for a chunk, the end of the bytes ends it.
          client.socket.end();
          await client.closed();
          assert.ok(!paths.includes("/second"), JSON.stringify(body));
        });
      }
    });
  },
  transports(),
);

async function assertServes(server: RawHttpServer): Promise<void> {
  const client = await server.connect();
  await client.send("GET /good HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(parseEcho((await client.reply()).body).path, "/good");
  client.close();
}

function reasonOf(body: unknown): unknown {
  // Our own error form; a missing part fails the test that compares.
  const { details } = body as { details?: readonly { reason?: string; domain?: string }[] };
  assert.equal(details?.[0]?.domain, "sluice");
  return details?.[0]?.reason;
}
