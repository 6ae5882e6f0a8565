import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Gateway, type ListenerSettings, type Route } from "../../../src/gateway/index.ts";
import type { RefusedRequest } from "../../../src/http/index.ts";
import { CorsPolicy } from "../../../src/policy/cors/index.ts";
import type { Policy } from "../../../src/policy/index.ts";
import type { ErrorSettings, RouteSettings } from "../../../src/protocol/index.ts";
import { Code, gatewayStatus, OK, refuse, upstreamStatus } from "../../../src/status/index.ts";
import type { AccessRecord } from "../../../src/telemetry/index.ts";
import type { AssembledRequest, HttpBodyReply, RequestParts } from "../../../src/transcode/index.ts";
import { FakeChannel } from "../../support/fake-channel.ts";
import { FakeExchange, type FakeRequest } from "../../support/fake-exchange.ts";
import { PLAIN_SETTINGS, plainMethod } from "../../support/plain-routes.ts";
import { policySet, snapshotOf } from "../../support/snapshots.ts";
import { PLAIN_STREAMS } from "../../support/stream-settings.ts";

const ERRORS: ErrorSettings = {
  format: "google",
  httpStatusByCode: {},
  render: (status, httpStatus, format) => ({
    contentType: "application/json",
    body: JSON.stringify({
      httpStatus,
      code: status.code,
      message: status.message,
      reason: status.reason,
      format,
    }),
    retryAfterSeconds: status.message === "busy" ? 7 : undefined,
  }),
};
const SETTINGS: RouteSettings = { ...PLAIN_SETTINGS, errors: ERRORS };
const CORS_OPTIONS = {
  origins: ["https://app.test"],
  credentials: false,
  exposeHeaders: [],
  allowHeaders: ["*"],
  maxAgeMs: 0,
};
const CORS = new CorsPolicy(CORS_OPTIONS);

/** A gateway over one fake channel, and everything that it reports. */
class Bench {
  readonly channel = new FakeChannel();
  readonly records: AccessRecord[] = [];
  readonly faults: object[] = [];
  readonly gateway: Gateway;
  readonly listener: ListenerSettings;

  constructor(
    routes: readonly Partial<Route>[],
    snapshot: Parameters<typeof snapshotOf>[2] = {},
    listener: Partial<ListenerSettings> = {},
  ) {
    const fault = (fields: object): void => {
      this.faults.push(fields);
    };
    this.gateway = new Gateway(
      snapshotOf(
        routes.map((route) => this.#complete(route)),
        ERRORS,
        snapshot,
      ),
      { requestStarted: () => {}, requestFinished: (record) => this.records.push(record) },
      { level: "info", trace: fault, debug: fault, info: fault, warn: fault, error: fault, fatal: fault },
    );
    this.listener = {
      name: "test",
      index: 0,
      trailingSlash: "strict",
      trustedHops: 0,
      ...listener,
    };
  }

  handle(request: FakeRequest): FakeExchange {
    const exchange = new FakeExchange(request);
    this.gateway.handlerFor(this.listener)(exchange);
    return exchange;
  }

  refuse(refused: RefusedRequest): void {
    this.gateway.refusalListenerFor(this.listener)(refused);
  }

  get record(): AccessRecord {
    assert.equal(this.records.length, 1, "every request is recorded once");
    assert.equal(this.channel.retained, 0, "and has released its channel");
    const [record] = this.records;
    assert.ok(record);
    return record;
  }

  #complete(route: Partial<Route>): Route {
    return {
      httpMethod: "GET",
      template: "/v1/{name}",
      source: "annotation",
      variables: ["name"],
      body: "",
      responseBody: "",
      upstream: "library",
      policySet: 0,
      channel: this.channel,
      method: plainMethod("unary"),
      transcoder: {
        requestBody: "json" as const,
        complete: completed,
        streamedFile: () => undefined,
        repliesWithHttpBody: false,
        assemble: (parts: RequestParts) => ({
          message: Buffer.from(
            `${parts.captures.join(",")}?${parts.query}#${Buffer.from(parts.body).toString()}`,
          ),
          unknownFields: [],
          pretty: false,
        }),
        render: (message: Uint8Array) => `"${Buffer.from(message).toString()}"`,
      },
      settings: SETTINGS,
      ...route,
    };
  }
}

