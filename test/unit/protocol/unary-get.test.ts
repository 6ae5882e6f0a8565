/** Replies to GET and HEAD of which the client wants a part, or nothing: how the pieces of `conditional.ts` come together. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { entityTag } from "../../../src/protocol/rest/conditional.ts";
import { OK, type Status, StatusError } from "../../../src/status/index.ts";
import { ReplyBench, type ReplyBenchOptions } from "../../support/reply-bench.ts";

const BLOB = "0123456789";
const TAG = entityTag("strong", "text/plain", BLOB);
const RAW: ReplyBenchOptions = {
  kind: "unary",
  repliesWithHttpBody: true,
  render: (message) => ({ contentType: "text/plain", data: message }),
};

interface Outcome {
  readonly status: number;
  readonly text: string;
  readonly etag?: string;
  readonly range?: string;
  readonly acceptRanges?: string;
}

interface Case {
  readonly what: string;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly metadata?: readonly string[];
  readonly etag?: "none" | "weak" | "strong";
  readonly json?: true;
  readonly outcome: Outcome;
}

const WHOLE = { status: 200, text: BLOB, acceptRanges: "bytes" };
const CASES: readonly Case[] = [
  { what: "a blob", outcome: WHOLE },
  {
    what: "a range of a blob",
    headers: ["range", "bytes=2-4"],
    outcome: { status: 206, text: "234", range: "bytes 2-4/10", acceptRanges: "bytes" },
  },
  {
    what: "the end of a blob",
    headers: ["range", "bytes=-3"],
    outcome: { status: 206, text: "789", range: "bytes 7-9/10", acceptRanges: "bytes" },
  },
  { what: "several ranges", headers: ["range", "bytes=0-1,4-5"], outcome: WHOLE },
  {
    what: "HEAD, which has no ranges",
    method: "HEAD",
    headers: ["range", "bytes=2-4"],
    outcome: { ...WHOLE, text: "" },
  },
  {
    what: "POST, which has none either",
    method: "POST",
    headers: ["range", "bytes=2-4"],
    outcome: { status: 200, text: BLOB },
  },
  {
    what: "an unsatisfiable range",
    headers: ["range", "bytes=10-"],
    outcome: {
      status: 416,
      text: '{"code":11,"message":"header range: \\"bytes=10-\\" lies beyond the 10 bytes","reason":"RANGE_UNSATISFIABLE"}',
      range: "bytes */10",
    },
  },
  {
    what: "a status that the upstream chose",
    headers: ["range", "bytes=2-4"],
    metadata: ["x-http-code", "203"],
    outcome: { status: 203, text: BLOB },
  },
  {
    what: "JSON, which has no ranges",
    json: true,
    headers: ["range", "bytes=2-4"],
    outcome: { status: 200, text: `"${BLOB}"` },
  },
  { what: "a strong tag", etag: "strong", outcome: { ...WHOLE, etag: TAG } },
  { what: "a weak tag", etag: "weak", outcome: { ...WHOLE, etag: `W/${TAG}` } },
  {
    what: "a strong tag for HEAD",
    method: "HEAD",
    etag: "strong",
    outcome: { ...WHOLE, text: "", etag: TAG },
  },
  { what: "no tag for POST", method: "POST", etag: "strong", outcome: { status: 200, text: BLOB } },
  {
    what: "a tag of JSON",
    etag: "strong",
    json: true,
    outcome: { status: 200, text: `"${BLOB}"`, etag: entityTag("strong", "application/json", `"${BLOB}"`) },
  },
  {
    what: "the upstream's tag, which is left alone",
    etag: "strong",
    metadata: ["etag", '"mine"'],
    outcome: { ...WHOLE, etag: '"mine"' },
  },
  {
    what: "If-None-Match of another tag",
    etag: "strong",
    headers: ["if-none-match", '"other"'],
    outcome: { ...WHOLE, etag: TAG },
  },
  {
    what: "If-None-Match of this tag",
    etag: "strong",
    headers: ["if-none-match", `"other", ${TAG}`],
    outcome: { status: 304, text: "", etag: TAG },
  },
  {
    what: "If-None-Match of this tag, weakly",
    etag: "strong",
    headers: ["if-none-match", `W/${TAG}`],
    outcome: { status: 304, text: "", etag: TAG },
  },
  {
    what: "If-None-Match for HEAD",
    method: "HEAD",
    etag: "weak",
    headers: ["if-none-match", TAG],
    outcome: { status: 304, text: "", etag: `W/${TAG}` },
  },
  {
    what: "If-None-Match of the upstream's tag",
    etag: "weak",
    metadata: ["etag", '"mine"'],
    headers: ["if-none-match", '"mine"'],
    outcome: { status: 304, text: "", etag: '"mine"' },
  },
  {
    what: "If-None-Match where tags are off",
    metadata: ["etag", '"mine"'],
    headers: ["if-none-match", '"mine"'],
    outcome: { ...WHOLE, etag: '"mine"' },
  },
  {
    what: "If-None-Match before Range",
    etag: "strong",
    headers: ["if-none-match", TAG, "range", "bytes=0-0"],
    outcome: { status: 304, text: "", etag: TAG },
  },
  {
    what: "If-Range of this tag",
    etag: "strong",
    headers: ["range", "bytes=0-0", "if-range", TAG],
    outcome: { status: 206, text: "0", etag: TAG, range: "bytes 0-0/10", acceptRanges: "bytes" },
  },
  {
    what: "If-Range of the upstream's tag, with tags off",
    metadata: ["etag", '"mine"'],
    headers: ["range", "bytes=0-0", "if-range", '"mine"'],
    outcome: { status: 206, text: "0", etag: '"mine"', range: "bytes 0-0/10", acceptRanges: "bytes" },
  },
  {
    what: "If-Range of an older tag",
    etag: "strong",
    headers: ["range", "bytes=0-0", "if-range", '"old"'],
    outcome: { ...WHOLE, etag: TAG },
  },
];

