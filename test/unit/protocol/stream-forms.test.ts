/** Every form of a stream times every way that a stream can go. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Code, OK, upstreamStatus } from "../../../src/status/index.ts";
import { endOfTurn, ReplyBench, type ReplyBenchOptions } from "../../support/reply-bench.ts";

const TORN = upstreamStatus(Code.ABORTED, "torn");
const ERROR = '{"code":10,"message":"torn"}';

/** What the client sees: "reset" stands for a connection that is cut behind the bytes before it. */
interface Form {
  readonly name: string;
  readonly options: ReplyBenchOptions;
  readonly contentType: string;
  readonly empty: string;
  readonly one: string;
  readonly three: string;
  readonly failedAfterOne: string;
  readonly failedAfterThree: string;
}

const accepting = (accept: string): ReplyBenchOptions => ({ request: { headers: ["accept", accept] } });
const enveloped = (accept: string): ReplyBenchOptions => ({
  ...accepting(accept),
  stream: { envelope: "grpc-gateway" },
});

const FORMS: readonly Form[] = [
  {
    name: "NDJSON",
    options: accepting("application/x-ndjson"),
    contentType: "application/x-ndjson",
    empty: "",
    one: '"a"\n',
    three: '"a"\n"b"\n"c"\n',
    failedAfterOne: `"a"\n{"error":${ERROR}}\n`,
    failedAfterThree: `"a"\n"b"\n"c"\n{"error":${ERROR}}\n`,
  },
  {
    name: "JSON lines",
    options: accepting("application/jsonl"),
    contentType: "application/jsonl",
    empty: "",
    one: '"a"\n',
    three: '"a"\n"b"\n"c"\n',
    failedAfterOne: `"a"\n{"error":${ERROR}}\n`,
    failedAfterThree: `"a"\n"b"\n"c"\n{"error":${ERROR}}\n`,
  },
  {
    name: "NDJSON in envelopes",
    options: enveloped("application/x-ndjson"),
    contentType: "application/x-ndjson",
    empty: "",
    one: '{"result":"a"}\n',
    three: '{"result":"a"}\n{"result":"b"}\n{"result":"c"}\n',
    failedAfterOne: `{"result":"a"}\n{"error":${ERROR}}\n`,
    failedAfterThree: `{"result":"a"}\n{"result":"b"}\n{"result":"c"}\n{"error":${ERROR}}\n`,
  },
  {
    name: "JSON-seq",
    options: accepting("application/json-seq"),
    contentType: "application/json-seq",
    empty: "",
    one: '\u001e"a"\n',
    three: '\u001e"a"\n\u001e"b"\n\u001e"c"\n',
    failedAfterOne: `\u001e"a"\n\u001e{"error":${ERROR}}\n`,
    failedAfterThree: `\u001e"a"\n\u001e"b"\n\u001e"c"\n\u001e{"error":${ERROR}}\n`,
  },
  {
    name: "JSON-seq in envelopes",
    options: enveloped("application/json-seq"),
    contentType: "application/json-seq",
    empty: "",
    one: '\u001e{"result":"a"}\n',
    three: '\u001e{"result":"a"}\n\u001e{"result":"b"}\n\u001e{"result":"c"}\n',
    failedAfterOne: `\u001e{"result":"a"}\n\u001e{"error":${ERROR}}\n`,
    failedAfterThree: `\u001e{"result":"a"}\n\u001e{"result":"b"}\n\u001e{"result":"c"}\n\u001e{"error":${ERROR}}\n`,
  },
  {
    name: "a JSON array",
    options: accepting("application/json"),
    contentType: "application/json",
    empty: "[]",
    one: '["a"]',
    three: '["a",\n"b",\n"c"]',
    failedAfterOne: '["a"reset',
    failedAfterThree: '["a",\n"b",\n"c"reset',
  },
  {
    name: "a JSON array of envelopes",
    options: enveloped("application/json"),
    contentType: "application/json",
    empty: "[]",
    one: '[{"result":"a"}]',
    three: '[{"result":"a"},\n{"result":"b"},\n{"result":"c"}]',
    failedAfterOne: '[{"result":"a"}reset',
    failedAfterThree: '[{"result":"a"},\n{"result":"b"},\n{"result":"c"}reset',
  },
  {
    name: "server-sent events",
    options: accepting("text/event-stream"),
    contentType: "text/event-stream",
    empty: "event: end\ndata: {}\n\n",
    one: 'data: "a"\n\nevent: end\ndata: {}\n\n',
    three: 'data: "a"\n\ndata: "b"\n\ndata: "c"\n\nevent: end\ndata: {}\n\n',
    failedAfterOne: `data: "a"\n\nevent: error\ndata: ${ERROR}\n\n`,
    failedAfterThree: `data: "a"\n\ndata: "b"\n\ndata: "c"\n\nevent: error\ndata: ${ERROR}\n\n`,
  },
  {
    name: "named server-sent events of envelopes",
    options: {
      ...accepting("text/event-stream"),
      stream: { envelope: "grpc-gateway", sse: { event: "tick" } },
    },
    contentType: "text/event-stream",
    empty: "event: end\ndata: {}\n\n",
    one: 'event: tick\ndata: {"result":"a"}\n\nevent: end\ndata: {}\n\n',
    three:
      'event: tick\ndata: {"result":"a"}\n\nevent: tick\ndata: {"result":"b"}\n\n' +
      'event: tick\ndata: {"result":"c"}\n\nevent: end\ndata: {}\n\n',
    failedAfterOne: `event: tick\ndata: {"result":"a"}\n\nevent: error\ndata: {"error":${ERROR}}\n\n`,
    failedAfterThree:
      'event: tick\ndata: {"result":"a"}\n\nevent: tick\ndata: {"result":"b"}\n\n' +
      `event: tick\ndata: {"result":"c"}\n\nevent: error\ndata: {"error":${ERROR}}\n\n`,
  },
  {
    name: "raw bytes, whatever Accept says",
    options: {
      ...accepting("text/event-stream"),
      repliesWithHttpBody: true,
      render: (message) => ({ contentType: "text/csv", data: message }),
    },
    contentType: "text/csv",
    empty: "",
    one: "a",
    three: "abc",
    failedAfterOne: "areset",
    failedAfterThree: "abcreset",
  },
];