/** What stands in for a message that was completed. */
function completed(message: Uint8Array): AssembledRequest {
  return { message, unknownFields: [], pretty: false };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** What is written in one turn leaves at its end. */
const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a unary request", () => {
  test("goes upstream as one message and comes back as JSON with the upstream's metadata", () => {
    const bench = new Bench([{}]);
    const exchange = bench.handle({ path: "/v1/a%20b", query: "x=1", headers: ["authorization", "me"] });
    const { call } = bench.channel;
    assert.equal(call.rpcPath, "/t.S/Get");
    assert.equal(Buffer.concat(call.sent).toString(), "a b?x=1#");
    assert.ok(call.isHalfClosed);
    assert.deepEqual(call.metadata.slice(0, 2), ["authorization", "me"]);
    assert.ok(call.deadlineMs > 900 && call.deadlineMs <= 1000, `${call.deadlineMs} ms remain`);

    call.listener.onHeaders(["x-served-by", "u1"]);
    call.listener.onMessage(bytes("hi"));
    assert.equal(exchange.status, 0, "the reply waits for the status");
    call.listener.onStatus(OK, []);
    assert.equal(exchange.status, 200);
    assert.equal(exchange.text, '"hi"');
    assert.equal(exchange.header("content-type"), "application/json");
    assert.equal(exchange.header("x-served-by"), "u1");
    assert.match(exchange.header("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
    const { httpStatus, code, route, rpc, upstream, bytesOut } = bench.record;
    assert.deepEqual(
      { httpStatus, code, route, rpc, upstream, bytesOut },
      { httpStatus: 200, code: 0, route: "/v1/{name}", rpc: "t.S.Get", upstream: "library", bytesOut: 4 },
    );
  });

  test("keeps the request id of the client, upstream and in the reply", () => {
    const bench = new Bench([{}]);
    const exchange = bench.handle({ path: "/v1/a", headers: ["x-request-id", "abc-1"] });
    assert.equal(
      bench.channel.call.metadata[bench.channel.call.metadata.indexOf("x-request-id") + 1],
      "abc-1",
    );
    bench.channel.call.listener.onMessage(bytes(""));
    bench.channel.call.listener.onStatus(OK, []);
    assert.equal(exchange.header("x-request-id"), "abc-1");
  });

  test("that fails after its message is an error all the same", () => {
    const bench = new Bench([{}]);
    const exchange = bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onMessage(bytes("hi"));
    bench.channel.call.listener.onStatus(upstreamStatus(Code.NOT_FOUND, "gone"), ["x-why", "1"]);
    assert.equal(exchange.status, 404);
    assert.equal(exchange.header("x-why"), "1");
    assert.equal(JSON.parse(exchange.text).message, "gone");
    assert.equal(bench.record.code, Code.NOT_FOUND);
  });

  test("with a RetryInfo detail gets Retry-After", () => {
    const bench = new Bench([{}]);
    const exchange = bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onStatus(upstreamStatus(Code.RESOURCE_EXHAUSTED, "busy"), []);
    assert.equal(exchange.header("retry-after"), "7");
  });

  for (const [what, messages] of [
    ["no message", []],
    ["two messages", ["a", "b"]],
  ] as const) {
    test(`answered with ${what} is an error of the upstream`, () => {
      const bench = new Bench([{}]);
      const exchange = bench.handle({ path: "/v1/a" });
      for (const message of messages) bench.channel.call.listener.onMessage(bytes(message));
      bench.channel.call.listener.onStatus(OK, []);
      assert.equal(exchange.status, 500);
      assert.equal(JSON.parse(exchange.text).reason, "UPSTREAM_REPLY_INVALID");
    });
  }

  const statuses: readonly [choice: string, status: number, body: string][] = [
    ["201", 201, '"x"'],
    ["204", 204, ""],
    ["500", 200, '"x"'],
  ];
  for (const [choice, status, body] of statuses) {
    test(`whose upstream chooses ${choice} is answered ${status}`, () => {
      const bench = new Bench([{}]);
      const exchange = bench.handle({ path: "/v1/a" });
      bench.channel.call.listener.onHeaders(["x-http-code", choice]);
      bench.channel.call.listener.onMessage(bytes("x"));
      bench.channel.call.listener.onStatus(OK, []);
      assert.deepEqual([exchange.status, exchange.text], [status, body]);
      assert.equal(exchange.header("x-http-code"), undefined);
    });
  }

  for (const takesTrailers of [true, false]) {
    test(`gets ${takesTrailers ? "" : "no "}HTTP trailers where the exchange says that it takes ${takesTrailers ? "them" : "none"}`, () => {
      const bench = new Bench([{}]);
      const exchange = bench.handle({ path: "/v1/a", headers: ["te", "trailers"], takesTrailers });
      bench.channel.call.listener.onMessage(bytes("x"));
      bench.channel.call.listener.onStatus(OK, ["x-sum", "9", "grpc-status", "0"]);
      assert.deepEqual(exchange.trailers, takesTrailers ? ["x-sum", "9"] : []);
    });
  }

  test("whose client leaves cancels the call and is recorded as 499", () => {
    const bench = new Bench([{}]);
    const exchange = bench.handle({ path: "/v1/a" });
    exchange.onAbort?.();
    assert.equal(bench.channel.call.cancelledWith?.reason, "CLIENT_GONE");
    assert.equal(bench.record.httpStatus, 499);
    assert.equal(bench.record.reason, "CLIENT_GONE");
    assert.equal(exchange.status, 0, "nothing is written to a client that is gone");
  });

  test("whose deadline is over before it is complete does not reach the upstream", () => {
    const bench = new Bench([{}]);
    const exchange = bench.handle({ path: "/v1/a", headers: ["grpc-timeout", "0m"] });
    assert.equal(bench.channel.calls.length, 0);
    assert.deepEqual([exchange.status, JSON.parse(exchange.text).reason], [504, "DEADLINE"]);
  });
});

describe("a raw reply", () => {
  const raw = (contentType: string): HttpBodyReply => ({ contentType, data: bytes("\u0000PNG") });
  const cases: readonly [contentType: string, header: string, nosniff: string | undefined][] = [
    ["image/png", "image/png", undefined],
    ["", "application/octet-stream", "nosniff"],
    [" \t", "application/octet-stream", "nosniff"],
    ["text/html\r\nset-cookie: a=b", "application/octet-stream", "nosniff"],
  ];
  for (const [contentType, header, nosniff] of cases) {
    test(`of type ${JSON.stringify(contentType)} goes out as ${header}`, () => {
      const transcoder = {
        requestBody: "json" as const,
        complete: completed,
        streamedFile: () => undefined,
        repliesWithHttpBody: true,
        assemble: () => ({ message: bytes(""), unknownFields: [], pretty: false }),
        render: () => raw(contentType),
      };
      const bench = new Bench([{ transcoder }]);
      const exchange = bench.handle({ path: "/v1/a" });
      bench.channel.call.listener.onMessage(bytes("x"));
      bench.channel.call.listener.onStatus(OK, []);
      assert.equal(exchange.text, "\u0000PNG");
      assert.equal(exchange.header("content-type"), header);
      assert.equal(exchange.header("x-content-type-options"), nosniff);
    });
  }
});

describe("a server-streaming request", () => {
  const streaming = { method: plainMethod("server_streaming") };

  test("is answered a line a message, the head with the first", async () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a" });
    const { listener } = bench.channel.call;
    assert.equal(
      bench.channel.call.deadlineMs,
      Number.POSITIVE_INFINITY,
      "a stream has no deadline of the route",
    );
    listener.onHeaders(["x-a", "1"]);
    assert.equal(exchange.status, 0);
    listener.onMessage(bytes("1"));
    assert.deepEqual(
      [exchange.status, exchange.header("content-type"), exchange.header("x-a")],
      [200, "application/x-ndjson", "1"],
    );
    listener.onMessage(bytes("2"));
    assert.equal(exchange.chunks.length, 0);
    await endOfTurn();
    assert.equal(exchange.text, '"1"\n"2"\n');
    assert.equal(exchange.chunks.length, 1, "messages of one turn share a write");
    listener.onStatus(OK, []);
    assert.ok(exchange.isEnded);
  });

  test("that fails early is a proper HTTP error", () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onStatus(upstreamStatus(Code.PERMISSION_DENIED, "no"), []);
    assert.equal(exchange.status, 403);
  });

  test("that fails late says so in its last line", () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onMessage(bytes("1"));
    bench.channel.call.listener.onStatus(upstreamStatus(Code.ABORTED, "torn"), []);
    const last = JSON.parse(exchange.text.split("\n")[1] ?? "");
    assert.equal(last.error.message, "torn");
    assert.ok(exchange.isEnded);
    assert.equal(bench.record.code, Code.ABORTED);
  });

  test("without messages is an empty stream", () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onStatus(OK, []);
    assert.deepEqual([exchange.status, exchange.text, exchange.isEnded], [200, "", true]);
  });

  test("holds the upstream while the client is slow", async () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a" });
    exchange.mayWriteOn = false;
    const { call } = bench.channel;
    assert.equal(call.listener.onMessage(bytes("1")), true, "nobody knows yet");
    await endOfTurn();
    assert.equal(call.listener.onMessage(bytes("2")), false);
    exchange.onDrain?.();
    assert.equal(call.resumed, 1);
    assert.equal(
      call.listener.onMessage(bytes("x".repeat(20_000))),
      false,
      "a long message is written at once",
    );
  });

  test("is cancelled when a message cannot be rendered", () => {
    const transcoder = {
      requestBody: "json" as const,
      complete: completed,
      streamedFile: () => undefined,
      repliesWithHttpBody: false,
      assemble: () => ({ message: bytes(""), unknownFields: [], pretty: false }),
      render: () => {
        throw refuse("UPSTREAM_REPLY_INVALID", "not a message");
      },
    };
    const bench = new Bench([{ ...streaming, transcoder }]);
    const exchange = bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onMessage(bytes("1"));
    assert.equal(bench.channel.call.cancelledWith?.reason, "UPSTREAM_REPLY_INVALID");
    assert.equal(exchange.status, 500);
  });

  const shortlyIdle = {
    ...streaming,
    settings: { ...SETTINGS, deadlineMs: 1, idleTimeoutMs: 500 },
  };

  test("is ended after a long silence", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const base = new Bench([streaming]);
    base.handle({ path: "/v1/a" });
    t.mock.timers.tick(1e9);
    assert.equal(base.channel.call.cancelledWith, undefined, "without a limit there is none");

    const bench = new Bench([shortlyIdle]);
    bench.handle({ path: "/v1/a" });
    t.mock.timers.tick(500);
    assert.equal(bench.channel.call.cancelledWith?.reason, "DEADLINE");
  });

  test("is not silent while a slow client takes a long message", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const bench = new Bench([shortlyIdle]);
    const exchange = bench.handle({ path: "/v1/a" });
    exchange.mayWriteOn = false;
    const long = "x".repeat(2_000_000);
    bench.channel.call.listener.onMessage(bytes(long));
    await endOfTurn();
    for (let parts = 1; parts <= 4; parts++) {
      assert.equal(exchange.text.length, parts < 4 ? parts * 512 * 1024 : long.length + 2);
      t.mock.timers.tick(400);
      exchange.onDrain?.();
    }
    assert.ok(exchange.text === `"${long}"\n`, "the line's end follows the message");
    const isCancelled = (): boolean => bench.channel.call.cancelledWith !== undefined;
    assert.equal(isCancelled(), false);
    t.mock.timers.tick(500);
    t.mock.timers.tick(500);
    assert.equal(isCancelled(), true);
  });

  test("that ends while a client is behind goes out whole", async () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a" });
    exchange.mayWriteOn = false;
    const long = "x".repeat(2_000_000);
    bench.channel.call.listener.onMessage(bytes(long));
    bench.channel.call.listener.onMessage(bytes("y"));
    bench.channel.call.listener.onStatus(OK, []);
    await endOfTurn();
    assert.ok(exchange.text === `"${long}"\n"y"\n`);
    assert.ok(exchange.isEnded);
  });

  test("asked for by HEAD gets the head, and the call is cancelled", () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ method: "HEAD", path: "/v1/a" });
    bench.channel.call.listener.onMessage(bytes("1"));
    assert.deepEqual([exchange.status, exchange.text, exchange.isEnded], [200, "", true]);
    assert.ok(bench.channel.call.cancelledWith);
    assert.equal(bench.record.code, Code.OK);
  });

  for (const status of [204, 205, 304]) {
    test(`of status ${status}, which has no body, is its head, and the call is cancelled`, () => {
      const bench = new Bench([streaming]);
      const exchange = bench.handle({ path: "/v1/a" });
      bench.channel.call.listener.onHeaders(["x-http-code", String(status)]);
      bench.channel.call.listener.onMessage(bytes("1"));
      assert.deepEqual([exchange.status, exchange.isEnded], [status, true]);
      assert.ok(bench.channel.call.cancelledWith);
      assert.deepEqual([bench.record.code, bench.record.bytesOut], [Code.OK, 0]);
    });
  }

  test("of raw bodies is joined without a delimiter, and reset where it fails late", async () => {
    const transcoder = {
      requestBody: "json" as const,
      complete: completed,
      streamedFile: () => undefined,
      repliesWithHttpBody: true,
      assemble: () => ({ message: bytes(""), unknownFields: [], pretty: false }),
      render: (message: Uint8Array) => ({ contentType: "text/csv", data: message }),
    };
    const bench = new Bench([{ ...streaming, transcoder }]);
    const exchange = bench.handle({ path: "/v1/a" });
    for (const chunk of ["a,", "", "b"]) bench.channel.call.listener.onMessage(bytes(chunk));
    await endOfTurn();
    assert.deepEqual([exchange.header("content-type"), exchange.text], ["text/csv", "a,b"]);
    bench.channel.call.listener.onStatus(upstreamStatus(Code.DATA_LOSS, "lost"), []);
    await endOfTurn();
    assert.ok(exchange.isDestroyed, "a cut download must not look whole");
  });
});

