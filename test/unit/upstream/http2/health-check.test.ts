/** Active health checks over sockets: `grpc.health.v1` as grpc-js serves it, and written by hand. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { Code, gatewayStatus } from "../../../../src/status/index.ts";
import type { Http2Channel } from "../../../../src/upstream/clients/http2/channel.ts";
import type { HealthCheckOptions } from "../../../../src/upstream/index.ts";
import { CONNECTIONS } from "../../../support/channel-options.ts";
import { type BytesServer, startBytesServer } from "../../../support/grpc-server.ts";
import { HealthLog, type PlayedHealth, PlayedUpstream } from "../../../support/played-upstreams.ts";
import { reply, settings, startRawServer } from "../../../support/raw-http2.ts";
import { callOnce, channelTo, closeAll, isCall, start, until } from "../../../support/raw-upstreams.ts";

const HANG = { timeout: 30_000 };

const MAX_CONCURRENT_STREAMS = 3;

const CHECK: HealthCheckOptions = {
  service: "",
  mode: "watch",
  intervalMs: 50,
  timeoutMs: 2000,
  unhealthyAfter: 2,
  healthyAfter: 1,
};

interface Scene {
  readonly channel: Http2Channel;
  readonly upstreams: readonly PlayedUpstream[];
  /** The second of the three. */
  readonly ill: PlayedUpstream;
  readonly log: string[];
  readonly close: () => Promise<void>;
}

/** Three upstreams whose health services say `health`; all are connected and have been asked. */
async function scene(
  health: PlayedHealth,
  check: Partial<HealthCheckOptions> = {},
  options: { readonly panicThresholdPercent?: number; readonly hasWatch?: false } = {},
): Promise<Scene> {
  const upstreams = await Promise.all([1, 2, 3].map(() => PlayedUpstream.start()));
  for (const upstream of upstreams) {
    upstream.health = health;
    upstream.hasWatch = options.hasWatch ?? true;
  }
  const [, ill] = upstreams;
  assert.ok(ill !== undefined);
  const healthObserver = new HealthLog(upstreams.map(({ address }) => address));
  const channel = channelTo(upstreams, {
    balancing: "round_robin",
    health: {
      check: { ...CHECK, ...check },
      ejection: undefined,
      panicThresholdPercent: options.panicThresholdPercent ?? 50,
    },
    healthObserver,
  });
  void channel.warmUp(5000);
  await until(() => upstreams.every(({ asked }) => asked.length > 0));
  const close = (): Promise<void> => closeAll(channel, ...upstreams);
  return { channel, upstreams, ill, log: healthObserver.lines, close };
}

/** Calls until each of the three has had one, so that all of them are known to be picked. */
async function reachAll({ channel, upstreams }: Scene): Promise<void> {
  const before = upstreams.map(({ calls }) => calls);
  while (upstreams.some(({ calls }, i) => calls === before[i])) await callOnce(channel);
}

/** How many of the next `count` calls reach each. */
async function spread({ channel, upstreams }: Scene, count: number): Promise<readonly number[]> {
  const before = upstreams.map(({ calls }) => calls);
  for (let i = 0; i < count; i++) assert.equal((await callOnce(channel)).status.code, Code.OK);
  return upstreams.map(({ calls }, i) => calls - (before[i] ?? 0));
}

