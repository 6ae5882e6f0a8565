/** Who judges endpoints: what observers hear, and which endpoints calls go to. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, codeName, gatewayStatus } from "../../../../src/status/index.ts";
import type { Http2Channel } from "../../../../src/upstream/clients/http2/channel.ts";
import type {
  Availability,
  CallEnd,
  ChannelOptions,
  EndpointObserver,
  EndpointView,
} from "../../../../src/upstream/index.ts";
import { CONNECTIONS } from "../../../support/channel-options.ts";
import { CallRecorder } from "../../../support/grpc-recorder.ts";
import {
  ACK,
  PING,
  type RawFrame,
  type RawPeer,
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
  start,
  startHolding,
  until,
} from "../../../support/raw-upstreams.ts";

const MAX_CONCURRENT_STREAMS = 3;

/** An availability that the test plays. */
class FakeAvailability implements Availability {
  readonly heard: string[] = [];
  readonly endpoints = new Map<string, EndpointView>();
  readonly ill = new Set<string>();
  readonly onChange: () => void;
  panics = false;

  constructor(onChange: () => void) {
    this.onChange = onChange;
  }

  observe(endpoint: EndpointView): EndpointObserver {
    const { name } = endpoint;
    const { heard, ill } = this;
    const isAvailable = (): boolean => this.panics || !ill.has(name);
    this.endpoints.set(name, endpoint);
    return {
      get isAvailable() {
        return isAvailable();
      },
      isHealthy: true,
      ejections: { failures: 0, latency: 0 },
      onReady: () => heard.push(`${name} ready`),
      onLost: () => heard.push(`${name} lost`),
      onRemoved: () => heard.push(`${name} removed`),
      onReplaced: () => undefined,
      onUnreachable: () => heard.push(`${name} unreachable`),
      onCallSent: () => heard.push(`${name} sent`),
      onReplyStarted: (sentAt, now) => {
        assert.ok(now >= sentAt && now - sentAt < 10_000, `${sentAt} to ${now}`);
        heard.push(`${name} replies`);
      },
      onCallEnded: (status, end: CallEnd, sentAt, progress) => {
        assert.ok(sentAt > 0);
        heard.push(`${name} ${end} ${status.reason ?? codeName(status.code)}, ${progress}`);
      },
    };
  }
}

function watched(
  servers: readonly { readonly address: string }[],
  more: Partial<ChannelOptions> = {},
): { channel: Http2Channel; fake: FakeAvailability } {
  let fake: FakeAvailability | undefined;
  const channel = channelTo(servers, more, {
    watch: (onChange) => {
      fake = new FakeAvailability(onChange);
      return fake;
    },
  });
  assert.ok(fake !== undefined);
  return { channel, fake };
}

