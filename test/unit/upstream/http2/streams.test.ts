/** Streams, windows, limits and ends of connections, against an upstream of bare frames. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import { describe, test } from "node:test";
import { Code, gatewayStatus } from "../../../../src/status/index.ts";
import { Http2Channel, SURROUNDINGS } from "../../../../src/upstream/clients/http2/channel.ts";
import type { Call, Channel, Metadata } from "../../../../src/upstream/index.ts";
import { channelOptions } from "../../../support/channel-options.ts";
import { CallRecorder } from "../../../support/grpc-recorder.ts";
import {
  ACK,
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  message,
  OK_TRAILERS,
  PADDED,
  PING,
  type RawBehaviour,
  type RawFrame,
  type RawPeer,
  type RawServer,
  REPLY_HEADERS,
  RST_STREAM,
  rawFrame,
  reply,
  SETTINGS,
  settings,
  startRawServer,
  uint32,
  WINDOW_UPDATE,
} from "../../../support/raw-http2.ts";

const MAX_CONCURRENT_STREAMS = 3;
const INITIAL_WINDOW_SIZE = 4;
const MAX_FRAME_SIZE = 5;
const MAX_HEADER_LIST_SIZE = 6;
const REFUSED_STREAM = 7;
const CANCEL = 8;

function channelTo(address: string, firstStreamId = 1): Http2Channel {
  const limitBytes = 32 * 1024 * 1024;
  const options = channelOptions([address], {
    maxReceiveMessageBytes: limitBytes,
    maxSendMessageBytes: limitBytes,
  });
  return new Http2Channel(options, "test", { ...SURROUNDINGS, firstStreamId });
}

interface Started {
  readonly recorder: CallRecorder;
  readonly call: Call;
}

function start(channel: Channel, bytes: Uint8Array = Buffer.from("ping"), metadata: Metadata = []): Started {
  const recorder = new CallRecorder();
  const call = channel.open("/test.Raw/Call", metadata, 20_000, recorder);
  call.send(bytes);
  call.halfClose();
  return { recorder, call };
}

/** Runs `body` with a server of frames and a channel to it, and closes both. */
async function withServer(
  behaviour: RawBehaviour,
  body: (channel: Http2Channel, server: RawServer) => Promise<void>,
  firstStreamId = 1,
): Promise<void> {
  const server = await startRawServer(behaviour);
  const channel = channelTo(server.address, firstStreamId);
  try {
    await body(channel, server);
    await channel.close();
  } finally {
    await server.close();
  }
}

function isEnd(frame: RawFrame): boolean {
  return frame.type === DATA && (frame.flags & END_STREAM) !== 0;
}

function answerAll(frame: RawFrame, peer: RawPeer): void {
  if (isEnd(frame)) peer.send(reply(frame.streamId));
}

function dataOf(peer: RawPeer, streamId: number): Buffer {
  const frames = peer.frames.filter((frame) => frame.type === DATA && frame.streamId === streamId);
  return Buffer.concat(frames.map(({ payload }) => payload));
}