describe("a stream of events", () => {
  const settings = {
    ...SETTINGS,
    deadlineMs: 1,
    stream: { ...PLAIN_STREAMS, sse: { ...PLAIN_STREAMS.sse, heartbeatMs: 1000 } },
  };
  const events = { method: plainMethod("server_streaming"), settings };
  const request = { path: "/v1/a", headers: ["accept", "text/event-stream"] };

  for (const [how, end] of [
    ["its client leaves", (_bench, exchange) => exchange.onAbort?.()],
    ["its upstream ends it", (bench) => bench.channel.call.listener.onStatus(OK, [])],
    ["the gateway drains", (bench) => bench.gateway.drainStreams()],
  ] as const satisfies readonly [string, (bench: Bench, exchange: FakeExchange) => void][]) {
    test(`beats until ${how}, and its timer goes with it`, (t) => {
      t.mock.timers.enable({ apis: ["setInterval"] });
      const stopped = t.mock.method(globalThis, "clearInterval");
      const bench = new Bench([events]);
      const exchange = bench.handle(request);
      t.mock.timers.tick(1000);
      assert.equal(exchange.text, ":\n\n");
      end(bench, exchange);
      const { text } = exchange;
      assert.equal(stopped.mock.callCount(), 1);
      t.mock.timers.tick(10_000);
      assert.equal(exchange.text, text);
    });
  }

  test("does not beat before its request is complete", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const bench = new Bench([{ ...events, httpMethod: "POST" }]);
    const exchange = new FakeExchange({ ...request, method: "POST" });
    exchange.readBody = () => undefined;
    bench.gateway.handlerFor(bench.listener)(exchange);
    t.mock.timers.tick(10_000);
    assert.deepEqual([exchange.status, bench.channel.calls.length], [0, 0]);
  });
});

