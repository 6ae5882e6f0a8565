/**
 * What an upstream must not do ends its connection, with the error that RFC 9113 names and a reason in words; the next
 * call has a new one.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code } from "../../../../src/status/index.ts";
import { createHttp2Client } from "../../../../src/upstream/clients/http2/index.ts";
import type { Channel } from "../../../../src/upstream/index.ts";
import { channelOptions } from "../../../support/channel-options.ts";
import { CallRecorder, type Outcome } from "../../../support/grpc-recorder.ts";
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
  PRIORITY,
  PUSH_PROMISE,
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

const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const FRAME_SIZE_ERROR = 6;
const COMPRESSION_ERROR = 9;
const ENHANCE_YOUR_CALM = 11;

const WINDOW_BYTES = 512 * 1024;

interface Attack {
  /** Sent when the call's HEADERS have come. */
  readonly frames: () => Uint8Array;
  readonly errorCode: number;
  readonly words: RegExp;
}

function repeat(count: number, frame: Uint8Array): Uint8Array {
  return Buffer.concat(Array.from({ length: count }, () => frame));
}

function attack(frames: () => Uint8Array, errorCode: number, words: RegExp): Attack {
  return { frames, errorCode, words };
}

const HEAD = rawFrame(HEADERS, END_HEADERS, 1, REPLY_HEADERS);