describe("what a call looks like on the wire", () => {
  test("a unary call is HEADERS and one DATA with END_STREAM", async () => {
    await withServer({ onFrame: answerAll }, async (channel, { peers }) => {
      const { status } = await start(channel).recorder.ended;
      assert.equal(status.code, Code.OK);
      const frames = peers[0]?.frames.filter(({ streamId }) => streamId === 1) ?? [];
      assert.deepEqual(
        frames.map(({ type, flags }) => [type, flags]),
        [
          [HEADERS, END_HEADERS],
          [DATA, END_STREAM],
        ],
      );
      assert.deepEqual(frames[1]?.payload, message(Buffer.from("ping")));
    });
  });

  test("SETTINGS and PING are acknowledged", async () => {
    const greeting = Buffer.concat([
      settings([MAX_CONCURRENT_STREAMS, 9]),
      rawFrame(PING, 0, 0, Buffer.from("12345678")),
    ]);
    await withServer({ greeting, onFrame: answerAll }, async (channel, { peers }) => {
      await start(channel).recorder.ended;
      const frames = peers[0]?.frames ?? [];
      assert.ok(
        frames.some(({ type, flags, payload }) => type === SETTINGS && flags === ACK && payload.length === 0),
      );
      const ping = frames.find(({ type }) => type === PING);
      assert.deepEqual([ping?.flags, ping?.payload.toString()], [ACK, "12345678"]);
    });
  });

  test("metadata longer than a frame goes on in CONTINUATION", async () => {
    await withServer({ onFrame: answerAll }, async (channel, { peers }) => {
      const { status } = await start(channel, Buffer.from("x"), ["x-long", "v".repeat(40_000)]).recorder
        .ended;
      assert.equal(status.code, Code.OK, status.message);
      const types = peers[0]?.frames
        .filter(({ streamId }) => streamId === 1)
        .map(({ type, flags }) => [type, flags]);
      assert.deepEqual(types, [
        [HEADERS, 0],
        [CONTINUATION, 0],
        [CONTINUATION, END_HEADERS],
        [DATA, END_STREAM],
      ]);
    });
  });

  test("metadata larger than the upstream takes is refused here", async () => {
    const greeting = settings([MAX_HEADER_LIST_SIZE, 4000]);
    await withServer({ greeting, onFrame: answerAll }, async (channel) => {
      const { status } = await start(channel, Buffer.from("x"), ["x-long", "v".repeat(4000)]).recorder.ended;
      assert.equal(status.reason, "HEADERS_TOO_LARGE");
      assert.equal((await start(channel).recorder.ended).status.code, Code.OK);
    });
  });

  test("messages are cut to the upstream's MAX_FRAME_SIZE", async () => {
    const greeting = Buffer.concat([settings([MAX_FRAME_SIZE, 20_000], [INITIAL_WINDOW_SIZE, 100_000])]);
    await withServer({ greeting, onFrame: answerAll }, async (channel, { peers }) => {
      await start(channel, Buffer.alloc(50_000)).recorder.ended;
      const sizes = peers[0]?.frames.filter(({ type }) => type === DATA).map(({ payload }) => payload.length);
      assert.deepEqual(sizes, [20_000, 20_000, 10_005]);
    });
  });
});

