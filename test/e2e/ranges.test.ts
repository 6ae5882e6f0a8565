/**
 * Ranges of blobs, entity tags and conditional GETs over real sockets, on both engines (RFC 9110, sections 13 and 14).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGatewayError, describeGateway } from "../support/gateway-suite.ts";

const BLOB = "GET /v1/blob?content_type=text/plain&text=0123456789";

describeGateway("blobs", {}, (subject) => {
  test("say that they have ranges, for GET and HEAD alike", async () => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await subject.send(BLOB.replace("GET", method));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["accept-ranges"], "bytes");
      assert.equal(answer.headers["content-length"], "10");
      assert.equal(answer.headers.etag, undefined);
    }
  });

  for (const [range, body, contentRange] of [
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-1", "9", "bytes 9-9/10"],
  ] as const) {
    test(`${range} is 206`, async () => {
      const answer = await subject.send(BLOB, { headers: ["range", range] });
      assert.equal(answer.status, 206);
      assert.equal(answer.body.toString(), body);
      assert.equal(answer.headers["content-range"], contentRange);
      assert.equal(answer.headers["content-length"], String(body.length));
      assert.equal(answer.headers["content-type"], "text/plain");
    });
  }

  test("a blob of 3 MB comes whole in pieces", async () => {
    const line = "GET /v1/blob?content_type=a/b&text=abcdefg&size_bytes=3000000";
    const whole = (await subject.send(line)).body;
    const pieces: Buffer[] = [];
    for (let start = 0; start < whole.length; start += 700_000) {
      const answer = await subject.send(line, { headers: ["range", `bytes=${start}-${start + 699_999}`] });
      assert.equal(answer.status, 206);
      pieces.push(answer.body);
    }
    assert.ok(Buffer.concat(pieces).equals(whole));
  });

  test("a range beyond the end is 416 and tells the length", async () => {
    const answer = await subject.send(BLOB, { headers: ["range", "bytes=10-"] });
    assertGatewayError(answer, 416, "RANGE_UNSATISFIABLE");
    assert.equal(answer.headers["content-range"], "bytes */10");
  });

  test("a field of a message that is raw has ranges; JSON has none", async () => {
    const raw = await subject.send("GET /v1/document/content?text=abc", { headers: ["range", "bytes=0-0"] });
    assert.deepEqual([raw.status, raw.body.toString()], [206, "a"]);
    const json = await subject.send("GET /v1/document?text=abc", { headers: ["range", "bytes=0-0"] });
    assert.deepEqual([json.status, json.headers["accept-ranges"]], [200, undefined]);
  });
});

const TAGGED = {
  upstream: {
    etag: "strong",
    routes: [{ selector: "sluice.test.v1.EchoService.Echo", etag: "weak" }],
  },
};

describeGateway("entity tags", TAGGED, (subject) => {
  for (const [line, pattern] of [
    [BLOB, /^"[\w-]{22}"$/],
    ["GET /v1/echo?string_value=a", /^W\/"[\w-]{22}"$/],
  ] as const) {
    test(`${line}: what the client has is not sent again`, async () => {
      const first = await subject.send(line);
      const etag = first.headers.etag ?? "";
      assert.match(etag, pattern);
      for (const method of ["GET", "HEAD"]) {
        const again = await subject.send(line.replace("GET", method), { headers: ["if-none-match", etag] });
        assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, etag]);
      }
      const other = await subject.send(`${line}b`, { headers: ["if-none-match", etag] });
      assert.deepEqual([other.status, other.headers.etag === etag], [200, false]);
    });
  }

  test("a download goes on where it stopped, or starts anew if the blob has changed", async () => {
    const { etag = "" } = (await subject.send(BLOB)).headers;
    const rest = await subject.send(BLOB, { headers: ["range", "bytes=5-", "if-range", etag] });
    assert.deepEqual([rest.status, rest.body.toString()], [206, "56789"]);
    const anew = await subject.send(`${BLOB}abc`, { headers: ["range", "bytes=5-", "if-range", etag] });
    assert.deepEqual([anew.status, anew.body.toString()], [200, "0123456789abc"]);
  });

  test("replies to POST and errors have none", async () => {
    const post = await subject.send("POST /v1/echo", {
      headers: ["content-type", "application/json"],
      body: "{}",
    });
    assert.deepEqual([post.status, post.headers.etag], [200, undefined]);
    const missing = await subject.send("GET /v1/fail/5");
    assert.deepEqual([missing.status, missing.headers.etag], [404, undefined]);
  });
});
