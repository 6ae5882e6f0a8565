/** Receive windows that follow the bandwidth-delay product: how they grow, what bounds them, how often they ask. */
import assert from "node:assert/strict";
import type { ServerHttp2Stream } from "node:http2";
import { describe, type TestContext, test } from "node:test";
import { Code } from "../../../../src/status/index.ts";
import { Http2Channel, SURROUNDINGS } from "../../../../src/upstream/clients/http2/channel.ts";
import { STREAM_WINDOW_BYTES } from "../../../../src/upstream/clients/http2/connection-ports.ts";
import {
  MAX_LENT_BYTES,
  MAX_STREAM_WINDOW_BYTES,
  ReceiveWindows,
} from "../../../../src/upstream/clients/http2/receive-windows.ts";
import { channelOptions } from "../../../support/channel-options.ts";
import { frame, startHttp2Server } from "../../../support/grpc-http2.ts";
import { CallRecorder } from "../../../support/grpc-recorder.ts";
import { startLatencyProxy } from "../../../support/latency-proxy.ts";
import {
  ACK,
  DATA,
  END_HEADERS,
  END_STREAM,
  HEADERS,
  message,
  OK_TRAILERS,
  PING,
  type RawPeer,
  REPLY_HEADERS,
  rawFrame,
  startRawServer,
  WINDOW_UPDATE,
} from "../../../support/raw-http2.ts";

const MIB = 1024 * 1024;
const ROUND_TRIP_MS = 50;

/** The windows of a connection over a network of the test's making. */
class Network {
  nowMs = 0;
  pings = 0;
  #payload: Buffer = Buffer.alloc(8);
  readonly windows: ReceiveWindows = new ReceiveWindows(
    {
      windowUpdate: () => undefined,
      ping: (_flags, payload) => {
        this.pings++;
        this.#payload = Buffer.from(payload);
      },
    },
    () => this.nowMs,
  );

  /** A round trip in which `bytes` come. */
  roundTrip(bytes: number, ms = ROUND_TRIP_MS): void {
    for (let left = bytes; left > 0; left -= 16_384) this.windows.onData(Math.min(left, 16_384));
    this.nowMs += ms;
    this.windows.onPingAck(this.#payload, 0);
  }
}

describe("a connection's windows", () => {
  test("double with every window that comes in one round trip, up to the largest, then ask no more", () => {
    const network = new Network();
    const stream = { lentBytes: 0 };
    const sizes: number[] = [];
    for (let i = 0; i < 6; i++) {
      network.windows.lend(stream);
      sizes.push(STREAM_WINDOW_BYTES + stream.lentBytes);
      network.roundTrip(STREAM_WINDOW_BYTES + stream.lentBytes);
    }
    assert.deepEqual(
      sizes.map((bytes) => bytes / MIB),
      [0.5, 1, 2, 4, 4, 4],
    );
    assert.equal(MAX_STREAM_WINDOW_BYTES, 4 * MIB);
    assert.equal(network.pings, 3);
  });

  test("stay as they are where the network gives less than a window, and ask ever more rarely", () => {
    const network = new Network();
    const stream = { lentBytes: 0 };
    while (network.nowMs < 60_000) {
      network.windows.lend(stream);
      network.roundTrip(STREAM_WINDOW_BYTES / 2);
    }
    assert.equal(stream.lentBytes, 0);
    // Two after each pause of 0.1, 0.2, 0.4 ... 10 s.
    assert.ok(network.pings >= 10 && network.pings <= 26, `${network.pings} PINGs in a minute`);
  });

  test("do not grow where bytes come no faster: they would wait in queues", () => {
    const network = new Network();
    const stream = { lentBytes: 0 };
    network.windows.lend(stream);
    network.roundTrip(STREAM_WINDOW_BYTES);
    network.windows.lend(stream);
    const before = stream.lentBytes;
    for (let i = 0; i < 10; i++) {
      // Twice the bytes in twice the time.
      network.roundTrip(2 * STREAM_WINDOW_BYTES, 2 * ROUND_TRIP_MS);
      network.windows.lend(stream);
    }
    assert.equal(stream.lentBytes, before);
  });

  test("together get no more than the limit beyond what they start with, and give it back", () => {
    const network = new Network();
    const first = { lentBytes: 0 };
    for (let i = 0; i < 4; i++) {
      network.windows.lend(first);
      network.roundTrip(STREAM_WINDOW_BYTES + first.lentBytes);
    }
    const others = Array.from({ length: 20 }, () => ({ lentBytes: 0 }));
    for (const stream of others) network.windows.lend(stream);
    const sum = (): number => [first, ...others].reduce((bytes, { lentBytes }) => bytes + lentBytes, 0);
    assert.equal(sum(), MAX_LENT_BYTES);
    network.windows.takeBack(first);
    for (const stream of others) network.windows.lend(stream);
    assert.equal(sum(), MAX_LENT_BYTES);
    assert.equal(first.lentBytes, 0);
  });

  test("take no other PING's answer for theirs", () => {
    const network = new Network();
    const stream = { lentBytes: 0 };
    network.windows.lend(stream);
    for (let i = 0; i < 32; i++) network.windows.onData(16_384);
    network.windows.onPingAck(Buffer.alloc(8), 0);
    network.windows.lend(stream);
    assert.equal(stream.lentBytes, 0);
    network.roundTrip(0);
    network.windows.lend(stream);
    assert.equal(stream.lentBytes, STREAM_WINDOW_BYTES);
  });
});

/** An upstream of frames that sends whatever the windows allow, over a network with a round trip of its own making. */
class Flood {
  readonly #peer: RawPeer;
  readonly #advance: () => void;
  #sentBytes = 0;
  /** In `#peer.frames`. */
  #readTo = 0;
  #streamWindow = STREAM_WINDOW_BYTES;
  #connectionWindow = 65_535;
  #ping: Buffer | undefined;

