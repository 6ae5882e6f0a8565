/**
 * Streaming as one table: every form of requests times every kind of method times every form of replies times both engines,
 * with expected bytes from encoders of the tests' own (`test/support/stream-encodings.ts`). Each conversation runs to its
 * end, fails on both sides before, between and behind its messages and on the last, and arrives cut at every byte.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { converse, type Outcome } from "../support/conversation.ts";
import { type CutRequest, cutsThrough, sendCut } from "../support/cut-requests.ts";
import { describeGateway, type Subject } from "../support/gateway-suite.ts";
import {
  CELL_RULES,
  type Cell,
  type Script,
  streamCells,
  UPLOAD_CHUNK_BYTES,
} from "../support/stream-cells.ts";
import { chunked } from "../support/stream-encodings.ts";

const ENVELOPES = ["none", "grpc-gateway"] as const;

/** The status that calls fail with where a test asks for it: RESOURCE_EXHAUSTED, 429. */
const FAIL_CODE = 8;
const FAILED = '{"code":8,"message":"enough","details":[]}';

for (const envelope of ENVELOPES) {
  const upstream = {
    json: { emitDefaults: false },
    uploadChunkBytes: UPLOAD_CHUNK_BYTES,
    http: { rules: CELL_RULES },
    stream: { envelope },
  };
  describeGateway(`streams, envelope ${envelope}`, { upstream }, (subject) => {
    for (const cell of streamCells(envelope)) {
      describe(`${cell.kind}, ${cell.name}`, () => {
        test(`whole: ${cell.counts.join(", ")} messages`, () => wholeOf(subject, cell));
        test("a failure of the upstream before, between, on the last and after all messages", () =>
          failuresOf(subject, cell));
        if (cell.takesMessages) {
          test("a bad message first, in between and last, and an end within the last", () =>
            badMessagesOf(subject, cell));
        }
      });
    }
  });
}

describeGateway(
  "requests that arrive cut at every byte",
  {
    upstream: {
      json: { emitDefaults: false },
      uploadChunkBytes: UPLOAD_CHUNK_BYTES,
      http: { rules: CELL_RULES },
    },
  },
  (subject) => {
    for (const cell of cellsToCut()) {
      for (const framing of ["by length", "in two chunks", "in one chunk"] as const) {
        test(`${cell.kind}, ${cell.name}, ${framing}`, () => cutsOf(subject, cell, framing));
      }
    }
  },
);

async function wholeOf(subject: Subject, cell: Cell): Promise<void> {
  for (const count of cell.counts) {
    const script = cell.script(count);
    const outcome = await hold(subject, cell, script, []);
    assert.deepEqual(outcome, {
      status: 200,
      contentType: script.replyType,
      body: bodyOf(cell, script),
      end: "whole",
    });
  }
}

async function failuresOf(subject: Subject, cell: Cell): Promise<void> {
  const count = cell.counts.at(-1) ?? 0;
  const script = cell.script(count);
  const isStream = cell.kind === "server streaming" || cell.kind === "bidi";
  const steps = cell.kind === "unary" ? 0 : (isStream ? script.replies : script.pieces).length;
  for (let after = 0; after <= steps; after++) {
    const asked = ["x-fail-after", String(after), "x-fail-code", String(FAIL_CODE)];
    const outcome = await hold(subject, cell, script, asked);
    const place = `after ${after}`;
    if (!isStream || after === 0) {
      const expected: Outcome = { status: 429, contentType: "application/json", body: FAILED, end: "whole" };
      assert.deepEqual(outcome, expected, place);
      continue;
    }
    const before = script.replies.slice(0, after).map(cell.reply.piece).join("");
    const { failure } = cell.reply;
    assert.deepEqual(
      outcome,
      {
        status: 200,
        contentType: script.replyType,
        body: failure === undefined ? before : `${before}${failure.join(FAILED)}`,
        end: failure === undefined ? "cut" : "whole",
      },
      place,
    );
  }
}

async function badMessagesOf(subject: Subject, cell: Cell): Promise<void> {
  const count = cell.counts.at(-1) ?? 0;
  for (let bad = 0; bad < count; bad++) {
    const outcome = await hold(subject, cell, cell.script(count, bad), []);
    assertRefused(cell, cell.script(count), outcome, bad, "JSON_UNKNOWN_FIELD", `message ${bad + 1}: `);
  }
  const script = cell.script(count);
  const pieces = script.pieces.map((piece, index) =>
    index === count - 1 ? piece.trimEnd().slice(0, -1) : piece,
  );
  // No reply to the last is waited for.
  const replies = script.replies.slice(0, count - 1);
  const outcome = await hold(subject, cell, { ...script, pieces, close: "", replies }, []);
  assertRefused(cell, script, outcome, count - 1, "JSON_INVALID", `the body ends within message ${count}`);
}

