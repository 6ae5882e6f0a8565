/**
 * Client streaming and bidi over HTTP (docs/streaming.md): how messages stand in a body, what path and query bind to, what
 * happens in the middle.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as nodeRequest } from "node:http";
import { describe, test } from "node:test";
import { assertGatewayError, describeGateway, type Subject } from "../support/gateway-suite.ts";
import { jsonOf } from "../support/http-request.ts";

const SERVICE = "sluice.test.v1.EchoService";

/** The annotations bind no path, so some rules here do. */
const RULES = [
  {
    selector: `${SERVICE}.Collect`,
    post: "/v1/collect",
    body: "*",
    additionalBindings: [
      { post: "/v1/collect/{string_value}", body: "*" },
      { post: "/v1/nested/{string_value}", body: "nested" },
      { post: "/v1/lists", body: "repeated_string" },
      { get: "/v1/collect/{string_value}" },
    ],
  },
];

const CONFIG = {
  upstream: {
    json: { emitDefaults: false },
    uploadChunkBytes: "64KiB",
    http: { rules: RULES },
    routes: [
      { selector: `${SERVICE}.Collect`, maxRequestBodyBytes: "1KiB" },
      { selector: `${SERVICE}.UploadStream`, idleTimeout: "1s" },
    ],
  },
};

