/** Outlier ejection over sockets: what reaches an endpoint that is ill, and what the callers notice of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, gatewayStatus } from "../../../../src/status/index.ts";
import type { Http2Channel } from "../../../../src/upstream/clients/http2/channel.ts";
import type { EjectionOptions } from "../../../../src/upstream/index.ts";
import { EJECTION } from "../../../support/channel-options.ts";
import { type Behaviour, HealthLog, PlayedUpstream } from "../../../support/played-upstreams.ts";
import { startRawServer } from "../../../support/raw-http2.ts";
import {
  answering,
  callOnce,
  channelTo,
  closeAll,
  start,
  startHolding,
  until,
} from "../../../support/raw-upstreams.ts";

const HANG = { timeout: 30_000 };

/** Far longer than any test takes. */
const LONG_MS = 60_000;

interface Scene {
  readonly channel: Http2Channel;
  readonly upstreams: readonly PlayedUpstream[];
  /** The one that is ill. */
  readonly ill: PlayedUpstream;
  readonly log: string[];
  readonly close: () => Promise<void>;
}

/** Three upstreams, all connected, the second of which may be ill. */
async function scene(
  behaviour: Behaviour,
  ejection: Partial<EjectionOptions> = {},
  panicThresholdPercent = 50,
): Promise<Scene> {
  const upstreams = await Promise.all([1, 2, 3].map(() => PlayedUpstream.start()));
  const [, ill] = upstreams;
  assert.ok(ill !== undefined);
  const healthObserver = new HealthLog(upstreams.map(({ address }) => address));
  const options = { ...EJECTION, consecutiveFailures: 3, baseEjectionMs: LONG_MS, ...ejection };
  const channel = channelTo(upstreams, {
    balancing: "round_robin",
    health: { check: undefined, ejection: options, panicThresholdPercent },
    healthObserver,
  });
  await channel.warmUp(5000);
  await until(() => channel.readyConnections === 3);
  ill.behaviour = behaviour;
  const close = async (): Promise<void> => {
    for (const upstream of upstreams) upstream.release();
    await closeAll(channel, ...upstreams);
  };
  return { channel, upstreams, ill, log: healthObserver.lines, close };
}

/** Calls one after the other; gives the codes of those that failed. */
async function callTimes(channel: Http2Channel, count: number, deadlineMs = 5000): Promise<readonly Code[]> {
  const failures: Code[] = [];
  for (let i = 0; i < count; i++) {
    const { status } = await start(channel, deadlineMs).recorder.ended;
    if (status.code !== Code.OK) failures.push(status.code);
  }
  return failures;
}

function countsOf(upstreams: readonly PlayedUpstream[]): readonly number[] {
  return upstreams.map(({ calls }) => calls);
}