describe("the end of the gateway", () => {
  const streaming = { method: plainMethod("server_streaming") };

  test("ends a stream of events at once, and it comes back", () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a", headers: ["accept", "text/event-stream"] });
    bench.channel.call.listener.onMessage(bytes("1"));
    bench.gateway.drainStreams();
    assert.equal(exchange.text, 'data: "1"\n\nretry: 3000\n\n', "there is no end event");
    assert.ok(exchange.isEnded);
    assert.equal(bench.channel.call.cancelledWith?.reason, "DRAINING");
    assert.equal(bench.record.reason, "DRAINING");
    bench.gateway.cutStreams();
    assert.equal(bench.records.length, 1);
  });

  test("tells the client of another stream only when the time is up", () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a" });
    bench.channel.call.listener.onMessage(bytes("1"));
    bench.gateway.drainStreams();
    assert.equal(exchange.isEnded, false);
    assert.equal(bench.channel.call.cancelledWith, undefined);
    bench.gateway.cutStreams();
    assert.equal(JSON.parse(exchange.text.split("\n")[1] ?? "").error.reason, "DRAINING");
    assert.ok(exchange.isEnded);
  });

  test("is 503 for a stream without messages", () => {
    const bench = new Bench([streaming]);
    const exchange = bench.handle({ path: "/v1/a" });
    bench.gateway.cutStreams();
    assert.deepEqual([exchange.status, JSON.parse(exchange.text).reason], [503, "DRAINING"]);
  });

  test("is told to streams of events that begin while it comes, and no call is opened for them", () => {
    const bench = new Bench([streaming]);
    bench.gateway.drainStreams();
    const exchange = bench.handle({ path: "/v1/a", headers: ["accept", "text/event-stream"] });
    assert.deepEqual([exchange.status, exchange.text, exchange.isEnded], [200, "retry: 3000\n\n", true]);
    assert.equal(bench.channel.calls.length, 0);
    bench.handle({ path: "/v1/a" });
    assert.equal(bench.channel.calls.length, 1, "others are served as long as there is time");
  });

  test("is no matter of unary requests, nor of streams that have ended", () => {
    const bench = new Bench([{}, { ...streaming, template: "/v1/x/{name}" }]);
    const unary = bench.handle({ path: "/v1/a" });
    const ended = bench.handle({ path: "/v1/x/a" });
    const left = bench.handle({ path: "/v1/x/a" });
    bench.channel.calls[1]?.listener.onStatus(OK, []);
    left.onAbort?.();
    bench.gateway.drainStreams();
    bench.gateway.cutStreams();
    assert.equal(unary.status, 0);
    assert.equal(ended.text, "");
    assert.equal(bench.channel.calls[0]?.cancelledWith, undefined);
    assert.equal(bench.records.length, 2);
  });
});