describeGateway("client streams", CONFIG, (subject) => {
  describe("messages are read in odd spellings of the forms, too", () => {
    const two = { messages: 2, stringValues: ["a", "b"] };
    for (const [contentType, body, expected] of [
      ["application/json; charset=utf-8", ' [\n{"stringValue":"a"}\n,{"stringValue":"b"}]\n', two],
      ["application/jsonl", '{"stringValue":"a"}\r\n{"stringValue":"b"}', two],
      ["", '{"stringValue":"a"}\n{"stringValue":"b"}', two],
      ["application/json", "", {}],
    ] as const) {
      test(`${contentType || "no content-type"}: ${JSON.stringify(body)}`, async () => {
        const headers = contentType === "" ? [] : ["content-type", contentType];
        const answer = await subject.send("POST /v1/collect", { headers, body });
        assert.deepEqual(jsonOf(answer), expected);
        assert.equal(answer.status, 200);
      });
    }
  });

  describe("path and query go into the first message", () => {
    for (const [line, body, expected] of [
      ["POST /v1/collect/p", "{}{}", { messages: 2, stringValues: ["p", ""] }],
      [
        "POST /v1/collect/p",
        '{"stringValue":"p"}{"stringValue":"q"}',
        { messages: 2, stringValues: ["p", "q"] },
      ],
      ["POST /v1/collect/p", "", { messages: 1, stringValues: ["p"] }],
      ["POST /v1/nested/p", "{}{}", { messages: 2, stringValues: ["p", ""] }],
      ["POST /v1/lists?string_value=q", '["a"]["b"]', { messages: 2, stringValues: ["q", ""] }],
      ["GET /v1/collect/p", "", { messages: 1, stringValues: ["p"] }],
    ] as const) {
      test(`${line} ${body}`, async () => {
        assert.deepEqual(jsonOf(await subject.send(line, body === "" ? {} : { body })), expected);
      });
    }
  });

  describe("what cannot be read is refused, and the upstream let go", () => {
    for (const [title, line, contentType, body, status, reason, message] of [
      ["bad JSON", "POST /v1/collect", "application/json", "{}{]", 400, "JSON_INVALID", /^message 2: /],
      [
        "a cut stream",
        "POST /v1/collect",
        "application/json",
        '{}{"a',
        400,
        "JSON_INVALID",
        /within message 2/,
      ],
      [
        "an unknown field",
        "POST /v1/collect",
        "",
        '{}\n{"nope":1}',
        400,
        "JSON_UNKNOWN_FIELD",
        /^message 2: .*nope/,
      ],
      [
        "a conflict with the path",
        "POST /v1/collect/p",
        "",
        '{"stringValue":"q"}',
        400,
        "PATH_CONFLICT",
        /^message 1: /,
      ],
      ["a bad parameter", "POST /v1/collect?int32_value=x", "", "", 400, "BODY_NOT_ALLOWED|PARAM", /int32/],
      [
        "a long message",
        "POST /v1/collect",
        "",
        `{}{"stringValue":"${"x".repeat(1024)}"}`,
        413,
        "BODY_TOO_LARGE",
        /message 2/,
      ],
      [
        "a media type that is not JSON",
        "POST /v1/collect",
        "text/plain",
        "hello",
        415,
        "MEDIA_TYPE_UNSUPPORTED",
        /text\/plain/,
      ],
    ] as const) {
      test(title, async () => {
        const headers = contentType === "" ? [] : ["content-type", contentType];
        const { answer, calls } = await subject.observe(line, { headers, body });
        assert.equal(answer.status, status, answer.body.toString());
        if (!reason.includes("|")) assertGatewayError(answer, status, reason);
        assert.match(String((jsonOf(answer) as { message: string }).message), message);
        for (const call of calls) assert.equal(await call.ended, "cancelled");
      });
    }

    test("a stream in an unknown coding", async () => {
      const headers = ["content-type", "application/json", "content-encoding", "compress"];
      const answer = await subject.send("POST /v1/collect", { headers, body: "xx" });
      assertGatewayError(answer, 415, "CONTENT_CODING_UNSUPPORTED");
    });
  });

  test("a stream may be longer than a message: 5,000 messages in one body", async () => {
    const body = Array.from({ length: 5000 }, (_, i) => `{"stringValue":"${i}"}`).join("\n");
    const reply = jsonOf(await subject.send("POST /v1/collect", { body })) as { messages: number };
    assert.equal(reply.messages, 5000);
  });

  test("each message reaches the upstream as it arrives", async () => {
    const count = subject.echo.calls.length;
    const stream = openStream(subject, "POST", "/v1/collect");
    stream.request.write('{"stringValue":"a"}');
    const [call] = (await subject.echo.untilCalls(count + 1)).slice(count);
    assert.ok(call);
    await until(() => call.messages.length === 1);
    stream.request.write('\n{"stringValue":');
    stream.request.end('"b"}');
    const response = await stream.response;
    assert.deepEqual(JSON.parse(await textOf(response)), { messages: 2, stringValues: ["a", "b"] });
  });

  test("a client that goes away midway cancels the call", async () => {
    const count = subject.echo.calls.length;
    const stream = openStream(subject, "POST", "/v1/collect");
    stream.response.catch(() => undefined);
    stream.request.write("{}");
    const [call] = (await subject.echo.untilCalls(count + 1)).slice(count);
    stream.request.destroy();
    assert.equal(await call?.ended, "cancelled");
  });
});

describeGateway("bidi streams", CONFIG, (subject) => {
  test("each reply comes back as soon as its message was sent", async () => {
    const stream = openStream(subject, "POST", "/v1/converse");
    stream.request.write('{"stringValue":"a"}\n');
    const response = await stream.response;
    assert.equal(response.statusCode, 200);
    const lines = lineReader(response);
    assert.equal(await lines(), '{"stringValue":"a"}');
    for (const word of ["b", "c"]) {
      stream.request.write(`{"stringValue":"${word}"}\n`);
      assert.equal(await lines(), `{"stringValue":"${word}"}`);
    }
    stream.request.end();
    assert.equal(await lines(), undefined);
  });

  test("a bad message after the first reply is told in the reply's stream", async () => {
    const stream = openStream(subject, "POST", "/v1/converse");
    stream.request.write('{"stringValue":"a"}\n');
    const lines = lineReader(await stream.response);
    assert.equal(await lines(), '{"stringValue":"a"}');
    stream.request.end('{"nope":1}\n');
    const last = JSON.parse((await lines()) ?? "{}");
    assert.equal(last.error.code, 3);
    assert.match(last.error.message, /^message 2: .*nope/);
    assert.equal(await lines(), undefined);
  });

  test("a client that does not read holds what it sends", async () => {
    const count = subject.echo.calls.length;
    const stream = openStream(subject, "POST", "/v1/converse");
    const message = `{"stringValue":"${"x".repeat(32 * 1024)}"}\n`;
    stream.request.write(message);
    const response = await stream.response;
    const [call] = (await subject.echo.untilCalls(count + 1)).slice(count);
    assert.ok(call);
    // The reply is not read; what is sent comes to a halt, with less than the whole on its way: four sockets may take 30 MB
    // each, where Linux is set to that.
    const total = 12_000;
    let sent = 1;
    let isStopped = false;
    while (sent < total && !isStopped) {
      sent++;
      if (stream.request.write(message)) continue;
      isStopped = !(await Promise.race([
        once(stream.request, "drain").then(() => true),
        quiet(call.messages),
      ]));
    }
    assert.ok(isStopped, "the client was held");
    assert.ok(sent < total);
    response.resume();
    stream.request.end();
    await once(response, "end");
    assert.equal(call.messages.length, sent);
  });
});