describe("flow control", () => {
  test("a stream's window of one byte carries a message, byte by byte", async () => {
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type === DATA && !isEnd(frame))
        peer.send(rawFrame(WINDOW_UPDATE, 0, frame.streamId, uint32(1)));
      answerAll(frame, peer);
    };
    await withServer(
      { greeting: settings([INITIAL_WINDOW_SIZE, 1]), onFrame },
      async (channel, { peers }) => {
        const { status } = await start(channel, Buffer.from("hello, window")).recorder.ended;
        assert.equal(status.code, Code.OK);
        const [peer] = peers;
        assert.ok(peer !== undefined);
        assert.deepEqual(dataOf(peer, 1), message(Buffer.from("hello, window")));
        assert.ok(peer.frames.every(({ type, payload }) => type !== DATA || payload.length === 1));
      },
    );
  });

  test("the connection's window holds all streams, which take turns", async () => {
    let ends = 0;
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type !== DATA) return;
      peer.send(rawFrame(WINDOW_UPDATE, 0, 0, uint32(frame.payload.length || 1)));
      if (isEnd(frame)) ends++;
      if (isEnd(frame) && ends === 3) peer.send(reply(1), reply(3), reply(5));
    };
    const greeting = settings([INITIAL_WINDOW_SIZE, 2 ** 20]);
    await withServer({ greeting, onFrame }, async (channel, { peers }) => {
      const calls = [1, 2, 3].map((fill) => start(channel, Buffer.alloc(200_000, fill)));
      for (const { recorder } of calls) assert.equal((await recorder.ended).status.code, Code.OK);
      const [peer] = peers;
      assert.ok(peer !== undefined);
      for (const [i, fill] of [1, 2, 3].entries()) {
        assert.deepEqual(dataOf(peer, 1 + 2 * i), message(Buffer.alloc(200_000, fill)));
      }
      const order = peer.frames.filter(({ type }) => type === DATA).map(({ streamId }) => streamId);
      assert.ok(order.lastIndexOf(1) > order.indexOf(5), "the first stream kept the others waiting");
    });
  });

  test("a smaller INITIAL_WINDOW_SIZE takes from open streams, a larger one gives", async () => {
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type === HEADERS) peer.send(settings([INITIAL_WINDOW_SIZE, 5]));
      answerAll(frame, peer);
    };
    await withServer(
      { greeting: settings([INITIAL_WINDOW_SIZE, 10]), onFrame },
      async (channel, { peers }) => {
        const { recorder } = start(channel, Buffer.from("0123456789abcdef"));
        await recorder.heard("status", 0);
        // Ten bytes have left, so five are owed; growing to 16 leaves six more, and to 21 the rest.
        while (peers.length === 0) await new Promise(setImmediate);
        const [peer] = peers;
        assert.ok(peer !== undefined);
        const acks = (frame: RawFrame): boolean => frame.type === SETTINGS && frame.flags === ACK;
        while (peer.frames.filter(acks).length < 2)
          await peer.frame((frame) => acks(frame)).then(() => new Promise(setImmediate));
        assert.equal(dataOf(peer, 1).length, 10);
        peer.send(settings([INITIAL_WINDOW_SIZE, 16]));
        while (dataOf(peer, 1).length < 16) await new Promise(setImmediate);
        assert.equal(dataOf(peer, 1).length, 16);
        peer.send(settings([INITIAL_WINDOW_SIZE, 21]));
        assert.equal((await recorder.ended).status.code, Code.OK);
        assert.deepEqual(dataOf(peer, 1), message(Buffer.from("0123456789abcdef")));
      },
    );
  });

  test("messages of 16 MB go both ways", { timeout: 20_000 }, async () => {
    const server = createServer({ settings: { initialWindowSize: 100_000 } });
    server.on("stream", (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.pipe(stream);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const channel = channelTo(`127.0.0.1:${address.port}`);
    const bytes = Buffer.alloc(16 * 1024 * 1024);
    for (let i = 0; i < bytes.length; i += 1021) bytes[i] = i;
    const { recorder } = start(channel, bytes);
    const { status } = await recorder.ended;
    assert.equal(status.code, Code.OK, status.message);
    assert.ok(bytes.equals(recorder.messages[0] ?? Buffer.alloc(0)));
    await channel.close();
    server.close();
  });

  test("a held call gets no more window until it resumes, and padding counts", async () => {
    const data = Buffer.alloc(15_984, 1);
    const padded = (streamId: number): Buffer =>
      rawFrame(DATA, PADDED, streamId, Buffer.concat([Buffer.of(250), message(data), Buffer.alloc(250)]));
    // 32 frames are all of 512 KiB but 4 bytes a frame.
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      peer.send(rawFrame(HEADERS, END_HEADERS, 1, REPLY_HEADERS));
      for (let i = 0; i < 32; i++) peer.send(padded(1));
    };
    await withServer({ onFrame }, async (channel, { peers }) => {
      const recorder = new CallRecorder("held");
      const call = channel.open("/test.Raw/Call", [], 20_000, recorder);
      call.halfClose();
      await recorder.heard("message");
      const [peer] = peers;
      assert.ok(peer !== undefined);
      peer.send(rawFrame(PING, 0, 0, Buffer.from("are here")));
      await peer.frame(({ type, flags }) => type === PING && flags === ACK);
      assert.equal(recorder.messages.length, 1);
      const updates = (): number[] =>
        peer.frames
          .filter(({ type, streamId }) => type === WINDOW_UPDATE && streamId === 1)
          .map(({ payload }) => payload.readUInt32BE(0));
      assert.deepEqual(updates(), []);
      recorder.flowing = true;
      call.resume();
      await recorder.heard("message", 32);
      await peer.frame(({ type, streamId }) => type === WINDOW_UPDATE && streamId === 1);
      assert.ok(updates().reduce((sum, value) => sum + value, 0) >= 256 * 1024);
      peer.send(rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, OK_TRAILERS));
      assert.equal((await recorder.ended).status.code, Code.OK);
      assert.ok(recorder.messages.every((each) => data.equals(each)));
    });
  });
});