describe("requests that do not reach an upstream", () => {
  const routes: readonly Partial<Route>[] = [
    {},
    { httpMethod: "POST", template: "/v1/{name}:run" },
    { httpMethod: "POST", template: "/v1/import", method: plainMethod("client_streaming") },
  ];
  const cases: readonly [what: string, request: FakeRequest, httpStatus: number, reason: string][] = [
    ["no such path", { path: "/v2/a" }, 404, "NO_ROUTE"],
    ["another method", { method: "DELETE", path: "/v1/a" }, 405, "METHOD_NOT_ALLOWED"],
    ["a stray percent sign", { path: "/v1/%zz" }, 400, "PATH_ENCODING"],
    ["dot segments", { path: "/v1/%2e%2e" }, 400, "PATH_INVALID"],
    ["a malformed timeout", { path: "/v1/a", headers: ["grpc-timeout", "soon"] }, 400, "HEADER_INVALID"],
    ["a long body", { method: "POST", path: "/v1/a:run", body: "0123456789!" }, 413, "BODY_TOO_LARGE"],
    [
      "a compressed body",
      { method: "POST", path: "/v1/a:run", body: "x", headers: ["content-encoding", "gzip"] },
      415,
      "CONTENT_CODING_UNSUPPORTED",
    ],
    [
      "a compressed stream",
      { method: "POST", path: "/v1/import", body: "{}", headers: ["content-encoding", "br"] },
      415,
      "CONTENT_CODING_UNSUPPORTED",
    ],
  ];
  for (const [what, request, httpStatus, reason] of cases) {
    test(`${what}: ${httpStatus} ${reason}`, () => {
      const bench = new Bench(routes);
      const exchange = bench.handle(request);
      assert.deepEqual([exchange.status, JSON.parse(exchange.text).reason], [httpStatus, reason]);
      assert.equal(bench.channel.calls.length, 0);
      assert.equal(bench.record.httpStatus, httpStatus);
      assert.equal(bench.record.reason, reason);
    });
  }

  test("a compressed body is told which coding would do", () => {
    const request = { method: "POST", path: "/v1/a:run", headers: ["content-encoding", "br"] };
    assert.equal(new Bench(routes).handle({ ...request, body: "x" }).header("accept-encoding"), "identity");
  });

  for (const headers of [[], ["content-encoding", "identity"], ["content-encoding", "Identity"]]) {
    test(`a body with ${headers.join(" ") || "no coding"} is read`, () => {
      const bench = new Bench(routes);
      bench.handle({ method: "POST", path: "/v1/a:run", headers, body: "x" });
      assert.equal(bench.channel.calls.length, 1);
    });
  }

  test("a coding without a body is harmless", () => {
    const bench = new Bench(routes);
    bench.handle({ path: "/v1/a", headers: ["content-encoding", "gzip"] });
    assert.equal(bench.channel.calls.length, 1);
  });

  test("those that the engine refused by itself are recorded, too", () => {
    const bench = new Bench(routes);
    const reason = "HEADERS_TOO_LARGE";
    bench.refuse({ reason, httpStatus: 431, peer: "192.0.2.7", method: "GET", path: "/a", bytesOut: 9 });
    const { httpStatus, code, peer, path, route, rpc, bytesOut, ...rest } = bench.record;
    assert.deepEqual([httpStatus, rest.reason, code], [431, reason, Code.RESOURCE_EXHAUSTED]);
    assert.deepEqual([peer, path, route, rpc, bytesOut], ["192.0.2.7", "/a", "", "", 9]);
  });

  test("405 and OPTIONS list the methods of the path", () => {
    const bench = new Bench(routes);
    assert.equal(bench.handle({ method: "DELETE", path: "/v1/a" }).header("allow"), "GET, HEAD, OPTIONS");
    const options = bench.handle({ method: "OPTIONS", path: "/v1/a:run" });
    assert.equal(options.status, 204);
    assert.deepEqual(options.header("allow")?.split(", ").sort(), ["GET", "HEAD", "OPTIONS", "POST"]);
    assert.equal(bench.handle({ method: "OPTIONS", path: "/nowhere" }).status, 404);
  });

  test("a path without a route is 503 while a schema is missing", () => {
    const exchange = new Bench(routes, { pendingUpstreams: ["orders"] }).handle({ path: "/v2/a" });
    assert.equal(exchange.status, 503);
    assert.match(exchange.text, /orders/);
  });

  test("a too long body closes the connection", () => {
    const exchange = new Bench(routes).handle({ method: "POST", path: "/v1/a:run", body: "0123456789!" });
    assert.equal(exchange.header("connection"), "close");
  });

  test("a fault inside the gateway is a bare 500, its cause in the log", () => {
    const transcoder = {
      requestBody: "json" as const,
      complete: completed,
      streamedFile: () => undefined,
      repliesWithHttpBody: false,
      assemble: () => {
        throw new TypeError("secret detail");
      },
      render: () => "",
    };
    const bench = new Bench([{ transcoder }]);
    const exchange = bench.handle({ path: "/v1/a" });
    assert.deepEqual([exchange.status, JSON.parse(exchange.text).reason], [500, "INTERNAL"]);
    assert.doesNotMatch(exchange.text, /secret/);
    assert.equal(bench.faults.length, 1);
  });

  test("a client that accepts problem details gets them", () => {
    const exchange = new Bench(routes).handle({
      path: "/v2/a",
      headers: ["accept", "application/problem+json"],
    });
    assert.equal(JSON.parse(exchange.text).format, "problem");
  });
});