const ATTACKS: Readonly<Record<string, Attack>> = {
  "DATA on stream 0": attack(() => rawFrame(DATA, 0, 0, Buffer.of(1)), PROTOCOL_ERROR, /DATA on stream 0/),
  "DATA of a stream that was never opened": attack(
    () => rawFrame(DATA, 0, 3, Buffer.of(1)),
    PROTOCOL_ERROR,
    /never opened/,
  ),
  "DATA of a stream of its own": attack(() => rawFrame(DATA, 0, 2), PROTOCOL_ERROR, /never opened/),
  "padding longer than DATA": attack(
    () => Buffer.concat([HEAD, rawFrame(DATA, PADDED, 1, Buffer.of(9, 1))]),
    PROTOCOL_ERROR,
    /padding/,
  ),
  "padded DATA without a pad length": attack(() => rawFrame(DATA, PADDED, 1), FRAME_SIZE_ERROR, /pad length/),
  "a frame longer than allowed": attack(
    () => rawFrame(DATA, 0, 1, Buffer.alloc(16_385)),
    FRAME_SIZE_ERROR,
    /frame of 16385 bytes/,
  ),
  "HEADERS on stream 0": attack(
    () => rawFrame(HEADERS, END_HEADERS, 0, REPLY_HEADERS),
    PROTOCOL_ERROR,
    /HEADERS/,
  ),
  "HEADERS shorter than their flags": attack(
    () => rawFrame(HEADERS, END_HEADERS | 0x20, 1, Buffer.alloc(4)),
    FRAME_SIZE_ERROR,
    /shorter/,
  ),
  "padding longer than HEADERS": attack(
    () => rawFrame(HEADERS, END_HEADERS | PADDED, 1, Buffer.of(200, 0x88)),
    PROTOCOL_ERROR,
    /padding/,
  ),
  "padded HEADERS without a pad length": attack(
    () => rawFrame(HEADERS, END_HEADERS | PADDED, 1),
    FRAME_SIZE_ERROR,
    /pad length/,
  ),
  "CONTINUATION without HEADERS": attack(
    () => rawFrame(CONTINUATION, END_HEADERS, 1, REPLY_HEADERS),
    PROTOCOL_ERROR,
    /CONTINUATION/,
  ),
  "CONTINUATION of another stream": attack(
    () => Buffer.concat([rawFrame(HEADERS, 0, 1), rawFrame(CONTINUATION, END_HEADERS, 3)]),
    PROTOCOL_ERROR,
    /CONTINUATION/,
  ),
  "another frame within a header block": attack(
    () => Buffer.concat([rawFrame(HEADERS, 0, 1), rawFrame(PING, 0, 0, Buffer.alloc(8))]),
    PROTOCOL_ERROR,
    /within a header block/,
  ),
  "a header block of too many frames": attack(
    () => Buffer.concat([rawFrame(HEADERS, 0, 1), repeat(40, rawFrame(CONTINUATION, 0, 1))]),
    ENHANCE_YOUR_CALM,
    /header block without end/,
  ),
  "a header block of too many bytes": attack(
    () =>
      Buffer.concat([rawFrame(HEADERS, 0, 1), repeat(5, rawFrame(CONTINUATION, 0, 1, Buffer.alloc(16_384)))]),
    ENHANCE_YOUR_CALM,
    /header block without end/,
  ),
  "a header block that is cut off": attack(
    () => rawFrame(HEADERS, END_HEADERS, 1, Buffer.of(0x40, 0x0a, 0x61)),
    COMPRESSION_ERROR,
    /cut off/,
  ),
  "a header index beyond the table": attack(
    () => rawFrame(HEADERS, END_HEADERS, 1, Buffer.of(0xff, 0x80, 0x01)),
    COMPRESSION_ERROR,
    /index 255/,
  ),
  "a header index of 0": attack(
    () => rawFrame(HEADERS, END_HEADERS, 1, Buffer.of(0x80)),
    COMPRESSION_ERROR,
    /index 0/,
  ),
  "an endless integer": attack(
    () => rawFrame(HEADERS, END_HEADERS, 1, Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
    COMPRESSION_ERROR,
    /integer/,
  ),
  "a Huffman code with EOS": attack(
    () => rawFrame(HEADERS, END_HEADERS, 1, Buffer.of(0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00)),
    COMPRESSION_ERROR,
    /Huffman/,
  ),
  "a header table that is too large": attack(
    () => rawFrame(HEADERS, END_HEADERS, 1, Buffer.of(0x3f, 0xe2, 0x1f)),
    COMPRESSION_ERROR,
    /header table of 4097/,
  ),
  "a table size after a field": attack(
    () => rawFrame(HEADERS, END_HEADERS, 1, Buffer.of(0x88, 0x20)),
    COMPRESSION_ERROR,
    /table size update/,
  ),
  "PRIORITY of a wrong size": attack(
    () => rawFrame(PRIORITY, 0, 1, Buffer.alloc(4)),
    FRAME_SIZE_ERROR,
    /PRIORITY/,
  ),
  "PRIORITY on stream 0": attack(() => rawFrame(PRIORITY, 0, 0, Buffer.alloc(5)), PROTOCOL_ERROR, /PRIORITY/),
  "RST_STREAM of a wrong size": attack(
    () => rawFrame(RST_STREAM, 0, 1, Buffer.alloc(3)),
    FRAME_SIZE_ERROR,
    /RST/,
  ),
  "RST_STREAM on stream 0": attack(() => rawFrame(RST_STREAM, 0, 0, uint32(0)), PROTOCOL_ERROR, /RST_STREAM/),
  "RST_STREAM of a stream that was never opened": attack(
    () => rawFrame(RST_STREAM, 0, 5, uint32(0)),
    PROTOCOL_ERROR,
    /never opened/,
  ),
  "SETTINGS on a stream": attack(() => rawFrame(SETTINGS, 0, 1), PROTOCOL_ERROR, /SETTINGS/),
  "SETTINGS of a wrong size": attack(
    () => rawFrame(SETTINGS, 0, 0, Buffer.alloc(5)),
    FRAME_SIZE_ERROR,
    /SETTINGS/,
  ),
  "an acknowledgement with settings": attack(
    () => rawFrame(SETTINGS, ACK, 0, Buffer.alloc(6)),
    FRAME_SIZE_ERROR,
    /acknowledgement/,
  ),
  "push switched on": attack(() => settings([2, 1]), PROTOCOL_ERROR, /ENABLE_PUSH 1/),
  "an initial window that is too large": attack(
    () => settings([4, 2 ** 31]),
    FLOW_CONTROL_ERROR,
    /INITIAL_WINDOW/,
  ),
  "an initial window that overflows a stream's": attack(
    () => Buffer.concat([rawFrame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1 - 65_535)), settings([4, 66_000])]),
    FLOW_CONTROL_ERROR,
    /window that is too large/,
  ),
  "a maximum frame size that is too small": attack(
    () => settings([5, 16_383]),
    PROTOCOL_ERROR,
    /MAX_FRAME_SIZE/,
  ),
  "a maximum frame size that is too large": attack(
    () => settings([5, 2 ** 24]),
    PROTOCOL_ERROR,
    /MAX_FRAME_SIZE/,
  ),
  PUSH_PROMISE: attack(
    () => rawFrame(PUSH_PROMISE, END_HEADERS, 1, uint32(2)),
    PROTOCOL_ERROR,
    /PUSH_PROMISE/,
  ),
  "PING of a wrong size": attack(() => rawFrame(PING, 0, 0, Buffer.alloc(7)), FRAME_SIZE_ERROR, /PING/),
  "PING on a stream": attack(() => rawFrame(PING, 0, 1, Buffer.alloc(8)), PROTOCOL_ERROR, /PING/),
  "GOAWAY of a wrong size": attack(() => rawFrame(GOAWAY, 0, 0, Buffer.alloc(7)), FRAME_SIZE_ERROR, /GOAWAY/),
  "GOAWAY on a stream": attack(() => rawFrame(GOAWAY, 0, 1, Buffer.alloc(8)), PROTOCOL_ERROR, /GOAWAY/),
  "WINDOW_UPDATE of a wrong size": attack(
    () => rawFrame(WINDOW_UPDATE, 0, 1, Buffer.alloc(5)),
    FRAME_SIZE_ERROR,
    /WINDOW_UPDATE/,
  ),
  "WINDOW_UPDATE of 0": attack(
    () => rawFrame(WINDOW_UPDATE, 0, 1, uint32(0)),
    PROTOCOL_ERROR,
    /WINDOW_UPDATE of 0/,
  ),
  "a window that grows too large": attack(
    () => rawFrame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1)),
    FLOW_CONTROL_ERROR,
    /window that is too large/,
  ),
  "a stream's window that grows too large": attack(
    () => rawFrame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1)),
    FLOW_CONTROL_ERROR,
    /window that is too large/,
  ),
  "WINDOW_UPDATE of a stream that was never opened": attack(
    () => rawFrame(WINDOW_UPDATE, 0, 7, uint32(1)),
    PROTOCOL_ERROR,
    /never opened/,
  ),
  "more DATA than the window, to a call that is held": attack(
    () =>
      Buffer.concat([
        HEAD,
        rawFrame(DATA, 0, 1, message(Buffer.from("held"))),
        repeat(WINDOW_BYTES / 16_384 + 1, rawFrame(DATA, 0, 1, Buffer.alloc(16_384))),
      ]),
    FLOW_CONTROL_ERROR,
    /more than a stream's window/,
  ),
  "more DATA than all windows, to streams that are gone": attack(
    () =>
      Buffer.concat([
        rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, block([[":status", "404"]])),
        repeat(6000, rawFrame(DATA, 0, 1, Buffer.alloc(1000))),
      ]),
    ENHANCE_YOUR_CALM,
    /^$/,
  ),
  "a flood of PING": attack(
    () => repeat(20_000, rawFrame(PING, 0, 0, Buffer.alloc(8))),
    ENHANCE_YOUR_CALM,
    /flood/,
  ),
  "a flood of SETTINGS": attack(() => repeat(20_000, settings([3, 100])), ENHANCE_YOUR_CALM, /flood/),
  "a flood of empty DATA": attack(
    () => Buffer.concat([HEAD, repeat(20_000, rawFrame(DATA, 0, 1))]),
    ENHANCE_YOUR_CALM,
    /flood/,
  ),
  "a flood of DATA that is padding alone": attack(
    () => Buffer.concat([HEAD, repeat(20_000, rawFrame(DATA, PADDED, 1, Buffer.of(0)))]),
    ENHANCE_YOUR_CALM,
    /flood/,
  ),
  "a flood of RST_STREAM": attack(
    () => repeat(20_000, rawFrame(RST_STREAM, 0, 1, uint32(8))),
    ENHANCE_YOUR_CALM,
    /^$/,
  ),
  "a flood of PRIORITY": attack(
    () => repeat(20_000, rawFrame(PRIORITY, 0, 1, Buffer.alloc(5))),
    ENHANCE_YOUR_CALM,
    /flood/,
  ),
  "a flood of frames of an unknown type": attack(
    () => repeat(20_000, rawFrame(77, 0, 0)),
    ENHANCE_YOUR_CALM,
    /flood/,
  ),
  "a flood of WINDOW_UPDATE": attack(
    () => repeat(20_000, rawFrame(WINDOW_UPDATE, 0, 0, uint32(1))),
    ENHANCE_YOUR_CALM,
    /flood/,
  ),
  "a flood of interim responses": attack(
    () => repeat(20_000, rawFrame(HEADERS, END_HEADERS, 1, block([[":status", "103"]]))),
    ENHANCE_YOUR_CALM,
    /flood/,
  ),
};