describe("DATA of single bytes", () => {
  test("is a message all the same, also while the call is held", async () => {
    const late = Buffer.alloc(20_000, 5);
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      peer.send(rawFrame(HEADERS, END_HEADERS, 1, REPLY_HEADERS));
      const bytes = Buffer.concat([message(Buffer.from("first")), message(late)]);
      peer.send(...Array.from(bytes, (byte) => rawFrame(DATA, 0, 1, Buffer.of(byte))));
      peer.send(
        rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, OK_TRAILERS),
        rawFrame(PING, 0, 0, Buffer.alloc(8)),
      );
    };
    await withServer({ onFrame }, async (channel, { peers }) => {
      const recorder = new CallRecorder("held");
      const call = channel.open("/test.Raw/Call", [], 20_000, recorder);
      call.halfClose();
      await recorder.heard("message");
      await peers[0]?.frame(({ type, flags }) => type === PING && flags === ACK);
      assert.deepEqual(recorder.events, ["headers", "message"]);
      recorder.flowing = true;
      call.resume();
      assert.equal((await recorder.ended).status.code, Code.OK);
      assert.deepEqual(recorder.messages.map(String), [String(Buffer.from("first")), String(late)]);
    });
  });
});

describe("calls that the upstream did not process are sent again", () => {
  test("those above the last stream of a GOAWAY go to a new connection, the others end where they are", async () => {
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      if (peer !== server?.peers[0]) {
        peer.send(reply(frame.streamId, Buffer.from("second")));
      } else if (frame.streamId === 5) {
        peer.send(rawFrame(GOAWAY, 0, 0, uint32(1, 0)));
        peer.send(reply(1, Buffer.from("first")));
      }
    };
    let server: RawServer | undefined;
    server = await startRawServer({ onFrame });
    const channel = channelTo(server.address);
    const calls = [1, 2, 3].map(() => start(channel));
    const answers = await Promise.all(
      calls.map(async ({ recorder }) => {
        const { status } = await recorder.ended;
        return status.code === Code.OK ? String(recorder.messages[0]) : status.message;
      }),
    );
    assert.deepEqual(answers, ["first", "second", "second"]);
    await server.peers[0]?.closed;
    await channel.close();
    await server.close();
  });

  test("a refused stream is tried three times, with all of its messages, then UPSTREAM_UNREACHABLE", async () => {
    const seen: string[] = [];
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      seen.push(dataOf(peer, frame.streamId).toString("latin1"));
      peer.send(rawFrame(RST_STREAM, 0, frame.streamId, uint32(REFUSED_STREAM)));
    };
    await withServer({ onFrame }, async (channel) => {
      const recorder = new CallRecorder();
      const call = channel.open("/test.Raw/Call", [], 20_000, recorder);
      call.send(Buffer.from("a"));
      call.send(Buffer.from("b"));
      call.halfClose();
      const { status } = await recorder.ended;
      assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
      assert.deepEqual(
        seen,
        Array.from({ length: 3 }, () => "\0\0\0\0\x01a\0\0\0\0\x01b"),
      );
      assert.equal(recorder.outcomes.length, 1);
    });
  });

  test("a call that has been answered in part is never sent again", async () => {
    let calls = 0;
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      calls++;
      peer.send(rawFrame(HEADERS, END_HEADERS, frame.streamId, REPLY_HEADERS));
      peer.send(rawFrame(RST_STREAM, 0, frame.streamId, uint32(REFUSED_STREAM)));
    };
    await withServer({ onFrame }, async (channel) => {
      const { status } = await start(channel).recorder.ended;
      assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
      assert.equal(calls, 1);
    });
  });

  test("a call that was under way when the connection broke is not sent again", async () => {
    let calls = 0;
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      calls++;
      peer.socket.destroy();
    };
    await withServer({ onFrame }, async (channel) => {
      const { status } = await start(channel).recorder.ended;
      assert.match(status.message, /connection to upstream .* was lost/);
      assert.equal(calls, 1);
    });
  });

  test("when the numbers of streams run out, calls go on over a new connection", async () => {
    await withServer(
      { onFrame: answerAll },
      async (channel, { peers }) => {
        for (let i = 0; i < 4; i++) assert.equal((await start(channel).recorder.ended).status.code, Code.OK);
        const ids = peers.map(({ frames }) =>
          frames.filter(({ type }) => type === HEADERS).map((frame) => frame.streamId),
        );
        assert.deepEqual(ids, [
          [2 ** 31 - 3, 2 ** 31 - 1],
          [2 ** 31 - 3, 2 ** 31 - 1],
        ]);
      },
      2 ** 31 - 3,
    );
  });
});

