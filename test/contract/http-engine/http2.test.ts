/** The contract of an engine on HTTP/2, by ALPN over TLS and by prior knowledge in the clear: what its clients see. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { createNodeHttpEngine } from "../../../src/http/engines/node-http/index.ts";
import type {
  EngineLimits,
  ExchangeHandler,
  HttpExchange,
  HttpListener,
  ListenOptions,
  RefusedConnection,
  RefusedRequest,
} from "../../../src/http/index.ts";
import { Http2Client, replyOf } from "../../support/http2-client.ts";
import { RawHttpClient } from "../../support/raw-http.ts";
import {
  collectBody,
  echoHandler,
  parseEcho,
  portOf,
  signal,
  TEST_LIMITS,
} from "../../support/raw-http-server.ts";
import {
  block,
  CONTINUATION,
  HEADERS,
  PING,
  RST_STREAM,
  rawFrame,
  SETTINGS,
} from "../../support/raw-http2.ts";
import { openTls, serverTls } from "../../support/transports.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const INTERNAL_ERROR = 2;
const PROTOCOL_ERROR = 1;
const REFUSED_STREAM = 7;

interface Way {
  readonly name: string;
  readonly options: Omit<ListenOptions, "limits">;
  connect(port: number): Promise<Http2Client>;
}

const WAYS: readonly Way[] = [
  {
    name: "HTTP/2 over TLS",
    options: { tls: serverTls(), http2: "on" },
    connect: async (port) => new Http2Client(await openTls(port, { ALPNProtocols: ["h2"] })),
  },
  {
    name: "HTTP/2 in the clear",
    options: { http2: "on" },
    connect: async (port) => new Http2Client(connect(port, "127.0.0.1")),
  },
];

interface Running {
  readonly listener: HttpListener;
  readonly client: Http2Client;
  readonly refused: readonly RefusedRequest[];
  readonly faults: readonly RefusedConnection[];
}

async function serve(
  way: Way,
  handler: ExchangeHandler,
  body: (running: Running) => Promise<void>,
  limits: Partial<EngineLimits> = {},
): Promise<void> {
  const refused: RefusedRequest[] = [];
  const faults: RefusedConnection[] = [];
  const listener = await createNodeHttpEngine().listen(
    { host: "127.0.0.1", port: 0 },
    {
      ...way.options,
      limits: { ...TEST_LIMITS, ...limits },
      onRefused: (request) => refused.push(request),
      onConnectionRefused: (connection) => faults.push(connection),
    },
    handler,
  );
  const client = await way.connect(portOf(listener));
  try {
    await body({ listener, client, refused, faults });
  } finally {
    client.close();
    listener.close();
  }
}

for (const way of WAYS) {
  describe(`node, ${way.name}`, { timeout: 20_000 }, () => {
    test("takes a request as HTTP/1.1 would have it: a host, one cookie, the query apart", async () => {
      const seen: Pick<HttpExchange, "httpVersion" | "peer" | "tls" | "takesTrailers">[] = [];
      const echo = echoHandler();
      const handler: ExchangeHandler = (exchange) => {
        const { httpVersion, peer, tls, takesTrailers } = exchange;
        seen.push({ httpVersion, peer, tls, takesTrailers });
        echo(exchange);
      };
      await serve(way, handler, async ({ client }) => {
        const reply = await client.request(
          {
            ":method": "POST",
            ":path": "/v1/a%2Fb?x=1&x=2?",
            "x-one": "1",
            cookie: ["a=1", "b=2"],
            "x-name": Buffer.from("café").toString("latin1"),
          },
          "hello",
        );
        assert.equal(reply.status, 200);
        assert.deepEqual(parseEcho(reply.body), {
          method: "POST",
          path: "/v1/a%2Fb",
          query: "x=1&x=2?",
          headers: ["host", "test.example", "x-one", "1", "cookie", "a=1; b=2", "x-name", "café"],
          body: "hello",
        });
        const tls = way.options.tls === undefined ? undefined : { certificate: "" };
        assert.deepEqual(seen, [{ httpVersion: 2, peer: "127.0.0.1", tls, takesTrailers: true }]);
      });
    });

    test("answers whole replies with their length and a date, and without fields of HTTP/1.1", async () => {
      const handler: ExchangeHandler = (exchange) => {
        const status = Number(exchange.path.slice(1));
        const fields = ["x-a", " 1 ", "x-a", "2", "connection", "close", "te", "gzip", "x-evil", "a\r\nb"];
        exchange.respond(status, [...fields, "set-cookie", "a=1,2", "set-cookie", "b"], "café");
      };
      await serve(way, handler, async ({ client }) => {
        for (const [path, method, body, length] of [
          ["/200", "GET", "café", "5"],
          ["/404", "HEAD", "", "5"],
          ["/204", "GET", "", undefined],
          ["/304", "GET", "", undefined],
          ["/99", "GET", "café", "5"],
        ] as const) {
          const reply = await client.request({ ":path": path, ":method": method });
          assert.equal(reply.status, path === "/99" ? 500 : Number(path.slice(1)));
          assert.equal(reply.body.toString(), body);
          const { date, ...headers } = reply.headers;
          assert.match(String(date), /GMT$/);
          const lengths = length === undefined ? {} : { "content-length": length };
          assert.deepEqual(headers, { "x-a": "1, 2", "set-cookie": ["a=1,2", "b"], ...lengths });
        }
      });
    });

    test("tells when the bytes of a long reply may be written on", async () => {
      const taken = signal<void>();
      const handler: ExchangeHandler = (exchange) => {
        const body = Buffer.alloc(8 * 1024 * 1024, "abc");
        exchange.respond(200, [], body, () => {
          body.fill(0);
          taken.fire();
        });
      };
      await serve(way, handler, async ({ client }) => {
        const reply = await client.request({ ":path": "/" });
        assert.ok(reply.body.equals(Buffer.alloc(8 * 1024 * 1024, "abc")));
        await taken.promise;
      });
    });

    test("streams a reply, holds its writer, and sends trailers", async () => {
      const total = 8 * 1024 * 1024;
      let most = 0;
      const handler: ExchangeHandler = (exchange) => {
        let sent = 0;
        const more = (): void => {
          while (sent < total) {
            sent += 64 * 1024;
            if (!exchange.write(Buffer.alloc(64 * 1024, "a"))) return;
          }
          exchange.end(["grpc-status", "0", "x-evil", "a\r\nb"]);
        };
        exchange.onDrain = () => {
          most = Math.max(most, sent);
          more();
        };
        exchange.start(200, ["content-type", "text/plain"]);
        more();
        most = sent;
      };
      await serve(way, handler, async ({ client }) => {
        const stream = client.open({ ":path": "/" }, "no body");
        stream.pause();
        // What is sent before the client reads: its window, and what the engine may keep.
        await new Promise((resolve) => stream.once("response", resolve));
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        assert.ok(most <= 1024 * 1024, `${most} bytes went out to a client that does not read`);
        const ended = replyOf(stream);
        stream.resume();
        const reply = await ended;
        assert.equal(reply.body.length, total);
        assert.deepEqual(reply.trailers, { "grpc-status": "0" });
        assert.equal(reply.resetCode, 0);
      });
    });

    test("answers HEAD and streams without content like the whole ones", async () => {
      const handler: ExchangeHandler = (exchange) => {
        exchange.start(exchange.path === "/none" ? 204 : 200, ["x-a", "1"]);
        assert.equal(exchange.write("dropped"), true);
        exchange.end(["x-trailer", "1"]);
      };
      await serve(way, handler, async ({ client }) => {
        for (const headers of [{ ":path": "/", ":method": "HEAD" }, { ":path": "/none" }]) {
          const { body, trailers, resetCode } = await client.request(headers);
          assert.deepEqual([body.length, trailers, resetCode], [0, {}, 0]);
        }
      });
    });

    test("resets a reply that is broken off, so that nobody takes it for whole", async () => {
      const handler: ExchangeHandler = (exchange) => {
        if (exchange.path === "/before") {
          exchange.destroy();
          return;
        }
        exchange.start(200, []);
        exchange.write("half");
        setImmediate(() => exchange.destroy());
      };
      await serve(way, handler, async ({ client }) => {
        for (const path of ["/before", "/midway"]) {
          assert.equal((await client.request({ ":path": path })).resetCode, INTERNAL_ERROR, path);
        }
        assert.equal(client.session.closed, false, "other streams live on");
      });
    });

    test("tells once that the client resets its stream, or goes away", async () => {
      const arrived = signal<HttpExchange>();
      let next = arrived;
      const handler: ExchangeHandler = (exchange) => next.fire(exchange);
      await serve(way, handler, async ({ client, listener }) => {
        for (const end of ["reset", "reset with NO_ERROR", "leave"] as const) {
          next = signal<HttpExchange>();
          const aborted = signal();
          let aborts = 0;
          const stream = client.open({ ":path": "/", ":method": "POST" }, "body follows");
          const exchange = await next.promise;
          exchange.onAbort = () => {
            aborts++;
            aborted.fire();
          };
          if (end === "leave") client.close();
          else stream.close(end === "reset" ? 8 : 0);
          await aborted.promise;
          exchange.respond(200, [], "too late");
          exchange.destroy();
          assert.equal(aborts, 1, end);
        }
        while (listener.connections.open > 0) await new Promise((resolve) => setImmediate(resolve));
      });
    });

    test("answers before a body has come, and has the rest not sent", async () => {
      const handler: ExchangeHandler = (exchange) => {
        if (exchange.path === "/stream") {
          exchange.start(403, []);
          exchange.write("no");
          exchange.end(["x-t", "1"]);
        } else exchange.respond(403, [], "no");
      };
      await serve(way, handler, async ({ client }) => {
        for (const [path, trailers] of [
          ["/whole", {}],
          ["/stream", { "x-t": "1" }],
        ] as const) {
          const stream = client.open({ ":path": path, ":method": "POST" }, "body follows");
          stream.write("x".repeat(1000));
          const reply = await replyOf(stream);
          assert.deepEqual([reply.status, reply.body.toString(), reply.resetCode], [403, "no", 0]);
          assert.deepEqual(reply.trailers, trailers);
        }
      });
    });

    test("refuses bodies that announce too much or are too long, and the connection lives on", async () => {
      await serve(way, echoHandler(1000), async ({ client }) => {
        const post = { ":path": "/", ":method": "POST" };
        const announced = client.open({ ...post, "content-length": "1001" }, "body follows");
        assert.equal((await replyOf(announced)).status, 413);
        const long = client.open(post, "body follows");
        long.write("x".repeat(1001));
        assert.equal((await replyOf(long)).status, 413);
        assert.equal((await client.request(post, "x".repeat(1000))).status, 200);
      });
    });

    test("holds a client whose body is paused, and its end", async () => {
      const events: string[] = [];
      const resume = signal<() => void>();
      const handler: ExchangeHandler = (exchange) => {
        let bytes = 0;
        exchange.readBody(64 * 1024 * 1024, {
          onChunk: (chunk) => {
            bytes += chunk.length;
            if (events.length > 0) return;
            events.push("first");
            exchange.pauseBody();
            resume.fire(() => exchange.resumeBody());
          },
          onEnd: () => {
            events.push("end");
            exchange.respond(200, [], String(bytes));
          },
          onTooLarge: () => assert.fail("not too large"),
        });
      };
      await serve(way, handler, async ({ client }) => {
        const stream = client.open({ ":path": "/", ":method": "POST" }, "body follows");
        stream.end(Buffer.alloc(4 * 1024 * 1024));
        const go = await resume.promise;
        for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
        const outstanding = client.session.state.outboundQueueSize ?? 0;
        assert.deepEqual(events, ["first"], `queue ${outstanding}`);
        go();
        const { body } = await replyOf(stream);
        assert.deepEqual(events, ["first", "end"]);
        assert.equal(body.toString(), String(4 * 1024 * 1024));
        assert.equal((await client.request({ ":path": "/", ":method": "POST" }, "")).status, 200);
      });
    });

    test("serves no authority that is none: newer Node resets the stream, and older leaves it to us", async () => {
      await serve(way, echoHandler(), async ({ client, refused }) => {
        const { status } = await client.request({ ":path": "/", ":authority": "a@b" });
        assert.deepEqual(
          [status, refused.map(({ reason }) => reason)],
          status === 0 ? [0, []] : [400, ["HTTP_MALFORMED"]],
        );
        assert.equal((await client.request({ ":path": "/" })).status, 200);
      });
    });

    test("says 100 Continue to a client that waits for it", async () => {
      await serve(way, echoHandler(), async ({ client }) => {
        const stream = client.open(
          { ":path": "/", ":method": "POST", expect: "100-continue" },
          "body follows",
        );
        await new Promise<void>((resolve) => {
          stream.once("continue", resolve);
        });
        stream.end("now");
        assert.equal(parseEcho((await replyOf(stream)).body).body, "now");
      });
    });

    const long = "x".repeat(2000);
    for (const [title, headers, status, reason] of [
      ["a head that is too long", { "x-long": long, "x-longer": long }, 431, "HEADERS_TOO_LARGE"],
      [
        "too many fields",
        Object.fromEntries("abcdefghij".split("").map((c) => [c, "1"])),
        431,
        "HEADERS_TOO_MANY",
      ],
      [
        "far too many fields",
        Object.fromEntries("abcdefghijklmnopqrstuvw".split("").map((c) => [c, "1"])),
        431,
        "HEADERS_TOO_MANY",
      ],
      ["a target that is too long", { ":path": `/${"x".repeat(600)}` }, 414, "URL_TOO_LONG"],
      ["a target that is not plain", { ":path": "/caf\xe9" }, 400, "HTTP_MALFORMED"],
      ["a target with a fragment", { ":path": "/a#b" }, 400, "HTTP_MALFORMED"],
      ["a method in small letters", { ":method": "get" }, 400, "HTTP_MALFORMED"],
      ["two hosts", { host: "other.example" }, 400, "HTTP_MALFORMED"],
      ["the asterisk", { ":path": "*", ":method": "OPTIONS" }, 400, "HTTP_MALFORMED"],
    ] as const) {
      test(`answers ${title} itself, tells of it, and the connection lives on`, async () => {
        const limits = { maxHeaderBytes: 3000, maxHeaders: 8, maxUrlBytes: 500 };
        const work = async ({ client, refused }: Running): Promise<void> => {
          const reply = await client.request({ ":path": "/", ...headers });
          assert.equal(reply.status, status);
          assert.equal(JSON.parse(reply.body.toString()).details[0].reason, reason);
          assert.deepEqual(
            refused.map((told) => [told.reason, told.httpStatus, told.peer, told.bytesOut]),
            [[reason, status, "127.0.0.1", reply.body.length]],
          );
          assert.equal((await client.request({ ":path": "/" })).status, 200);
        };
        await serve(way, echoHandler(), work, limits);
      });
    }

    test("serves a hundred streams at once, and makes further ones wait", async () => {
      const exchanges: HttpExchange[] = [];
      const full = signal();
      const handler: ExchangeHandler = (exchange) => {
        exchanges.push(exchange);
        if (exchanges.length === 100) full.fire();
        if (exchanges.length > 100) exchange.respond(200, [], "");
      };
      await serve(way, handler, async ({ client }) => {
        // Known before the first stream, so that the client keeps to it.
        await new Promise<void>((resolve) => {
          if (client.session.remoteSettings.maxConcurrentStreams === 100) resolve();
          else client.session.once("remoteSettings", () => resolve());
        });
        const replies = Array.from({ length: 120 }, () => client.request({ ":path": "/" }));
        await full.promise;
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        assert.equal(exchanges.length, 100);
        for (const exchange of exchanges.slice(0, 100)) exchange.respond(200, [], "");
        for (const { status } of await Promise.all(replies)) assert.equal(status, 200);
      });
    });

    test("drains: what is under way ends well, and what crosses the GOAWAY is known not to have run", async () => {
      const exchanges: HttpExchange[] = [];
      const arrived = signal();
      const handler: ExchangeHandler = (exchange) => {
        exchanges.push(exchange);
        arrived.fire();
      };
      await serve(way, handler, async ({ client, listener }) => {
        const slow = client.request({ ":path": "/slow" });
        await arrived.promise;
        const drained = listener.drain();
        // Sent in the same turn: the GOAWAY has not been read.
        const crossing = await client.request({ ":path": "/crossing" });
        assert.deepEqual([crossing.status, crossing.resetCode], [0, REFUSED_STREAM]);
        exchanges[0]?.respond(200, [], "slow");
        assert.equal((await slow).body.toString(), "slow");
        await drained;
        await client.closed();
        assert.deepEqual([client.goaways[0], exchanges.length], [0, 1]);
      });
    });

    test("closes a connection after its last request, and says so before", async () => {
      const work = async ({ client, listener }: Running): Promise<void> => {
        const replies = await Promise.all([
          client.request({ ":path": "/1" }),
          client.request({ ":path": "/2" }),
        ]);
        assert.deepEqual(
          replies.map(({ status }) => status),
          [200, 200],
        );
        await client.closed();
        assert.deepEqual(client.goaways.slice(0, 1), [0]);
        assert.equal(listener.connections.retired, 1);
      };
      await serve(way, echoHandler(), work, { requestsPerConnection: 2 });
    });

    test("closes a connection without streams after its idle time, PINGs or not", async () => {
      const work = async ({ client }: Running): Promise<void> => {
        assert.equal((await client.request({ ":path": "/" })).status, 200);
        const pings = setInterval(() => {
          if (!client.session.destroyed) client.session.ping(() => undefined);
        }, 20);
        await client.closed();
        clearInterval(pings);
        assert.deepEqual(client.goaways.slice(0, 1), [0]);
      };
      await serve(way, echoHandler(), work, { idleTimeoutMs: 200 });
    });

    test("ends a body that falls silent", async () => {
      const aborted = signal();
      const handler: ExchangeHandler = (exchange) => {
        exchange.onAbort = () => aborted.fire();
        collectBody(exchange, 1000, () => assert.fail("no end"));
      };
      const work = async ({ client }: Running): Promise<void> => {
        const stream = client.open({ ":path": "/", ":method": "POST" }, "body follows");
        stream.write("x");
        await aborted.promise;
        assert.equal((await replyOf(stream)).status, 0);
        assert.equal(client.session.closed, false);
      };
      await serve(way, handler, work, { idleTimeoutMs: 200 });
    });
  });
}

describe("node: frames that break HTTP/2", { timeout: 20_000 }, () => {
  const head = (...fields: readonly (readonly [string, string])[]): Buffer =>
    block([[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "a"], ...fields]);
  const END = 0x5;

  async function talk(
    body: (
      client: RawHttpClient,
      running: Pick<Running, "faults"> & { served: () => number },
    ) => Promise<void>,
  ): Promise<void> {
    const faults: RefusedConnection[] = [];
    let served = 0;
    const listener = await createNodeHttpEngine().listen(
      { host: "127.0.0.1", port: 0 },
      { limits: TEST_LIMITS, http2: "on", onConnectionRefused: (fault) => faults.push(fault) },
      (exchange) => {
        served++;
        exchange.respond(200, [], "ok");
      },
    );
    const client = await RawHttpClient.connect(portOf(listener));
    try {
      await body(client, { faults, served: () => served });
      const next = new Http2Client(connect(portOf(listener), "127.0.0.1"));
      assert.equal((await next.request({ ":path": "/" })).status, 200, "others are served");
      next.close();
    } finally {
      client.close();
      listener.close();
    }
  }

  /** The codes of RST_STREAM frames that have come. */
  function resets(bytes: Buffer): readonly number[] {
    const codes: number[] = [];
    for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      if (bytes[at + 3] === RST_STREAM) codes.push(bytes.readUInt32BE(at + 9));
    }
    return codes;
  }

  test("the preface is found, cut at every byte", async () => {
    for (let cut = 1; cut < PREFACE.length; cut++) {
      await talk(async (client, { served }) => {
        const rest = Buffer.concat([
          Buffer.from(PREFACE.slice(cut)),
          rawFrame(SETTINGS, 0, 0, Buffer.alloc(0)),
          rawFrame(HEADERS, END, 1, head()),
        ]);
        await client.sendPieces([Buffer.from(PREFACE.slice(0, cut)), rest]);
        while (served() === 0) await new Promise((resolve) => setImmediate(resolve));
      });
    }
  });

  for (const [name, value] of [
    ["connection", "close"],
    ["transfer-encoding", "chunked"],
    ["keep-alive", "1"],
    ["upgrade", "websocket"],
    ["te", "gzip"],
    ["X-Upper", "1"],
    [":path", "/2"],
    [":status", "200"],
  ] as const) {
    test(`a request with ${JSON.stringify(`${name}: ${value}`)} is reset and never run`, async () => {
      await talk(async (client, { served }) => {
        const bad = rawFrame(HEADERS, END, 1, head([name, value]));
        await client.send(
          Buffer.concat([Buffer.from(PREFACE), rawFrame(SETTINGS, 0, 0, Buffer.alloc(0)), bad]),
        );
        while (resets(Buffer.from(client.pending, "latin1")).length === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.deepEqual(resets(Buffer.from(client.pending, "latin1")), [PROTOCOL_ERROR]);
        assert.equal(served(), 0);
      });
    });
  }

  const settingsFrame = rawFrame(SETTINGS, 0, 0, Buffer.alloc(0));
  const floods: Readonly<Record<string, () => Buffer>> = {
    "header blocks without end": () =>
      Buffer.concat([
        rawFrame(HEADERS, 0x1, 1, head()),
        ...Array.from({ length: 100 }, () => rawFrame(CONTINUATION, 0, 1, block([["x", "1"]]))),
      ]),
    "a frame on a stream that cannot be": () => rawFrame(HEADERS, END, 2, head()),
  };
  for (const [name, bytes] of Object.entries(floods)) {
    test(`${name} end the connection, and are told of`, async () => {
      await talk(async (client, { faults }) => {
        client.socket.write(Buffer.concat([Buffer.from(PREFACE), settingsFrame, bytes()]));
        await client.closed();
        assert.deepEqual(
          faults.map(({ fault, peer }) => [fault, peer]),
          [["http2", "127.0.0.1"]],
        );
      });
    });
  }

  const resetAtOnce = Array.from({ length: 5000 }, (_, i) => [
    rawFrame(HEADERS, END, 2 * i + 1, head()),
    rawFrame(RST_STREAM, 0, 2 * i + 1, Buffer.from([0, 0, 0, 8])),
  ]).flat();
  for (const [name, frames] of [
    ["streams that are reset at once", resetAtOnce],
    ["a frame that is too long", [rawFrame(HEADERS, END, 1, Buffer.alloc(20_000))]],
    ["HPACK that is none", [rawFrame(HEADERS, END, 1, Buffer.alloc(50, 0xff))]],
  ] as const) {
    test(`${name}: a GOAWAY, and what comes after it does not run`, { timeout: 8000 }, async () => {
      await talk(async (client, { served }) => {
        client.socket.write(Buffer.concat([Buffer.from(PREFACE), settingsFrame, ...frames]));
        // Type, flags and stream of GOAWAY.
        const goaway = "\x07\0\0\0\0\0";
        while (!client.pending.includes(goaway)) await new Promise((resolve) => setImmediate(resolve));
        const before = served();
        assert.ok(before < 5000, `${before} were run`);
        await client.send(rawFrame(HEADERS, END, 20_001, head()));
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
        assert.equal(served(), before);
      });
    });
  }

  for (const [name, frame] of [
    ["PINGs", rawFrame(PING, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", settingsFrame],
  ] as const) {
    test(`${name} whose answers nobody reads end the connection`, { timeout: 8000 }, async () => {
      await talk(async (client, { faults }) => {
        client.socket.pause();
        client.socket.write(Buffer.concat([Buffer.from(PREFACE), settingsFrame]));
        const many = Buffer.concat(Array.from({ length: 2000 }, () => frame));
        // Answers fill the buffers of the system first.
        for (let i = 0; i < 2000 && faults.length === 0 && !client.socket.destroyed; i++) {
          client.socket.write(many);
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.deepEqual(
          faults.map(({ fault }) => fault),
          ["http2"],
        );
      });
    });
  }

  test("where HTTP/2 is off, its preface is a malformed request", async () => {
    const listener = await createNodeHttpEngine().listen(
      { host: "127.0.0.1", port: 0 },
      { limits: TEST_LIMITS },
      echoHandler(),
    );
    const client = await RawHttpClient.connect(portOf(listener));
    await client.send(PREFACE);
    assert.match(await client.closed(), /^HTTP\/1\.1 400 /);
    listener.close();
  });
});
