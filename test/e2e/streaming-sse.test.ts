/**
 * Server-sent events as an EventSource needs them, on both engines: ids, resuming, heartbeats, trailers, the end.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { parseEventStream } from "../support/event-source-parser.ts";
import { assertGatewayError, describeGateway } from "../support/gateway-suite.ts";
import { type Answer, open } from "../support/http-request.ts";
import { ECHO } from "../unit/control/compile.ts";

const EVENTS = ["accept", "text/event-stream"];

const CONFIG = {
  upstream: {
    json: { emitDefaults: false },
    stream: { sse: { event: "count", idField: "value" } },
    routes: [
      {
        selector: "sluice.test.v1.EchoService.Count",
        stream: { sse: { lastEventIdField: "padding_bytes" } },
      },
      {
        selector: "sluice.test.v1.EchoService.HangStream",
        stream: { sse: { heartbeat: "200ms", lastEventIdField: "to" } },
      },
    ],
  },
};

describeGateway("server-sent events", CONFIG, (subject) => {
  test("carry name and id; the end says so", async () => {
    const answer = await subject.send("GET /v1/count/2", { headers: EVENTS });
    assert.deepEqual(parseEventStream(answer.body).events, [
      { type: "count", data: '{"value":1}', lastEventId: "1" },
      { type: "count", data: '{"value":2}', lastEventId: "2" },
      { type: "end", data: "{}", lastEventId: "2" },
    ]);
    assert.equal(answer.headers["cache-control"], "no-cache, no-transform");
    assert.equal(answer.headers["x-accel-buffering"], "no");
  });

  test("resume behind the last one that the client got, whatever query or body say", async () => {
    for (const [line, body] of [
      ["GET /v1/count/1?padding_bytes=7", undefined],
      ["POST /v1/count", '{"to":1,"paddingBytes":7}'],
    ] as const) {
      const { answer, calls } = await subject.observe(line, {
        headers: [...EVENTS, "last-event-id", "3", "content-type", "application/json"],
        ...(body === undefined ? {} : { body }),
      });
      assert.equal(answer.status, 200);
      assert.match(answer.body.toString(), /"padding":"AAAA"/);
      assert.equal(countRequest(calls[0]?.messages[0]).paddingBytes, 3);
    }
  });

  test("of a client that has missed nothing are none: 204, and EventSource stays away", async () => {
    const answer = await subject.send("GET /v1/count/0", { headers: [...EVENTS, "last-event-id", "0"] });
    assert.deepEqual([answer.status, answer.body.length], [204, 0]);
  });

  test("with a last event id that does not fit the field are refused", async () => {
    const { answer, calls } = await subject.observe("GET /v1/count/1", {
      headers: [...EVENTS, "last-event-id", "x1"],
    });
    const { message } = assertGatewayError(answer, 400, "HEADER_INVALID");
    assert.equal(message, 'header last-event-id, for padding_bytes: "x1" is not an int32');
    assert.equal(calls.length, 0);
  });

  test("break silences with comments", async () => {
    const response = await open(subject.url, "GET /v1/hang:stream?to=1", { headers: EVENTS });
    const text = await untilText(response, /\n\n:\n\n:\n\n/);
    assert.deepEqual(
      parseEventStream(Buffer.from(text)).events.map(({ data }) => data),
      ['{"value":1}'],
    );
    response.destroy();
    assert.equal(await subject.echo.calls.at(-1)?.ended, "cancelled");
  });

  test("open the reply of a silent upstream by a comment, so that nothing in between gives up", async () => {
    const response = await open(subject.url, "GET /v1/hang:stream?to=0", { headers: EVENTS });
    assert.equal(response.statusCode, 200);
    assert.match(await untilText(response, /:\n\n/), /^:\n\n/);
    response.destroy();
    assert.equal(await subject.echo.calls.at(-1)?.ended, "cancelled");
  });

  test("tell of a deadline in an error event, and the connection ends", async () => {
    const answer = await subject.send("GET /v1/hang:stream?to=1", {
      headers: [...EVENTS, "x-server-timeout", "0.15"],
    });
    assert.deepEqual(names(answer), ["count", "error"]);
    const { data } = parseEventStream(answer.body).events[1] ?? {};
    assert.equal(JSON.parse(data ?? "").code, 4);
  });
});

function names(answer: Answer): readonly string[] {
  return parseEventStream(answer.body).events.map(({ type }) => type);
}

/** What came once it matches. */
async function untilText(response: IncomingMessage, pattern: RegExp): Promise<string> {
  let text = "";
  while (!pattern.test(text)) {
    const [chunk] = await once(response, "data");
    text += String(chunk);
  }
  return text;
}

function countRequest(message: Buffer | undefined): { readonly paddingBytes: number } {
  const method = ECHO.services
    .flatMap(({ methods }) => methods)
    .find(({ fullName }) => fullName.endsWith(".Count"));
  assert.ok(method !== undefined && message !== undefined);
  // The fixture's own message: test/fixtures/echo/echo.proto.
  return fromBinary(method.input, message) as unknown as { readonly paddingBytes: number };
}