describe("a policy that refuses", () => {
  const refusing = (message: string): Policy => ({
    name: "refusing",
    admit: (_exchange, headers) => {
      headers.push("x-asked", message);
      return gatewayStatus("CORS_REFUSED", message);
    },
  });
  const policies = [
    { cors: undefined, policies: [refusing("the listener's")] },
    { cors: undefined, policies: [refusing("the route's")] },
  ];
  for (const [what, request, message, route] of [
    ["a route's", { path: "/v1/a" }, "the route's", "/v1/{name}"],
    ["the listener's, of what has no route", { path: "/v2/a" }, "the listener's", ""],
    ["the listener's, of plain OPTIONS", { path: "/v1/a", method: "OPTIONS" }, "the listener's", ""],
  ] as const) {
    test(`is ${what}, asked once, and nothing is called`, () => {
      const bench = new Bench([{ policySet: 1 }], { policies });
      const exchange = bench.handle(request);
      assert.equal(exchange.status, 403);
      assert.equal(JSON.parse(exchange.text).message, message);
      assert.equal(exchange.replyHeaders.filter((name) => name === "x-asked").length, 1);
      assert.equal(bench.channel.calls.length, 0);
      assert.equal(bench.record.route, route);
    });
  }
});

test("a listener that the snapshot does not know serves nothing", () => {
  const exchange = new Bench([{}], {}, { index: 7 }).handle({ path: "/v1/a" });
  assert.equal(exchange.status, 404);
});