describe("an endpoint of three that says that it does not serve", HANG, () => {
  for (const mode of ["watch", "check"] as const) {
    test(`gets no calls while it says so, and keeps its connection and its calls (${mode})`, async () => {
      const played = await scene("SERVING", { mode });
      const { channel, ill, log } = played;
      await reachAll(played);
      ill.behaviour = "hangs";
      const calls = Array.from({ length: 3 }, () => start(channel));
      await until(() => ill.open.size === 1);
      const sessions = new Set(ill.server.sessions);
      ill.health = "NOT_SERVING";
      await until(() => log.length > 0);
      assert.deepEqual(log, ["b not serving"]);
      assert.equal(channel.stats().endpoints[1]?.isHealthy, false);
      assert.deepEqual((await spread(played, 20))[1], 0);
      ill.behaviour = "answers";
      ill.release();
      for (const { recorder } of calls) assert.equal((await recorder.ended).status.code, Code.OK);
      ill.health = "SERVING";
      await until(() => log.length > 1);
      assert.deepEqual(log, ["b not serving", "b serving"]);
      await reachAll(played);
      assert.deepEqual(new Set(ill.server.sessions), sessions);
      await played.close();
    });
  }

  test("gets calls nevertheless when too few others are left", async () => {
    const played = await scene("SERVING");
    await reachAll(played);
    for (const upstream of played.upstreams.slice(0, 2)) upstream.health = "NOT_SERVING";
    await until(() => played.log.length === 3);
    assert.equal(played.log[2], "panic begins");
    assert.deepEqual(await spread(played, 9), [3, 3, 3]);
    await played.close();
  });

  test("leaves calls to fail at once where panic is switched off and no one serves", async () => {
    const played = await scene("SERVING", {}, { panicThresholdPercent: 0 });
    await reachAll(played);
    for (const upstream of played.upstreams) upstream.health = "NOT_SERVING";
    await until(() => played.log.length === 3);
    const { status } = await callOnce(played.channel);
    assert.match(status.message, /cannot be reached: none of its endpoints is healthy$/);
    await played.close();
  });

  test("from the first, never gets a call", async () => {
    const played = await scene("SERVING");
    await reachAll(played);
    for (const session of played.ill.server.sessions) session.destroy();
    played.ill.health = "NOT_SERVING";
    const { calls } = played.ill;
    const from = played.ill.asked.length;
    await until(() => played.ill.asked.length > from);
    await spread(played, 30);
    assert.equal(played.ill.calls, calls);
    await played.close();
  });
});

describe("health services of all kinds", HANG, () => {
  test("a server without Watch is asked by Check", async () => {
    const played = await scene("SERVING", {}, { hasWatch: false });
    await reachAll(played);
    played.ill.health = "NOT_SERVING";
    await until(() => played.log.length > 0);
    assert.deepEqual(played.log, ["b not serving"]);
    const { asked } = played.ill;
    assert.equal(asked[0], "Watch");
    assert.ok(asked.length > 1 && asked.slice(1).every((method) => method === "Check"), asked.join());
    await played.close();
  });

  test("a server without a health service counts as serving, and the log says so once", async () => {
    const played = await scene("none");
    await until(() => played.upstreams.every(({ asked }) => asked.length === 2));
    await reachAll(played);
    assert.deepEqual(played.log, ["unsupported"]);
    assert.deepEqual(
      played.upstreams.map(({ asked }) => asked),
      [1, 2, 3].map(() => ["Watch", "Check"]),
    );
    await played.close();
  });

  for (const mode of ["watch", "check"] as const) {
    test(`a health service that hangs takes its endpoint out, and an answer brings it back (${mode})`, async () => {
      const played = await scene("SERVING", { mode, timeoutMs: 300 });
      await reachAll(played);
      played.ill.health = "silent";
      for (const session of played.ill.server.sessions) session.destroy();
      await until(() => played.log.length > 0);
      assert.deepEqual(played.log, ["b not serving"]);
      assert.equal((await spread(played, 20))[1], 0);
      played.ill.health = "SERVING";
      await until(() => played.log.length > 1);
      assert.deepEqual(played.log, ["b not serving", "b serving"]);
      await reachAll(played);
      await played.close();
    });
  }

  test("closing the channel ends the watches", async () => {
    const played = await scene("SERVING");
    await reachAll(played);
    await played.channel.close();
    await until(() => played.upstreams.every(({ server }) => server.sessions.size === 0));
    await played.close();
  });
});

describe("a connection without room for a check", HANG, () => {
  test("says nothing of its endpoint, which has as many calls as it wants", async () => {
    const server = await startRawServer({
      greeting: settings([MAX_CONCURRENT_STREAMS, 1]),
      onFrame: (frame, peer) => {
        if (isCall(frame) && frame.streamId === 1) peer.send(reply(1, Buffer.of(0x08, 1)));
      },
    });
    let asks = 0;
    const healthObserver = new HealthLog([server.address]);
    const channel = channelTo(
      [server],
      {
        connections: { ...CONNECTIONS, perEndpoint: 1 },
        health: { check: { ...CHECK, mode: "check" }, ejection: undefined, panicThresholdPercent: 0 },
        healthObserver,
      },
      {
        random: () => {
          asks++;
          return 0.5;
        },
      },
    );
    await channel.warmUp(5000);
    await until(() => asks > 0);
    const { call, recorder } = start(channel);
    const from = asks;
    await until(() => asks >= from + 2 * CHECK.unhealthyAfter);
    assert.equal(channel.stats().endpoints[0]?.isHealthy, true, healthObserver.lines.join());
    call.cancel(gatewayStatus("CLIENT_GONE", "gone"));
    await recorder.ended;
    await closeAll(channel, server);
  });
});

