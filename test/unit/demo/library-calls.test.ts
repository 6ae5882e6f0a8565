import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { describe, it } from "node:test";
import { inflateSync } from "node:zlib";
import { isMessage } from "@bufbuild/protobuf";
import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";
import { startDemoUpstream } from "../../../src/demo/index.ts";
import {
  PreconditionFailureSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "../../../src/gen/google/rpc/error_details_pb.ts";
import { Genre, LibraryService } from "../../../src/gen/library/v1/library_pb.ts";
import { Code } from "../../../src/status/index.ts";
import { TestClient } from "../../support/grpc-client.ts";
import { START_MS, startDemo } from "./demo-harness.ts";

const FRANKENSTEIN = "shelves/1/books/frankenstein";

describe("lending", () => {
  it("gives the due time, and refuses a book that is lent", async (context) => {
    const { client } = await startDemo(context);
    const loan = await client.unary("borrowBook", {
      name: FRANKENSTEIN,
      borrower: "ada",
      period: { seconds: 60n },
    });
    assert.equal(loan.dueTime && timestampDate(loan.dueTime).getTime(), START_MS + 60_000);
    const again = await client.call("borrowBook", [{ name: FRANKENSTEIN, borrower: "bob" }]);
    assert.equal(again.code, Code.FAILED_PRECONDITION);
    assert.ok(again.details[0] && isMessage(again.details[0], PreconditionFailureSchema));
    assert.equal(again.details[0].violations[0]?.type, "LENT");
  });

  it("takes a book back, on request or when it is due", async (context) => {
    const { client, clock } = await startDemo(context);
    const request = { name: FRANKENSTEIN, borrower: "ada", period: { seconds: 60n } };
    await client.unary("borrowBook", request);
    await client.unary("returnBook", { name: FRANKENSTEIN });
    assert.equal((await client.call("returnBook", [{ name: FRANKENSTEIN }])).code, Code.FAILED_PRECONDITION);
    await client.unary("borrowBook", request);
    clock.nowMs += 60_000;
    await client.unary("borrowBook", request);
  });

  it("refuses a third book with RetryInfo until the first is due", async (context) => {
    const { client } = await startDemo(context);
    const borrower = "ada";
    await client.unary("borrowBook", { name: FRANKENSTEIN, borrower, period: { seconds: 90n } });
    await client.unary("borrowBook", { name: "shelves/2/books/hamlet", borrower });
    const third = await client.call("borrowBook", [{ name: "shelves/2/books/iliad", borrower }]);
    assert.equal(third.code, Code.RESOURCE_EXHAUSTED);
    const quota = third.details.find((detail) => isMessage(detail, QuotaFailureSchema));
    assert.equal(quota?.violations[0]?.subject, "borrower:ada");
    const retry = third.details.find((detail) => isMessage(detail, RetryInfoSchema));
    assert.equal(retry?.retryDelay && durationMs(retry.retryDelay), 90_000);
  });

  it("keeps what must not leave the house, and refuses odd requests", async (context) => {
    const { client } = await startDemo(context);
    const codeOf = async (request: { name: string; borrower?: string; period?: { seconds: bigint } }) =>
      (await client.call("borrowBook", [request])).code;
    assert.equal(
      await codeOf({ name: "shelves/3/books/principia", borrower: "a" }),
      Code.FAILED_PRECONDITION,
    );
    assert.equal(await codeOf({ name: FRANKENSTEIN }), Code.INVALID_ARGUMENT);
    assert.equal(await codeOf({ name: FRANKENSTEIN, borrower: "b".repeat(101) }), Code.INVALID_ARGUMENT);
    const endless = { name: FRANKENSTEIN, borrower: "a", period: { seconds: 9_000_000_000n } };
    assert.equal(await codeOf(endless), Code.INVALID_ARGUMENT);
    assert.equal(await codeOf({ ...endless, period: { seconds: -1n } }), Code.INVALID_ARGUMENT);
  });
});

describe("covers", () => {
  it("are drawn as real PNG files, the same each time", async (context) => {
    const { client } = await startDemo(context);
    const cover = await client.unary("getCover", { name: FRANKENSTEIN });
    assert.equal(cover.contentType, "image/png");
    const png = Buffer.from(cover.data);
    assert.equal(png.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n");
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [60, 90]);
    const dataAt = png.indexOf("IDAT") + 4;
    const pixels = inflateSync(png.subarray(dataAt, dataAt + png.readUInt32BE(dataAt - 8)));
    assert.equal(pixels.length, 61 * 90);
    // The checksum of the empty IEND chunk is a constant that every PNG ends with.
    assert.equal(png.subarray(-8).toString("hex"), "49454e44ae426082");
    const book = await client.unary("getBook", { name: FRANKENSTEIN });
    assert.deepEqual(Buffer.from(book.coverDigest), createHash("sha256").update(png).digest());
    assert.deepEqual((await client.unary("getCover", { name: FRANKENSTEIN })).data, cover.data);
  });

  it("can be replaced byte for byte", async (context) => {
    const { client } = await startDemo(context);
    const data = Uint8Array.from({ length: 256 }, (_, value) => value);
    const reply = await client.unary("uploadCover", {
      name: FRANKENSTEIN,
      image: { contentType: "image/JPEG; q=1", data },
    });
    assert.deepEqual([reply.contentType, reply.sizeBytes], ["image/jpeg", 256n]);
    const cover = await client.unary("getCover", { name: FRANKENSTEIN });
    assert.deepEqual([cover.contentType, Buffer.from(cover.data)], ["image/jpeg", Buffer.from(data)]);
    assert.deepEqual((await client.unary("getBook", { name: FRANKENSTEIN })).coverDigest, reply.digest);
  });

  const faults: [title: string, image: { contentType?: string; data?: Uint8Array } | undefined][] = [
    ["nothing", undefined],
    ["a script", { contentType: "text/html", data: Buffer.from("<script>") }],
    ["a picture that can hold a script", { contentType: "image/svg+xml", data: Buffer.from("<svg/>") }],
    ["no bytes", { contentType: "image/png" }],
    ["more than 1 MiB", { contentType: "image/png", data: new Uint8Array(1024 * 1024 + 1) }],
  ];
  for (const [title, image] of faults) {
    it(`are not replaced by ${title}`, async (context) => {
      const { client } = await startDemo(context);
      const request = { name: FRANKENSTEIN, ...(image && { image }) };
      assert.equal((await client.call("uploadCover", [request])).code, Code.INVALID_ARGUMENT);
      assert.equal((await client.unary("getCover", { name: FRANKENSTEIN })).contentType, "image/png");
    });
  }
});

it("the export of a book holds its card as an HttpBody, and its digest", async (context) => {
  const { client } = await startDemo(context);
  const { card, digest } = await client.unary("exportBook", { name: FRANKENSTEIN });
  assert.ok(card);
  assert.equal(card.contentType, "text/markdown; charset=utf-8");
  assert.equal(
    Buffer.from(card.data).toString(),
    "# Frankenstein\n\n*The Modern Prometheus*\n\n- by Mary Shelley\n- novel, 273 pages\n- ISBN 9780141439471\n" +
      "- accession 9007199254740993, card frankenstein\n",
  );
  assert.deepEqual(Buffer.from(digest), createHash("sha256").update(card.data).digest());
});

describe("search", () => {
  it("finds words in titles and authors, best first", async (context) => {
    const { client } = await startDemo(context);
    const { results } = await client.unary("searchBooks", { query: "Shakespeare SONNETS" });
    assert.deepEqual(
      results.map(({ book, score }) => [book?.title, score]),
      [
        ["Sonnets", 1],
        ["Hamlet", 0.5],
      ],
    );
  });

  it("narrows by genre, pages and time, and stops at the limit", async (context) => {
    const { client } = await startDemo(context);
    const titles = async (request: Parameters<typeof client.unary<"searchBooks">>[1]) =>
      (await client.unary("searchBooks", request)).results.map(({ book }) => book?.title);
    assert.deepEqual(await titles({ query: "a", genres: [Genre.POETRY, Genre.DRAMA], pages: { max: 400 } }), [
      "Hamlet",
      "Sonnets",
    ]);
    assert.equal((await titles({ query: "a", limit: 3 })).length, 3);
    assert.deepEqual(await titles({ query: "a", addedSince: { seconds: BigInt(START_MS / 1000 + 1) } }), []);
    assert.deepEqual(await titles({ query: "no-such-word" }), []);
  });

  it("refuses an empty query, an impossible range and a negative limit", async (context) => {
    const { client } = await startDemo(context);
    for (const request of [
      { query: " " },
      { query: "a", pages: { min: 2, max: 1 } },
      { query: "a", limit: -1 },
    ]) {
      assert.equal((await client.call("searchBooks", [request])).code, Code.INVALID_ARGUMENT);
    }
  });
});

describe("deadlines and metadata", () => {
  it("waits as long as it is asked to", async (context) => {
    const { client, sleeps } = await startDemo(context);
    const { waited } = await client.unary("wait", { delay: { seconds: 2n, nanos: 500_000_000 } });
    assert.equal(waited && durationMs(waited), 2500);
    assert.deepEqual(
      sleeps.map(({ ms }) => ms),
      [2500],
    );
  });

  it("stops waiting when the deadline passes", async (context) => {
    let stopped: Promise<unknown> | undefined;
    const upstream = await startDemoUpstream({
      address: "127.0.0.1:0",
      sleep: async (_ms, signal) => {
        stopped = once(signal, "abort");
        await stopped;
      },
    });
    const client = new TestClient(upstream.address, LibraryService);
    context.after(async () => {
      client.close();
      await upstream.close();
    });
    const outcome = await client.call("wait", [{ delay: { seconds: 5n } }], { deadline: Date.now() + 50 });
    assert.equal(outcome.code, Code.DEADLINE_EXCEEDED);
    await stopped;
  });

  for (const seconds of [-1n, 61n, 10_000_000_000n]) {
    it(`does not wait ${seconds} s`, async (context) => {
      const { client, sleeps } = await startDemo(context);
      assert.equal((await client.call("wait", [{ delay: { seconds } }])).code, Code.INVALID_ARGUMENT);
      assert.equal(sleeps.length, 0);
    });
  }

  it("echoes the request id, the caller's scheme and binary metadata, and sends trailers", async (context) => {
    const { client } = await startDemo(context);
    const trace = Buffer.from([0, 1, 254, 255]);
    const metadata = { "x-request-id": "r-1", authorization: "Bearer secret", "x-library-trace-bin": trace };
    const { headers, trailers } = await client.call("getBook", [{ name: FRANKENSTEIN }], { metadata });
    assert.deepEqual(headers.get("x-library-request-id"), ["r-1"]);
    assert.deepEqual(headers.get("x-library-caller"), ["Bearer"]);
    assert.deepEqual(headers.get("x-library-trace-bin"), [trace]);
    assert.deepEqual(trailers.get("x-library-revision"), ["10"]);
    assert.deepEqual(trailers.get("x-library-revision-bin"), [Buffer.from([0, 0, 0, 0, 0, 0, 0, 10])]);
  });

  it("makes up a request id, and sends it with a failure too", async (context) => {
    const { client } = await startDemo(context);
    const { trailers, headers } = await client.call("getBook", [{ name: "shelves/1/books/none" }]);
    assert.deepEqual(trailers.get("x-library-request-id"), ["id-1"]);
    assert.deepEqual(trailers.get("x-library-caller"), ["anonymous"]);
    assert.deepEqual(headers.get("x-library-request-id"), [], "the failure is trailers-only");
  });

  it("tells what came with a call, and never a secret", async (context) => {
    const { client, clock } = await startDemo(context);
    clock.nowMs = Date.now();
    const reply = await client.unary(
      "inspectCall",
      {},
      {
        metadata: {
          "x-one": "1",
          authorization: "Basic c2VjcmV0",
          cookie: "sid=secret",
          "x-two-bin": Buffer.from([7]),
        },
        deadline: Date.now() + 50_000,
      },
    );
    assert.equal(reply.metadata["x-one"], "1");
    assert.equal(reply.metadata.authorization, "Basic …");
    assert.ok(!JSON.stringify(reply.metadata).includes("secret"));
    assert.deepEqual(Buffer.from(reply.binaryMetadata["x-two-bin"] ?? []), Buffer.from([7]));
    assert.ok(
      reply.remaining && durationMs(reply.remaining) <= 55_000 && durationMs(reply.remaining) > 40_000,
    );
    assert.equal((await client.unary("inspectCall", {})).deadline, undefined);
  });
});
