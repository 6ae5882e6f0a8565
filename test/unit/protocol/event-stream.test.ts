import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Code, OK, upstreamStatus } from "../../../src/status/index.ts";
import { parseEventStream } from "../../support/event-source-parser.ts";
import { endOfTurn, ReplyBench, type ReplyBenchOptions } from "../../support/reply-bench.ts";

const EVENTS = ["accept", "text/event-stream"];
type Sse = NonNullable<NonNullable<ReplyBenchOptions["stream"]>["sse"]>;

function benchOf(sse: Sse = {}, options: ReplyBenchOptions = {}): ReplyBench {
  return new ReplyBench({ request: { headers: EVENTS }, stream: { sse }, ...options });
}

const textOf = (message: Uint8Array): string => Buffer.from(message).toString();

describe("events", () => {
  test("of any bytes and ids are read back by a client, in order", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "\n", "\r", "\0", ":", " ", "é", "\u2028", "data") });
    const message = fc.record({ id: text, data: text });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.constantFrom("", "tick"), (messages, event) => {
        let index = 0;
        const bench = benchOf(
          { event, idOf: () => messages[index]?.id ?? "" },
          { render: () => Buffer.from(messages[index]?.data ?? "") },
        );
        for (; index < messages.length; index++) bench.send("");
        bench.writer.finish(OK, []);
        let lastEventId = "";
        const expected = messages.map(({ id, data }) => {
          if (id !== "" && !/[\n\r\0]/.test(id)) lastEventId = id;
          const lines = data.split(/\r\n|\n|\r/).join("\n");
          return { type: event || "message", data: lines, lastEventId };
        });
        const { events } = parseEventStream(Buffer.from(bench.exchange.text));
        assert.deepEqual(events.slice(0, -1), expected);
        assert.deepEqual(events.at(-1), { type: "end", data: "{}", lastEventId });
      }),
    );
  });

  const ids: readonly [id: string, line: string][] = [
    ["7", "id: 7\n"],
    ["a b", "id: a b\n"],
    ["", ""],
    ["a\nevent: end", ""],
    ["a\rb", ""],
    ["a\0b", ""],
    ["é", "id: é\n"],
  ];
  for (const [id, line] of ids) {
    test(`of id ${JSON.stringify(id)} have ${line === "" ? "no id line" : JSON.stringify(line)}`, async () => {
      const bench = benchOf({ idOf: textOf }, { render: () => "1" });
      bench.send(id);
      await endOfTurn();
      assert.equal(bench.exchange.text, `${line}data: 1\n\n`);
    });
  }

  test("end with the upstream's trailers, as far as they may go out", async () => {
    const bench = benchOf();
    bench.send("a");
    bench.writer.finish(OK, [
      "x-sum",
      "9",
      "grpc-status",
      "0",
      "x-sum",
      "10",
      "x-b-bin",
      "AAE=",
      "__proto__",
      "p",
    ]);
    const { events } = parseEventStream(Buffer.from(bench.exchange.text));
    assert.deepEqual(events.at(-1), {
      type: "end",
      data: '{"trailers":{"x-sum":"9, 10","x-b-bin":"AAE=","__proto__":"p"}}',
      lastEventId: "",
    });
  });
});

describe("a client that connects again", () => {
  const resumeAfter = (message: Uint8Array): Uint8Array => message;
  const cases: readonly [what: string, sse: Sse, headers: readonly string[], status: number][] = [
    ["and has missed nothing is told by 204 to stop", { resumeAfter }, ["last-event-id", "7"], 204],
    ["for the first time gets the end event", { resumeAfter }, [], 200],
    ["with an empty id gets the end event", { resumeAfter }, ["last-event-id", ""], 200],
    ["to a stream that does not resume gets the end event", {}, ["last-event-id", "7"], 200],
  ];
  for (const [what, sse, headers, status] of cases) {
    test(what, () => {
      const bench = benchOf(sse, { request: { headers: [...EVENTS, ...headers] }, stream: { sse } });
      bench.writer.headers(["x-a", "1"]);
      bench.writer.finish(OK, []);
      assert.equal(bench.exchange.status, status);
      assert.equal(bench.exchange.text, status === 204 ? "" : "event: end\ndata: {}\n\n");
      assert.equal(bench.exchange.header("x-a"), "1");
      assert.ok(bench.exchange.isEnded);
    });
  }

  test("and has missed something gets it", () => {
    const request = { headers: [...EVENTS, "last-event-id", "7"] };
    const bench = benchOf({}, { request, stream: { sse: { resumeAfter } } });
    bench.send("a");
    bench.writer.finish(OK, []);
    assert.equal(bench.exchange.status, 200);
  });

  test("to an upstream that fails gets the failure", () => {
    const request = { headers: [...EVENTS, "last-event-id", "7"] };
    const bench = benchOf({}, { request, stream: { sse: { resumeAfter } } });
    bench.writer.finish(upstreamStatus(Code.NOT_FOUND, "gone"), []);
    assert.equal(bench.exchange.status, 404);
  });
});

