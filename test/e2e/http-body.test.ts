/**
 * `google.api.HttpBody` in every form (docs/transcoding.md, docs/streaming.md): raw bytes out and in, whole and
 * streamed. Both engines.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { assertGatewayError, describeGateway } from "../support/gateway-suite.ts";
import { jsonOf, open } from "../support/http-request.ts";

/** Every byte value, and no valid UTF-8. */
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
const MEBIBYTE = 1024 * 1024;
/** 3 MB that no repetition makes look right. */
const LARGE = Buffer.alloc(3 * MEBIBYTE);
for (let i = 0; i < LARGE.length; i++) LARGE[i] = (i * 31 + (i >> 8)) & 0xff;

const LIMITS = { upstream: { maxReceiveMessageBytes: "8MiB", maxRequestBodyBytes: "4MiB" } };

interface Reply {
  readonly line: string;
  readonly type: string;
  readonly body: string;
  readonly nosniff?: true;
}

const REPLIES: readonly Reply[] = [
  { line: "GET /v1/blob?content_type=image/png&text=abc", type: "image/png", body: "abc" },
  {
    line: "GET /v1/blob?content_type=text/html;%20charset=%22Shift_JIS%22&text=a",
    type: 'text/html; charset="Shift_JIS"',
    body: "a",
  },
  { line: "GET /v1/blob?content_type=application/json&text=%7Bnot", type: "application/json", body: "{not" },
  { line: "GET /v1/blob?text=abc", type: "application/octet-stream", body: "abc", nosniff: true },
  { line: "GET /v1/blob", type: "application/octet-stream", body: "", nosniff: true },
  { line: "GET /v1/blob?content_type=a/b", type: "a/b", body: "" },
  { line: "GET /v1/blob?content_type=a/b&text=x&withExtensions=true", type: "a/b", body: "x" },
  // A content type that no field can hold must neither split the reply nor fail it.
  {
    line: "GET /v1/blob?content_type=a/b%0D%0Ax-evil:1&text=x",
    type: "application/octet-stream",
    body: "x",
    nosniff: true,
  },
  { line: "GET /v1/document/content?content_type=text/css&text=c", type: "text/css", body: "c" },
  { line: "GET /v1/document/attachment?content_type=text/css&text=d", type: "text/css", body: "d" },
  { line: "GET /v1/document/content?unset=true", type: "application/octet-stream", body: "", nosniff: true },
  {
    line: "GET /v1/document/attachment?unset=true",
    type: "application/octet-stream",
    body: "",
    nosniff: true,
  },
  // The other bindings of the same method are JSON.
  {
    line: "GET /v1/document/title?content_type=text/css&text=c",
    type: "application/json",
    body: '"A document"',
  },
  {
    line: "GET /v1/document?content_type=text/css&text=c",
    type: "application/json",
    body: '{"title":"A document","content":{"contentType":"text/css","data":"Yw=="},"attachment":{"fileName":"blob","body":{"contentType":"text/css","data":"Yw=="}}}',
  },
];

const UNDEFAULTED = { upstream: { ...LIMITS.upstream, json: { emitDefaults: false } } };

