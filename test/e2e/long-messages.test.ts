/**
 * Long replies of many clients at once, on both engines: the gateway uses their memory again, and nobody may ever get the
 * bytes of another. Some read slowly, some leave midway, some want a part, some JSON, some it compressed.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { describeGateway, type Subject } from "../support/gateway-suite.ts";
import { open } from "../support/http-request.ts";
import { Random } from "../support/random.ts";

const CLIENTS = 10;
const REQUESTS_EACH = 25;
/** Half of what a message is long. Few, so that one message takes the memory of another; the sockets do not take the last. */
const LENGTHS = [40_000, 250_000, 250_000, 250_000, 250_000, 250_000, 250_000, 3_000_000];
const GATEWAY = {
  upstream: {
    json: { emitDefaults: false },
    maxReceiveMessageBytes: "16MiB",
    compression: { replies: { encodings: ["gzip"] } },
  },
};

/** One request, and what has to come. */
interface Case {
  readonly target: string;
  readonly headers: readonly string[];
  readonly status: number;
  readonly body: Buffer;
}

/** Reads a reply: as it comes, late, or not to its end. */
type Reading = (response: IncomingMessage) => Promise<Buffer | undefined>;

describeGateway("long replies", GATEWAY, (subject) => {
  test("are each their own, whoever else is served", async () => {
    const clients = Array.from({ length: CLIENTS }, (_, index) => runClient(subject, index));
    const checked = await Promise.all(clients);
    const sum = checked.reduce((all, count) => all + count, 0);
    assert.ok(sum > (CLIENTS * REQUESTS_EACH) / 2, `${sum} replies were read to their end`);
  });

  test("are each their own, also while threads compress them", async () => {
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, index) => {
        for (let count = 0; count < REQUESTS_EACH; count++) {
          const text = `${index}/${count};`;
          const target = `/v1/document?content_type=a/b&text=${text}&size_bytes=500000`;
          const response = await open(subject.url, `GET ${target}`, { headers: ["accept-encoding", "gzip"] });
          const plain = gunzipSync(Buffer.concat(await response.toArray()));
          assert.ok(plain.equals(Buffer.from(documentOf(Buffer.alloc(500_000, text)))), target);
        }
      }),
    );
  });
});

/** How many replies were read whole; each was right. */
async function runClient(subject: Subject, index: number): Promise<number> {
  const random = new Random(index);
  let whole = 0;
  for (let count = 0; count < REQUESTS_EACH; count++) {
    const { target, headers, status, body } = makeCase(random, `${index}/${count};`);
    const response = await open(subject.url, `GET ${target}`, { headers });
    const what = `${target} ${headers.join(": ")}`;
    assert.equal(response.statusCode, status, what);
    const received = await random.pick(READINGS)(response);
    if (received === undefined) continue;
    whole++;
    const plain = response.headers["content-encoding"] === "gzip" ? gunzipSync(received) : received;
    assert.ok(plain.equals(body), what);
  }
  return whole;
}

function makeCase(random: Random, text: string): Case {
  const half = random.pick(LENGTHS);
  const data = Buffer.alloc(half * 2, text);
  const query = `content_type=a/b&text=${encodeURIComponent(text)}`;
  const blob = { target: `/v1/blob?${query}&size_bytes=${half * 2}`, headers: [], status: 200, body: data };
  // It holds its data twice.
  const document = {
    target: `/v1/document?${query}&size_bytes=${half}`,
    headers: [],
    status: 200,
    body: Buffer.from(documentOf(data.subarray(0, half))),
  };
  const start = random.below(half);
  return random.pick<Case>([
    blob,
    { ...blob, target: blob.target.replace("a/b", "text/plain"), headers: ["accept-encoding", "gzip"] },
    { ...blob, headers: ["connection", "close"] },
    { ...blob, headers: ["range", `bytes=${start}-`], status: 206, body: data.subarray(start) },
    document,
    { ...document, headers: ["accept-encoding", "gzip"] },
    { ...document, headers: ["accept-encoding", "gzip"] },
    {
      ...document,
      target: document.target.replace("document", "document/attachment"),
      body: data.subarray(0, half),
    },
    streamOf(half),
  ]);
}

/** Three messages of zeros. */
function streamOf(paddingBytes: number): Case {
  const padding = Buffer.alloc(paddingBytes).toString("base64");
  return {
    target: `/v1/count/3?padding_bytes=${paddingBytes}`,
    headers: ["accept", "application/x-ndjson"],
    status: 200,
    body: Buffer.from([1, 2, 3].map((value) => `${JSON.stringify({ value, padding })}\n`).join("")),
  };
}

function documentOf(data: Buffer): string {
  const body = { contentType: "a/b", data: data.toString("base64") };
  return JSON.stringify({ title: "A document", content: body, attachment: { fileName: "blob", body } });
}

const READINGS: readonly Reading[] = [
  async (response) => Buffer.concat(await response.toArray()),
  async (response) => {
    for (let turns = 0; turns < 500; turns++) await nextTurn();
    return Buffer.concat(await response.toArray());
  },
  async (response) => {
    response.on("error", () => undefined);
    await once(response, "data");
    response.destroy();
    return undefined;
  },
];
