import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BodyListener, HttpExchange } from "../../../src/http/index.ts";
import type { RequestReader, RequestSink } from "../../../src/protocol/index.ts";
import { JsonMessages } from "../../../src/protocol/rest/json-messages.ts";
import { MessageAssembler } from "../../../src/protocol/rest/message-assembler.ts";
import { StreamedBodyReader } from "../../../src/protocol/rest/streamed-body.ts";
import { UploadMessages } from "../../../src/protocol/rest/upload-messages.ts";
import { refuse, StatusError } from "../../../src/status/index.ts";
import type { RequestParts, Transcoder } from "../../../src/transcode/index.ts";
import { FakeExchange } from "../../support/fake-exchange.ts";
import { PLAIN_STREAMS } from "../../support/stream-settings.ts";

/** An exchange whose body a test sends piece by piece. */
class PacedExchange extends FakeExchange {
  listener: BodyListener | undefined;
  isPaused = false;

  override readBody(_limitBytes: number, listener: BodyListener): void {
    this.listener = listener;
  }

  override pauseBody(): void {
    this.isPaused = true;
  }

  override resumeBody(): void {
    this.isPaused = false;
  }

  push(text: string): void {
    assert.equal(this.isPaused, false, "a paused exchange sends nothing");
    this.listener?.onChunk(Buffer.from(text));
  }

  /** As an engine that uses its memory again. */
  lend(text: string): void {
    const memory = Buffer.from(text);
    assert.ok(this.listener?.onLentChunk !== undefined, "takes what is lent");
    this.listener.onLentChunk(memory);
    memory.fill("#");
  }

  get takesLent(): boolean {
    return this.listener?.onLentChunk !== undefined;
  }

  finish(): void {
    this.listener?.onEnd();
  }
}

/** Notes what comes; `takes` is what each message is answered with. */
class Sink implements RequestSink {
  readonly events: string[] = [];
  takes = true;

  onRequestHead(): void {
    assert.fail("the head of an HTTP request is known before it is read");
  }

  onRequestMessage(message: Uint8Array): boolean {
    this.events.push(Buffer.from(message).toString());
    return this.takes;
  }

  onRequestEnd(): void {
    this.events.push("END");
  }

  onRequestFault(error: unknown): void {
    assert.ok(error instanceof StatusError);
    this.events.push(`FAULT ${error.status.reason}: ${error.status.message}`);
  }
}

/** Shows the parts of each message; refuses a body of `bad`. */
const SHOWING: Transcoder = {
  requestBody: "json",
  streamedFile: () => undefined,
  repliesWithHttpBody: false,
  assemble: ({ captures, query, contentType, body }: RequestParts) => {
    const text = Buffer.from(body).toString();
    if (text.includes("bad")) throw refuse("JSON_INVALID", "not this", "/x");
    const path = captures.length === 0 ? "" : `${captures.join(",")} `;
    const shown = text === "" && path === "" && query === "" ? "" : `${path}${query}<${contentType}>${text}`;
    return { message: Buffer.from(shown), unknownFields: [], pretty: false };
  },
  complete: (message) => ({ message, unknownFields: [], pretty: false }),
  render: () => "",
};

type MakeReader = (exchange: HttpExchange, assembler: MessageAssembler) => RequestReader;

const JSON_STREAM: MakeReader = (exchange, assembler) =>
  new StreamedBodyReader(
    exchange,
    Number.POSITIVE_INFINITY,
    () => new JsonMessages(assembler, "array-or-values", 20),
  );
const UPLOAD: MakeReader = (exchange, assembler) =>
  new StreamedBodyReader(exchange, Number.POSITIVE_INFINITY, () => new UploadMessages(assembler, 4));

function start(make: MakeReader, captures: readonly string[] = [], query = "") {
  const exchange = new PacedExchange({ query, headers: ["content-type", "t"] });
  const sink = new Sink();
  const reader = make(
    exchange,
    new MessageAssembler({ transcoder: SHOWING, settings: { stream: PLAIN_STREAMS } }, exchange, captures),
  );
  reader.start(sink);
  return { exchange, sink, reader };
}

