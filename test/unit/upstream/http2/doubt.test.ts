/** A call ran into its deadline: is it the call, or is nobody there? */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Code } from "../../../../src/status/index.ts";
import { createHttp2Client } from "../../../../src/upstream/clients/http2/index.ts";
import type { Channel, ConnectionSettings } from "../../../../src/upstream/index.ts";
import { CONNECTIONS, channelOptions } from "../../../support/channel-options.ts";
import { CallRecorder } from "../../../support/grpc-recorder.ts";
import {
  ACK,
  HEADERS,
  PING,
  type RawPeer,
  type RawServer,
  rawFrame,
  reply,
  startRawServer,
} from "../../../support/raw-http2.ts";

const PATIENCE_MS = 10_000;

function open(channel: Channel, deadlineMs: number = PATIENCE_MS): CallRecorder {
  const recorder = new CallRecorder();
  const call = channel.open("/test.Raw/Call", [], deadlineMs, recorder);
  call.send(Buffer.from("x"));
  call.halfClose();
  return recorder;
}

/** A call that was opened on a connection, since there is one, and is not answered. */
async function expire(channel: Channel): Promise<void> {
  assert.equal((await open(channel, 15).ended).status.reason, "DEADLINE");
}

async function succeed(channel: Channel): Promise<void> {
  const { status } = await open(channel).ended;
  assert.equal(status.code, Code.OK, status.message);
}

function pings(peer: RawPeer | undefined): number {
  return peer?.frames.filter(({ type }) => type === PING).length ?? 0;
}

describe("a deadline on a connection that has said nothing for half the time of the call", {
  timeout: PATIENCE_MS,
}, () => {
  let server: RawServer;
  let channel: Channel;
  let answersCalls: (peer: RawPeer) => boolean = () => true;
  let answersPings = false;

  /** Starts a server and a channel with one connection that has been of use. */
  const start = async (more: Partial<ConnectionSettings> = {}): Promise<void> => {
    answersCalls = () => true;
    answersPings = false;
    server = await startRawServer({
      onFrame: (frame, peer) => {
        if (frame.type === PING && answersPings) peer.send(rawFrame(PING, ACK, 0, frame.payload));
        if (frame.type === HEADERS && answersCalls(peer)) peer.send(reply(frame.streamId));
      },
    });
    const connections = { ...CONNECTIONS, ...more };
    channel = createHttp2Client("sluice/0.0.0").connect(channelOptions([server.address], { connections }));
    await succeed(channel);
  };

  afterEach(async () => {
    await server.close();
    await channel.close();
  });

  test("asks with a PING, and until it is answered calls go to another connection", async () => {
    await start();
    answersCalls = (peer) => peer !== server.peers[0];
    await expire(channel);
    await server.peers[0]?.frame(({ type }) => type === PING);
    await succeed(channel);
    assert.equal(server.peers.length, 2);
  });

  for (const [title, keepaliveMs] of [
    ["ends the connection where no answer comes, and the calls that are left on it", CONNECTIONS.keepaliveMs],
    ["does so where silence alone never asks, too", Number.POSITIVE_INFINITY],
  ] as const) {
    test(title, async () => {
      await start({ keepaliveMs, keepaliveTimeoutMs: 30 });
      answersCalls = () => false;
      const other = open(channel);
      await expire(channel);
      assert.equal((await other.ended).status.reason, "UPSTREAM_UNREACHABLE");
      await server.peers[0]?.closed;
    });
  }

  test("takes calls again with the answer", async () => {
    await start({ perEndpoint: 1 });
    answersCalls = () => false;
    answersPings = true;
    await expire(channel);
    answersCalls = () => true;
    await succeed(channel);
    assert.deepEqual([server.peers.length, pings(server.peers[0])], [1, 1]);
  });

  test("asks no more than twice until a call is answered: servers count PINGs", async () => {
    await start({ perEndpoint: 1 });
    answersPings = true;
    for (const most of [2, 4]) {
      answersCalls = () => false;
      for (let i = 0; i < 4; i++) await expire(channel);
      assert.equal(pings(server.peers[0]), most);
      answersCalls = () => true;
      await succeed(channel);
    }
  });

  test("does so too where there was a word after the call had been sent", async () => {
    await start({ perEndpoint: 1, keepaliveTimeoutMs: 60_000 });
    answersCalls = () => false;
    const expiring = open(channel, 200);
    await server.peers[0]?.frame(({ type, streamId }) => type === HEADERS && streamId === 3);
    answersCalls = () => true;
    await succeed(channel);
    assert.equal((await expiring.ended).status.reason, "DEADLINE");
    await server.peers[0]?.frame(({ type }) => type === PING);
  });

  test("is the call's own matter where others are answered meanwhile", async () => {
    await start();
    answersCalls = () => false;
    const expiring = open(channel, 50);
    await server.peers[0]?.frame(({ type, streamId }) => type === HEADERS && streamId === 3);
    answersCalls = () => true;
    while (expiring.outcomes.length === 0) await succeed(channel);
    assert.equal((await expiring.ended).status.reason, "DEADLINE");
    assert.equal(pings(server.peers[0]), 0);
  });
});