  constructor(peer: RawPeer, advance: () => void) {
    this.#peer = peer;
    this.#advance = advance;
    peer.send(rawFrame(HEADERS, END_HEADERS, 1, REPLY_HEADERS));
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get window(): number {
    this.#hear();
    return Math.min(this.#streamWindow, this.#connectionWindow);
  }

  /** Sends messages of a frame each until the window is used up; only then is a PING answered that came before. */
  fill(): void {
    const payload = message(Buffer.alloc(16_379));
    while (this.window >= payload.length) {
      this.#peer.send(rawFrame(DATA, 0, 1, payload));
      this.#sentBytes += payload.length;
      this.#streamWindow -= payload.length;
      this.#connectionWindow -= payload.length;
    }
    const ping = this.#ping;
    if (ping === undefined) return;
    this.#ping = undefined;
    this.#advance();
    this.#peer.send(rawFrame(PING, ACK, 0, ping));
  }

  /** Waits for the client to give so much window. */
  async untilWindow(isEnough: (window: number) => boolean): Promise<void> {
    while (!isEnough(this.window)) await new Promise(setImmediate);
  }

  end(): void {
    this.#peer.send(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, OK_TRAILERS));
  }

  #hear(): void {
    const { frames } = this.#peer;
    for (; this.#readTo < frames.length; this.#readTo++) {
      const heard = frames[this.#readTo];
      if (heard?.type === WINDOW_UPDATE) {
        if (heard.streamId === 0) this.#connectionWindow += heard.payload.readUInt32BE();
        else this.#streamWindow += heard.payload.readUInt32BE();
      } else if (heard?.type === PING && heard.flags === 0) {
        this.#ping = heard.payload;
      }
    }
  }
}

describe("a stream that stops reading", () => {
  test("holds its window and no more; what it was lent it gives back as it reads on", async (t) => {
    let nowMs = 0;
    const server = await startRawServer({});
    const channel = new Http2Channel(channelOptions([server.address]), "test", {
      ...SURROUNDINGS,
      now: () => nowMs,
    });
    t.after(async () => {
      await server.close();
      await channel.close();
    });
    const recorder = new CallRecorder();
    const call = channel.open("/test.Raw/Call", [], Number.POSITIVE_INFINITY, recorder);
    call.halfClose();
    let peer: RawPeer | undefined;
    while (peer === undefined) {
      [peer] = server.peers;
      await new Promise(setImmediate);
    }
    await peer.frame(({ type }) => type === HEADERS);
    const flood = new Flood(peer, () => {
      nowMs += ROUND_TRIP_MS;
    });
    // All that was sent is given back, but for what is less than half of the first window.
    let window = STREAM_WINDOW_BYTES;
    while (window < MAX_STREAM_WINDOW_BYTES - STREAM_WINDOW_BYTES) {
      flood.fill();
      await flood.untilWindow((given) => given > window - STREAM_WINDOW_BYTES / 2);
      window = Math.max(window, flood.window);
    }
    // Reading stops: what comes from now on is held.
    recorder.flowing = false;
    const before = flood.sentBytes;
    flood.fill();
    await recorder.heard("message", recorder.messages.length + 1);
    for (let turns = 0; turns < 1000; turns++) {
      flood.fill();
      await new Promise(setImmediate);
    }
    const heldBytes = flood.sentBytes - before;
    assert.ok(heldBytes > 2 * MIB && heldBytes <= MAX_STREAM_WINDOW_BYTES, `${heldBytes} bytes held`);
    // It reads on, one message after the other, and is told to hold each time.
    const count = flood.sentBytes / 16_384;
    while (recorder.messages.length < count) {
      call.resume();
      await new Promise(setImmediate);
    }
    recorder.flowing = true;
    call.resume();
    await flood.untilWindow((window) => window > STREAM_WINDOW_BYTES / 2);
    assert.ok(flood.window <= STREAM_WINDOW_BYTES, `a window of ${flood.window} bytes`);
    flood.end();
    assert.equal((await recorder.ended).status.code, Code.OK);
  });
});

describe(`over a round trip of ${ROUND_TRIP_MS} ms`, { timeout: 60_000 }, () => {
  /** Streams `messages` through a proxy that is far away; gives the time and the PINGs that it took. */
  async function stream(
    t: TestContext,
    messages: readonly Uint8Array[],
  ): Promise<{ readonly ms: number; readonly pings: number }> {
    let pings = 0;
    const server = await startHttp2Server((reply: ServerHttp2Stream) => {
      reply.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      reply.on("wantTrailers", () => reply.sendTrailers({ "grpc-status": "0" }));
      reply.session?.on("ping", () => pings++);
      for (const each of messages) reply.write(frame(each));
      reply.end();
    });
    const proxy = await startLatencyProxy(server.address, ROUND_TRIP_MS / 2);
    const options = channelOptions([proxy.address], { maxReceiveMessageBytes: 64 * MIB });
    const channel = new Http2Channel(options, "test");
    t.after(async () => {
      await channel.close();
      await proxy.close();
      await server.close();
    });
    const recorder = new CallRecorder();
    channel.open("/test.Far/Call", [], Number.POSITIVE_INFINITY, recorder).halfClose();
    await recorder.heard("headers");
    const from = performance.now();
    const { status } = await recorder.ended;
    assert.equal(status.code, Code.OK, status.message);
    assert.equal(recorder.messages.length, messages.length);
    return { ms: performance.now() - from, pings };
  }

  test("a stream of small messages takes less than half of what its first window would", async (t) => {
    const bytes = 48 * MIB;
    const messages = Array.from({ length: bytes / 16_384 }, () => Buffer.alloc(16_379));
    const { ms, pings } = await stream(t, messages);
    const fixedMs = (bytes / STREAM_WINDOW_BYTES) * ROUND_TRIP_MS;
    t.diagnostic(`${Math.round(ms)} ms, with a fixed window ${fixedMs} ms at least; ${pings} PINGs`);
    assert.ok(ms < fixedMs / 2, `${ms} ms`);
    assert.ok(pings <= 12, `${pings} PINGs`);
  });

  test("so does a message of 16 MB", async (t) => {
    const { ms, pings } = await stream(t, [Buffer.alloc(16 * MIB - 5)]);
    const fixedMs = ((16 * MIB) / STREAM_WINDOW_BYTES) * ROUND_TRIP_MS;
    t.diagnostic(`${Math.round(ms)} ms, with a fixed window ${fixedMs} ms at least; ${pings} PINGs`);
    assert.ok(ms < fixedMs / 2, `${ms} ms`);
    assert.ok(pings <= 12, `${pings} PINGs`);
  });
});