/** Malformed replies end their call alone: the connection goes on. */
const MALFORMED: Readonly<Record<string, readonly Uint8Array[]>> = {
  "no :status": [rawFrame(HEADERS, END_HEADERS, 1, block([["content-type", "application/grpc"]]))],
  "two :status": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [":status", "200"],
        [":status", "200"],
      ]),
    ),
  ],
  ":status after a field": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        ["x-a", "1"],
        [":status", "200"],
      ]),
    ),
  ],
  "a :status that is no number": [rawFrame(HEADERS, END_HEADERS, 1, block([[":status", "2e2"]]))],
  "another pseudo-header field": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [":status", "200"],
        [":path", "/"],
      ]),
    ),
  ],
  "a name in upper case": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [":status", "200"],
        ["X-A", "1"],
      ]),
    ),
  ],
  "a name with a space": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [":status", "200"],
        ["x a", "1"],
      ]),
    ),
  ],
  "an empty name": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [":status", "200"],
        ["", "1"],
      ]),
    ),
  ],
  "a line break in a value": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [":status", "200"],
        ["x-a", "1\r\nx"],
      ]),
    ),
  ],
  "a value with space around it": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [":status", "200"],
        ["x-a", " 1"],
      ]),
    ),
  ],
  "a field of the connection": [
    rawFrame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [":status", "200"],
        ["connection", "close"],
      ]),
    ),
  ],
  "101": [rawFrame(HEADERS, END_HEADERS, 1, block([[":status", "101"]]))],
  "an interim response that ends the stream": [
    rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, block([[":status", "100"]])),
  ],
  "DATA before headers": [rawFrame(DATA, 0, 1, message(Buffer.from("x")))],
  "the end before headers": [rawFrame(DATA, END_STREAM, 1)],
  "header fields in the middle": [HEAD, rawFrame(HEADERS, END_HEADERS, 1, OK_TRAILERS)],
  ":status in trailers": [HEAD, rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, block([[":status", "200"]]))],
  "an unknown message flag": [HEAD, rawFrame(DATA, 0, 1, Buffer.of(2, 0, 0, 0, 0))],
  "more header fields than the limit": [
    rawFrame(HEADERS, END_HEADERS, 1, Buffer.concat([REPLY_HEADERS, repeat(3900, block([["a", ""]]))])),
  ],
};

