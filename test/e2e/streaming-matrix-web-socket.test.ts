/**
 * The part of the table of `streaming-matrix.test.ts` that is spoken over WebSocket: text frames, binary frames and raw bytes
 * times every kind of method times both engines; to the end, with failures at every place, and cut at every byte.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cutsThrough, sendCut } from "../support/cut-requests.ts";
import { describeGateway } from "../support/gateway-suite.ts";
import { frameOf, Opcode, RawWebSocket } from "../support/raw-web-socket.ts";
import {
  type ClientFrame,
  openSocket,
  readToClose,
  type SocketWords,
  sendFrame,
  type Talk,
} from "../support/socket-talk.ts";
import { protoOf } from "../support/stream-encodings.ts";

/** A conversation over one connection. */
interface Cell {
  readonly name: string;
  readonly target: string;
  /** A subprotocol of messages, and the HTTP method where the path has several. */
  readonly protocols: string;
  readonly sent: readonly ClientFrame[];
  /** Whether the method takes a stream. */
  readonly takesStream: boolean;
  /** What comes before the first reply. */
  readonly opening: readonly string[];
  readonly replies: readonly string[];
  readonly repliesWithStream: boolean;
  /** A frame that is no message of the method. */
  readonly bad: ClientFrame;
}

const JSON_SPOKEN = "sluice.json, sluice.method.POST";
const PROTO_SPOKEN = "sluice.proto, sluice.method.POST";
const TEXTS = ['{"stringValue":"a"}', '{"int32Value":2}', '{"stringValue":"ü{\\"]"}'] as const;
const PROTOS = [protoOf([14, "a"]), protoOf([3, 2]), protoOf([14, 'ü{"]'])] as const;
const BYTES = [Buffer.from([0]), Buffer.from("@end"), Buffer.from([0xff, 0x88])] as const;
const COLLECTED = '{"messages":3,"stringValues":["a","","ü{\\"]"]}';

const TEXT = { protocols: JSON_SPOKEN, opening: [], bad: '{"nope":1}' } as const;
const BINARY = { protocols: PROTO_SPOKEN, opening: [], bad: "no control word" } as const;
const RAW = { protocols: "sluice.json", opening: ["@type image/x-test"], bad: "@nonsense" } as const;
const UNARY = { takesStream: false, repliesWithStream: false } as const;
const SERVER = { takesStream: false, repliesWithStream: true } as const;
const CLIENT = { takesStream: true, repliesWithStream: false } as const;
const BIDI = { takesStream: true, repliesWithStream: true } as const;

const [TEXT_A] = TEXTS;
const [PROTO_A] = PROTOS;
const [BYTES_A] = BYTES;
const TYPE = "@type image/x-test";

const CELLS: readonly Cell[] = [
  { name: "unary, text", target: "/v1/echo", sent: [TEXT_A], replies: [TEXT_A], ...TEXT, ...UNARY },
  {
    name: "unary, binary",
    target: "/v1/echo",
    sent: [PROTO_A],
    replies: [hex(PROTO_A)],
    ...BINARY,
    ...UNARY,
  },
  {
    name: "unary, raw",
    target: "/v1/blob:mirror",
    sent: [TYPE, BYTES_A],
    replies: [hex(BYTES_A)],
    ...RAW,
    ...UNARY,
  },
  {
    name: "server streaming, text",
    target: "/v1/count",
    sent: ['{"to":3}'],
    replies: ['{"value":1}', '{"value":2}', '{"value":3}'],
    ...TEXT,
    ...SERVER,
  },
  {
    name: "server streaming, binary",
    target: "/v1/count",
    sent: [protoOf([1, 3])],
    replies: [1, 2, 3].map((value) => hex(protoOf([1, value]))),
    ...BINARY,
    ...SERVER,
  },
  {
    name: "server streaming, raw",
    target: "/v1/blob:twice",
    sent: [TYPE, BYTES_A],
    replies: [hex(BYTES_A), hex(BYTES_A)],
    ...RAW,
    ...SERVER,
  },
  {
    name: "client streaming, text",
    target: "/v1/collect",
    sent: TEXTS,
    replies: [COLLECTED],
    ...TEXT,
    ...CLIENT,
  },
  {
    name: "client streaming, binary",
    target: "/v1/collect",
    sent: PROTOS,
    replies: [hex(protoOf([1, 3], [2, "a"], [2, ""], [2, 'ü{"]']))],
    ...BINARY,
    ...CLIENT,
  },
  { name: "bidi, text", target: "/v1/converse", sent: TEXTS, replies: TEXTS, ...TEXT, ...BIDI },
  {
    name: "bidi, binary",
    target: "/v1/converse",
    sent: PROTOS,
    replies: PROTOS.map(hex),
    ...BINARY,
    ...BIDI,
  },
  {
    name: "bidi, raw",
    target: "/v1/blob:each",
    sent: [TYPE, ...BYTES],
    replies: BYTES.map(hex),
    ...RAW,
    ...BIDI,
  },
];