describe("a connection that is replaced for its age", HANG, () => {
  test("is not kept by the watch that was on it, which goes on over the next one", async () => {
    const upstream = await PlayedUpstream.start();
    upstream.health = "SERVING";
    const healthObserver = new HealthLog([upstream.address]);
    const channel = channelTo([upstream], {
      connections: { ...CONNECTIONS, maxAgeMs: 50 },
      health: { check: CHECK, ejection: undefined, panicThresholdPercent: 0 },
      healthObserver,
    });
    void channel.warmUp(5000);
    await until(() => upstream.server.sessions.size > 0);
    const [first] = upstream.server.sessions;
    await until(() => first?.destroyed === true);
    upstream.health = "NOT_SERVING";
    await until(() => healthObserver.lines.length > 0);
    assert.deepEqual(healthObserver.lines, ["a not serving"]);
    await closeAll(channel, upstream);
  });
});

describe("the health service of grpc-js", HANG, () => {
  const SERVING = Buffer.from([0x08, 1]);
  const NOT_SERVING = Buffer.from([0x08, 2]);

  type Stream = ServerDuplexStream<Buffer, Buffer>;

  /** A server that watches of `a.B` are kept open on, with what it was asked. */
  async function startHealthServer(
    text: string,
  ): Promise<{ server: BytesServer; watches: Stream[]; asked: string[]; say(answer: Buffer): void }> {
    const watches: Stream[] = [];
    const asked: string[] = [];
    let said: Buffer = SERVING;
    const server = await startBytesServer({
      "/grpc.health.v1.Health/Watch": (stream) => {
        stream.on("data", (question: Buffer) => asked.push(question.toString("latin1")));
        stream.on("end", () => undefined);
        stream.write(said);
        watches.push(stream);
      },
      "/grpc.health.v1.Health/Check": (stream) => {
        stream.on("data", (question: Buffer) => asked.push(question.toString("latin1")));
        stream.on("end", () => {
          stream.write(said);
          stream.end();
        });
      },
      "/test.Raw/Call": (stream) => {
        stream.on("data", () => undefined);
        stream.on("end", () => {
          stream.write(Buffer.from(text));
          stream.end();
        });
      },
    });
    const say = (answer: Buffer): void => {
      said = answer;
      for (const watch of watches) watch.write(answer);
    };
    return { server, watches, asked, say };
  }

  for (const mode of ["watch", "check"] as const) {
    test(`is asked by ${mode}, for the service that the config names`, async () => {
      const servers = await Promise.all(["a", "b"].map((text) => startHealthServer(text)));
      const [a, b] = servers;
      assert.ok(a !== undefined && b !== undefined);
      const healthObserver = new HealthLog(servers.map(({ server }) => server.address));
      const channel = channelTo(
        servers.map(({ server }) => server),
        {
          balancing: "round_robin",
          health: {
            check: { ...CHECK, mode, service: "a.B" },
            ejection: undefined,
            panicThresholdPercent: 50,
          },
          healthObserver,
        },
      );
      const texts = new Set<string>();
      while (texts.size < 2) texts.add((await callOnce(channel)).text);
      await until(() => a.asked.length > 0 && b.asked.length > 0);
      assert.deepEqual(new Set([...a.asked, ...b.asked]), new Set(["\n\x03a.B"]));
      a.say(NOT_SERVING);
      await until(() => healthObserver.lines.length > 0);
      for (let i = 0; i < 10; i++) assert.equal((await callOnce(channel)).text, "b");
      a.say(SERVING);
      await until(() => healthObserver.lines.length > 1);
      assert.deepEqual(healthObserver.lines, ["a not serving", "a serving"]);
      assert.equal(mode === "watch" ? a.watches.length : a.asked.length > 2, mode === "watch" ? 1 : true);
      await closeAll(channel, ...servers.map(({ server }) => server));
    });
  }
});