describe("heartbeats", () => {
  test("break a silence of the configured length, and no other", async (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const bench = benchOf({ heartbeatMs: 1000 });
    bench.send("a");
    await endOfTurn();
    t.mock.timers.tick(500);
    bench.send("b");
    await endOfTurn();
    t.mock.timers.tick(500);
    assert.equal(bench.exchange.text, 'data: "a"\n\ndata: "b"\n\n');
    t.mock.timers.tick(500);
    assert.equal(bench.exchange.text, 'data: "a"\n\ndata: "b"\n\n:\n\n');
    t.mock.timers.tick(2000);
    assert.equal(bench.exchange.text, 'data: "a"\n\ndata: "b"\n\n:\n\n:\n\n:\n\n');
    bench.send("c");
    bench.writer.finish(OK, []);
    bench.writer.release();
    t.mock.timers.tick(5000);
    const { events, comments } = parseEventStream(Buffer.from(bench.exchange.text));
    assert.deepEqual(
      events.map(({ data }) => data),
      ['"a"', '"b"', '"c"', "{}"],
    );
    assert.equal(comments.length, 3);
  });

  test("open the reply of an upstream that stays silent; a failure is told in the stream from then on", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const bench = benchOf({ heartbeatMs: 1000 });
    bench.writer.headers(["x-a", "1"]);
    t.mock.timers.tick(500);
    assert.equal(bench.exchange.status, 0);
    t.mock.timers.tick(500);
    assert.deepEqual([bench.exchange.status, bench.exchange.header("x-a")], [200, "1"]);
    bench.writer.finish(upstreamStatus(Code.ABORTED, "torn"), []);
    assert.equal(bench.exchange.text, ':\n\nevent: error\ndata: {"code":10,"message":"torn"}\n\n');
  });

  test("are not written to a client that is behind", async (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const bench = benchOf({ heartbeatMs: 1000 });
    bench.exchange.mayWriteOn = false;
    bench.send("a");
    await endOfTurn();
    t.mock.timers.tick(5000);
    assert.equal(bench.exchange.text, 'data: "a"\n\n');
    bench.exchange.mayWriteOn = true;
    bench.exchange.onDrain?.();
    t.mock.timers.tick(1000);
    assert.equal(bench.exchange.text, 'data: "a"\n\n:\n\n');
  });

  test("of thousands of streams take one timer, which goes with the last of them", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const started = t.mock.method(globalThis, "setInterval");
    const stopped = t.mock.method(globalThis, "clearInterval");
    const { heartbeats } = benchOf();
    const members = Array.from({ length: 3000 }, () => ({
      beats: 0,
      onHalfInterval() {
        this.beats++;
      },
    }));
    for (const member of members) heartbeats.add(member, 1000);
    heartbeats.add({ onHalfInterval: () => undefined }, 2000);
    assert.equal(started.mock.callCount(), 2, "one for each interval");
    assert.equal(heartbeats.size, 3001);
    t.mock.timers.tick(1000);
    assert.ok(members.every(({ beats }) => beats === 2));
    for (const member of members.slice(0, 8)) member.beats = 0;
    t.mock.timers.tick(125);
    const atOnce = members.slice(0, 8).filter(({ beats }) => beats > 0);
    assert.equal(
      atOnce.length,
      2,
      "of eight no more than two have their turn in a quarter of half an interval",
    );
    for (const member of members) member.beats = 2;
    for (const member of members) heartbeats.remove(member, 1000);
    assert.equal(heartbeats.size, 1);
    assert.equal(stopped.mock.callCount(), 1);
    t.mock.timers.tick(1000);
    assert.ok(members.every(({ beats }) => beats === 2));
  });

  for (const [what, options, size] of [
    ["of an interval", { sse: { heartbeatMs: 1000 } }, 1],
    ["of none", { sse: { heartbeatMs: Number.POSITIVE_INFINITY } }, 0],
  ] as const) {
    test(`${what} keep ${size} streams, and none once it is released`, (t) => {
      t.mock.timers.enable({ apis: ["setInterval"] });
      const bench = benchOf(options.sse);
      assert.equal(bench.heartbeats.size, size);
      bench.writer.release();
      assert.equal(bench.heartbeats.size, 0);
    });
  }

  test("are not for HEAD, nor for other forms", () => {
    const sse = { heartbeatMs: 1000 };
    const head = benchOf({}, { request: { method: "HEAD", headers: EVENTS }, stream: { sse } });
    const lines = benchOf({}, { request: {}, stream: { sse } });
    assert.deepEqual([head.heartbeats.size, lines.heartbeats.size], [0, 0]);
  });
});

describe("a drained stream of events", () => {
  test("says when to come back, and has no end event", () => {
    const bench = benchOf({ retryMs: 1234 });
    bench.send("a");
    assert.equal(bench.writer.drain(), "ended");
    const { events, retryMs } = parseEventStream(Buffer.from(bench.exchange.text));
    assert.deepEqual(
      events.map(({ data }) => data),
      ['"a"'],
    );
    assert.equal(retryMs, 1234);
    assert.ok(bench.exchange.isEnded);
  });

  test("is 200 also before its first message: to anything else EventSource would not come back", () => {
    const bench = benchOf();
    bench.writer.drain();
    assert.deepEqual([bench.exchange.status, bench.exchange.text], [200, "retry: 3000\n\n"]);
  });

  test("is the only one that ends: other forms go on", () => {
    for (const accept of ["application/json", "application/x-ndjson", "application/json-seq"]) {
      const bench = new ReplyBench({ request: { headers: ["accept", accept] } });
      assert.equal(bench.writer.drain(), "goes-on");
      assert.equal(bench.exchange.isEnded, false);
    }
    assert.equal(new ReplyBench({ kind: "unary" }).writer.drain(), "goes-on");
  });
});