/** Asserts that `outcome` tells what is wrong with the message `bad` of `script`, from 0. */
function assertRefused(
  cell: Cell,
  script: Script,
  outcome: Outcome,
  bad: number,
  reason: string,
  message: string,
): void {
  const isTold = cell.kind === "bidi" && bad > 0;
  const before = isTold ? script.replies.slice(0, bad).map(cell.reply.piece).join("") : "";
  const { failure } = cell.reply;
  if (isTold && failure === undefined) {
    assert.deepEqual([outcome.status, outcome.body, outcome.end], [200, before, "cut"]);
    return;
  }
  const [open, close] = isTold && failure !== undefined ? failure : ["", ""];
  assert.deepEqual([outcome.status, outcome.end], [isTold ? 200 : 400, "whole"], outcome.body);
  assert.ok(outcome.body.startsWith(`${before}${open}`) && outcome.body.endsWith(close), outcome.body);
  const status: unknown = JSON.parse(
    outcome.body.slice(before.length + open.length, outcome.body.length - close.length),
  );
  // docs/errors.md: code, message, details; what is read of them is asserted.
  const error = status as { readonly code: number; readonly message: string; readonly details: unknown };
  assert.equal(error.code, 3);
  assert.ok(error.message.startsWith(message), error.message);
  assert.match(JSON.stringify(error.details), new RegExp(`"reason":"${reason}"`));
}

async function cutsOf(
  { port }: Subject,
  cell: Cell,
  framing: "by length" | "in two chunks" | "in one chunk",
): Promise<void> {
  const script = cell.script(countToCut(cell));
  const body = Buffer.from(script.pieces.join("") + script.close);
  const fields = framing === "by length" ? `content-length: ${body.length}` : "transfer-encoding: chunked";
  const head = Buffer.from(
    `${script.line} HTTP/1.1\r\nhost: a\r\naccept: ${cell.reply.accept}\r\ncontent-type: ${script.contentType}\r\n${fields}\r\n\r\n`,
  );
  const requests: readonly CutRequest[] =
    framing === "in two chunks"
      ? cutsThrough(body).map((cut) => [chunked(cut), Buffer.alloc(0)])
      : cutsThrough(framing === "by length" ? body : chunked([body]));
  const replies = await sendCut(
    port,
    requests,
    (client) => client.send(head),
    (client) => client.reply(),
  );
  const expected = bodyOf(cell, script);
  for (const [place, { status, body: got }] of replies.entries()) {
    assert.deepEqual([status, got.toString()], [200, expected], `cut at ${place}`);
  }
}

/** How requests are read does not depend on how replies are written. */
function cellsToCut(): readonly Cell[] {
  const seen = new Set<string>();
  return streamCells("none").filter((cell) => {
    const { line, contentType, pieces, close } = cell.script(countToCut(cell));
    const key = JSON.stringify([line, contentType, pieces, close]);
    if (pieces.length === 0 || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function countToCut({ counts, cutCount }: Cell): number {
  return cutCount ?? counts.at(-1) ?? 0;
}

function bodyOf({ reply }: Cell, { replies }: Script): string {
  return replies.map(reply.piece).join("") + reply.end(replies.length);
}

/** Holds the conversation; that of a bidi method message by message. */
function hold({ url }: Subject, cell: Cell, script: Script, headers: readonly string[]): Promise<Outcome> {
  const { line, contentType, pieces, close, replies } = script;
  let length = 0;
  const awaited = replies.map((reply, index) => {
    length += Buffer.byteLength(cell.reply.piece(reply, index));
    return length;
  });
  const type = contentType === "" ? [] : ["content-type", contentType];
  return converse(url, {
    line,
    headers: ["accept", cell.reply.accept, ...type, ...headers],
    // What is not JSON messages is complete with the end of the body alone.
    sent: cell.takesMessages ? [...pieces, close] : [...pieces.slice(0, -1), pieces.at(-1) ?? ""],
    awaited: cell.kind === "bidi" ? awaited : [],
  });
}