describe("an endpoint of three", HANG, () => {
  test("that fails gets as many calls as make it an outlier, and no more", async () => {
    const { channel, upstreams, log, close } = await scene("fails");
    const failures = await callTimes(channel, 69);
    assert.deepEqual(failures, [Code.UNAVAILABLE, Code.UNAVAILABLE, Code.UNAVAILABLE]);
    const [a = 0, b = 0, c = 0] = countsOf(upstreams);
    assert.deepEqual([a + c, b], [66, 3]);
    assert.ok(Math.abs(a - c) <= 2, `${a} and ${c}`);
    assert.deepEqual(log, ["b ejected: failures"]);
    const [, stats] = channel.stats().endpoints;
    assert.deepEqual([stats?.isHealthy, stats?.ejections], [false, { failures: 1, latency: 0 }]);
    assert.equal(stats?.connections, 1);
    await close();
  });

  test("that hangs is ejected by the deadlines of its calls", async () => {
    const { channel, upstreams, log, close } = await scene("hangs");
    const failures = await callTimes(channel, 30, 500);
    assert.deepEqual(failures, [Code.DEADLINE_EXCEEDED, Code.DEADLINE_EXCEEDED, Code.DEADLINE_EXCEEDED]);
    assert.equal(upstreams[1]?.calls, 3);
    assert.deepEqual(log, ["b ejected: failures"]);
    await close();
  });

  test("that refuses streams is ejected, and no caller notices", async () => {
    const { channel, upstreams, log, close } = await scene("refuses");
    assert.deepEqual(await callTimes(channel, 30), []);
    assert.equal(upstreams[1]?.calls, 3);
    assert.deepEqual(log, ["b ejected: failures"]);
    await close();
  });

  test("whose connection breaks once, with many calls on it, is not ejected for that", async () => {
    const { server: ill, held } = await startHolding();
    const others = await Promise.all([1, 2].map(() => startRawServer(answering("pong"))));
    const servers = [ill, ...others];
    const healthObserver = new HealthLog(servers.map(({ address }) => address));
    const health = {
      check: undefined,
      ejection: { ...EJECTION, consecutiveFailures: 2 },
      panicThresholdPercent: 50,
    };
    const channel = channelTo(servers, { balancing: "round_robin", health, healthObserver });
    void channel.warmUp(5000);
    await until(() => channel.readyConnections === 3);
    const calls = Array.from({ length: 30 }, () => start(channel));
    await until(() => held.length === 10);
    ill.peers[0]?.socket.destroy();
    const outcomes = await Promise.all(calls.map(({ recorder }) => recorder.ended));
    assert.equal(outcomes.filter(({ status }) => status.reason === "UPSTREAM_UNREACHABLE").length, 10);
    assert.deepEqual(healthObserver.lines, []);
    assert.equal(channel.stats().endpoints[0]?.isHealthy, true);
    await closeAll(channel, ...servers);
  });

  test("that hangs up on every call is ejected", async () => {
    const { channel, ill, log, close } = await scene("hangs up");
    let failures = 0;
    while (log.length === 0) {
      failures += (await callTimes(channel, 1)).length;
      await until(() => channel.readyConnections === 3 || log.length > 0);
    }
    assert.deepEqual([failures, ill.calls], [3, 3]);
    assert.deepEqual(log, ["b ejected: failures"]);
    await close();
  });

  test("whose callers leave is not ejected", async () => {
    const { channel, ill, log, close } = await scene("hangs");
    for (let i = 0; i < 30; i++) {
      const { call, recorder } = start(channel);
      const before = ill.calls;
      await until(() => recorder.outcomes.length > 0 || ill.calls > before);
      call.cancel(gatewayStatus("CLIENT_GONE", "the client left"));
    }
    assert.equal(ill.calls, 10);
    assert.deepEqual(log, []);
    await close();
  });

  test("that is slow is ejected by its latency; afterwards nothing reaches it", async () => {
    const { channel, ill, log, close } = await scene("is slow");
    const from = performance.now();
    while (log.length === 0 && performance.now() - from < 15_000) {
      const calls = Array.from({ length: 12 }, () => start(channel));
      for (const { recorder } of calls) assert.equal((await recorder.ended).status.code, Code.OK);
    }
    assert.deepEqual(log, ["b ejected: latency"]);
    const { calls } = ill;
    assert.ok(calls >= 20, `judged by ${calls} calls`);
    assert.deepEqual(await callTimes(channel, 100), []);
    assert.equal(ill.calls, calls);
    await close();
  });

  test("that has long streams on it is not slow for that", async () => {
    const { channel, ill, log, close } = await scene("answers");
    ill.behaviour = "hangs";
    const streams = Array.from({ length: 90 }, () => start(channel));
    await until(() => ill.open.size === 30);
    for (const stream of ill.open) stream.respond({ ":status": 200, "content-type": "application/grpc" });
    await Promise.all(streams.slice(0, 3).map(({ recorder }) => recorder.heard("headers")));
    ill.behaviour = "answers";
    const from = performance.now();
    while (performance.now() - from < 2500) assert.deepEqual(await callTimes(channel, 30), []);
    for (const stream of ill.open) stream.close();
    await Promise.all(streams.map(({ recorder }) => recorder.ended));
    assert.deepEqual(
      log.filter((line) => line.includes("latency")),
      [],
    );
    await close();
  });
});

