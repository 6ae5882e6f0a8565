import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type {
  ExchangeHandler,
  FrameKind,
  HttpEngine,
  HttpExchange,
  WebSocketConnection,
  WebSocketListener,
  WebSocketOptions,
} from "../../../src/http/index.ts";
import { fieldValues } from "../../support/raw-http.ts";
import {
  describeEngines,
  echoHandler,
  type RawHttpServer,
  signal,
  TEST_LIMITS,
  withServer,
} from "../../support/raw-http-server.ts";
import { closePayload, frameOf, handshakeHead, Opcode, RawWebSocket } from "../../support/raw-web-socket.ts";
import { transports } from "../../support/transports.ts";

const MAX_MESSAGE_BYTES = 100_000;
const MAX_HELD_BYTES = 1024 * 1024;
const LIMITS = {
  ...TEST_LIMITS,
  webSocket: { maxMessageBytes: MAX_MESSAGE_BYTES, maxHeldBytes: MAX_HELD_BYTES },
};
const PLAIN: WebSocketOptions = { protocol: "", headers: [], maxMessageBytes: MAX_MESSAGE_BYTES };

/** A listener's record; `connection` echoes unless told otherwise. */
class Peer implements WebSocketListener {
  readonly messages: { readonly data: Buffer; readonly kind: FrameKind }[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly ponged: Promise<void>;
  closings = 0;
  connection: WebSocketConnection | undefined;
  exchange: HttpExchange | undefined;
  onMessageHook: (data: Uint8Array, kind: FrameKind) => void = () => undefined;
  readonly #fireClosed: (end: { readonly code: number; readonly reason: string }) => void;
  readonly #firePonged: () => void;

  constructor() {
    const end = signal<{ readonly code: number; readonly reason: string }>();
    this.closed = end.promise;
    this.#fireClosed = end.fire;
    const pong = signal();
    this.ponged = pong.promise;
    this.#firePonged = () => pong.fire();
  }

  /** A handler that upgrades every handshake to this peer, and echoes its messages. */
  get handler(): ExchangeHandler {
    return (exchange) => this.accept(exchange, PLAIN);
  }

  accept(exchange: HttpExchange, options: WebSocketOptions): void {
    assert.equal(exchange.offersWebSocket, true);
    this.exchange = exchange;
    this.connection = exchange.upgrade(options, this);
  }

  echo(): this {
    this.onMessageHook = (data, kind) => this.connection?.send(data, kind);
    return this;
  }

  onMessage(data: Uint8Array, kind: FrameKind): void {
    assert.equal(this.closings, 0, "no message after the end");
    this.messages.push({ data: Buffer.from(data), kind });
    this.onMessageHook(data, kind);
  }

  onPong(): void {
    this.#firePonged();
  }

  onClose(code: number, reason: string): void {
    this.closings += 1;
    this.#fireClosed({ code, reason });
  }
}

/** Runs `body` with one open WebSocket. */
async function withSocket(
  engine: HttpEngine,
  peer: Peer,
  body: (socket: RawWebSocket, server: RawHttpServer) => Promise<void>,
): Promise<void> {
  await withServer(
    engine,
    peer.handler,
    async (server) => body(await RawWebSocket.open(await server.connect()), server),
    LIMITS,
  );
}

describeEngines(
  "handshakes",
  (engine) => {
    test("accepts with the chosen subprotocol and further fields, and drops those that would split the reply", async () => {
      const peer = new Peer();
      const handler: ExchangeHandler = (exchange) =>
        peer.accept(exchange, { ...PLAIN, protocol: "b", headers: ["x-a", "1", "x-b", "2\r\nx-c: 3"] });
      await withServer(
        engine,
        handler,
        async (server) => {
          const fields = ["Sec-WebSocket-Protocol", "a, b", "Sec-WebSocket-Extensions", "permessage-deflate"];
          const { handshake } = await RawWebSocket.open(await server.connect(), "/socket?x=1", fields);
          assert.deepEqual(fieldValues(handshake, "sec-websocket-protocol"), ["b"]);
          assert.deepEqual(fieldValues(handshake, "sec-websocket-extensions"), []);
          assert.deepEqual(fieldValues(handshake, "x-a"), ["1"]);
          assert.deepEqual(fieldValues(handshake, "x-b"), []);
          assert.equal(peer.exchange?.path, "/socket");
          assert.equal(peer.exchange?.query, "x=1");
        },
        LIMITS,
      );
    });

    test("may be accepted in a later turn", async () => {
      const peer = new Peer().echo();
      const handler: ExchangeHandler = (exchange) => setImmediate(() => peer.accept(exchange, PLAIN));
      await withServer(
        engine,
        handler,
        async (server) => {
          const socket = await RawWebSocket.open(await server.connect());
          await socket.send(Opcode.TEXT, "late");
          assert.equal(await socket.text(), "late");
        },
        LIMITS,
      );
    });

    test("may be answered with a plain reply instead", async () => {
      const handler: ExchangeHandler = (exchange) => exchange.respond(403, ["x-why", "origin"], "no");
      await withServer(
        engine,
        handler,
        async (server) => {
          const client = await server.connect();
          await client.send(handshakeHead());
          const reply = await client.reply();
          assert.equal(reply.status, 403);
          assert.deepEqual(fieldValues(reply, "x-why"), ["origin"]);
          assert.equal(reply.body.toString(), "no");
        },
        LIMITS,
      );
    });

    test("a client that left before it was accepted gets no connection", async () => {
      const left = signal<HttpExchange>();
      const outcome = signal<WebSocketConnection | undefined>();
      const handler: ExchangeHandler = (exchange) => {
        exchange.onAbort = () => outcome.fire(exchange.upgrade(PLAIN, new Peer()));
        left.fire(exchange);
      };
      await withServer(
        engine,
        handler,
        async (server) => {
          const client = await server.connect();
          await client.send(handshakeHead());
          await left.promise;
          client.reset();
          assert.equal(await outcome.promise, undefined);
        },
        LIMITS,
      );
    });

    for (const [what, head] of [
      ["no upgrade field", handshakeHead().replace("Upgrade: websocket\r\n", "")],
      [
        "connection does not name it",
        handshakeHead().replace("Connection: Upgrade", "Connection: keep-alive"),
      ],
      ["another protocol", handshakeHead().replace("Upgrade: websocket", "Upgrade: h2c")],
      ["another method", handshakeHead().replace("GET", "DELETE")],
      ["a body", `${handshakeHead("/socket", ["Content-Length", "2"])}{}`],
    ] as const) {
      test(`is a plain request, and the connection lives on: ${what}`, async () => {
        const offers: boolean[] = [];
        const echo = echoHandler();
        const handler: ExchangeHandler = (exchange) => {
          offers.push(exchange.offersWebSocket);
          echo(exchange);
        };
        await withServer(
          engine,
          handler,
          async (server) => {
            const client = await server.connect();
            await client.send(head);
            assert.equal((await client.reply()).status, 200);
            await client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
            assert.equal((await client.reply()).status, 200);
            assert.deepEqual(offers, [false, false]);
          },
          LIMITS,
        );
      });
    }

    test("is a plain request where the listener has no WebSockets", async () => {
      await withServer(engine, echoHandler(), async (server) => {
        const client = await server.connect();
        await client.send(handshakeHead());
        assert.equal((await client.reply()).status, 200);
      });
    });

    test("with a key of the wrong length is an offer that cannot be accepted", async () => {
      const outcome = signal<readonly [boolean, WebSocketConnection | undefined]>();
      const handler: ExchangeHandler = (exchange) => {
        outcome.fire([exchange.offersWebSocket, undefined]);
        exchange.respond(400, [], "");
      };
      await withServer(
        engine,
        handler,
        async (server) => {
          const client = await server.connect();
          await client.send(handshakeHead("/socket", [], "short"));
          assert.deepEqual(await outcome.promise, [true, undefined]);
          assert.equal((await client.reply()).status, 400);
        },
        LIMITS,
      );
    });
  },
  transports(),
);

describeEngines("WebSocket messages", (engine) => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536, MAX_MESSAGE_BYTES]) {
    test(`${length} bytes, both ways and of both kinds`, async () => {
      await withSocket(engine, new Peer().echo(), async (socket) => {
        for (const opcode of [Opcode.TEXT, Opcode.BINARY]) {
          const content = Buffer.alloc(length, "é");
          const whole = length % 2 === 0 ? content : Buffer.from("x".repeat(length));
          await socket.send(opcode, whole);
          const frame = await socket.frame();
          assert.equal(frame.opcode, opcode);
          assert.equal(frame.isFinal, true);
          assert.ok(frame.payload.equals(whole));
        }
      });
    });
  }

  test("fragments are one message, with a ping between them", async () => {
    await withSocket(engine, new Peer().echo(), async (socket) => {
      // The two bytes of é are in two fragments.
      const text = Buffer.from("caf\u00e9!");
      await socket.send(Opcode.TEXT, text.subarray(0, 4), { isFinal: false });
      await socket.send(Opcode.PING, "now");
      await socket.send(Opcode.CONTINUATION, "", { isFinal: false });
      await socket.send(Opcode.CONTINUATION, text.subarray(4));
      const pong = await socket.frame();
      assert.deepEqual([pong.opcode, pong.payload.toString()], [Opcode.PONG, "now"]);
      assert.equal(await socket.text(), "caf\u00e9!");
    });
  });

  test("many in one packet", async () => {
    await withSocket(engine, new Peer().echo(), async (socket) => {
      const texts = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
      await socket.client.send(Buffer.concat(texts.map((text) => frameOf(Opcode.TEXT, text))));
      for (const text of texts) assert.equal(await socket.text(), text);
    });
  });

  test("cut at every byte", async () => {
    const frames = Buffer.concat([
      frameOf(Opcode.TEXT, "first"),
      frameOf(Opcode.BINARY, "x".repeat(130)),
      frameOf(Opcode.TEXT, "fra", { isFinal: false }),
      frameOf(Opcode.PING, "p"),
      frameOf(Opcode.CONTINUATION, "gment"),
    ]);
    await withSocket(engine, new Peer().echo(), async (socket) => {
      for (let cut = 1; cut < frames.length; cut++) {
        await socket.client.sendPieces([frames.subarray(0, cut), frames.subarray(cut)]);
        assert.equal(await socket.text(), "first");
        assert.equal((await socket.frame()).payload.length, 130);
        assert.equal((await socket.frame()).opcode, Opcode.PONG);
        assert.equal(await socket.text(), "fragment");
      }
      await socket.client.sendPieces(Array.from(frames, (_, i) => frames.subarray(i, i + 1)));
      assert.equal(await socket.text(), "first");
    });
  });

  test("a ping of ours is answered", async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      peer.connection?.ping();
      const ping = await socket.frame();
      assert.equal(ping.opcode, Opcode.PING);
      await socket.send(Opcode.PONG, ping.payload);
      await peer.ponged;
    });
  });
});