describeGateway("uploads", CONFIG, (subject) => {
  for (const [bytes, messages] of [
    [0, 1],
    [1, 1],
    [64 * 1024, 1],
    [64 * 1024 + 1, 2],
    [9_000_001, 138],
  ] as const) {
    test(`${bytes} bytes are ${messages} messages, and the same bytes`, async () => {
      const body = Buffer.alloc(bytes, "0123456789abcde");
      const { answer, calls } = await subject.observe("POST /v1/blob:stream", {
        headers: ["content-type", "image/x-test"],
        body,
      });
      const reply = jsonOf(answer) as Readonly<Record<string, unknown>>;
      assert.equal(reply.contentType, "image/x-test");
      assert.equal(Number(reply.sizeBytes ?? 0), bytes);
      assert.equal(reply.sha256, createHash("sha256").update(body).digest("base64"));
      assert.equal(calls[0]?.messages.length, messages);
    });
  }

  test("one that takes longer for a message than a stream may be silent is not silent", async () => {
    const { request, response } = openStream(subject, "POST", "/v1/blob:stream");
    for (let i = 0; i < 20; i++) {
      request.write("x");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    request.end();
    assert.equal((await response).statusCode, 200);
    (await response).resume();

    const silent = openStream(subject, "POST", "/v1/blob:stream");
    silent.request.write("x");
    assert.equal((await silent.response).statusCode, 504);
    silent.request.destroy();
  });

  test("path and query ride in the first message", async () => {
    const body = Buffer.alloc(100_000, "x");
    const line = "PUT /v1/streams/a/b?priority=7&tags=x&tags=y";
    const reply = jsonOf(await subject.send(line, { headers: ["content-type", "text/plain"], body }));
    const { name, priority, tags, sizeBytes } = reply as Readonly<Record<string, unknown>>;
    assert.deepEqual(
      { name, priority, tags, sizeBytes },
      { name: "a/b", priority: 7, tags: ["x", "y"], sizeBytes: "100000" },
    );
  });
});

interface OpenStream {
  readonly request: ClientRequest;
  readonly response: Promise<IncomingMessage>;
}

function openStream({ url }: Subject, method: string, path: string): OpenStream {
  const request = nodeRequest(`${url}${path}`, { method, agent: false });
  const response = once(request, "response").then(([message]) => message as IncomingMessage);
  return { request, response };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}

/** Reads line by line; undefined is the end. */
function lineReader(response: IncomingMessage): () => Promise<string | undefined> {
  const chunks = response[Symbol.asyncIterator]();
  let text = "";
  return async () => {
    for (let end = text.indexOf("\n"); ; end = text.indexOf("\n")) {
      if (end >= 0) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        return line;
      }
      const { value, done } = await chunks.next();
      if (done === true) return undefined;
      text += String(value);
    }
  };
}

/** Resolves to false once nothing more has come for a while. */
async function quiet(messages: readonly unknown[]): Promise<boolean> {
  for (let before = -1; before !== messages.length; ) {
    before = messages.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return false;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