async function callOnce(channel: Channel, flowing: "flowing" | "held" = "flowing"): Promise<Outcome> {
  const recorder = new CallRecorder(flowing);
  const call = channel.open("/test.Raw/Call", [], 5000, recorder);
  call.send(Buffer.from("ping"));
  call.halfClose();
  return await recorder.ended;
}

function connect(server: RawServer): Channel {
  const limits = { maxReceiveMessageBytes: 1024 * 1024, maxSendMessageBytes: 1024 * 1024 };
  return createHttp2Client("test").connect(channelOptions([server.address], limits));
}

describe("an upstream that breaks HTTP/2 loses its connection", () => {
  for (const [name, { frames, errorCode, words }] of Object.entries(ATTACKS)) {
    test(name, { timeout: 10_000 }, async () => {
      const server = await startRawServer({
        onFrame: (frame, peer) => {
          if (frame.type !== HEADERS) return;
          peer.send(peer === server.peers[0] ? frames() : reply(frame.streamId));
        },
      });
      const channel = connect(server);
      const { status } = await callOnce(channel, name.includes("held") ? "held" : "flowing");
      const [peer] = server.peers;
      assert.ok(peer !== undefined);
      const goaway = await peer.frame((frame) => frame.type === GOAWAY);
      assert.equal(goaway.payload.readUInt32BE(4), errorCode, status.message);
      await peer.closed;
      if (words.source !== "^$") {
        assert.equal(status.reason, "UPSTREAM_PROTOCOL", status.message);
        assert.equal(status.code, Code.UNAVAILABLE);
        assert.match(status.message, /broke HTTP\/2: it sent /);
        assert.match(status.message, words);
      }
      let next = await callOnce(channel);
      while (next.status.reason === "UPSTREAM_UNREACHABLE") next = await callOnce(channel);
      assert.equal(next.status.code, Code.OK, next.status.message);
      await channel.close();
      await server.close();
    });
  }
});

describe("a malformed reply ends its call and nothing else", () => {
  for (const [name, frames] of Object.entries(MALFORMED)) {
    test(name, { timeout: 10_000 }, async () => {
      const server = await startRawServer({
        onFrame: (frame, peer) => {
          if (frame.type !== HEADERS) return;
          peer.send(...(frame.streamId === 1 ? frames : [reply(frame.streamId)]));
        },
      });
      const channel = connect(server);
      const { status } = await callOnce(channel);
      assert.equal(status.reason, "UPSTREAM_PROTOCOL", status.message);
      const next = await callOnce(channel);
      assert.equal(next.status.code, Code.OK, next.status.message);
      assert.equal(server.peers.length, 1);
      await channel.close();
      await server.close();
    });
  }
});

describe("an upstream that greets with something else cannot be reached", () => {
  for (const [name, greeting] of Object.entries({
    "PING first": rawFrame(PING, 0, 0, Buffer.alloc(8)),
    "an acknowledgement first": rawFrame(SETTINGS, ACK, 0),
    "settings that are not allowed": settings([5, 1]),
    "a long line of nothing": Buffer.alloc(100, 0x20),
  })) {
    test(name, { timeout: 10_000 }, async () => {
      const server = await startRawServer({ greeting });
      const channel = connect(server);
      const { status } = await callOnce(channel);
      assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
      assert.match(status.message, /it does not speak HTTP\/2$/);
      await channel.close();
      await server.close();
    });
  }
});