describeEngines("WebSocket violations", (engine) => {
  const isNative = engine.name === "uws";
  const noFrame = "the addon closes without a close frame";
  for (const [what, code, frames, skip] of [
    ["no mask", 1002, [frameOf(Opcode.TEXT, "naked", { mask: undefined })], "the addon takes it for masked"],
    ["a reserved bit", 1002, [frameOf(Opcode.TEXT, "x", { reservedBits: 0x40 })], noFrame],
    ["an unknown opcode", 1002, [frameOf(3, "x")], noFrame],
    ["a fragmented ping", 1002, [frameOf(Opcode.PING, "x", { isFinal: false })], noFrame],
    ["a ping of 126 bytes", 1002, [frameOf(Opcode.PING, "x".repeat(126))], noFrame],
    ["a continuation of nothing", 1002, [frameOf(Opcode.CONTINUATION, "x")], noFrame],
    [
      "a message within a message",
      1002,
      [frameOf(Opcode.TEXT, "x", { isFinal: false }), frameOf(Opcode.TEXT, "y")],
      noFrame,
    ],
    ["text that is not UTF-8", 1007, [frameOf(Opcode.TEXT, Buffer.from([0xc3, 0x28]))], noFrame],
    ["a surrogate in text", 1007, [frameOf(Opcode.TEXT, Buffer.from([0xed, 0xa0, 0x80]))], noFrame],
    ["more than the limit", 1009, [frameOf(Opcode.BINARY, Buffer.alloc(MAX_MESSAGE_BYTES + 1))], ""],
    [
      "fragments that are more than the limit",
      1009,
      [
        frameOf(Opcode.BINARY, Buffer.alloc(MAX_MESSAGE_BYTES), { isFinal: false }),
        frameOf(Opcode.CONTINUATION, "x"),
      ],
      "",
    ],
    [
      "more than twice the limit, announced",
      1009,
      [frameOf(Opcode.BINARY, "x", { announced: 2 * MAX_MESSAGE_BYTES + 1 })],
      noFrame,
    ],
    ["2^62 bytes, announced", 1009, [frameOf(Opcode.BINARY, "x", { announced: 2 ** 62 })], noFrame],
  ] as const) {
    const options = isNative && skip === "the addon takes it for masked" ? { skip } : {};
    test(`end the connection: ${what}`, options, async () => {
      const peer = new Peer();
      await withSocket(engine, peer, async (socket) => {
        await socket.client.send(Buffer.concat(frames));
        const isSilent = isNative && skip === noFrame;
        assert.equal((await peer.closed).code, isSilent ? 1006 : code);
        if (!isSilent) assert.equal((await socket.close()).code, code);
        socket.client.socket.end();
        await socket.client.closed();
        assert.equal(peer.closings, 1);
        assert.equal(peer.messages.length, 0);
      });
    });
  }

  test("pings of a client that never reads do not pile up", async () => {
    const peer = new Peer().echo();
    await withSocket(engine, peer, async (socket) => {
      socket.client.socket.pause();
      const flood = Buffer.concat(Array.from({ length: 1000 }, () => frameOf(Opcode.PING, "x".repeat(120))));
      // 300,000 pings ask for 36 MB of pongs, more than two socket buffers take.
      for (let i = 0; i < 300; i++) await socket.client.send(flood);
      await socket.send(Opcode.TEXT, "end");
      let pongBytes = 0;
      socket.client.socket.resume();
      for (;;) {
        const frame = await socket.frame();
        if (frame.opcode === Opcode.TEXT) break;
        pongBytes += frame.payload.length;
      }
      assert.ok(pongBytes < 20_000_000, `${pongBytes} bytes of pongs`);
    });
  });
});