describeGateway("HttpBody", UNDEFAULTED, (subject) => {
  for (const row of REPLIES) {
    test(`${row.line} is ${JSON.stringify(row.body)} as ${row.type}`, async () => {
      const answer = await subject.send(row.line);
      assert.equal(answer.status, 200, answer.body.toString());
      assert.equal(answer.headers["content-type"], row.type);
      assert.equal(answer.body.toString(), row.body);
      assert.equal(answer.headers["content-length"], String(row.body.length));
      assert.equal(answer.headers["x-content-type-options"], row.nosniff ? "nosniff" : undefined);
      assert.equal(answer.headers["x-evil"], undefined);
    });
  }

  for (const [what, bytes] of [
    ["all 256 byte values", ALL_BYTES],
    ["3 MB", LARGE],
    ["zero bytes", Buffer.alloc(0)],
    ["what looks like JSON", Buffer.from('{"content_type":"x"}')],
  ] as const) {
    test(`${what} pass both ways intact`, async () => {
      const answer = await subject.send("POST /v1/blob:mirror", {
        headers: ["content-type", "application/x-odd; a=1"],
        body: bytes,
      });
      assert.equal(answer.status, 200);
      assert.ok(answer.body.equals(bytes), "the bytes are the same");
      assert.equal(answer.headers["content-type"], "application/x-odd; a=1");
      assert.equal(answer.headers["content-length"], String(bytes.length));
    });
    test(`${what} as the whole request`, async () => {
      const answer = await subject.send("POST /v1/blob", {
        headers: ["content-type", "video/mp4"],
        body: bytes,
      });
      const sizeBytes = bytes.length === 0 ? {} : { sizeBytes: String(bytes.length) };
      assert.deepEqual(jsonOf(answer), {
        contentType: "video/mp4",
        ...sizeBytes,
        sha256: sha256(bytes),
        messages: 1,
      });
    });
    test(`${what} in a field, the others from path and query`, async () => {
      const answer = await subject.send("PUT /v1/blobs/a/b%20c?priority=7&tags=x&tags=y", {
        headers: ["content-type", "image/jpeg"],
        body: bytes,
      });
      const sizeBytes = bytes.length === 0 ? {} : { sizeBytes: String(bytes.length) };
      assert.deepEqual(jsonOf(answer), {
        contentType: "image/jpeg",
        ...sizeBytes,
        sha256: sha256(bytes),
        messages: 1,
        name: "a/b c",
        priority: 7,
        tags: ["x", "y"],
      });
    });
  }

  for (const type of [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "*/*",
    "nonsense",
  ]) {
    test(`an upload of type ${type} is raw bytes like any other`, async () => {
      const answer = await subject.send("POST /v1/blob", { headers: ["content-type", type], body: "{" });
      assert.deepEqual(jsonOf(answer), {
        contentType: type,
        sizeBytes: "1",
        sha256: sha256(Buffer.from("{")),
        messages: 1,
      });
    });
  }

  test("an upload without a content type has an empty one", async () => {
    const answer = await subject.send("POST /v1/blob", { body: "x" });
    assert.deepEqual(jsonOf(answer), { sizeBytes: "1", sha256: sha256(Buffer.from("x")), messages: 1 });
  });

  test("HEAD of a blob has its type and length", async () => {
    const answer = await subject.send("HEAD /v1/blob?content_type=a/b&size_bytes=1000");
    assert.equal(answer.headers["content-type"], "a/b");
    assert.equal(answer.headers["content-length"], "1000");
    assert.equal(answer.body.length, 0);
  });

  test("response_body of an HttpBody's scalar is JSON", async () => {
    const answer = await subject.send("PUT /v1/blob:mirror", { headers: ["content-type", "a/b"], body: "x" });
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.body.toString(), '"a/b"');
  });

  test('body "*" over a message that holds an HttpBody is JSON', async () => {
    const answer = await subject.send("POST /v1/blobs:json", {
      headers: ["content-type", "application/json"],
      body: '{"name":"n","blob":{"contentType":"a/b","data":"eHl6"}}',
    });
    const sha = sha256(Buffer.from("xyz"));
    assert.deepEqual(jsonOf(answer), {
      contentType: "a/b",
      sizeBytes: "3",
      sha256: sha,
      messages: 1,
      name: "n",
    });
  });

  for (const line of [
    "PUT /v1/blobs/a?blob.contentType=x",
    "PUT /v1/blobs/a?blob.data=eA",
    "PUT /v1/blobs/a?blob=x",
    "PUT /v1/blobs/a?blob.nothing=x",
    "POST /v1/blob?contentType=x",
    "POST /v1/blob?data=eA",
    "POST /v1/blob?nothing=x",
  ]) {
    test(`${line}: a query never reaches into the HttpBody`, async () => {
      const { answer, calls } = await subject.observe(line, { headers: ["content-type", "a/b"], body: "x" });
      assert.equal(answer.status, 400, answer.body.toString());
      assert.match(answer.body.toString(), /"reason":"PARAM_(INVALID|UNKNOWN)"/);
      assert.equal(calls.length, 0);
    });
  }

  test("a reply over maxReceiveMessageBytes is 502", async () => {
    const answer = await subject.send("GET /v1/blob?size_bytes=9000000");
    assertGatewayError(answer, 502, "UPSTREAM_REPLY_TOO_LARGE");
  });

  test("a streamed blob is joined with no delimiter, under the first message's type", async () => {
    const answer = await subject.send("GET /v1/blob:stream?content_type=text/csv&text=a,b&chunks=3");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "text/csv");
    assert.equal(answer.body.toString(), "a,ba,ba,b");
  });

  test("a streamed blob of 20 MB comes whole, though no message may be so long", async () => {
    const answer = await subject.send(
      "GET /v1/blob:stream?content_type=a/b&text=abc&size_bytes=2000000&chunks=10",
    );
    assert.equal(answer.body.length, 20_000_000);
    const one = Buffer.alloc(2_000_000, "abc");
    assert.equal(sha256(answer.body), sha256(Buffer.concat(Array.from({ length: 10 }, () => one))));
  });

  test("a streamed blob of no messages is 200 and empty", async () => {
    const answer = await subject.send("GET /v1/blob:stream?chunks=0");
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 0);
    assert.equal(answer.headers["content-type"], "application/octet-stream");
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
  });

  test("a streamed blob that fails midway resets the connection", async () => {
    const response = await open(
      subject.url,
      "GET /v1/blob:stream?content_type=a/b&text=abc&chunks=5&fail_after=2",
    );
    assert.equal(response.statusCode, 200);
    let received = "";
    response.on("data", (chunk) => {
      received += String(chunk);
    });
    await assert.rejects(once(response, "end"), { code: "ECONNRESET" });
    assert.match(
      "abcabc",
      new RegExp(`^${received}`),
      "what came is a beginning of the blob, and no error text",
    );
    assert.equal(response.complete, false);
  });

  test("the connection of a cut blob is not used again, and the gateway serves on", async () => {
    assert.equal((await subject.send("GET /v1/blob?text=a")).status, 200);
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}
