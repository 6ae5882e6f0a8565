/**
 * Server streaming as NDJSON (docs/streaming.md): when the head leaves, how failures look, cancellation and back-pressure.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { assertGatewayError, describeGateway, type Subject } from "../support/gateway-suite.ts";
import { open } from "../support/http-request.ts";
import { socketBuffers } from "../support/socket-buffers.ts";

/** A stream that goes on for so long stands still: it takes two seconds, or five on a busy machine. */
const STUCK_MS = 60_000;

const COMPACT = {
  upstream: {
    json: { emitDefaults: false },
    autoMapping: true,
    routes: [{ selector: "sluice.test.v1.EchoService.HangStream", idleTimeout: "5m" }],
  },
};

describeGateway("NDJSON", COMPACT, (subject) => {
  for (const [line, options, expected] of [
    ["GET /v1/count/3", {}, '{"value":1}\n{"value":2}\n{"value":3}\n'],
    [
      "POST /v1/count",
      { headers: ["content-type", "application/json"], body: '{"to":2}' },
      '{"value":1}\n{"value":2}\n',
    ],
    ["GET /v1/values/3", {}, "1\n2\n3\n"],
    ["GET /v1/count/0", {}, ""],
    ["POST /sluice.test.v1.EchoService/UnannotatedStream", { body: '{"to":1}' }, '{"value":1}\n'],
  ] as const) {
    test(`${line} is one message a line`, async () => {
      const answer = await subject.send(line, options);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], "application/x-ndjson");
      assert.equal(answer.body.toString(), expected);
    });
  }

  test("the head and the first message leave while the upstream is silent", async () => {
    const response = await open(subject.url, "GET /v1/hang:stream?to=2");
    assert.equal(response.statusCode, 200);
    assert.equal(await received(response, 2), '{"value":1}\n{"value":2}\n');
    response.destroy();
  });

  test("a failure after a message is the last line", async () => {
    const answer = await subject.send("GET /v1/count/3?fail_after=2&fail_code=8&fail_message=%C3%A9nough");
    assert.equal(answer.status, 200);
    assert.equal(
      answer.body.toString(),
      '{"value":1}\n{"value":2}\n{"error":{"code":8,"message":"énough","details":[]}}\n',
    );
  });

  test("the access log tells both statuses of a late failure", async () => {
    const id = `late-${subject.port}`;
    await subject.send("GET /v1/count/3?fail_after=1&fail_code=15&fail_message=x", {
      headers: ["x-request-id", id],
    });
    const line = await subject.gateway.logged((entry) => entry.requestId === id);
    assert.equal(line.status, 200);
    assert.equal(line.grpcStatus, "DATA_LOSS");
  });

  test("a broken request to a stream is an HTTP error and never reaches the upstream", async () => {
    const { answer, calls } = await subject.observe("GET /v1/count/x");
    assertGatewayError(answer, 400, "PARAM_INVALID");
    assert.equal(calls.length, 0);
  });

  test("the upstream call is cancelled at once when the client goes away midway", async () => {
    const response = await open(subject.url, "GET /v1/hang:stream?to=1");
    await received(response, 1);
    response.destroy();
    assert.equal(await lastCall(subject).ended, "cancelled");
  });

  test("the upstream call is cancelled at once when the client goes away before the head", async () => {
    const count = subject.echo.calls.length;
    const controller = new AbortController();
    const pending = fetch(`${subject.url}/v1/hang:stream?to=0`, { signal: controller.signal }).then(
      () => "answered",
      () => "aborted",
    );
    const calls = await subject.echo.untilCalls(count + 1);
    controller.abort();
    assert.equal(await pending, "aborted");
    assert.equal(await calls[count]?.ended, "cancelled");
  });

  test("a client's deadline ends a stream: in a last line after the first message", async () => {
    const answer = await subject.send("GET /v1/hang:stream?to=1", { headers: ["x-server-timeout", "0.2"] });
    const [first, last] = answer.body.toString().split("\n");
    assert.equal(first, '{"value":1}');
    assert.match(last ?? "", /^\{"error":\{"code":4,.*"reason":"DEADLINE"/);
    assert.equal(await lastCall(subject).ended, "cancelled");
  });

  test("a client's deadline ends a stream: 504 before the first message", async () => {
    const answer = await subject.send("GET /v1/hang:stream?to=0", { headers: ["grpc-timeout", "150m"] });
    assertGatewayError(answer, 504, "DEADLINE");
  });

  test("HEAD of a stream is its head, and the upstream is let go", async () => {
    const answer = await subject.send("HEAD /v1/hang:stream?to=1");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/x-ndjson");
    assert.equal(await lastCall(subject).ended, "cancelled");
  });

  test("a slow reader holds the upstream: what is in between is bounded", async () => {
    const total = 400;
    // 400 messages of 256 kB as base64 are 130 MB; held back, a few MB are in sockets and windows.
    const response = await open(subject.url, `GET /v1/count/${total}?padding_bytes=256000`);
    response.pause();
    const call = lastCall(subject);
    const before = await rssBytes(subject);
    await quiet(async () => rssBytes(subject));
    const grown = (await rssBytes(subject)) - before;
    assert.ok(grown < 64 * 1024 * 1024, `the gateway grew by ${grown} bytes while nobody read`);
    const settled = await Promise.race([call.ended, Promise.resolve("under way")]);
    assert.equal(settled, "under way", "the upstream is held, too");
    let lines = 0;
    response.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 0x0a) lines++;
    });
    response.resume();
    const ports = [subject.port, Number(new URL(`tcp://${subject.echo.address}`).port)];
    const stuck = setTimeout(() => {
      const sockets = JSON.stringify(socketBuffers(ports));
      response.destroy(
        new Error(`${lines} lines of ${total} have come; sockets of ${ports.join()}: ${sockets}`),
      );
    }, STUCK_MS);
    await once(response, "end");
    clearTimeout(stuck);
    assert.equal(lines, total);
    assert.equal(await call.ended, "replied");
  });
});

describeGateway("idle streams", { upstream: { idleTimeout: "150ms" } }, (subject) => {
  test("a stream that stays silent is ended, and the client is told", async () => {
    const answer = await subject.send("GET /v1/hang:stream?to=1");
    assert.match(answer.body.toString(), /\n\{"error":\{"code":4,.*"reason":"DEADLINE"/);
    assert.equal(await lastCall(subject).ended, "cancelled");
  });
});

function lastCall(subject: Subject): Subject["echo"]["calls"][number] {
  const call = subject.echo.calls.at(-1);
  if (call === undefined) throw new Error("no call has reached the upstream");
  return call;
}

/** What came once it holds `lines` lines. */
function received(response: IncomingMessage, lines: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    response.on("error", reject);
    response.on("data", (chunk) => {
      text += String(chunk);
      if (text.split("\n").length > lines) resolve(text);
    });
  });
}

/** The gateway's resident memory, as its own metrics tell. */
async function rssBytes(subject: Subject): Promise<number> {
  const metrics = await (await fetch(`${subject.gateway.adminUrl}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1]);
}

/** Reads until five readings in a row do not grow by more than 1 %. */
async function quiet(read: () => Promise<number>): Promise<void> {
  let last = await read();
  for (let calm = 0; calm < 5; ) {
    const next = await read();
    calm = next <= last * 1.01 ? calm + 1 : 0;
    last = next;
  }
}