describe("an ejected endpoint", HANG, () => {
  test("is tried again after its time, one call at a time, and comes back when it is well", async () => {
    const { channel, ill, log, close } = await scene("fails", { baseEjectionMs: 1000 });
    assert.equal((await callTimes(channel, 9)).length, 3);
    assert.deepEqual(log, ["b ejected: failures"]);
    ill.behaviour = "hangs";
    ill.calls = 0;
    // One call is let through, and while it hangs no other.
    while (ill.calls === 0) {
      const { recorder } = start(channel);
      await until(() => recorder.outcomes.length > 0 || ill.calls > 0);
    }
    assert.deepEqual(await callTimes(channel, 50), []);
    assert.equal(ill.calls, 1);
    ill.behaviour = "answers";
    ill.release();
    while (log.length < 2) assert.deepEqual(await callTimes(channel, 1), []);
    assert.deepEqual(log, ["b ejected: failures", "b returned"]);
    assert.equal(ill.calls, 3);
    assert.deepEqual(await callTimes(channel, 30), []);
    assert.equal(ill.calls, 13);
    await close();
  });

  test("that is still ill costs one call a try", async () => {
    const { channel, ill, log, close } = await scene("fails", { baseEjectionMs: 50, maxEjectionMs: 100 });
    let failures = 0;
    while (log.length < 5) failures += (await callTimes(channel, 1)).length;
    assert.deepEqual(
      log,
      Array.from({ length: 5 }, () => "b ejected: failures"),
    );
    assert.deepEqual([failures, ill.calls], [3 + 4, 3 + 4]);
    await close();
  });

  test("is used after all when the others cannot be reached", async () => {
    const { channel, upstreams, ill, log, close } = await scene("fails");
    assert.equal((await callTimes(channel, 9)).length, 3);
    assert.deepEqual(log, ["b ejected: failures"]);
    ill.behaviour = "answers";
    const [a, , c] = upstreams;
    await Promise.all([a?.close(), c?.close()]);
    await until(() => channel.readyConnections === 1);
    // Whether the others are gone for good shows when they cannot be connected to.
    await until(() => log.includes("panic begins"));
    assert.equal((await callOnce(channel)).text, "pong");
    await close();
  });
});

describe("panic", HANG, () => {
  test("sends calls to all endpoints again once too many are ejected", async () => {
    const { channel, upstreams, log, close } = await scene("fails", { maxEjectedPercent: 100 });
    for (const upstream of upstreams) upstream.behaviour = "fails";
    await callTimes(channel, 30);
    const letters = log.filter((line) => line.includes("ejected")).map((line) => line.charAt(0));
    assert.deepEqual(letters.toSorted(), ["a", "b", "c"]);
    assert.equal(log[2], "panic begins");
    const before = countsOf(upstreams);
    await callTimes(channel, 30);
    const after = countsOf(upstreams).map((count, i) => count - (before[i] ?? 0));
    assert.deepEqual(after, [10, 10, 10]);
    await close();
  });

  test("that is switched off leaves calls to fail at once, with the reason", async () => {
    const { channel, upstreams, close } = await scene("fails", { maxEjectedPercent: 100 }, 0);
    for (const upstream of upstreams) upstream.behaviour = "fails";
    await callTimes(channel, 9);
    const before = countsOf(upstreams);
    const { status } = await callOnce(channel);
    assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
    assert.match(status.message, /cannot be reached: none of its endpoints is healthy$/);
    assert.deepEqual(countsOf(upstreams), before);
    await close();
  });
});
