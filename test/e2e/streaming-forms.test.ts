/**
 * Server streams over real sockets, on both engines: chosen by Accept, flushed message by message, long ones and large
 * messages (docs/streaming.md). Their bytes, ends and failures are in `streaming-matrix.test.ts`.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { describeGateway } from "../support/gateway-suite.ts";
import { open } from "../support/http-request.ts";

const COMPACT = { json: { emitDefaults: false }, idleTimeout: "20s" };

/** Media types, and what comes before the second message. */
const FORMS = [
  { accept: "application/x-ndjson", before: '{"value":1}\n' },
  { accept: "application/jsonl", before: '{"value":1}\n' },
  { accept: "application/json-seq", before: '\u001e{"value":1}\n\u001e' },
  { accept: "text/event-stream", before: 'data: {"value":1}\n\ndata: ' },
  { accept: "application/json", before: '[{"value":1},\n' },
] as const;

describeGateway("the forms of a stream", { upstream: COMPACT }, (subject) => {
  for (const form of FORMS) {
    const headers = ["accept", form.accept];

    test(`${form.accept}: tells caches that it was chosen by Accept`, async () => {
      const answer = await subject.send("GET /v1/count/1", { headers });
      assert.equal(answer.headers.vary, "Accept");
    });

    test(`${form.accept}: a message leaves while the upstream goes on`, async () => {
      const response = await open(subject.url, "GET /v1/hang:stream?to=2", { headers });
      const two = `${form.before}{"value":2}`;
      assert.equal((await received(response, two.length)).slice(0, two.length), two);
      response.destroy();
    });

    test(`${form.accept}: 30,000 messages come whole and in order`, async () => {
      const answer = await subject.send("GET /v1/count/30000", { headers });
      const values = [...answer.body.toString().matchAll(/"value":(\d+)/g)].map((match) => Number(match[1]));
      assert.equal(values.length, 30_000);
      assert.ok(values.every((value, index) => value === index + 1));
    });

    test(`${form.accept}: messages of 100 kB come whole`, async () => {
      const answer = await subject.send("GET /v1/count/20?padding_bytes=100000", { headers });
      assert.equal(
        [...answer.body.toString().matchAll(/"padding":"A{133332}AA=="|"padding":"A{133333}="/g)].length,
        20,
      );
    });

    test(`${form.accept}: HEAD is the head`, async () => {
      const answer = await subject.send("HEAD /v1/hang:stream?to=1", { headers });
      assert.deepEqual(
        [answer.status, answer.headers["content-type"], answer.body.length],
        [200, form.accept, 0],
      );
    });
  }

  test("raw bytes stay raw, whatever Accept says", async () => {
    const answer = await subject.send("GET /v1/blob:stream?content_type=text/csv&text=a,b&chunks=2", {
      headers: ["accept", "text/event-stream"],
    });
    assert.deepEqual([answer.headers["content-type"], answer.body.toString()], ["text/csv", "a,ba,b"]);
  });

  test("an Accept that nothing fits gets the route's own form", async () => {
    const answer = await subject.send("GET /v1/count/1", { headers: ["accept", "image/png"] });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, "application/x-ndjson"]);
  });

  test("a slow reader of events holds the upstream", async () => {
    const response = await open(subject.url, "GET /v1/count/400?padding_bytes=256000", {
      headers: ["accept", "text/event-stream"],
    });
    response.pause();
    const call = subject.echo.calls.at(-1);
    assert.ok(call);
    // 400 messages are 130 MB: were they not held, the upstream would be done long before the first is read.
    const first = await Promise.race([call.ended, once(response, "readable").then(() => "held")]);
    assert.equal(first, "held");
    let events = 0;
    response.on("data", (chunk) => {
      events += String(chunk).split("data: ").length - 1;
    });
    response.resume();
    await once(response, "end");
    assert.ok(events >= 400, `${events} events`);
    assert.equal(await call.ended, "replied");
  });
});

describeGateway(
  "the route's own form and envelope",
  {
    upstream: {
      ...COMPACT,
      json: { pretty: true, emitDefaults: false },
      stream: { format: "json", envelope: "grpc-gateway" },
    },
  },
  (subject) => {
    for (const [accept, contentType, body] of [
      [undefined, "application/json", '[{"result":{\n  "value": 1\n}},\n{"result":{\n  "value": 2\n}}]'],
      ["*/*", "application/json", '[{"result":{\n  "value": 1\n}},\n{"result":{\n  "value": 2\n}}]'],
      ["application/x-ndjson", "application/x-ndjson", '{"result":{"value":1}}\n{"result":{"value":2}}\n'],
      [
        "text/event-stream",
        "text/event-stream",
        'data: {"result":{\ndata:   "value": 1\ndata: }}\n\ndata: {"result":{\ndata:   "value": 2\ndata: }}\n\nevent: end\ndata: {}\n\n',
      ],
    ] as const) {
      test(`Accept ${accept}`, async () => {
        const headers = accept === undefined ? [] : ["accept", accept];
        const answer = await subject.send("GET /v1/count/2", { headers });
        assert.equal(answer.headers["content-type"], contentType);
        assert.equal(answer.body.toString(), body);
      });
    }

    test("an error in the stream stands in an envelope, too", async () => {
      const answer = await subject.send("GET /v1/count/2?fail_after=1&fail_code=8&fail_message=enough", {
        headers: ["accept", "text/event-stream"],
      });
      assert.match(answer.body.toString(), /\n\nevent: error\ndata: \{"error":\{"code":8,.*\}\}\n\n$/);
    });
  },
);

/** What came once it is `length` characters. */
function received(response: IncomingMessage, length: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    response.on("error", reject);
    response.on("data", (chunk) => {
      text += String(chunk);
      if (text.length >= length) resolve(text);
    });
  });
}