async function bodyOf(bench: ReplyBench): Promise<string> {
  await endOfTurn();
  const { exchange } = bench;
  assert.notEqual(exchange.isEnded, exchange.isDestroyed, "it has one end");
  return exchange.text + (exchange.isDestroyed ? "reset" : "");
}

for (const form of FORMS) {
  describe(`a stream as ${form.name}`, () => {
    test("of no messages", async () => {
      const bench = new ReplyBench(form.options);
      bench.writer.headers(["x-a", "1"]);
      bench.writer.finish(OK, []);
      assert.equal(await bodyOf(bench), form.empty);
      assert.deepEqual([bench.exchange.status, bench.exchange.header("x-a")], [200, "1"]);
      const isRaw = form.options.repliesWithHttpBody === true;
      assert.equal(
        bench.exchange.header("content-type"),
        isRaw ? "application/octet-stream" : form.contentType,
      );
    });

    for (const [messages, expected] of [
      [["a"], form.one],
      [["a", "b", "c"], form.three],
    ] as const) {
      test(`of ${messages.length} in one turn`, async () => {
        const bench = new ReplyBench(form.options);
        bench.send(...messages);
        await endOfTurn();
        assert.equal(bench.exchange.chunks.length, 1, "they share a write");
        bench.writer.finish(OK, []);
        assert.equal(await bodyOf(bench), expected);
        assert.equal(bench.exchange.header("content-type"), form.contentType);
      });

      test(`of ${messages.length}, a turn each`, async () => {
        const bench = new ReplyBench(form.options);
        for (const [index, message] of messages.entries()) {
          bench.send(message);
          await endOfTurn();
          assert.equal(bench.exchange.chunks.length, index + 1, "every message leaves in its turn");
        }
        bench.writer.finish(OK, []);
        assert.equal(await bodyOf(bench), expected);
      });
    }

    test("that fails before a message is an HTTP error", async () => {
      const bench = new ReplyBench(form.options);
      bench.writer.finish(TORN, ["x-why", "1"]);
      assert.equal(await bodyOf(bench), ERROR);
      assert.deepEqual([bench.exchange.status, bench.exchange.header("x-why")], [409, "1"]);
      assert.equal(bench.exchange.header("content-type"), "application/json");
    });

    for (const [messages, expected] of [
      [["a"], form.failedAfterOne],
      [["a", "b", "c"], form.failedAfterThree],
    ] as const) {
      for (const turn of ["the same turn", "a later turn"]) {
        test(`that fails ${turn} as message ${messages.length} does not look like a success`, async () => {
          const bench = new ReplyBench(form.options);
          bench.send(...messages);
          if (turn === "a later turn") await endOfTurn();
          bench.writer.finish(TORN, []);
          assert.equal(await bodyOf(bench), expected);
          assert.equal(bench.exchange.status, 200);
        });
      }
    }

    test("that is longer than a write goes out in order", async () => {
      const bench = new ReplyBench(form.options);
      const long = "x".repeat(40_000);
      bench.send("a", long, "c");
      bench.writer.finish(OK, []);
      const body = await bodyOf(bench);
      assert.equal(body.replace(long, "b"), form.three);
      assert.ok(Math.max(...bench.exchange.chunks.map(({ length }) => length)) < 60_000);
    });

    test("for HEAD has no body", async () => {
      const bench = new ReplyBench({
        ...form.options,
        request: { ...form.options.request, method: "HEAD" },
      });
      bench.send("a");
      bench.writer.finish(OK, []);
      assert.equal(await bodyOf(bench), "");
      assert.equal(bench.exchange.header("content-type"), form.contentType);
    });

    test("tells proxies and caches what it is", () => {
      const bench = new ReplyBench(form.options);
      bench.send("a");
      const isRaw = form.options.repliesWithHttpBody === true;
      assert.equal(bench.exchange.header("x-accel-buffering"), isRaw ? undefined : "no");
      assert.equal(bench.exchange.header("vary"), isRaw ? undefined : "Accept");
      const isEvents = form.contentType === "text/event-stream";
      assert.equal(bench.exchange.header("cache-control"), isEvents ? "no-cache, no-transform" : undefined);
    });

    test("has HTTP trailers where the client takes them", async () => {
      const bench = new ReplyBench({
        ...form.options,
        request: { ...form.options.request, takesTrailers: true },
      });
      bench.send("a");
      bench.writer.finish(OK, ["x-sum", "9", "grpc-status", "0"]);
      await endOfTurn();
      assert.deepEqual(bench.exchange.trailers, ["x-sum", "9"]);
    });
  });
}

