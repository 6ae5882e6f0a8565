/** Clients of engine `node` that do not read: what they have asked for is not kept for them for ever. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { createNodeHttpEngine } from "../../../src/http/engines/node-http/index.ts";
import type { ExchangeHandler, HttpListener } from "../../../src/http/index.ts";
import { portOf, TEST_LIMITS } from "../../support/listening.ts";
import { serverTls } from "../../support/transports.ts";

const IDLE_MS = 400;
/** More than the sockets of both sides take. */
const LONG: Buffer = Buffer.alloc(16 * 1024 * 1024, "a");
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = "\0\0\0\x04\0\0\0\0\0";
/** HEADERS with `:method: GET`, which say that more fields will come. */
const BEGUN_HEADERS = "\0\0\x01\x01\0\0\0\0\x01\x82";

/** INITIAL_WINDOW_SIZE of 2^31-1, and as much for the connection: only the socket holds the sender. */
const WIDE_SETTINGS = "\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff";
const WIDE_CONNECTION = "\0\0\x04\x08\0\0\0\0\0\x7f\x00\x00\x00";
/** HEADERS of a whole request: `GET /` of host `a`, END_HEADERS and END_STREAM. */
const WHOLE_HEADERS = "\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a";

/** Runs `body` with a listener that speaks both versions. */
async function serve(
  handler: ExchangeHandler,
  body: (listener: HttpListener) => Promise<void>,
): Promise<void> {
  const listener = await createNodeHttpEngine().listen(
    { host: "127.0.0.1", port: 0 },
    { http2: "on", limits: { ...TEST_LIMITS, idleTimeoutMs: IDLE_MS } },
    handler,
  );
  try {
    await body(listener);
  } finally {
    listener.close();
  }
}

/** Sends bytes, and reads only if somebody makes it; its own side stays open. */
async function rawClient(listener: HttpListener, bytes: string): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: portOf(listener), allowHalfOpen: true });
  socket.on("error", () => undefined);
  socket.pause();
  await once(socket, "connect");
  socket.write(bytes, "latin1");
  return socket;
}

/** A client of HTTP/2 whose streams have no window: nothing of a body may be sent. */
function windowless(listener: HttpListener): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${portOf(listener)}`, {
    settings: { initialWindowSize: 0 },
  });
  session.on("error", () => undefined);
  return session;
}

async function allGone(listener: HttpListener): Promise<void> {
  while (listener.connections.open > 0) await delay(20);
}

async function anyThere(listener: HttpListener): Promise<void> {
  while (listener.connections.open === 0) await delay(5);
}

const respondLong: ExchangeHandler = (exchange) => exchange.respond(200, [], LONG);

const streamLong: ExchangeHandler = (exchange) => {
  exchange.start(200, []);
  exchange.write(LONG);
  exchange.end();
};

describe("replies that nobody reads", { timeout: 20_000 }, () => {
  for (const [title, handler] of [
    ["whole", respondLong],
    ["streamed", streamLong],
  ] as const) {
    for (const request of [GET, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), GET + GET]) {
      test(`${title}: the connection ends, after ${JSON.stringify(request)}`, async () => {
        await serve(handler, async (listener) => {
          const client = await rawClient(listener, request);
          await anyThere(listener);
          await allGone(listener);
          client.destroy();
        });
      });
    }

    test(`${title}: the stream of HTTP/2 is reset, and others are not`, async () => {
      let release = (): void => undefined;
      const waits: ExchangeHandler = (exchange) => {
        if (exchange.path === "/long") handler(exchange);
        else release = () => exchange.respond(204, [], "");
      };
      await serve(waits, async (listener) => {
        const session = windowless(listener);
        const other = session.request({ ":path": "/other" });
        const answered = once(other, "response");
        const stream = session.request({ ":path": "/long" });
        // A connection that is not silent helps nobody.
        const pings = setInterval(() => session.ping(() => undefined), 50);
        stream.resume();
        await once(stream, "close");
        assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL);
        release();
        const [head] = await answered;
        assert.equal(head[":status"], 204);
        clearInterval(pings);
        session.destroy();
      });
    });

    test(`${title}: a client of HTTP/2 that does not even take the reset loses its connection`, async () => {
      await serve(handler, async (listener) => {
        const client = await rawClient(listener, PREFACE + WIDE_SETTINGS + WIDE_CONNECTION + WHOLE_HEADERS);
        await anyThere(listener);
        await allGone(listener);
        client.destroy();
      });
    });

    test(`${title}: a client that reads now and then gets all of it, over both versions`, async () => {
      await serve(handler, async (listener) => {
        const socket = await rawClient(listener, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        const session = connectHttp2(`http://127.0.0.1:${portOf(listener)}`);
        const stream = session.request({ ":path": "/" });
        const [first, second] = await Promise.all([readSlowly(socket), readSlowly(stream)]);
        assert.ok(first > LONG.length);
        assert.equal(second, LONG.length);
        session.destroy();
      });
    });
  }

  test("a client of TLS that reads now and then gets all of it, and one that does not loses its connection", async () => {
    const listener = await createNodeHttpEngine().listen(
      { host: "127.0.0.1", port: 0 },
      { tls: serverTls(), limits: { ...TEST_LIMITS, idleTimeoutMs: IDLE_MS } },
      respondLong,
    );
    try {
      const open = (): TLSSocket => {
        const client = connectTls({ port: portOf(listener), host: "127.0.0.1", rejectUnauthorized: false });
        client.on("error", () => undefined);
        client.write(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        return client;
      };
      assert.ok((await readSlowly(open())) > LONG.length);
      const silent = open();
      silent.pause();
      await anyThere(listener);
      await allGone(listener);
      silent.destroy();
    } finally {
      listener.close();
    }
  });

  test("time runs for the client alone: a pipelined request may take longer than it", async () => {
    const handler: ExchangeHandler = (exchange) => {
      if (exchange.path === "/") exchange.respond(200, [], LONG);
      else setTimeout(() => exchange.respond(200, [], "late"), IDLE_MS * 3);
    };
    await serve(handler, async (listener) => {
      const client = await rawClient(
        listener,
        `${GET}GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      client.resume();
      let last = "";
      client.on("data", (bytes: Buffer) => {
        last = bytes.toString("latin1").slice(-4);
      });
      await once(client, "end");
      assert.equal(last, "late");
      client.destroy();
    });
  });
});

describe("a connection of HTTP/2 without streams", { timeout: 20_000 }, () => {
  for (const [title, bytes] of [
    ["that says nothing", PREFACE + SETTINGS],
    ["that never sends its settings", PREFACE],
    ["whose first head does not end", PREFACE + SETTINGS + BEGUN_HEADERS],
  ] as const) {
    test(`${title} is gone after its idle time, though its client never closes`, async () => {
      await serve(respondLong, async (listener) => {
        const client = await rawClient(listener, bytes);
        client.resume();
        await anyThere(listener);
        await allGone(listener);
        client.destroy();
      });
    });
  }
});

/** Reads a stream in leaps with pauses; together they take longer than a silence may. */
async function readSlowly(stream: NodeJS.ReadableStream): Promise<number> {
  let bytes = 0;
  let leap = 0;
  let leaps = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    leap += chunk.length;
    if (leap < LONG.length / 16 || leaps === 12) return;
    leap = 0;
    leaps++;
    stream.pause();
    setTimeout(() => stream.resume(), IDLE_MS / 4);
  });
  stream.resume();
  await once(stream, "end");
  assert.ok(leaps > 8);
  return bytes;
}