describeEngines("the end of a WebSocket", (engine) => {
  for (const [what, payload, code, reason] of [
    ["a code and a reason", closePayload(4001, "d\u00e9j\u00e0 vu"), 4001, "d\u00e9j\u00e0 vu"],
    ["a code", closePayload(1000), 1000, ""],
    ["nothing", Buffer.alloc(0), 1005, ""],
  ] as const) {
    test(`by the client, with ${what}: the frame is answered`, async () => {
      const peer = new Peer();
      await withSocket(engine, peer, async (socket) => {
        await socket.send(Opcode.CLOSE, payload);
        assert.deepEqual(await socket.close(), { code, reason });
        socket.client.socket.end();
        assert.deepEqual(await peer.closed, { code, reason });
        await socket.client.closed();
        assert.equal(peer.connection?.send("late", "text"), true);
        peer.connection?.ping();
        peer.connection?.close(1000, "");
        peer.connection?.terminate();
        assert.equal(peer.closings, 1);
      });
    });
  }

  test("by the gateway: after what was sent, and nothing is delivered after it", async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      peer.onMessageHook = () => {
        peer.connection?.send("last words", "text");
        peer.connection?.close(4005, "not found");
      };
      await socket.client.send(Buffer.concat([frameOf(Opcode.TEXT, "1"), frameOf(Opcode.TEXT, "2")]));
      assert.equal(await socket.text(), "last words");
      assert.deepEqual(await socket.close(), { code: 4005, reason: "not found" });
      await socket.send(Opcode.CLOSE, closePayload(4005));
      socket.client.socket.end();
      await socket.client.closed();
      assert.equal(peer.messages.length, 1);
      assert.equal(peer.closings, 0);
    });
  });

  test("by the gateway with much to send yet: all of it arrives before the close frame", async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      socket.client.socket.pause();
      const message = Buffer.alloc(60_000, "m");
      let sent = 0;
      while (sent < 1000) {
        sent++;
        if (peer.connection?.send(message, "binary") === false) break;
      }
      peer.connection?.send("status", "text");
      peer.connection?.close(1000, "done");
      socket.client.socket.resume();
      for (let i = 0; i < sent; i++) assert.equal((await socket.frame()).payload.length, 60_000);
      assert.equal(await socket.text(), "status");
      assert.deepEqual(await socket.close(), { code: 1000, reason: "done" });
    });
  });

  test("by breaking off: no close frame", async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      peer.connection?.terminate();
      assert.equal(await socket.client.closed(), "");
      assert.equal(peer.closings, 0);
    });
  });

  for (const [what, leave] of [
    ["a reset", (socket: RawWebSocket) => socket.client.reset()],
    ["the end of its bytes", (socket: RawWebSocket) => socket.client.socket.end()],
    [
      "the end of its bytes within a frame",
      (socket: RawWebSocket) =>
        socket.client.socket.end(frameOf(Opcode.TEXT, "half", { announced: 100 }).subarray(0, 8)),
    ],
  ] as const) {
    test(`by ${what}: the connection is lost`, async () => {
      const peer = new Peer();
      await withSocket(engine, peer, async (socket) => {
        leave(socket);
        assert.equal((await peer.closed).code, 1006);
        assert.equal(peer.closings, 1);
      });
    });
  }

  test("draining waits for it; the closed listener breaks it off", async () => {
    const peer = new Peer().echo();
    await withSocket(engine, peer, async (socket, server) => {
      let isDrained = false;
      const drained = server.listener.drain().then(() => {
        isDrained = true;
      });
      await socket.send(Opcode.TEXT, "still here");
      assert.equal(await socket.text(), "still here");
      assert.equal(isDrained, false);
      peer.connection?.close(1001, "going away");
      assert.deepEqual(await socket.close(), { code: 1001, reason: "going away" });
      await socket.send(Opcode.CLOSE, closePayload(1001));
      socket.client.socket.end();
      await drained;
    });
    const second = new Peer();
    await withSocket(engine, second, async (socket, server) => {
      server.listener.close();
      assert.equal((await second.closed).code, 1006);
      await socket.client.closed();
    });
  });
});

