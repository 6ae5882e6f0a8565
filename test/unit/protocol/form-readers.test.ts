import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BodyListener, HttpExchange } from "../../../src/http/index.ts";
import type { RequestReader, RequestSink } from "../../../src/protocol/index.ts";
import { FormMessages } from "../../../src/protocol/rest/form-messages.ts";
import { MessageAssembler } from "../../../src/protocol/rest/message-assembler.ts";
import { StreamedBodyReader } from "../../../src/protocol/rest/streamed-body.ts";
import { WholeForm } from "../../../src/protocol/rest/whole-form.ts";
import { refuse, StatusError } from "../../../src/status/index.ts";
import type { FormPart, Transcoder } from "../../../src/transcode/index.ts";
import { FakeExchange } from "../../support/fake-exchange.ts";
import { disposition, encodeForm, type FormSource } from "../../support/form-encoder.ts";
import { PLAIN_STREAMS } from "../../support/stream-settings.ts";

/** An exchange whose body a test sends piece by piece; a paused one must not be sent to. */
class PacedExchange extends FakeExchange {
  listener: BodyListener | undefined;
  limitBytes = 0;
  isPaused = false;

  override readBody(limitBytes: number, listener: BodyListener): void {
    this.limitBytes = limitBytes;
    this.listener = listener;
  }

  override pauseBody(): void {
    this.isPaused = true;
  }

  override resumeBody(): void {
    this.isPaused = false;
  }

  push(piece: Uint8Array): void {
    assert.equal(this.isPaused, false, "a paused exchange sends nothing");
    this.listener?.onChunk(piece);
  }

  finish(): void {
    this.listener?.onEnd();
  }
}

/** Notes what comes; `takes` is what each message is answered with. */
class Sink implements RequestSink {
  readonly events: string[] = [];
  takes = true;
  readonly done: Promise<readonly string[]>;
  #finish: (events: readonly string[]) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  onRequestHead(): void {
    // Forms have nothing to say of it.
  }

  onRequestMessage(message: Uint8Array): boolean {
    this.events.push(Buffer.from(message).toString());
    return this.takes;
  }

  onRequestEnd(): void {
    this.events.push("END");
    this.#finish(this.events);
  }

  onRequestFault(error: unknown): void {
    assert.ok(error instanceof StatusError, String(error));
    this.events.push(`FAULT ${error.status.reason}: ${error.status.message}`);
    this.#finish(this.events);
  }
}

/** Shows the parts of each message. Files are called `file…`, those in a oneof with `meta` `file_one…`. */
const SHOWING: Transcoder = {
  requestBody: "json",
  repliesWithHttpBody: false,
  streamedFile: (name, before) => {
    if (!name.startsWith("file")) return undefined;
    return name.startsWith("file_one") && before.includes("meta") ? "apart" : "joined";
  },
  assemble: ({ captures, query, form = [] }) => {
    if (form.some(({ name }) => name === "bad")) throw refuse("PARAM_UNKNOWN", "bad: no such field", "bad");
    const shown = [...captures, ...(query === "" ? [] : [`?${query}`]), ...form.map(showPart)].join(" ");
    return { message: Buffer.from(shown), unknownFields: [], pretty: false };
  },
  complete: (message) => ({ message, unknownFields: [], pretty: false }),
  render: () => "",
};

const ROUTE = { transcoder: SHOWING, settings: { stream: PLAIN_STREAMS } };

function showPart({ name, contentType, hasFilename, data }: FormPart): string {
  return `${name}${hasFilename ? "*" : ""}<${contentType}>${Buffer.from(data).toString()}`;
}

type MakeReader = (exchange: HttpExchange, assembler: MessageAssembler) => RequestReader;

const UNARY: MakeReader = (exchange, assembler) =>
  new StreamedBodyReader(exchange, 500, (wake) => new WholeForm(assembler, wake));
const STREAM: MakeReader = (exchange, assembler) =>
  new StreamedBodyReader(
    exchange,
    Number.POSITIVE_INFINITY,
    (wake) => new FormMessages(assembler, { fieldBytes: 40, chunkBytes: 4 }, wake),
  );

function start(make: MakeReader, captures: readonly string[] = [], query = "") {
  const headers = ["content-type", "multipart/form-data; boundary=b"];
  const exchange = new PacedExchange({ query, headers });
  const sink = new Sink();
  const reader = make(exchange, new MessageAssembler(ROUTE, exchange, captures));
  reader.start(sink);
  return { exchange, sink, reader };
}

function field(name: string, data: string): FormSource {
  return { headers: disposition(name), data };
}

function file(name: string, data: string, contentType = "t/t"): FormSource {
  return { headers: disposition(name, "x", contentType), data };
}

type Row = readonly [title: string, parts: readonly FormSource[], expected: readonly string[]];

function run(make: MakeReader, rows: readonly Row[], captures: readonly string[]): void {
  for (const [title, parts, expected] of rows) {
    test(title, async () => {
      const body = encodeForm("b", parts);
      for (const length of [body.length, 7, 1]) {
        const { exchange, sink, reader } = start(make, captures);
        for (let at = 0; at < body.length; at += length) exchange.push(body.subarray(at, at + length));
        exchange.finish();
        assert.deepEqual(await sink.done, expected, `in pieces of ${length}`);
        if (expected.at(-1) === "END") assert.equal(reader.bytesIn, body.length);
      }
    });
  }
}