describe("a stream to a slow client", () => {
  test("holds after a write that said so, until the exchange drains", async () => {
    const bench = new ReplyBench(accepting("application/json"));
    bench.exchange.mayWriteOn = false;
    assert.equal(bench.writer.message(Buffer.from("a")), true);
    await endOfTurn();
    assert.equal(bench.writer.message(Buffer.from("b")), false);
    bench.exchange.mayWriteOn = true;
    bench.exchange.onDrain?.();
    assert.equal(bench.writer.message(Buffer.from("c")), true);
  });

  test("has at most one write's worth of bytes waiting in the gateway", () => {
    const bench = new ReplyBench(accepting("application/x-ndjson"));
    for (let count = 0; count < 100; count++) bench.send("x".repeat(1000));
    const written = bench.exchange.chunks.reduce((sum, { length }) => sum + length, 0);
    assert.ok(100 * 1003 - written <= 16 * 1024, `${written} bytes are written`);
  });
});

describe("indentation", () => {
  const render: ReplyBenchOptions["render"] = (_message, pretty) => (pretty ? '{\n  "a": 1\n}' : '{"a":1}');
  for (const [accept, body] of [
    ["application/x-ndjson", '{"a":1}\n'],
    ["application/json", '[{\n  "a": 1\n}'],
    ["application/json-seq", '\u001e{\n  "a": 1\n}\n'],
    ["text/event-stream", 'data: {\ndata:   "a": 1\ndata: }\n\n'],
  ] as const) {
    test(`of ${accept} never breaks its framing`, async () => {
      const bench = new ReplyBench({ ...accepting(accept), render });
      bench.renderer.pretty = true;
      bench.send("a");
      await endOfTurn();
      assert.equal(bench.exchange.text, body);
    });
  }
});