describeEngines("the back-pressure of a WebSocket", (engine) => {
  test("a client that does not read holds the sender, and lets it go on", async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      const drained = signal();
      const { exchange, connection } = peer;
      assert.ok(exchange !== undefined && connection !== undefined);
      exchange.onDrain = () => drained.fire();
      socket.client.socket.pause();
      const message = Buffer.alloc(MAX_MESSAGE_BYTES, "m");
      let sent = 1;
      while (connection.send(message, "binary")) sent++;
      assert.ok(sent * MAX_MESSAGE_BYTES < 20_000_000, `held after ${sent} messages`);
      socket.client.socket.resume();
      await drained.promise;
      connection.send("end", "text");
      for (let i = 0; i < sent; i++) assert.equal((await socket.frame()).payload.length, MAX_MESSAGE_BYTES);
      assert.equal(await socket.text(), "end");
    });
  });

  test("a held listener gets nothing, and then all in order", async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      peer.onMessageHook = () => peer.connection?.pause();
      const texts = Array.from({ length: 50 }, (_, i) => `message ${i}`);
      await socket.client.send(Buffer.concat(texts.map((text) => frameOf(Opcode.TEXT, text))));
      for (let seen = 1; seen <= texts.length; seen++) {
        while (peer.messages.length < seen) await nextTurn();
        assert.equal(peer.messages.length, seen);
        peer.connection?.resume();
      }
      assert.deepEqual(
        peer.messages.map(({ data }) => data.toString()),
        texts,
      );
    });
  });

  test("a listener that holds and resumes within each message gets them all", async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      peer.onMessageHook = (data, kind) => {
        peer.connection?.pause();
        peer.connection?.send(data, kind);
        peer.connection?.resume();
      };
      for (let round = 0; round < 3; round++) {
        await socket.client.send(Buffer.concat([frameOf(Opcode.TEXT, "a"), frameOf(Opcode.TEXT, "b")]));
        assert.equal(await socket.text(), "a");
        assert.equal(await socket.text(), "b");
      }
    });
  });

  test("a held listener stops the client by the socket", {
    skip: engine.name === "uws" && "the addon cannot pause a WebSocket",
  }, async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      peer.connection?.pause();
      const message = frameOf(Opcode.BINARY, Buffer.alloc(MAX_MESSAGE_BYTES));
      let sent = 0;
      while (sent < 400 && socket.client.socket.write(message)) sent++;
      while (sent < 400) {
        sent++;
        socket.client.socket.write(message);
      }
      for (let turn = 0; turn < 50; turn++) await nextTurn();
      assert.ok(socket.client.socket.writableLength > 10_000_000, "most of it is held back");
      assert.equal(peer.messages.length, 0);
      peer.connection?.resume();
      while (peer.messages.length < 400) await nextTurn();
    });
  });

  test("a held listener's client is told to come back once more waits than may", {
    skip: engine.name !== "uws" && "it is stopped by the socket",
  }, async () => {
    const peer = new Peer();
    await withSocket(engine, peer, async (socket) => {
      peer.connection?.pause();
      const message = frameOf(Opcode.BINARY, Buffer.alloc(MAX_MESSAGE_BYTES));
      for (let sent = 0; sent < 12; sent++) await socket.client.send(message);
      assert.equal((await peer.closed).code, 1013);
      assert.equal((await socket.close()).code, 1013);
      assert.equal(peer.messages.length, 0);
    });
  });
});
