/** The channel around the client: which endpoint a call goes to, connections and their age, warm-up, stats. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { Code } from "../../../../src/status/index.ts";
import type { SocketAddress } from "../../../../src/upstream/address.ts";
import { CONNECTIONS } from "../../../support/channel-options.ts";
import {
  GOAWAY,
  type RawFrame,
  RawPeer,
  type RawServer,
  RST_STREAM,
  rawFrame,
  reply,
  settings,
  startRawServer,
  uint32,
} from "../../../support/raw-http2.ts";
import {
  answering,
  callOnce,
  channelTo,
  closeAll,
  deadAddress,
  isCall,
  listen,
  start,
  startHolding,
  startSilent,
  until,
} from "../../../support/raw-upstreams.ts";

const MAX_CONCURRENT_STREAMS = 3;
const REFUSED_STREAM = 7;

describe("balancing over sockets", () => {
  test("round_robin reaches every endpoint equally", async () => {
    const servers = await Promise.all(["a", "b", "c"].map((text) => startRawServer(answering(text))));
    const channel = channelTo(servers, { balancing: "round_robin" });
    void channel.warmUp(1000);
    await until(() => channel.readyConnections === 3);
    const before = channel.stats().endpoints.map(({ picks }) => picks);
    for (let i = 0; i < 30; i++) await callOnce(channel);
    const after = channel.stats().endpoints.map(({ picks }, i) => picks - (before[i] ?? 0));
    assert.deepEqual(after, [10, 10, 10]);
    await closeAll(channel, ...servers);
  });

  test("weighted gives each endpoint its part", async () => {
    const servers = await Promise.all(["a", "b"].map((text) => startRawServer(answering(text))));
    const addresses = servers.map(({ address }, i) => ({ address, weight: i === 0 ? 9 : 1 }));
    const channel = channelTo([], { addresses, balancing: "weighted" });
    void channel.warmUp(1000);
    await until(() => channel.readyConnections === 2);
    for (let i = 0; i < 50; i++) await callOnce(channel);
    assert.deepEqual(
      channel.stats().endpoints.map(({ picks }) => picks),
      [45, 5],
    );
    await closeAll(channel, ...servers);
  });

  test("pick_first connects to the first that can be had and to no other", async () => {
    const servers = await Promise.all(["a", "b"].map((text) => startRawServer(answering(text))));
    const dead = await deadAddress();
    const channel = channelTo([dead, ...servers], { balancing: "pick_first" });
    for (let i = 0; i < 10; i++) assert.equal((await callOnce(channel)).text, "a");
    assert.deepEqual(
      channel.stats().endpoints.map(({ picks, connections }) => ({ picks, connections })),
      [
        { picks: 0, connections: 0 },
        { picks: 10, connections: 1 },
        { picks: 0, connections: 0 },
      ],
    );
    await closeAll(channel, ...servers);
  });

  test("pick_first moves on when its endpoint is lost, and fails at once when all are", async () => {
    const servers = await Promise.all(["a", "b"].map((text) => startRawServer(answering(text))));
    const [a, b] = servers;
    assert.ok(a !== undefined && b !== undefined);
    const channel = channelTo(servers, { balancing: "pick_first" });
    assert.equal((await callOnce(channel)).text, "a");
    await a.close();
    await until(() => channel.stats().endpoints[0]?.state !== "ready");
    assert.equal((await callOnce(channel)).text, "b");
    await b.close();
    await until(() => channel.stats().endpoints[1]?.state !== "ready");
    const from = performance.now();
    assert.equal((await callOnce(channel)).status.reason, "UPSTREAM_UNREACHABLE");
    assert.ok(performance.now() - from < 1000);
    await channel.close();
  });

  test("pick_first does not take the second while the first is being looked up", async () => {
    const servers = await Promise.all(["a", "b"].map((text) => startRawServer(answering(text))));
    const [a, b] = servers;
    assert.ok(a !== undefined && b !== undefined);
    const [host = "", port] = a.address.split(":");
    const lookUp = async (): Promise<SocketAddress[]> => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return [{ kind: "tcp", host, port: Number(port) }];
    };
    const channel = channelTo([{ address: "a.test:1" }, b], { balancing: "pick_first" }, { lookUp });
    assert.equal((await callOnce(channel)).text, "a");
    assert.equal(channel.stats().endpoints[1]?.connections, 0);
    await closeAll(channel, ...servers);
  });

  test("two addresses that lead to one place are one endpoint", async () => {
    const server = await startRawServer(answering("a"));
    const channel = channelTo([server, server]);
    await callOnce(channel);
    assert.equal(channel.stats().endpoints.length, 1);
    await closeAll(channel, server);
  });

  test("an endpoint that a name does not stand for any more finishes its calls and takes no others", async () => {
    const { server: old, held } = await startHolding();
    const young = await startRawServer(answering("young"));
    let found = old;
    const lookUp = async (): Promise<SocketAddress[]> => {
      const [host = "", port] = found.address.split(":");
      return [{ kind: "tcp", host, port: Number(port) }];
    };
    const connections = { ...CONNECTIONS, resolveIntervalMs: 20 };
    const channel = channelTo([{ address: "books.test:1" }], { connections }, { lookUp });
    const first = start(channel);
    await until(() => held.length === 1);
    found = young;
    await until(() => channel.stats().endpoints[0]?.name === young.address && channel.readyConnections === 1);
    assert.equal((await callOnce(channel)).text, "young");
    held[0]?.answer();
    assert.equal((await first.recorder.ended).status.code, Code.OK);
    await old.peers[0]?.frame(({ type }) => type === GOAWAY);
    assert.equal(channel.stats().endpoints.length, 1);
    await closeAll(channel, old, young);
  });
});

describe("connections per endpoint", () => {
  test("are opened as calls find no room, up to the limit; then calls wait", async () => {
    const { server, held } = await startHolding(settings([MAX_CONCURRENT_STREAMS, 1]));
    const channel = channelTo([server], { connections: { ...CONNECTIONS, perEndpoint: 3 } });
    const calls = Array.from({ length: 5 }, () => start(channel));
    await until(() => held.length === 3 && channel.readyConnections === 3);
    const { pendingCalls, pendingBytes, endpoints, openCalls } = channel.stats();
    assert.deepEqual(
      { pendingCalls, pendingBytes, openCalls },
      { pendingCalls: 2, pendingBytes: 8, openCalls: 5 },
    );
    assert.equal(endpoints[0]?.openStreams, 3);
    for (let i = 0; i < 5; i++) {
      await until(() => held.length > i);
      held[i]?.answer();
    }
    for (const { recorder } of calls) assert.equal((await recorder.ended).status.code, Code.OK);
    assert.equal(server.peers.length, 3);
    assert.equal(channel.stats().pendingBytes, 0);
    await closeAll(channel, server);
  });

  test("are opened where calls find no room, however long another endpoint takes to connect", {
    timeout: 10_000,
  }, async () => {
    const { server, held } = await startHolding(settings([MAX_CONCURRENT_STREAMS, 1]));
    const silent = await startSilent();
    const channel = channelTo([server, silent]);
    const calls = [start(channel), start(channel)];
    await until(() => held.length === 2);
    assert.equal(channel.stats().endpoints[1]?.state, "connecting");
    for (const each of held) each.answer();
    for (const { recorder } of calls) assert.equal((await recorder.ended).status.code, Code.OK);
    await closeAll(channel, server, silent);
  });
});

describe("the age of connections", () => {
  test("an old one is replaced before it goes, its calls finish, none fails and none is sent twice", async () => {
    let calls = 0;
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isCall(frame)) return;
      calls++;
      setImmediate(() => peer.send(reply(frame.streamId)));
    };
    const server = await startRawServer({ onFrame });
    const channel = channelTo([server], { connections: { ...CONNECTIONS, maxAgeMs: 20 } });
    let made = 0;
    let wasWithout = false;
    while (server.peers.length < 6) {
      const [one, two] = await Promise.all([callOnce(channel), callOnce(channel)]);
      assert.equal(one.status.code, Code.OK, one.status.message);
      assert.equal(two.status.code, Code.OK, two.status.message);
      wasWithout ||= channel.readyConnections === 0;
      made += 2;
    }
    assert.equal(calls, made);
    assert.equal(wasWithout, false, "the next one is there before the last one goes");
    await server.peers[0]?.closed;
    assert.deepEqual(channel.stats().resentCalls, { refused: 0, goaway: 0, never_sent: 0 });
    await closeAll(channel, server);
  });

  test("a stream that is longer than the age keeps its connection, which counts as load", async () => {
    const { server, held } = await startHolding();
    const channel = channelTo([server], { connections: { ...CONNECTIONS, maxAgeMs: 20 } });
    const long = start(channel);
    await until(() => server.peers.length === 3);
    assert.equal(channel.stats().endpoints[0]?.openStreams, 1);
    held[0]?.answer();
    assert.equal((await long.recorder.ended).status.code, Code.OK);
    await server.peers[0]?.closed;
    await closeAll(channel, server);
  });

  test("where no new connection can be had, the old one goes on", async () => {
    let sockets = 0;
    const behaviour = answering("a");
    const server = createServer((socket) => {
      if (sockets++ > 0) socket.destroy();
      else new RawPeer(socket, (frame, peer) => behaviour.onFrame?.(frame, peer)).send(settings());
    });
    const channel = channelTo([{ address: await listen(server) }], {
      connections: { ...CONNECTIONS, maxAgeMs: 20 },
    });
    while (sockets < 3) assert.equal((await callOnce(channel)).text, "a");
    assert.equal(channel.stats().endpoints[0]?.state, "ready");
    await closeAll(channel, server);
  });
});

describe("warm-up", () => {
  test("opens a connection before any call, and ends with it", async () => {
    const server = await startRawServer(answering("a"));
    const channel = channelTo([server]);
    await channel.warmUp(5000);
    assert.equal(channel.connectivity(), "ready");
    await channel.warmUp(5000);
    assert.equal(server.peers.length, 1);
    await closeAll(channel, server);
  });

  test("ends with the first of several connections", async () => {
    const [silent, server] = await Promise.all([startSilent(), startRawServer(answering("a"))]);
    const channel = channelTo([silent, server]);
    const from = performance.now();
    await channel.warmUp(20_000);
    assert.ok(performance.now() - from < 10_000);
    assert.equal(channel.readyConnections, 1);
    await closeAll(channel, silent, server);
  });

  test("ends at once where nothing can be had, and after its time where nobody answers", async () => {
    const dead = channelTo([await deadAddress()]);
    const silent = await startSilent();
    const mute = channelTo([silent]);
    const from = performance.now();
    await dead.warmUp(20_000);
    await mute.warmUp(50);
    const took = performance.now() - from;
    assert.ok(took >= 49 && took < 10_000, `${took} ms`);
    assert.equal(mute.connectivity(), "connecting");
    await dead.close();
    await closeAll(mute, silent);
    await mute.warmUp(20_000);
  });

  test("connecting ends after its timeout, and the call says so", async () => {
    const silent = await startSilent();
    const channel = channelTo([silent], { connections: { ...CONNECTIONS, connectTimeoutMs: 50 } });
    const { status } = await callOnce(channel);
    assert.equal(status.message, `upstream ${silent.address} cannot be reached: connection timed out`);
    assert.equal(channel.stats().endpoints[0]?.connectFailures, 1);
    await closeAll(channel, silent);
  });
});

describe("stats", () => {
  test("count calls that are sent again by reason", async () => {
    let refusals = 1;
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isCall(frame)) return;
      if (refusals-- > 0) peer.send(rawFrame(RST_STREAM, 0, frame.streamId, uint32(REFUSED_STREAM)));
      else if (peer === server.peers[0]) peer.send(rawFrame(GOAWAY, 0, 0, uint32(1, 0)));
      else peer.send(reply(frame.streamId));
    };
    const server: RawServer = await startRawServer({ onFrame });
    const channel = channelTo([server]);
    assert.equal((await callOnce(channel)).status.code, Code.OK);
    const { resentCalls, endpoints } = channel.stats();
    assert.deepEqual(resentCalls, { refused: 1, goaway: 1, never_sent: 0 });
    assert.equal(endpoints[0]?.picks, 3);
    await closeAll(channel, server);
  });

  test("count bytes across connections, and keep those of the ones that are gone", async () => {
    const server = await startRawServer(answering("x".repeat(5000)));
    const channel = channelTo([server]);
    await callOnce(channel);
    const [before] = channel.stats().endpoints;
    assert.ok(before !== undefined);
    assert.ok((before.receivedBytes ?? 0) > 5000 && (before.receivedBytes ?? 0) < 6000);
    assert.ok((before.sentBytes ?? 0) > 100 && (before.sentBytes ?? 0) < 1000);
    server.peers[0]?.socket.destroy();
    await until(() => server.peers.length === 2 && channel.readyConnections === 1);
    await callOnce(channel);
    const [after] = channel.stats().endpoints;
    assert.ok((after?.receivedBytes ?? 0) > 10_000);
    assert.ok((after?.sentBytes ?? 0) > (before.sentBytes ?? 0));
    await closeAll(channel, server);
  });
});