describe("limits on concurrent calls", () => {
  test("calls beyond MAX_CONCURRENT_STREAMS use more connections, then wait their turn", async () => {
    let most = 0;
    const open = new Map<RawPeer, number[]>();
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      const ids = [...(open.get(peer) ?? []), frame.streamId];
      most = Math.max(most, ids.length);
      open.set(peer, ids);
      setImmediate(() => {
        open.set(
          peer,
          (open.get(peer) ?? []).filter((id) => id !== frame.streamId),
        );
        peer.send(reply(frame.streamId));
      });
    };
    await withServer(
      { greeting: settings([MAX_CONCURRENT_STREAMS, 2]), onFrame },
      async (channel, { peers }) => {
        const calls = Array.from({ length: 100 }, () => start(channel));
        for (const { recorder } of calls) assert.equal((await recorder.ended).status.code, Code.OK);
        assert.equal(most, 2);
        assert.ok(peers.length > 1 && peers.length <= 8, `${peers.length} connections`);
      },
    );
  });

  test("no more than 10,000 calls wait, and one that is cancelled waits no more", {
    timeout: 20_000,
  }, async () => {
    await withServer({ greeting: settings([MAX_CONCURRENT_STREAMS, 0]) }, async (channel) => {
      const calls = Array.from({ length: 10_000 }, () => start(channel));
      const { status } = await start(channel).recorder.ended;
      assert.equal(status.reason, "UPSTREAM_OVERLOADED");
      assert.equal(status.code, Code.RESOURCE_EXHAUSTED);
      const gone = gatewayStatus("CLIENT_GONE", "gone");
      calls[0]?.call.cancel(gone);
      const late = start(channel);
      late.call.cancel(gone);
      for (const { call } of calls) call.cancel(gone);
      assert.equal((await late.recorder.ended).status.reason, "CLIENT_GONE");
      assert.equal(channel.openCalls, 0);
    });
  });

  test("10,000 calls are open at once on one connection", { timeout: 20_000 }, async () => {
    const ids: number[] = [];
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      peer.send(rawFrame(WINDOW_UPDATE, 0, 0, uint32(frame.payload.length)));
      ids.push(frame.streamId);
      if (ids.length === 10_000) peer.send(...ids.map((id) => reply(id)));
    };
    await withServer({ onFrame }, async (channel, { peers }) => {
      const calls = Array.from({ length: 10_000 }, () => start(channel));
      for (const { recorder } of calls) {
        assert.equal((await recorder.ended).status.code, Code.OK);
        assert.equal(recorder.messages.length, 1);
      }
      assert.equal(peers.length, 1);
    });
  });
});

