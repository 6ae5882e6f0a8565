import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { CodingTotals } from "../../../../src/protocol/coding/coding-totals.ts";
import type { ReplyCoding } from "../../../../src/protocol/coding/content-coding.ts";
import { codedHeaders, ReplyCompression } from "../../../../src/protocol/coding/reply-compression.ts";
import { REPLY_ENCODER_LIMITS, ReplyEncoder } from "../../../../src/protocol/coding/reply-encoder.ts";

const OPTIONS = {
  encodings: ["br", "gzip"] as const,
  minBytes: 10,
  effort: "balanced" as const,
  contentTypes: ["text/*", "application/json", "application/*+json"],
};

function compression(encodings: readonly ReplyCoding[] = OPTIONS.encodings): ReplyCompression {
  const encoder = new ReplyEncoder(new CodingTotals(), REPLY_ENCODER_LIMITS);
  return new ReplyCompression({ ...OPTIONS, encodings }, encoder);
}

interface Case {
  readonly what: string;
  readonly method?: string;
  readonly request?: readonly string[];
  readonly status?: number;
  readonly type?: string;
  readonly headers?: readonly string[];
  readonly body?: string | Uint8Array;
  readonly expected: "plain" | "varies" | ReplyCoding;
}

const CASES: readonly Case[] = [
  { what: "JSON", expected: "br" },
  { what: "an error", status: 503, expected: "br" },
  { what: "the reply to HEAD", method: "HEAD", expected: "br" },
  { what: "the reply to POST", method: "POST", expected: "br" },
  { what: "a type with parameters", type: "Application/JSON ; charset=utf-8", expected: "br" },
  { what: "a type of a family", type: "text/csv", expected: "br" },
  { what: "a type with a suffix", type: "application/problem+json", expected: "br" },
  { what: "a type that is not worth it", type: "image/png", expected: "plain" },
  { what: "a type with another suffix", type: "application/x+jsonl", expected: "plain" },
  { what: "a type that only begins like one", type: "application/jsonx", expected: "plain" },
  { what: "no type", type: "", expected: "plain" },
  { what: "a short body", body: "123456789", expected: "varies" },
  { what: "a short body of long characters", body: "äöü€€", expected: "br" },
  { what: "a body that is just long enough", body: new Uint8Array(10), expected: "br" },
  { what: "no body", body: "", expected: "plain" },
  {
    what: "a short body for a client that refuses plain ones",
    request: ["accept-encoding", "gzip, identity;q=0"],
    body: "1",
    expected: "gzip",
  },
  { what: "a client that asks for nothing", request: [], expected: "varies" },
  {
    what: "a client that asks for others",
    request: ["accept-encoding", "zstd, deflate"],
    expected: "varies",
  },
  { what: "204", status: 204, expected: "plain" },
  { what: "304", status: 304, body: "", expected: "varies" },
  { what: "206", status: 206, expected: "plain" },
  {
    what: "a GET for a range that gets the whole",
    request: ["accept-encoding", "gzip", "range", "bytes=0-1"],
    expected: "varies",
  },
  {
    what: "a POST with a range, which means nothing",
    method: "POST",
    request: ["accept-encoding", "gzip", "range", "bytes=0-1"],
    expected: "gzip",
  },
  {
    what: "a client that wants no transformation",
    request: ["accept-encoding", "gzip", "cache-control", "no-cache, No-Transform"],
    expected: "varies",
  },
  {
    what: "an upstream that wants no transformation",
    headers: ["cache-control", "max-age=1,no-transform"],
    expected: "plain",
  },
];

describe("how a reply goes out", () => {
  for (const { what, method = "GET", status = 200, headers = [], expected, ...rest } of CASES) {
    test(`${what}: ${expected}`, () => {
      const request = { method, headers: rest.request ?? ["accept-encoding", "gzip, br"] };
      const fields = ["content-type", rest.type ?? "application/json", ...headers];
      const found = compression().negotiate(request, status, fields, rest.body ?? "0123456789");
      const coding = expected === "plain" || expected === "varies" ? undefined : expected;
      assert.deepEqual(found, { varies: expected !== "plain", coding });
    });
  }

  test("without encodings it is off", () => {
    assert.equal(compression([]).isOn, false);
    assert.equal(compression(["gzip"]).isOn, true);
  });
});

test("the head of a compressed reply has a weak tag and no ranges", () => {
  const headers = ["content-type", "a/b", "accept-ranges", "bytes", "etag", '"x"', "x-a", "etag"];
  const expected = ["content-type", "a/b", "etag", 'W/"x"', "x-a", "etag", "content-encoding", "gzip"];
  assert.deepEqual(codedHeaders(headers, "gzip"), expected);
  assert.deepEqual(codedHeaders(["etag", 'W/"x"'], "br"), ["etag", 'W/"x"', "content-encoding", "br"]);
});

describe("what compresses", () => {
  const decode = { gzip: gunzipSync, br: brotliDecompressSync };

  function encoded(encoder: ReplyEncoder, bytes: number, coding: "gzip" | "br"): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      encoder.encode(Buffer.alloc(bytes, "ab"), coding, "fast", (coded) => {
        resolve(coded === undefined ? undefined : decode[coding](coded));
      });
    });
  }

  for (const coding of ["gzip", "br"] as const) {
    for (const bytes of [1, 32_768, 32_769, 1_000_000]) {
      test(`gives ${bytes} bytes back from ${coding}, and counts them`, async () => {
        const totals = new CodingTotals();
        const encoder = new ReplyEncoder(totals, REPLY_ENCODER_LIMITS);
        assert.deepEqual(await encoded(encoder, bytes, coding), Buffer.alloc(bytes, "ab"));
        const [total] = totals.all;
        assert.deepEqual([total?.direction, total?.coding, total?.plainBytes], ["reply", coding, bytes]);
        assert.ok((total?.codedBytes ?? 0) > 0);
      });
    }
  }

  test("is done at once with what is small", () => {
    let isDone = false;
    const encoder = new ReplyEncoder(new CodingTotals(), { bodies: 0, bytes: 0 });
    encoder.encode(Buffer.alloc(32_768), "gzip", "balanced", (coded) => {
      isDone = coded !== undefined;
    });
    assert.equal(isDone, true);
  });

  for (const [what, limits] of [
    ["bodies", { bodies: 2, bytes: 1e9 }],
    ["bytes", { bodies: 99, bytes: 150_000 }],
  ] as const) {
    test(`lets a body go as it is while too many ${what} wait, and no longer`, async () => {
      const encoder = new ReplyEncoder(new CodingTotals(), limits);
      const first = [encoded(encoder, 50_000, "gzip"), encoded(encoder, 70_000, "br")];
      assert.equal(await encoded(encoder, 50_000, "gzip"), undefined);
      assert.deepEqual(
        (await Promise.all(first)).map((body) => body?.length),
        [50_000, 70_000],
      );
      assert.equal((await encoded(encoder, 50_000, "gzip"))?.length, 50_000);
    });
  }
});
