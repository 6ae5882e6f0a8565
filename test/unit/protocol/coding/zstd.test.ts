/** The coding zstd of replies, which Node.js has from 22.15 on: used where it is there, and left out where it is not. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as zlib from "node:zlib";
import { ContentCodings } from "../../../../src/protocol/coding/index.ts";

const OPTIONS = { minBytes: 1, effort: "balanced", contentTypes: ["text/plain"] } as const;
const REQUESTS = { encodings: [], maxRatio: 200 } as const;
const { replies } = new ContentCodings().forRoute({
  replies: { ...OPTIONS, encodings: ["zstd", "gzip"] },
  requests: REQUESTS,
});
const TEXT = Buffer.from("long ".repeat(20_000));
const REQUEST = { method: "GET", headers: ["accept-encoding", "gzip, zstd"] };
const HEAD = ["content-type", "text/plain"];
const isThere = "zstdCompressSync" in zlib;

describe("where Node.js has zstd", { skip: isThere ? false : "this one does not" }, () => {
  for (const bytes of [1000, TEXT.length]) {
    test(`a reply of ${bytes} bytes is compressed`, async () => {
      assert.ok(replies !== undefined);
      const body = TEXT.subarray(0, bytes);
      assert.equal(replies.negotiate(REQUEST, 200, HEAD, body).coding, "zstd");
      const coded = await new Promise<Uint8Array | undefined>((resolve) => {
        replies.encode(body, "zstd", resolve);
      });
      assert.ok(coded !== undefined && coded.length < bytes / 10);
      // Seen above; the types of Node.js 20 do not know it.
      const zstd = zlib as unknown as { zstdDecompressSync(body: Uint8Array): Buffer };
      assert.deepEqual(zstd.zstdDecompressSync(coded), body);
    });
  }
});

describe("where Node.js has no zstd", { skip: isThere ? "this one has" : false }, () => {
  test("the next coding is used", () => {
    assert.equal(replies?.negotiate(REQUEST, 200, HEAD, TEXT).coding, "gzip");
    const alone = { ...OPTIONS, encodings: ["zstd"] as const };
    const nothing = new ContentCodings().forRoute({ replies: alone, requests: REQUESTS });
    assert.equal(nothing.replies, undefined);
  });
});
