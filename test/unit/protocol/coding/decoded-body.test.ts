import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { CodingTotals } from "../../../../src/protocol/coding/coding-totals.ts";
import type { BodySink, BodySource } from "../../../../src/protocol/coding/index.ts";
import { openRequestBody, RequestDecoding } from "../../../../src/protocol/coding/request-decoding.ts";
import type { StatusError } from "../../../../src/status/index.ts";

const MIB = 2 ** 20;
const TEXT = Buffer.from(
  JSON.stringify(Array.from({ length: 40 }, (_, i) => ({ id: i, name: `book ${i}` }))),
);

/** A body that a test sends piece by piece; one that is paused must not be sent to. */
class PacedBody implements BodySource {
  readonly headers: readonly string[];
  sink: BodySink | undefined;
  limitBytes = 0;
  isPaused = false;
  #onResume: () => void = () => undefined;

  constructor(coding: string) {
    this.headers = ["content-encoding", coding];
  }

  readBody(limitBytes: number, sink: BodySink): void {
    this.limitBytes = limitBytes;
    this.sink = sink;
  }

  pauseBody(): void {
    this.isPaused = true;
  }

  resumeBody(): void {
    this.isPaused = false;
    this.#onResume();
  }

  /** Sends as the back-pressure allows, and ends. */
  async send(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      this.sink?.onChunk(piece);
      await this.flowing();
    }
    this.sink?.onEnd();
  }

  flowing(): Promise<void> {
    if (!this.isPaused) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onResume = resolve;
    });
  }
}

/** Takes all that comes; `done` says how it ended. */
class Sink implements BodySink {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  readonly done: Promise<string>;
  #end: (how: string) => void = () => undefined;
  onPiece: () => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  onChunk(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk));
    this.bytes += chunk.byteLength;
    this.onPiece();
  }

  onEnd(): void {
    this.#end("end");
  }

  onTooLarge(): void {
    this.#end("too large");
  }

  onBroken({ status }: StatusError): void {
    this.#end(`${status.reason}: ${status.message}`);
  }
}

function open(coding: string, limitBytes = Number.POSITIVE_INFINITY, maxRatio = 200) {
  const body = new PacedBody(coding);
  const totals = new CodingTotals();
  const decoding = new RequestDecoding({ encodings: ["gzip", "deflate", "br"], maxRatio }, totals);
  const opened = openRequestBody(body, decoding);
  const sink = new Sink();
  opened.source.readBody(limitBytes, sink);
  return { body, sink, totals, ...opened };
}

function pieces(bytes: Uint8Array, length: number): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) cut.push(bytes.subarray(at, at + length));
  return cut;
}

