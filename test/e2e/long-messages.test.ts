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

const CLIENTS = 12;
const REQUESTS_EACH = 25;
const GATEWAY = {
  upstream: {
    json: { emitDefaults: false },
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

/** Reads a reply: as it comes, with pauses of some turns of the event loop, or not to its end. */
type Reading = (response: IncomingMessage) => Promise<Buffer | undefined>;

describeGateway("long replies", GATEWAY, (subject) => {
  test("are each their own, whoever else is served", async () => {
    const clients = Array.from({ length: CLIENTS }, (_, index) => runClient(subject, index));
    const checked = await Promise.all(clients);
    const sum = checked.reduce((all, count) => all + count, 0);
    assert.ok(sum > (CLIENTS * REQUESTS_EACH) / 2, `${sum} replies were read to their end`);
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
  const bytes = 70_000 + random.below(1_500_000);
  const data = Buffer.alloc(bytes, text);
  const query = `content_type=a/b&size_bytes=${bytes}&text=${encodeURIComponent(text)}`;
  const blob = { target: `/v1/blob?${query}`, headers: [], status: 200, body: data };
  const start = random.below(bytes);
  return random.pick<Case>([
    blob,
    blob,
    { ...blob, target: `/v1/document/attachment?${query}` },
    { ...blob, headers: ["range", `bytes=${start}-`], status: 206, body: data.subarray(start) },
    {
      ...blob,
      target: `/v1/blob?${query.replace("a/b", "text/plain")}`,
      headers: ["accept-encoding", "gzip"],
    },
    { ...blob, target: `/v1/document?${query}`, body: Buffer.from(documentOf(data)) },
    { ...blob, headers: ["connection", "close"] },
    streamCase(bytes),
  ]);
}

/** Three messages of zeros, each as long as half a blob. */
function streamCase(bytes: number): Case {
  const paddingBytes = Math.floor(bytes / 2);
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
    const chunks: Buffer[] = [];
    // Buffers, as no encoding is set.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      for (let turns = 0; turns < 3; turns++) await nextTurn();
    }
    return Buffer.concat(chunks);
  },
  async (response) => {
    response.on("error", () => undefined);
    await once(response, "data");
    response.destroy();
    return undefined;
  },
];