describe("availability", () => {
  test("calls go to available endpoints alone, from the next call on", async () => {
    const servers = await Promise.all(["a", "b"].map((text) => startRawServer(answering(text))));
    const [a, b] = servers;
    assert.ok(a !== undefined && b !== undefined);
    const { channel, fake } = watched(servers, { balancing: "round_robin" });
    void channel.warmUp(1000);
    await until(() => channel.readyConnections === 2);
    fake.ill.add(a.address);
    fake.onChange();
    for (let i = 0; i < 5; i++) assert.equal((await callOnce(channel)).text, "b");
    fake.ill.clear();
    fake.onChange();
    const texts = [await callOnce(channel), await callOnce(channel)].map(({ text }) => text);
    assert.deepEqual(texts.sort(), ["a", "b"]);
    await closeAll(channel, ...servers);
  });

  test("calls fail at once where none is available, unless panic admits all", async () => {
    const server = await startRawServer(answering("a"));
    const { channel, fake } = watched([server]);
    await channel.warmUp(5000);
    fake.ill.add(server.address);
    fake.onChange();
    const { status } = await callOnce(channel);
    assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
    assert.equal(
      status.message,
      `upstream ${server.address} cannot be reached: none of its endpoints is healthy`,
    );
    fake.panics = true;
    fake.onChange();
    assert.equal((await callOnce(channel)).text, "a");
    await closeAll(channel, server);
  });

  test("calls that wait for an endpoint that falls ill fail with it", async () => {
    const { server, held } = await startHolding(settings([MAX_CONCURRENT_STREAMS, 1]));
    const { channel, fake } = watched([server], { connections: { ...CONNECTIONS, perEndpoint: 1 } });
    const first = start(channel);
    await until(() => held.length === 1);
    const waiting = start(channel);
    fake.ill.add(server.address);
    fake.onChange();
    assert.equal((await waiting.recorder.ended).status.reason, "UPSTREAM_UNREACHABLE");
    held[0]?.answer();
    assert.equal((await first.recorder.ended).status.code, Code.OK);
    await closeAll(channel, server);
  });

  test("under pick_first an endpoint that falls ill gives way to the next one", async () => {
    const servers = await Promise.all(["a", "b"].map((text) => startRawServer(answering(text))));
    const [a] = servers;
    assert.ok(a !== undefined);
    const { channel, fake } = watched(servers, { balancing: "pick_first" });
    assert.equal((await callOnce(channel)).text, "a");
    fake.ill.add(a.address);
    fake.onChange();
    assert.equal((await callOnce(channel)).text, "b");
    await closeAll(channel, ...servers);
  });

  test("an observer hears of connections and of how each call ended", async () => {
    const endings: Record<string, (frame: RawFrame, peer: RawPeer) => void> = {
      answered: (frame, peer) => peer.send(reply(frame.streamId)),
      broken: (frame, peer) => peer.send(rawFrame(RST_STREAM, 0, frame.streamId, uint32(2))),
      lost: (_frame, peer) => peer.socket.destroy(),
      silent: () => undefined,
    };
    let mode = "answered";
    const server = await startRawServer({
      onFrame: (frame, peer) => {
        if (isCall(frame)) endings[mode]?.(frame, peer);
        // What the deadline below asks for; without the answer it would be another connection that is lost.
        else if (frame.type === PING) peer.send(rawFrame(PING, ACK, 0, frame.payload));
      },
    });
    const { channel, fake } = watched([server], { connections: { ...CONNECTIONS, perEndpoint: 1 } });
    await callOnce(channel);
    mode = "broken";
    await callOnce(channel);
    mode = "silent";
    await start(channel, 20).recorder.ended;
    const left = start(channel);
    await until(() => channel.stats().endpoints[0]?.openStreams === 1);
    left.call.cancel(gatewayStatus("CLIENT_GONE", "gone"));
    mode = "lost";
    await callOnce(channel);
    await channel.close();
    const { address } = server;
    assert.deepEqual(fake.heard.slice(0, 13), [
      `${address} ready`,
      `${address} sent`,
      `${address} replies`,
      `${address} answered OK, replied`,
      `${address} sent`,
      `${address} broken UPSTREAM_PROTOCOL, silent`,
      `${address} sent`,
      `${address} expired DEADLINE, silent`,
      `${address} sent`,
      `${address} abandoned CLIENT_GONE, silent`,
      `${address} sent`,
      `${address} lost`,
      `${address} broken UPSTREAM_UNREACHABLE, silent`,
    ]);
    assert.ok(fake.heard.includes(`${address} removed`));
    await server.close();
  });

  test("a call can be opened on one endpoint, ill or not; neither limits nor observers take notice", async () => {
    const servers = await Promise.all(["a", "b"].map((text) => startRawServer(answering(text))));
    const limits = { maxInFlight: 0, maxPending: 0, maxPendingBytes: 0 };
    const { channel, fake } = watched(servers, { limits });
    void channel.warmUp(1000);
    await until(() => channel.readyConnections === 2);
    for (const [i, text] of ["a", "b"].entries()) {
      const endpoint = fake.endpoints.get(servers[i]?.address ?? "");
      assert.ok(endpoint?.isReady);
      fake.ill.add(endpoint.name);
      fake.onChange();
      const recorder = new CallRecorder();
      const call = endpoint.open("/test.Raw/Call", [], 5000, recorder);
      call.send(Buffer.from("ping"));
      call.halfClose();
      assert.equal((await recorder.ended).status.code, Code.OK);
      assert.equal(Buffer.from(recorder.messages[0] ?? []).toString(), text);
    }
    assert.equal(fake.heard.filter((line) => line.includes("answered")).length, 0);
    await closeAll(channel, ...servers);
  });

  test("a call on an endpoint that is not connected is refused, and none is opened on a closed channel", async () => {
    const dead = await deadAddress();
    const { channel, fake } = watched([dead]);
    await channel.warmUp(5000);
    const endpoint = fake.endpoints.get(dead.address);
    assert.ok(endpoint !== undefined);
    for (const isClosed of [false, true]) {
      if (isClosed) await channel.close();
      const recorder = new CallRecorder();
      endpoint.open("/test.Raw/Call", [], 5000, recorder).send(Buffer.from("ping"));
      assert.equal((await recorder.ended).status.reason, "UPSTREAM_UNREACHABLE");
    }
  });
});