describe("a form of one message", () => {
  run(
    UNARY,
    [
      [
        "holds all its parts",
        [field("a", "1"), file("file", "12345"), field("a", "")],
        ["p a<>1 file*<t/t>12345 a<>", "END"],
      ],
      ["without parts is a message", [], ["p", "END"]],
      [
        "with a bad part is at fault",
        [field("bad", "1"), field("a", "1")],
        ["FAULT PARAM_UNKNOWN: bad: no such field"],
      ],
      [
        "with bad headers is at fault",
        [field("a", "1"), { headers: ["x: y"], data: "" }],
        ["FAULT FORM_INVALID: part 2 has no content-disposition header"],
      ],
    ],
    ["p"],
  );

  test("is limited as a whole", async () => {
    const { exchange, sink } = start(UNARY);
    assert.equal(exchange.limitBytes, 500);
    exchange.listener?.onTooLarge();
    assert.deepEqual(await sink.done, [
      "FAULT BODY_TOO_LARGE: the body is longer than the limit of 500 bytes",
    ]);
  });

  test("that is cut short is at fault, once", async () => {
    const { exchange, sink } = start(UNARY);
    exchange.push(encodeForm("b", [field("a", "1")]).subarray(0, -9));
    exchange.finish();
    assert.deepEqual(await sink.done, [
      'FAULT FORM_INVALID: the body ends within part 1 ("a"), without a closing boundary',
    ]);
    exchange.push(Buffer.from("more"));
    exchange.finish();
    assert.equal(sink.events.length, 1);
  });

  test("needs a boundary", () => {
    const exchange = new PacedExchange({ headers: ["content-type", "multipart/form-data"] });
    assert.throws(() => UNARY(exchange, new MessageAssembler(ROUTE, exchange, [])), /no boundary/);
  });
});

describe("a form that is streamed", () => {
  run(
    STREAM,
    [
      [
        "cuts its file; the first message has the fields and the type",
        [field("a", "1"), file("file", "123456789")],
        ["p a<>1 file*<t/t>1234", "file*<>5678", "file*<>9", "END"],
      ],
      [
        "that ends with a whole message has no empty one behind it",
        [file("file", "12345678")],
        ["p file*<t/t>1234", "file*<>5678", "END"],
      ],
      ["has a message for an empty file", [field("a", "1"), file("file", "")], ["p a<>1 file*<t/t>", "END"]],
      [
        "sends several files one after another",
        [file("file", "12345", "a/a"), file("file2", "", "b/b"), file("file", "1", "c/c")],
        ["p file*<a/a>1234", "file*<>5", "file2*<b/b>", "file*<c/c>1", "END"],
      ],
      [
        "sends fields alone that a oneof keeps from the file",
        [field("meta", "1"), field("a", "2"), file("file_one", "12345")],
        ["p meta<>1 a<>2", "file_one*<t/t>1234", "file_one*<>5", "END"],
      ],
      ["of fields alone is one message", [field("a", "1"), field("b", "2")], ["p a<>1 b<>2", "END"]],
      ["of nothing is what the path says", [], ["p", "END"]],
      [
        "takes files whole that no blob is filled with",
        [file("meta", "12345", "application/json")],
        ["p meta*<application/json>12345", "END"],
      ],
      [
        "wants fields first",
        [file("file", "1"), field("a", "2")],
        [
          "p file*<t/t>1",
          'FAULT FORM_INVALID: part "a" comes after a file; in a form that is streamed, put files last',
        ],
      ],
      [
        "limits its fields",
        [field("a", "x".repeat(41)), file("file", "1")],
        ["FAULT BODY_TOO_LARGE: the fields of the form are longer than the limit of 40 bytes"],
      ],
      [
        "limits all fields together, names included",
        [field("aaaaaaaaaa", "x".repeat(15)), field("a", "x".repeat(15)), file("file", "1")],
        ["FAULT BODY_TOO_LARGE: the fields of the form are longer than the limit of 40 bytes"],
      ],
      [
        "with a bad field is at fault with the first message",
        [field("bad", "1"), file("file", "12345")],
        ["FAULT PARAM_UNKNOWN: bad: no such field"],
      ],
      [
        "with bad headers later on is at fault there",
        [file("file", "12345"), { headers: ["x: y"], data: "" }],
        ["p file*<t/t>1234", "file*<>5", "FAULT FORM_INVALID: part 2 has no content-disposition header"],
      ],
    ],
    ["p"],
  );

  test("of nothing at all is no message", async () => {
    const { exchange, sink } = start(STREAM);
    exchange.push(encodeForm("b", []));
    exchange.finish();
    assert.deepEqual(await sink.done, ["END"]);
  });

  test("is not limited as a whole", () =>
    assert.equal(start(STREAM).exchange.limitBytes, Number.POSITIVE_INFINITY));

  test("stops within a piece when it is held, and goes on from there, one message a turn", async () => {
    const { exchange, sink, reader } = start(STREAM, ["p"], "q=1");
    sink.takes = false;
    exchange.push(encodeForm("b", [field("a", "1"), file("file", "123456789"), file("file2", "1")]));
    const expected = ["p ?q=1 a<>1 file*<t/t>1234", "file*<>5678", "file*<>9", "file2*<t/t>1"];
    for (let count = 1; count <= expected.length; count++) {
      assert.deepEqual(sink.events, expected.slice(0, count));
      assert.equal(exchange.isPaused, true);
      reader.resume();
      // The parser tells the end of the last part in a turn of its own.
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(exchange.isPaused, false);
    exchange.finish();
    assert.deepEqual(await sink.done, [...expected, "END"]);
  });

  test("that is cut short never looks whole", async () => {
    const body = encodeForm("b", [file("file", "12345")]);
    for (let length = 0; length < body.length - 2; length++) {
      const { exchange, sink } = start(STREAM);
      exchange.push(body.subarray(0, length));
      exchange.finish();
      assert.match((await sink.done).at(-1) ?? "", /^FAULT FORM_INVALID: the body ends /, `at ${length}`);
    }
  });
});
