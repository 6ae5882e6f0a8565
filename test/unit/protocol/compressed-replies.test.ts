import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ContentCodings } from "../../../src/protocol/coding/index.ts";
import { OK } from "../../../src/status/index.ts";
import type { Transcoder } from "../../../src/transcode/index.ts";
import type { FakeExchange, FakeRequest } from "../../support/fake-exchange.ts";
import { ReplyBench } from "../../support/reply-bench.ts";

const ON = new ContentCodings().forRoute({
  replies: {
    encodings: ["gzip"],
    minBytes: 100,
    effort: "balanced",
    contentTypes: ["application/json", "text/plain"],
  },
  requests: { encodings: [], maxRatio: 2 },
}).replies;

const GZIP = ["accept-encoding", "gzip"];
const LONG = "long ".repeat(100);

interface Input {
  readonly request?: FakeRequest;
  readonly text?: string;
  readonly etag?: "weak" | "strong";
  readonly trailers?: readonly string[];
  readonly isRaw?: boolean;
}

/** The reply of a unary call, once it has been sent. */
async function replyOf({ request, text = LONG, etag, trailers = [], isRaw = false }: Input) {
  const raw: Transcoder["render"] = (data) => ({ contentType: "text/plain", data });
  const bench = new ReplyBench({
    kind: "unary",
    etag: etag ?? "none",
    compression: ON,
    request: { headers: GZIP, ...request },
    ...(isRaw ? { render: raw, repliesWithHttpBody: true } : {}),
  });
  const sent = new Promise<void>((resolve) => {
    bench.reply.onSent = resolve;
  });
  bench.send(text);
  bench.writer.finish(OK, trailers);
  if (bench.reply.isPending) await sent;
  return bench;
}

function plainText(exchange: FakeExchange): string {
  return gunzipSync(Buffer.concat(exchange.chunks)).toString();
}

describe("a unary reply", () => {
  for (const [what, text] of [
    ["small", LONG],
    ["large", LONG.repeat(200)],
  ] as const) {
    test(`that is ${what} is compressed, and its coded bytes count`, async () => {
      const { exchange, reply } = await replyOf({ text });
      assert.equal(plainText(exchange), JSON.stringify(text));
      assert.deepEqual(
        [exchange.header("content-encoding"), exchange.header("vary"), exchange.header("content-type")],
        ["gzip", "accept-encoding", "application/json"],
      );
      assert.equal(reply.bytesOut, exchange.chunks[0]?.length);
      assert.equal(reply.state, "ended");
      assert.equal(exchange.isEnded, true);
    });
  }

  test("that is compressed can have trailers", async () => {
    const { exchange } = await replyOf({ request: { takesTrailers: true }, trailers: ["a", "b"] });
    assert.equal(plainText(exchange), JSON.stringify(LONG));
    assert.deepEqual(exchange.trailers, ["a", "b"]);
  });

  test("that is short varies all the same", async () => {
    const { exchange } = await replyOf({ text: "x" });
    assert.deepEqual([exchange.text, exchange.header("vary")], ['"x"', "accept-encoding"]);
    assert.equal(exchange.header("content-encoding"), undefined);
  });

  test("is pending while it is compressed, and takes no second reply", async () => {
    const bench = new ReplyBench({ kind: "unary", compression: ON, request: { headers: GZIP } });
    const sent = new Promise<void>((resolve) => {
      bench.reply.onSent = resolve;
    });
    bench.send(LONG.repeat(200));
    bench.writer.finish(OK, []);
    assert.equal(bench.reply.isPending, true);
    assert.equal(bench.exchange.isEnded, false);
    bench.reply.respond(500, [], "again");
    await sent;
    assert.equal(bench.exchange.status, 200);
    assert.equal(bench.reply.isPending, false);
  });
});

describe("tags and ranges", () => {
  test("a strong tag becomes weak with the bytes that it no longer stands for", async () => {
    const plain = (await replyOf({ etag: "strong", request: { headers: [] } })).exchange.header("etag") ?? "";
    const coded = (await replyOf({ etag: "strong" })).exchange.header("etag");
    assert.match(plain, /^"/);
    assert.equal(coded, `W/${plain}`);
  });

  test("either tag is known again, and 304 has the tag of what a 200 would be", async () => {
    const { exchange } = await replyOf({ etag: "strong", request: { headers: [] } });
    const strong = exchange.header("etag") ?? "";
    for (const [headers, expected] of [
      [[...GZIP, "if-none-match", `W/${strong}`], `W/${strong}`],
      [[...GZIP, "if-none-match", strong], `W/${strong}`],
      [["if-none-match", `W/${strong}`], strong],
    ] as const) {
      const again = (await replyOf({ etag: "strong", request: { headers } })).exchange;
      const found = [again.status, again.text, again.header("etag"), again.header("vary")];
      assert.deepEqual(found, [304, "", expected, "accept-encoding"]);
      assert.equal(again.header("content-encoding"), undefined);
    }
  });

  test("raw bytes that are compressed offer no ranges; a range is never compressed", async () => {
    const whole = (await replyOf({ isRaw: true })).exchange;
    assert.equal(plainText(whole), LONG);
    assert.deepEqual([whole.header("accept-ranges"), whole.header("content-encoding")], [undefined, "gzip"]);
    const headers = [...GZIP, "range", "bytes=0-199"];
    const part = (await replyOf({ isRaw: true, request: { headers } })).exchange;
    assert.deepEqual(
      [part.status, part.text, part.header("content-encoding")],
      [206, LONG.slice(0, 200), undefined],
    );
  });
});

test("a stream is never compressed", () => {
  const bench = new ReplyBench({ compression: ON, request: { headers: GZIP } });
  bench.send(LONG, LONG);
  bench.writer.finish(OK, []);
  assert.equal(bench.exchange.header("content-encoding"), undefined);
  assert.equal(bench.exchange.text, `${JSON.stringify(LONG)}\n`.repeat(2));
});