describe("a unary reply to GET", () => {
  for (const { what, method = "GET", headers = [], metadata = [], etag = "none", json, outcome } of CASES) {
    test(what, () => {
      const kind = json === undefined ? RAW : ({ kind: "unary" } as const);
      const bench = new ReplyBench({ ...kind, etag, request: { method, headers } });
      bench.writer.headers(metadata);
      bench.writer.message(Buffer.from(BLOB));
      finish(bench);
      const { exchange } = bench;
      assert.deepEqual(
        {
          status: exchange.status,
          text: exchange.text,
          etag: exchange.header("etag"),
          range: exchange.header("content-range"),
          acceptRanges: exchange.header("accept-ranges"),
        },
        { etag: undefined, range: undefined, acceptRanges: undefined, ...outcome },
      );
      assert.ok(exchange.isEnded);
      if (outcome.status === 304) assert.equal(exchange.header("content-type"), undefined);
    });
  }

  test("carries trailers with a range, too", () => {
    const request = { headers: ["range", "bytes=1-1"], takesTrailers: true };
    const bench = new ReplyBench({ ...RAW, request });
    bench.writer.message(Buffer.from(BLOB));
    bench.writer.finish(OK, ["x-sum", "9"]);
    assert.deepEqual([bench.exchange.status, bench.exchange.text], [206, "1"]);
    assert.deepEqual(bench.exchange.trailers, ["x-sum", "9"]);
  });
});

/** As the relay does it: what `finish` throws is the status that it is called with again. */
function finish(bench: ReplyBench): void {
  let status: Status = OK;
  try {
    bench.writer.finish(OK, []);
    return;
  } catch (error) {
    assert.ok(error instanceof StatusError);
    status = error.status;
  }
  bench.writer.finish(status, []);
}