describe("cross-origin requests", () => {
  const listener = { policies: [policySet(CORS)] };

  test("a preflight is answered from the route table and reaches no upstream", () => {
    const bench = new Bench([{}, { httpMethod: "PATCH" }], listener);
    const exchange = bench.handle({
      method: "OPTIONS",
      path: "/v1/a",
      headers: ["origin", "https://app.test", "access-control-request-method", "PATCH"],
    });
    assert.equal(exchange.status, 204);
    assert.deepEqual(exchange.header("access-control-allow-methods")?.split(", ").sort(), [
      "GET",
      "HEAD",
      "OPTIONS",
      "PATCH",
    ]);
    assert.equal(bench.channel.calls.length, 0);
  });

  test("a preflight is answered by the policies of the route of the requested method", () => {
    const admin = new CorsPolicy({ ...CORS_OPTIONS, origins: ["https://admin.test"] });
    const bench = new Bench(
      [{}, { httpMethod: "DELETE", policySet: 1 }, { httpMethod: "PUT", policySet: 2 }],
      {
        policies: [policySet(CORS), policySet(admin), policySet(undefined)],
      },
    );
    const ask = (origin: string, method: string): FakeExchange =>
      bench.handle({
        method: "OPTIONS",
        path: "/v1/a",
        headers: ["origin", origin, "access-control-request-method", method],
      });
    assert.equal(ask("https://app.test", "GET").header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
    const ofAdmin = ask("https://admin.test", "DELETE");
    assert.equal(ofAdmin.header("access-control-allow-methods"), "DELETE, OPTIONS");
    assert.equal(ask("https://app.test", "DELETE").status, 403);
    const without = ask("https://app.test", "PUT");
    assert.deepEqual([without.status, without.header("allow")], [204, "DELETE, GET, HEAD, PUT, OPTIONS"]);
    assert.equal(without.header("access-control-allow-methods"), undefined);
  });

  test("a preflight for another origin is 403 without permission", () => {
    const exchange = new Bench([{}], listener).handle({
      method: "OPTIONS",
      path: "/v1/a",
      headers: ["origin", "https://evil.test", "access-control-request-method", "GET"],
    });
    assert.equal(exchange.status, 403);
    assert.equal(exchange.header("access-control-allow-origin"), undefined);
  });

  test("errors carry the permission too, so that scripts can read them", () => {
    const exchange = new Bench([{}], listener).handle({
      path: "/v2/a",
      headers: ["origin", "https://app.test"],
    });
    assert.equal(exchange.status, 404);
    assert.equal(exchange.header("access-control-allow-origin"), "https://app.test");
    assert.equal(exchange.header("vary"), "Origin");
  });
});
