/** What a channel takes on: calls in flight, calls and bytes that wait. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, gatewayStatus } from "../../../../src/status/index.ts";
import { CONNECTIONS } from "../../../support/channel-options.ts";
import { CallRecorder } from "../../../support/grpc-recorder.ts";
import { PRIORITY, rawFrame, settings, startRawServer } from "../../../support/raw-http2.ts";
import {
  answering,
  callOnce,
  channelTo,
  closeAll,
  start,
  startHolding,
  until,
} from "../../../support/raw-upstreams.ts";

const MAX_CONCURRENT_STREAMS = 3;

const GONE = gatewayStatus("CLIENT_GONE", "gone");

describe("limits", () => {
  const limits = { maxInFlight: 100, maxPending: 2, maxPendingBytes: 20 };

  test("calls beyond maxInFlight are refused at once, and the message names the limit", async () => {
    const { server, held } = await startHolding();
    const channel = channelTo([server], { limits: { ...limits, maxInFlight: 2 } });
    await channel.warmUp(5000);
    const calls = [start(channel), start(channel)];
    const { status } = await callOnce(channel);
    assert.equal(status.code, Code.RESOURCE_EXHAUSTED);
    assert.equal(status.reason, "UPSTREAM_OVERLOADED");
    assert.equal(
      status.message,
      `upstream ${server.address} is overloaded: the limit of calls in flight, 2, is reached (limits.maxInFlight)`,
    );
    await until(() => held.length === 2);
    for (const each of held) each.answer();
    for (const { recorder } of calls) assert.equal((await recorder.ended).status.code, Code.OK);
    assert.equal(channel.stats().openCalls, 0);
    const again = start(channel);
    await until(() => held.length === 3);
    held[2]?.answer();
    assert.equal((await again.recorder.ended).status.code, Code.OK);
    assert.deepEqual(channel.stats().refusedCalls, { maxInFlight: 1, maxPending: 0, maxPendingBytes: 0 });
    await closeAll(channel, server);
  });

  test("what is refused before it opens takes no slot", async () => {
    const server = await startRawServer(answering("a"));
    const channel = channelTo([server], { limits: { ...limits, maxInFlight: 1 } });
    for (const [path, deadlineMs] of [
      ["/a.B/C", 0],
      ["/é", 1000],
    ] as const) {
      const recorder = new CallRecorder();
      channel.open(path, [], deadlineMs, recorder);
      await recorder.ended;
    }
    assert.equal(channel.stats().openCalls, 0);
    assert.equal((await callOnce(channel)).text, "a");
    await closeAll(channel, server);
  });

  test("calls beyond maxPending are refused at once, and those that wait go on", async () => {
    const { server, held } = await startHolding(settings([MAX_CONCURRENT_STREAMS, 1]));
    const channel = channelTo([server], { limits, connections: { ...CONNECTIONS, perEndpoint: 1 } });
    await channel.warmUp(5000);
    const calls = Array.from({ length: 3 }, () => start(channel));
    const { status } = await callOnce(channel);
    assert.equal(
      status.message,
      `upstream ${server.address} is overloaded: the limit of waiting calls, 2, is reached (limits.maxPending)`,
    );
    for (let i = 0; i < 3; i++) {
      await until(() => held.length > i);
      held[i]?.answer();
    }
    for (const { recorder } of calls) assert.equal((await recorder.ended).status.code, Code.OK);
    assert.equal(channel.stats().refusedCalls.maxPending, 1);
    await closeAll(channel, server);
  });

  test("a call that would hold too many bytes while it waits is ended, and takes its bytes with it", async () => {
    const { server, held } = await startHolding(settings([MAX_CONCURRENT_STREAMS, 1]));
    const channel = channelTo([server], { limits, connections: { ...CONNECTIONS, perEndpoint: 1 } });
    await channel.warmUp(5000);
    const first = start(channel);
    await until(() => held.length === 1);
    const waiting = start(channel);
    const large = new CallRecorder();
    channel.open("/test.Raw/Call", [], 5000, large).send(Buffer.alloc(17));
    const { status } = await large.ended;
    assert.equal(
      status.message,
      `upstream ${server.address} is overloaded: the limit of bytes in waiting calls, 20, is reached (limits.maxPendingBytes)`,
    );
    const { pendingBytes, pendingCalls, refusedCalls } = channel.stats();
    assert.deepEqual({ pendingBytes, pendingCalls }, { pendingBytes: 4, pendingCalls: 1 });
    assert.equal(refusedCalls.maxPendingBytes, 1);
    for (const i of [0, 1]) {
      await until(() => held.length > i);
      held[i]?.answer();
    }
    for (const { recorder } of [first, waiting]) assert.equal((await recorder.ended).status.code, Code.OK);
    await closeAll(channel, server);
  });
});

describe("an upstream that does not read", { timeout: 30_000 }, () => {
  test("is sent no more calls once a connection has too much to send, and goes on when it reads", async () => {
    const server = await startRawServer(answering("read"));
    const channel = channelTo([server], { connections: { ...CONNECTIONS, perEndpoint: 1 } });
    assert.equal((await callOnce(channel)).text, "read");
    const [peer] = server.peers;
    assert.ok(peer !== undefined);
    peer.socket.pause();
    const metadata = ["x-fill", "a".repeat(8000)];
    for (let i = 0; i < 5000; i++) {
      const recorder = new CallRecorder();
      channel.open("/test.Raw/Call", metadata, 10_000, recorder).cancel(GONE);
      // A word now and then, so that nobody takes it for dead.
      if (i % 100 === 0) peer.send(rawFrame(PRIORITY, 0, 1, Buffer.alloc(5)));
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    const { sentBytes } = channel.stats().endpoints[0] ?? {};
    // What the system's buffers hold is sent.
    assert.ok(sentBytes !== undefined && sentBytes < 16_000_000, `${sentBytes} bytes`);
    const waiting = start(channel);
    peer.socket.resume();
    assert.equal((await waiting.recorder.ended).status.code, Code.OK);
    await closeAll(channel, server);
  });
});