describe("a JSON stream", () => {
  const cases: readonly [
    title: string,
    captures: readonly string[],
    body: string,
    expected: readonly string[],
  ][] = [
    ["path and query go into the first message", ["a"], "{}{}", ["a q=1<t>{}", "<t>{}", "END"]],
    ["without messages is one of path and query", ["a"], " ", ["a q=1<t>", "END"]],
    ["that ends with a number has that too", [], "1 2", ["q=1<t>1", "<t>2", "END"]],
    [
      "with a bad message is at fault there, and nowhere else",
      [],
      '{}{"bad":1}{"bad":2}',
      ["q=1<t>{}", "FAULT JSON_INVALID: message 2: not this"],
    ],
    [
      "cut short is at fault",
      [],
      '{}{"a":',
      ["q=1<t>{}", "FAULT JSON_INVALID: the body ends within message 2"],
    ],
    [
      "with a long message is at fault",
      [],
      `"${"x".repeat(20)}"`,
      ["FAULT BODY_TOO_LARGE: message 1 is longer than the limit of 20 bytes"],
    ],
  ];
  for (const [title, captures, body, expected] of cases) {
    test(title, () => {
      const { exchange, sink, reader } = start(JSON_STREAM, captures, "q=1");
      exchange.push(body);
      exchange.finish();
      assert.deepEqual(sink.events, expected);
      assert.equal(reader.bytesIn, body.length);
    });
  }

  test("of nothing at all, with nothing in path and query, is no message", () => {
    const { exchange, sink } = start(JSON_STREAM);
    exchange.finish();
    assert.deepEqual(sink.events, ["END"]);
  });

  test("stops within a chunk when it is held, and goes on from there", () => {
    const { exchange, sink, reader } = start(JSON_STREAM);
    sink.takes = false;
    exchange.push("1 2 3 ");
    assert.deepEqual(sink.events, ["<t>1"]);
    assert.equal(exchange.isPaused, true);
    reader.resume();
    assert.deepEqual(sink.events, ["<t>1", "<t>2"], "one more, since the sink still says hold");
    assert.equal(exchange.isPaused, true);
    sink.takes = true;
    reader.resume();
    assert.deepEqual(sink.events, ["<t>1", "<t>2", "<t>3"]);
    assert.equal(exchange.isPaused, false);
    exchange.push("4");
    exchange.finish();
    assert.deepEqual(sink.events, ["<t>1", "<t>2", "<t>3", "<t>4", "END"]);
  });
});

describe("memory that is only lent", () => {
  test("is copied into the messages of an upload", () => {
    const { exchange, sink } = start(UPLOAD);
    for (const piece of ["12 3", "4 5", "6"]) exchange.lend(piece);
    exchange.finish();
    assert.deepEqual(sink.events, ["<t>12 3", "<>4 56", "END"]);
  });

  test("is not taken by readers that keep what comes", () => {
    const { exchange } = start(JSON_STREAM);
    assert.equal(exchange.takesLent, false);
  });
});

describe("an upload", () => {
  const cases: readonly [title: string, chunks: readonly string[], expected: readonly string[]][] = [
    ["is cut into messages of one size", ["abcdefghij"], ["p q=1<t>abcd", "<>efgh", "<>ij", "END"]],
    ["joins small pieces", ["a", "bc", "de", "f"], ["p q=1<t>abcd", "<>ef", "END"]],
    ["that fits exactly has no empty end", ["abcd"], ["p q=1<t>abcd", "END"]],
    ["of nothing is one message", [], ["p q=1<t>", "END"]],
    ["with a fault ends there", ["abadxxxxxxx"], ["FAULT JSON_INVALID: not this"]],
  ];
  for (const [title, chunks, expected] of cases) {
    test(title, () => {
      const { exchange, sink } = start(UPLOAD, ["p"], "q=1");
      for (const chunk of chunks) exchange.push(chunk);
      exchange.finish();
      assert.deepEqual(sink.events, expected);
    });
  }

  test("holds the client while it is held", () => {
    const { exchange, sink, reader } = start(UPLOAD);
    sink.takes = false;
    exchange.push("abcdefghi");
    assert.deepEqual(sink.events, ["<t>abcd"]);
    assert.equal(exchange.isPaused, true);
    sink.takes = true;
    reader.resume();
    assert.deepEqual(sink.events, ["<t>abcd", "<>efgh"]);
    assert.equal(exchange.isPaused, false);
    exchange.finish();
    assert.deepEqual(sink.events, ["<t>abcd", "<>efgh", "<>i", "END"]);
  });

  test("ends with its last message, even if that is held", () => {
    const { exchange, sink, reader } = start(UPLOAD);
    sink.takes = false;
    exchange.push("ab");
    exchange.finish();
    assert.deepEqual(sink.events, ["<t>ab", "END"]);
    reader.resume();
    assert.deepEqual(sink.events, ["<t>ab", "END"]);
  });
});