const DONE = '@status {"code":0,"message":"","details":[]}';
const FAILED = '@status {"code":8,"message":"enough","details":[]}';

describeGateway("streams over WebSocket", { upstream: { json: { emitDefaults: false } } }, (subject) => {
  for (const cell of CELLS) {
    test(`${cell.name}: whole`, async () => {
      assert.deepEqual(await talkTo(subject.port, cell, cell.sent, []), ended(cell, cell.replies.length));
    });

    test(`${cell.name}: a failure of the upstream before, between, on the last and after all messages`, async () => {
      const messages = cell.repliesWithStream ? cell.replies : cell.sent;
      const steps = cell.takesStream || cell.repliesWithStream ? messages.length : 0;
      for (let after = 0; after <= steps; after++) {
        const heard = await talkTo(subject.port, cell, cell.sent, [
          "X-Fail-After",
          `${after}`,
          "X-Fail-Code",
          "8",
        ]);
        const replies = cell.repliesWithStream ? cell.replies.slice(0, after) : [];
        const opening = replies.length > 0 ? cell.opening : [];
        const frames = [...opening, ...replies, FAILED];
        assert.deepEqual(heard, { frames, code: 4008, reason: "enough" }, `after ${after}`);
      }
    });

    test(`${cell.name}: a bad frame first, in between and last`, async () => {
      const places = cell.takesStream ? cell.sent.length : 1;
      for (let bad = 0; bad < places; bad++) {
        const sent = cell.sent.map((frame, index) => (index === bad ? cell.bad : frame));
        const { frames, code } = await talkTo(subject.port, cell, sent, []);
        assert.equal(code, 4003, `place ${bad}`);
        const status = frames.at(-1) ?? "";
        assert.match(status, /^@status \{"code":3,.*"reason":"(JSON_UNKNOWN_FIELD|FRAME_INVALID)"/);
        const replied = cell.takesStream && cell.repliesWithStream ? repliesBefore(cell, bad) : [];
        assert.deepEqual(frames.slice(0, -1), replied, `place ${bad}`);
      }
    });

    test(`${cell.name}: cut at every byte`, async () => {
      const end = cell.takesStream ? [frameOf(Opcode.TEXT, "@end")] : [];
      const bytes = Buffer.concat([
        ...cell.sent.map((frame) => frameOf(typeof frame === "string" ? Opcode.TEXT : Opcode.BINARY, frame)),
        ...end,
      ]);
      const heard = await sendCut(
        subject.port,
        cutsThrough(bytes),
        (client) => RawWebSocket.open(client, cell.target, ["Sec-WebSocket-Protocol", cell.protocols]),
        async (_client, socket) => outcomeOf(await readToClose(socket)),
      );
      for (const [place, outcome] of heard.entries()) {
        assert.deepEqual(outcome, ended(cell, cell.replies.length), `cut at ${place}`);
      }
    });
  }
});

type Outcome = Pick<Talk, "frames" | "code" | "reason">;

/** Sends frame by frame; those of a bidi method each after the reply to the one before. */
async function talkTo(
  port: number,
  cell: Cell,
  sent: readonly ClientFrame[],
  headers: readonly string[],
): Promise<Outcome> {
  const words: SocketWords = { protocols: cell.protocols, headers };
  const socket = await openSocket(port, cell.target, words);
  const heard: string[] = [];
  const isPaced = cell.takesStream && cell.repliesWithStream;
  for (const [index, frame] of sent.entries()) {
    await sendFrame(socket, frame);
    if (!isPaced || (typeof frame === "string" && frame.startsWith("@"))) continue;
    // What came in between is the type, or the end.
    for (const due = repliesBefore(cell, index + 1).length; heard.length < due; ) {
      const { opcode, payload } = await socket.frame();
      heard.push(opcode === Opcode.TEXT ? payload.toString() : hex(payload));
      if (!heard.at(-1)?.startsWith("@status")) continue;
      const { code, reason } = await readToClose(socket);
      return { frames: heard, code, reason };
    }
  }
  if (cell.takesStream) await sendFrame(socket, "@end");
  const { frames, code, reason } = await readToClose(socket);
  return { frames: [...heard, ...frames], code, reason };
}

/** What has come after the first `sent` frames of a bidi method have been replied to. */
function repliesBefore({ sent, opening, replies }: Cell, count: number): readonly string[] {
  const messages = sent.slice(0, count).filter((frame) => frame !== TYPE).length;
  return messages === 0 ? [] : [...opening, ...replies.slice(0, messages)];
}

function ended({ opening, replies }: Cell, count: number): Outcome {
  return { frames: [...opening, ...replies.slice(0, count), DONE], code: 1000, reason: "" };
}

function outcomeOf({ frames, code, reason }: Talk): Outcome {
  return { frames, code, reason };
}

function hex(bytes: Buffer): string {
  return `0x${bytes.toString("hex")}`;
}