describe("ends", () => {
  test("a cancelled call resets its stream with CANCEL; what still comes for it harms nobody", async () => {
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type === RST_STREAM) peer.send(reply(frame.streamId));
      if (frame.streamId === 3) answerAll(frame, peer);
    };
    await withServer({ onFrame }, async (channel, { peers }) => {
      const first = start(channel);
      while (peers[0]?.frames.some(isEnd) !== true) await new Promise(setImmediate);
      first.call.cancel(gatewayStatus("CLIENT_GONE", "gone"));
      const second = start(channel);
      assert.equal((await second.recorder.ended).status.code, Code.OK);
      const reset = peers[0]?.frames.find(({ type }) => type === RST_STREAM);
      assert.equal(reset?.payload.readUInt32BE(0), CANCEL);
      assert.equal(peers.length, 1);
    });
  });

  test("a window of small messages that was under way when a call was cancelled is no flood", async () => {
    const small = rawFrame(DATA, 0, 1, message(Buffer.alloc(20)));
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type === RST_STREAM) {
        peer.send(rawFrame(HEADERS, END_HEADERS, 1, REPLY_HEADERS));
        peer.send(...Array.from({ length: 20_000 }, () => small));
      }
      if (frame.streamId === 3) answerAll(frame, peer);
    };
    await withServer({ onFrame }, async (channel, { peers }) => {
      const first = start(channel);
      while (peers[0]?.frames.some(isEnd) !== true) await new Promise(setImmediate);
      first.call.cancel(gatewayStatus("CLIENT_GONE", "gone"));
      await peers[0].frame(({ type }) => type === RST_STREAM);
      const { status } = await start(channel).recorder.ended;
      assert.equal(status.code, Code.OK, status.message);
      assert.equal(peers.length, 1);
    });
  });

  test("an upstream that ends before the request does is told to stop waiting for more", async () => {
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (frame.type === HEADERS) peer.send(reply(frame.streamId));
    };
    await withServer({ onFrame }, async (channel, { peers }) => {
      const recorder = new CallRecorder();
      channel.open("/test.Raw/Call", [], 20_000, recorder);
      assert.equal((await recorder.ended).status.code, Code.OK);
      await peers[0]?.frame(({ type }) => type === RST_STREAM);
    });
  });

  test("interim responses are passed over", async () => {
    const onFrame = (frame: RawFrame, peer: RawPeer): void => {
      if (!isEnd(frame)) return;
      peer.send(
        rawFrame(
          HEADERS,
          END_HEADERS,
          1,
          block([
            [":status", "103"],
            ["link", "<x>"],
          ]),
        ),
        reply(1),
      );
    };
    await withServer({ onFrame }, async (channel) => {
      const { recorder } = start(channel);
      assert.equal((await recorder.ended).status.code, Code.OK);
      assert.deepEqual(recorder.headers, [[]]);
    });
  });

  test("a reply is the same wherever its bytes are cut", async () => {
    const bytes = Buffer.concat([
      rawFrame(HEADERS, PADDED, 1, Buffer.concat([Buffer.of(3), REPLY_HEADERS, Buffer.alloc(3)])),
      rawFrame(CONTINUATION, END_HEADERS, 1, block([["x-head", "1"]])),
      rawFrame(DATA, PADDED, 1, Buffer.concat([Buffer.of(2), message(Buffer.from("one")), Buffer.of(0, 0)])),
      rawFrame(
        DATA,
        0,
        1,
        Buffer.concat([message(Buffer.alloc(0)), message(Buffer.from("two"))]).subarray(0, 8),
      ),
      rawFrame(PING, 0, 0, Buffer.alloc(8)),
      rawFrame(
        DATA,
        0,
        1,
        Buffer.concat([message(Buffer.alloc(0)), message(Buffer.from("two"))]).subarray(8),
      ),
      rawFrame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        block([
          ["grpc-status", "0"],
          ["x-tail", "2"],
        ]),
      ),
    ]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const onFrame = (frame: RawFrame, peer: RawPeer): void => {
        if (!isEnd(frame)) return;
        peer.socket.setNoDelay(true);
        peer.send(bytes.subarray(0, cut));
        setImmediate(() => peer.send(bytes.subarray(cut)));
      };
      await withServer({ onFrame }, async (channel) => {
        const { recorder } = start(channel);
        const { status, trailers } = await recorder.ended;
        assert.equal(status.code, Code.OK, `cut at ${cut}: ${status.message}`);
        assert.deepEqual(
          recorder.messages.map(String),
          ["one", "", "two"].map((text) => String(Buffer.from(text))),
        );
        assert.deepEqual([recorder.headers, trailers], [[["x-head", "1"]], ["x-tail", "2"]]);
      });
    }
  });
});