const CODINGS = [
  ["gzip", gzipSync],
  ["x-gzip", gzipSync],
  ["GZIP", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
  ["identity, gzip", gzipSync],
] as const;

describe("a coded body", () => {
  for (const [coding, encode] of CODINGS) {
    test(`in ${coding} comes out as it was, however it is cut`, async () => {
      const coded = encode(TEXT);
      for (const length of [coded.length, 7, 1]) {
        const { body, sink } = open(coding);
        void body.send(pieces(coded, length));
        assert.equal(await sink.done, "end");
        assert.deepEqual(Buffer.concat(sink.chunks), TEXT, `in pieces of ${length}`);
      }
    });
  }

  test("in two codings has the last one taken off first", async () => {
    const { body, sink, totals, release } = open("gzip, br");
    void body.send([brotliCompressSync(gzipSync(TEXT))]);
    assert.equal(await sink.done, "end");
    assert.deepEqual(Buffer.concat(sink.chunks), TEXT);
    release?.();
    const figures = totals.all.map(({ coding, plainBytes }) => [coding, plainBytes]);
    assert.deepEqual(figures, [
      ["br", gzipSync(TEXT).length],
      ["gzip", TEXT.length],
    ]);
  });

  test("of nothing is no body", async () => {
    const { body, sink } = open("gzip");
    body.sink?.onEnd();
    assert.equal(await sink.done, "end");
    assert.equal(sink.bytes, 0);
  });

  test("gives what has come before there is more", async () => {
    const { body, sink } = open("gzip");
    const { createGzip, constants } = await import("node:zlib");
    const gzip = createGzip();
    gzip.write("first line\n");
    await new Promise<void>((resolve) => {
      gzip.flush(constants.Z_SYNC_FLUSH, resolve);
    });
    const first = new Promise<void>((resolve) => {
      sink.onPiece = resolve;
    });
    body.sink?.onChunk(gzip.read() as Buffer); // Buffers: no encoding is set
    await first;
    assert.equal(Buffer.concat(sink.chunks).toString(), "first line\n");
  });

  for (const [coding, encode] of [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ] as const) {
    test(`in ${coding} that is cut short never looks whole`, async () => {
      const coded = encode(TEXT);
      for (let length = 1; length < coded.length; length += 3) {
        const { body, sink } = open(coding);
        void body.send([coded.subarray(0, length)]);
        const how = await sink.done;
        assert.equal(how, `CONTENT_CODING_INVALID: content-encoding ${coding}: the body ends too early`);
      }
    });

    test(`in ${coding} that goes on behind its end is refused`, async () => {
      const coded = encode(TEXT);
      for (const rest of ["x", "\0\0", "{}{}{}"]) {
        const { body, sink } = open(coding);
        void body.send([coded, Buffer.from(rest)]);
        assert.match(await sink.done, /^CONTENT_CODING_INVALID: content-encoding \w+: the body /);
      }
    });

    test(`in ${coding} with any one byte changed ends, one way or the other`, async () => {
      const coded = encode(TEXT);
      await fc.assert(
        fc.asyncProperty(fc.nat(coded.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
          const broken = Buffer.from(coded);
          broken[at] = (broken[at] ?? 0) ^ flip;
          const { body, sink } = open(coding, MIB);
          void body.send([broken]);
          assert.match(await sink.done, /^(end|too large|CONTENT_CODING_INVALID: |BODY_TOO_LARGE: )/);
        }),
        { numRuns: 50 },
      );
    });
  }

  for (const [what, coding, bytes] of [
    ["plain text", "gzip", Buffer.from("{}")],
    ["a bare deflate stream", "deflate", deflateRawSync(TEXT)],
    ["gzip that is said to be br", "br", gzipSync(TEXT)],
  ] as const) {
    test(`of ${what} is refused, and named`, async () => {
      const { body, sink } = open(coding);
      void body.send([bytes]);
      const expected = `CONTENT_CODING_INVALID: content-encoding ${coding}: the body is not in it (`;
      assert.ok((await sink.done).startsWith(expected), await sink.done);
    });
  }

  for (const coding of ["compress", "zstd", "gzip, lzma", "gzip, gzip, gzip", "gzip;q=1", "*"]) {
    test(`in ${JSON.stringify(coding)} is refused with its first byte`, async () => {
      const { body, sink, refusal } = open(coding);
      void body.send([Buffer.from("x"), Buffer.from("y")]);
      assert.match(
        await sink.done,
        /^CONTENT_CODING_UNSUPPORTED: content-encoding ".*send the body as it is$/,
      );
      assert.equal(refusal?.status.reason, "CONTENT_CODING_UNSUPPORTED");
    });
  }

  test("in an unknown coding that is empty is no body", async () => {
    const { body, sink } = open("compress");
    body.sink?.onEnd();
    assert.equal(await sink.done, "end");
  });
});

describe("a bomb", () => {
  test("ends where it is longer than the limit", async () => {
    const { body, sink } = open("gzip", 5 * MIB, 1e6);
    void body.send(pieces(gzipSync(Buffer.alloc(64 * MIB)), 16_384));
    assert.equal(await sink.done, "too large");
    assert.ok(sink.bytes <= 5 * MIB && sink.bytes > 4 * MIB, String(sink.bytes));
  });

  test("ends where it becomes too many times its length, if nothing limits the whole", async () => {
    const { body, sink } = open("br");
    void body.send([brotliCompressSync(Buffer.alloc(64 * MIB))]);
    assert.equal(
      await sink.done,
      "BODY_TOO_LARGE: content-encoding br: the body becomes more than 200 times as long as it came",
    );
    assert.ok(sink.bytes <= MIB, String(sink.bytes));
  });

  test("within a bomb ends, too", async () => {
    const { body, sink } = open("gzip, gzip");
    void body.send([gzipSync(gzipSync(Buffer.alloc(256 * MIB), { level: 1 }))]);
    assert.match(await sink.done, /^BODY_TOO_LARGE: /);
    assert.ok(sink.bytes <= 64 * MIB, String(sink.bytes));
  });

  test("may be dense where it is short", async () => {
    const { body, sink } = open("gzip");
    void body.send([gzipSync(Buffer.alloc(MIB))]);
    assert.equal(await sink.done, "end");
    assert.equal(sink.bytes, MIB);
  });

  test("announces itself to the exchange: its length as it comes counts, too", () => {
    const { body } = open("gzip", 6400);
    assert.equal(body.limitBytes, 6400 + 100 + 1024);
  });
});

describe("back-pressure", () => {
  test("goes from the sink through the decoder to the source", async () => {
    const { body, sink, source } = open("gzip");
    const data = Buffer.concat(Array.from({ length: 64 }, () => randomBytes(65_536)));
    sink.onPiece = () => source.pauseBody();
    const sending = body.send(pieces(gzipSync(data, { level: 1 }), 65_536));
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(body.isPaused, true);
    assert.ok(sink.bytes <= 32 * 1024, "one chunk came before the hold counted");
    sink.onPiece = () => undefined;
    source.resumeBody();
    assert.equal(await sink.done, "end");
    await sending;
    assert.ok(Buffer.concat(sink.chunks).equals(data));
  });

  test("holds nothing once the request is over", async () => {
    const { body, sink, source, release } = open("gzip");
    sink.onPiece = () => source.pauseBody();
    void body.send(pieces(gzipSync(Buffer.alloc(MIB)), 100));
    const { bytes } = sink;
    release?.();
    release?.();
    source.resumeBody();
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(sink.bytes, bytes);
  });
});
