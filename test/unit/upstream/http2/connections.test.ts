/** Endpoints: names and their addresses, reconnection, keepalive; and replies that are compressed. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Code } from "../../../../src/status/index.ts";
import type { SocketAddress } from "../../../../src/upstream/address.ts";
import {
  Http2Channel,
  SURROUNDINGS,
  type Surroundings,
} from "../../../../src/upstream/clients/http2/channel.ts";
import { DeadlineWheel, type Expiring } from "../../../../src/upstream/deadline-wheel.ts";
import type { Channel, ChannelOptions } from "../../../../src/upstream/index.ts";
import { CONNECTIONS, channelOptions } from "../../../support/channel-options.ts";
import { CallRecorder, type Outcome } from "../../../support/grpc-recorder.ts";
import {
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  message,
  OK_TRAILERS,
  PING,
  type RawBehaviour,
  type RawFrame,
  type RawPeer,
  rawFrame,
  reply,
  startRawServer,
  uint32,
} from "../../../support/raw-http2.ts";

function channelTo(
  address: string,
  surroundings: Partial<Surroundings> = {},
  more: Partial<ChannelOptions> = {},
): Http2Channel {
  const limits = { maxSendMessageBytes: 1000, maxReceiveMessageBytes: 100_000 };
  const options = channelOptions([address], { ...limits, ...more });
  return new Http2Channel(options, "test", { ...SURROUNDINGS, ...surroundings });
}

async function callOnce(channel: Channel): Promise<Outcome & { readonly recorder: CallRecorder }> {
  const recorder = new CallRecorder();
  const call = channel.open("/test.Raw/Call", [], 10_000, recorder);
  call.send(Buffer.from("ping"));
  call.halfClose();
  return { ...(await recorder.ended), recorder };
}

function answering(text: string): RawBehaviour {
  return {
    onFrame: (frame, peer) => {
      if (frame.type === DATA && (frame.flags & END_STREAM) !== 0) {
        peer.send(reply(frame.streamId, Buffer.from(text)));
      }
    },
  };
}

function keepalive(keepaliveMs: number, keepaliveTimeoutMs: number): Partial<ChannelOptions> {
  return { connections: { ...CONNECTIONS, keepaliveMs, keepaliveTimeoutMs } };
}

function tcp(address: string): SocketAddress {
  const [host = "", port] = address.split(":");
  return { kind: "tcp", host, port: Number(port) };
}

describe("a name", () => {
  test("is looked up at the first call, and every address of it is an endpoint", async () => {
    const servers = await Promise.all(["a", "b"].map((text) => startRawServer(answering(text))));
    const asked: string[] = [];
    const channel = channelTo("upstream.test:50051", {
      lookUp: (host, port) => {
        asked.push(`${host}:${port}`);
        return Promise.resolve(servers.map((server) => tcp(server.address)));
      },
    });
    assert.equal(channel.connectivity(), "idle");
    assert.deepEqual(asked, []);
    const answers = new Set<string>();
    while (answers.size < 2) answers.add(String((await callOnce(channel)).recorder.messages[0]));
    assert.deepEqual(asked, ["upstream.test:50051"]);
    assert.equal(channel.connectivity(), "ready");
    assert.equal(channel.readyConnections, 2);
    await channel.close();
    assert.equal(channel.connectivity(), "closed");
    for (const server of servers) await server.close();
  });

  test("is looked up again when a connection is lost, and what it stands for now is called", async () => {
    const first = await startRawServer(answering("first"));
    const second = await startRawServer(answering("second"));
    let nowMs = 0;
    let found = first;
    const channel = channelTo("upstream.test:50051", {
      now: () => nowMs,
      lookUp: () => Promise.resolve([tcp(found.address)]),
    });
    assert.equal(String((await callOnce(channel)).recorder.messages[0]), String(Buffer.from("first")));
    found = second;
    nowMs = 10_000;
    await first.close();
    let answer: string | undefined;
    for (let i = 0; answer === undefined && i < 1000; i++) {
      const { status, recorder } = await callOnce(channel);
      if (status.code === Code.OK) answer = String(recorder.messages[0]);
      nowMs += 10;
    }
    assert.equal(answer, String(Buffer.from("second")));
    await channel.close();
    await second.close();
  });

  test("that does not resolve fails calls, and is tried again by later ones", async () => {
    const server = await startRawServer(answering("found"));
    let nowMs = 0;
    let fails = true;
    const channel = channelTo("upstream.test:50051", {
      now: () => nowMs,
      lookUp: () =>
        fails ? Promise.reject(new Error("getaddrinfo ENOTFOUND")) : Promise.resolve([tcp(server.address)]),
    });
    const { status } = await callOnce(channel);
    assert.equal(status.message, "upstream upstream.test:50051 cannot be reached: its name does not resolve");
    assert.equal(channel.connectivity(), "failing");
    fails = false;
    assert.equal((await callOnce(channel)).status.reason, "UPSTREAM_UNREACHABLE");
    nowMs = 1000;
    assert.equal((await callOnce(channel)).status.code, Code.OK);
    await channel.close();
    await server.close();
  });
});

describe("reconnection", () => {
  test("a dead upstream is tried again by itself, each time later", async () => {
    let attempts = 0;
    const server = createServer((socket) => {
      attempts++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    assert.ok(typeof bound === "object" && bound !== null);
    const channel = channelTo(`127.0.0.1:${bound.port}`, { random: () => 0.5 });
    const from = performance.now();
    const { status } = await callOnce(channel);
    assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
    while (attempts < 3) await new Promise(setImmediate);
    // The pauses are 100 ms and 160 ms.
    assert.ok(performance.now() - from >= 250);
    await channel.close();
    server.close();
  });

  test("a connection that the upstream closes in good order is replaced without a failed call", async () => {
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type !== DATA) return;
      peer.send(reply(frame.streamId), rawFrame(GOAWAY, 0, 0, uint32(frame.streamId, 0)));
    };
    const server = await startRawServer({ onFrame });
    const channel = channelTo(server.address);
    for (let i = 0; i < 20; i++) assert.equal((await callOnce(channel)).status.code, Code.OK);
    assert.ok(server.peers.length >= 20);
    await channel.close();
    await server.close();
  });

  test("close waits for the calls and says goodbye", async () => {
    let finish: () => void = () => undefined;
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type === DATA) finish = () => peer.send(reply(frame.streamId));
    };
    const server = await startRawServer({ onFrame });
    const channel = channelTo(server.address);
    const calling = callOnce(channel);
    while (server.peers[0]?.frames.some(({ type }) => type === DATA) !== true)
      await new Promise(setImmediate);
    const closing = channel.close();
    finish();
    assert.equal((await calling).status.code, Code.OK);
    await closing;
    const goaway = await server.peers[0]?.frame(({ type }) => type === GOAWAY);
    assert.equal(goaway?.payload.readUInt32BE(4), 0);
    await server.peers[0]?.closed;
    await server.close();
  });
});

describe("keepalive", () => {
  test("an upstream that does not answer a PING has lost its connection, and the calls on it end", async () => {
    const server = await startRawServer({});
    const channel = channelTo(server.address, {}, keepalive(10, 10));
    const { status } = await callOnce(channel);
    assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
    assert.match(status.message, /was lost$/);
    assert.ok(server.peers[0]?.frames.some(({ type }) => type === PING));
    await channel.close();
    await server.close();
  });

  test("one that answers keeps it", async () => {
    let pings = 0;
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type !== PING) return;
      peer.send(rawFrame(PING, 1, 0, frame.payload));
      if (++pings === 3) peer.send(reply(1));
    };
    const server = await startRawServer({ onFrame });
    const channel = channelTo(server.address, {}, keepalive(5, 5000));
    assert.equal((await callOnce(channel)).status.code, Code.OK);
    await channel.close();
    await server.close();
  });
});

describe("compressed replies", () => {
  const head = rawFrame(
    HEADERS,
    END_HEADERS,
    1,
    block([
      [":status", "200"],
      ["content-type", "application/grpc"],
      ["grpc-encoding", "gzip"],
    ]),
  );
  const compressed = (bytes: Uint8Array): Buffer => {
    const zipped = gzipSync(bytes);
    return Buffer.concat([Buffer.of(1), uint32(zipped.length), zipped]);
  };
  const answerWith = (frames: readonly Buffer[]): RawBehaviour => ({
    onFrame: (frame, peer) => {
      if (frame.type === DATA) peer.send(...frames);
    },
  });

  test("messages come in order, compressed or not, the status after them", async () => {
    const body = Buffer.concat([
      compressed(Buffer.from("one")),
      message(Buffer.from("two")),
      compressed(Buffer.alloc(0)),
      compressed(Buffer.alloc(90_000, 7)),
    ]);
    const frames = [
      head,
      rawFrame(DATA, 0, 1, body),
      rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, OK_TRAILERS),
    ];
    const server = await startRawServer(answerWith(frames));
    const channel = channelTo(server.address);
    const { status, recorder } = await callOnce(channel);
    assert.equal(status.code, Code.OK, status.message);
    assert.deepEqual(
      recorder.messages.map((each) => Buffer.from(each)),
      [Buffer.from("one"), Buffer.from("two"), Buffer.alloc(0), Buffer.alloc(90_000, 7)],
    );
    await channel.close();
    await server.close();
  });

  test("a bomb is UPSTREAM_REPLY_TOO_LARGE", async () => {
    const server = await startRawServer(
      answerWith([head, rawFrame(DATA, 0, 1, compressed(Buffer.alloc(1_000_000)))]),
    );
    const channel = channelTo(server.address);
    assert.equal((await callOnce(channel)).status.reason, "UPSTREAM_REPLY_TOO_LARGE");
    await channel.close();
    await server.close();
  });
});

describe("the deadline wheel", () => {
  test("tells entries once, never early, whatever their distance; not those that were removed", async () => {
    const wheel = new DeadlineWheel(() => performance.now());
    const told: { readonly delayMs: number; readonly lateMs: number }[] = [];
    const entry = (delayMs: number): Expiring => {
      const expiresAt = performance.now() + delayMs;
      return {
        expiresAt,
        wheelIndex: 0,
        onExpired: () => told.push({ delayMs, lateMs: performance.now() - expiresAt }),
      };
    };
    const delays = [1, 5, 8, 9, 17, 40];
    const entries = delays.map(entry);
    const removed = entry(12);
    for (const each of [...entries, removed, entry(100_000)]) wheel.add(each);
    wheel.remove(removed);
    while (told.length < delays.length) await new Promise(setImmediate);
    assert.deepEqual(
      told.map(({ delayMs }) => delayMs).sort((a, b) => a - b),
      delays,
    );
    assert.ok(told.every(({ lateMs }) => lateMs >= 0));
    wheel.close();
  });
});
