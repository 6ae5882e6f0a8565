import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { Gateway, type Route } from "../../../src/gateway/index.ts";
import type { HeaderList } from "../../../src/http/index.ts";
import { WebSocketProtocol, type WebSocketSettings } from "../../../src/protocol/websocket/index.ts";
import type { MethodKind } from "../../../src/schema/index.ts";
import { Code, OK, refuse, upstreamStatus } from "../../../src/status/index.ts";
import type { AccessRecord } from "../../../src/telemetry/index.ts";
import type { RequestParts, Transcoder } from "../../../src/transcode/index.ts";
import { FakeChannel } from "../../support/fake-channel.ts";
import { FakeExchange } from "../../support/fake-exchange.ts";
import type { FakeWebSocket } from "../../support/fake-web-socket.ts";
import { PLAIN_ERRORS, PLAIN_SETTINGS, plainMethod } from "../../support/plain-routes.ts";
import { snapshotOf } from "../../support/snapshots.ts";

const SETTINGS: Route["settings"] = { ...PLAIN_SETTINGS, maxRequestBodyBytes: 100, uploadChunkBytes: 100 };
const KINDS: readonly MethodKind[] = ["unary", "server_streaming", "client_streaming", "bidi_streaming"];

/** Says what it was given, so that a message shows where it came from. */
const TRANSCODER: Transcoder = {
  requestBody: "json",
  streamedFile: () => undefined,
  repliesWithHttpBody: false,
  assemble: ({ captures, query, contentType, body }: RequestParts) => {
    const text = Buffer.from(body).toString();
    if (text === "bad") throw refuse("JSON_INVALID", "not JSON");
    return assembled(`${captures.join()}?${query} ${contentType} ${text}`);
  },
  complete: (message, captures, query) => {
    if (query === "bad") throw refuse("PARAM_INVALID", "bad query");
    return assembled(`${captures.join()}?${query} + ${Buffer.from(message).toString()}`);
  },
  render: (message) => {
    const text = Buffer.from(message).toString();
    if (text === "garbled") throw refuse("UPSTREAM_REPLY_INVALID", "garbled");
    if (text.startsWith("raw ")) return { contentType: text.slice(4), data: Buffer.from(text) };
    return JSON.stringify(text);
  },
};

function assembled(text: string) {
  return { message: Buffer.from(text), unknownFields: [], pretty: false };
}

interface SocketRequest {
  readonly path?: string;
  readonly query?: string;
  readonly protocols?: string;
  readonly headers?: HeaderList;
}

/** A gateway with one fake channel, whose routes are given, at `/v1/{name}` unless they say otherwise. */
class Bench {
  readonly channel: FakeChannel = new FakeChannel();
  readonly records: AccessRecord[] = [];
  readonly gateway: Gateway;
  readonly #webSocket: WebSocketProtocol;

  constructor(routes: readonly Partial<Route>[], settings: Partial<WebSocketSettings> = {}) {
    const note = (): void => undefined;
    this.gateway = new Gateway(
      snapshotOf(
        routes.map((route) => this.#complete(route)),
        PLAIN_ERRORS,
      ),
      { requestStarted: note, requestFinished: (record) => this.records.push(record) },
      { level: "info", trace: note, debug: note, info: note, warn: note, error: note, fatal: note },
    );
    this.#webSocket = new WebSocketProtocol({
      allowsOrigin: () => false,
      trustedHops: 0,
      credentials: "subprotocol",
      pingIntervalMs: Number.POSITIVE_INFINITY,
      maxMessageBytes: 1000,
      ...settings,
    });
  }

  handle({ path = "/v1/a", query = "", protocols, headers = [] }: SocketRequest = {}): FakeExchange {
    const offered = protocols === undefined ? [] : ["sec-websocket-protocol", protocols];
    const handshake = ["sec-websocket-version", "13", "sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="];
    const exchange = new FakeExchange({
      path,
      query,
      headers: ["host", "h", "upgrade", "websocket", ...handshake, ...offered, ...headers],
      offersWebSocket: true,
    });
    this.gateway.handlerFor({
      name: "test",
      index: 0,
      trailingSlash: "strict",
      trustedHops: 0,
      webSocket: this.#webSocket,
    })(exchange);
    return exchange;
  }

  /** As `handle`, for a handshake that is accepted. */
  open(request?: SocketRequest): FakeWebSocket {
    const { webSocket, status, text } = this.handle(request);
    assert.ok(webSocket !== undefined, `${status} ${text}`);
    return webSocket;
  }

  get record(): AccessRecord {
    const [record] = this.records;
    assert.ok(record !== undefined && this.records.length === 1, "a connection is recorded once");
    return record;
  }

  #complete(route: Partial<Route>): Route {
    return {
      httpMethod: "GET",
      template: "/v1/{name}",
      source: "annotation",
      variables: ["name"],
      body: "*",
      responseBody: "",
      upstream: "library",
      policySet: 0,
      channel: this.channel,
      method: plainMethod("unary"),
      transcoder: TRANSCODER,
      settings: SETTINGS,
      ...route,
    };
  }
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

function texts(messages: readonly Uint8Array[]): readonly string[] {
  return messages.map((message) => Buffer.from(message).toString());
}

const DONE = '@status {"code":0,"message":""}';

describe("a WebSocket call", () => {
  for (const kind of KINDS) {
    const isStream = kind === "client_streaming" || kind === "bidi_streaming";

    test(`${kind}, JSON: path and query go into the first message`, () => {
      const bench = new Bench([{ method: plainMethod(kind) }]);
      const socket = bench.open({ query: "x=1" });
      assert.equal(bench.channel.calls.length, isStream ? 1 : 0, "only streams are called at once");
      socket.receive('{"n":1}');
      if (isStream) {
        socket.receive('{"n":2}');
        assert.equal(bench.channel.call.isHalfClosed, false);
        socket.receive("@end");
      }
      assert.equal(bench.channel.call.isHalfClosed, true);
      const first = 'a?x=1 application/json {"n":1}';
      assert.deepEqual(
        texts(bench.channel.call.sent),
        isStream ? [first, '? application/json {"n":2}'] : [first],
      );
    });

    test(`${kind}, protobuf: frames are messages, the first one completed`, () => {
      const bench = new Bench([{ method: plainMethod(kind) }]);
      const socket = bench.open({ query: "x=1", protocols: "sluice.proto" });
      assert.equal(socket.options.protocol, "sluice.proto");
      socket.receive(bytes("one"));
      if (isStream) socket.receive(bytes("two"));
      assert.deepEqual(texts(bench.channel.call.sent), isStream ? ["a?x=1 + one", "two"] : ["a?x=1 + one"]);
      bench.channel.call.listener.onMessage(bytes("reply"));
      bench.channel.call.listener.onStatus(OK, []);
      assert.deepEqual(socket.sent, [Buffer.from("reply"), DONE]);
    });

    test(`${kind}: replies, metadata and the status come as frames`, () => {
      const bench = new Bench([{ method: plainMethod(kind) }]);
      const socket = bench.open();
      socket.receive("{}");
      const { listener } = bench.channel.call;
      listener.onHeaders(["x-a", "1", "grpc-encoding", "identity"]);
      listener.onMessage(bytes("reply"));
      listener.onStatus(OK, ["x-b", "2"]);
      assert.deepEqual(socket.sent, ['@headers {"x-a":"1"}', '"reply"', '@trailers {"x-b":"2"}', DONE]);
      assert.deepEqual(socket.closed, { code: 1000, reason: "" });
      const { httpStatus, httpMethod, code, bytesIn, bytesOut } = bench.record;
      assert.deepEqual([httpStatus, httpMethod, code, bytesIn], [101, "GET", Code.OK, 2]);
      assert.equal(bytesOut, socket.sent.join("").length);
    });

    test(`${kind}: an upstream that fails is told by status and close code`, () => {
      const bench = new Bench([{ method: plainMethod(kind) }]);
      const socket = bench.open();
      socket.receive("{}");
      bench.channel.call.listener.onStatus(upstreamStatus(Code.NOT_FOUND, "no such é".padEnd(130, "é")), []);
      assert.equal(socket.sent.length, 1);
      assert.match(String(socket.sent[0]), /^@status \{"code":5,/);
      assert.equal(socket.closed?.code, 4005);
      assert.ok(Buffer.byteLength(socket.closed?.reason ?? "") <= 123);
      assert.deepEqual([bench.record.httpStatus, bench.record.code], [101, Code.NOT_FOUND]);
    });

    test(`${kind}: a client that leaves cancels the call at once`, () => {
      const bench = new Bench([{ method: plainMethod(kind) }]);
      const socket = bench.open();
      socket.receive("{}");
      socket.listener.onClose(1001, "page closed");
      assert.equal(bench.channel.call.cancelledWith?.reason, "CLIENT_GONE");
      assert.deepEqual(socket.sent, []);
      assert.equal(socket.closed, undefined);
      assert.deepEqual([bench.record.reason, bench.record.httpStatus], ["CLIENT_GONE", 101]);
    });
  }

  for (const kind of ["unary", "server_streaming"] as const) {
    test(`${kind} without a body is called at once, and takes no message`, () => {
      const bench = new Bench([
        { method: plainMethod(kind), transcoder: { ...TRANSCODER, requestBody: "none" } },
      ]);
      const socket = bench.open({ query: "x=1" });
      assert.deepEqual(texts(bench.channel.call.sent), ["a?x=1  "]);
      assert.equal(bench.channel.call.isHalfClosed, true);
      socket.receive("@end");
      socket.receive("{}");
      assert.match(String(socket.sent.at(-1)), /"message":"a message after the last one: t.S.Get is/);
      assert.equal(socket.closed?.code, 4003);
      assert.equal(bench.channel.call.cancelledWith?.reason, "FRAME_INVALID");
    });
  }

  test("of a stream without a body takes whole messages, path and query in the first", () => {
    const wholeMessages: Transcoder = {
      ...TRANSCODER,
      assemble: ({ body }) => assembled(`whole ${Buffer.from(body).toString()}`),
    };
    const bench = new Bench([{ method: plainMethod("bidi_streaming"), body: "", wholeMessages }]);
    const socket = bench.open({ query: "x=1" });
    socket.receive("1");
    socket.receive("2");
    assert.deepEqual(texts(bench.channel.call.sent), ["a?x=1 + whole 1", "whole 2"]);
  });

  test("of one reply shows no message beside a failure, and wants exactly one", () => {
    for (const kind of ["unary", "client_streaming"] as const) {
      for (const [messages, status, code] of [
        [1, upstreamStatus(Code.ABORTED, "x"), 4010],
        [0, OK, 4013],
        [2, OK, 4013],
      ] as const) {
        const bench = new Bench([{ method: plainMethod(kind) }]);
        const socket = bench.open();
        socket.receive("{}");
        const { listener } = bench.channel.call;
        for (let i = 0; i < messages; i++) listener.onMessage(bytes("reply"));
        listener.onStatus(status, []);
        assert.equal(socket.sent.length, 1);
        assert.equal(socket.closed?.code, code);
      }
    }
  });

  test("sends raw data as binary frames, after their type where it changes", () => {
    const bench = new Bench([{ method: plainMethod("bidi_streaming") }]);
    const socket = bench.open();
    const { listener } = bench.channel.call;
    for (const type of ["", "image/png", "", "image/png", "text/csv"])
      listener.onMessage(bytes(`raw ${type}`));
    assert.deepEqual(
      socket.sent.map((frame) => (typeof frame === "string" ? frame : frame.length)),
      [4, "@type image/png", 13, 4, 13, "@type text/csv", 12],
    );
  });

  test("takes frames as the type that the client says", () => {
    const bench = new Bench([{ method: plainMethod("bidi_streaming") }]);
    const socket = bench.open();
    socket.receive(bytes("1"));
    socket.receive("@type text/csv");
    socket.receive(bytes("2"));
    socket.receive("3");
    assert.deepEqual(texts(bench.channel.call.sent), [
      "a? application/octet-stream 1",
      "? text/csv 2",
      "? text/csv 3",
    ]);
  });

  for (const [what, frame, protocols, reason, code] of [
    ["a frame that does not fit", "bad", undefined, "JSON_INVALID", 4003],
    ["an unknown control word", "@bogus", undefined, "FRAME_INVALID", 4003],
    ["headers that nobody asked for", "@headers {}", undefined, "FRAME_INVALID", 4003],
    ["text under sluice.proto", "{}", "sluice.proto", "FRAME_INVALID", 4003],
  ] as const) {
    for (const before of [0, 1]) {
      test(`ends with ${what}, after ${before} messages`, () => {
        const bench = new Bench([{ method: plainMethod("bidi_streaming") }]);
        const socket = bench.open(protocols === undefined ? {} : { protocols });
        for (let i = 0; i < before; i++) socket.receive(protocols === undefined ? "{}" : bytes("m"));
        socket.receive(frame);
        assert.equal(bench.channel.call.cancelledWith?.reason, reason);
        assert.match(String(socket.sent.at(-1)), new RegExp(`^@status .*"reason":"${reason}"`));
        assert.equal(socket.closed?.code, code);
        socket.receive("{}");
        assert.equal(bench.channel.call.sent.length, before, "nothing counts after it");
      });
    }
  }

  test("of one message ends with @end before it", () => {
    const bench = new Bench([{ method: plainMethod("unary") }]);
    const socket = bench.open();
    socket.receive("@end");
    assert.equal(socket.closed?.code, 4003);
    assert.equal(bench.channel.calls.length, 0);
    assert.equal(bench.record.reason, "FRAME_INVALID");
  });

  test("ends when a reply cannot be shown", () => {
    const bench = new Bench([{ method: plainMethod("server_streaming") }]);
    const socket = bench.open();
    socket.receive("{}");
    bench.channel.call.listener.onMessage(bytes("fine"));
    bench.channel.call.listener.onMessage(bytes("garbled"));
    assert.deepEqual(socket.sent.slice(0, 1), ['"fine"']);
    assert.equal(socket.closed?.code, 4013);
    assert.equal(bench.channel.call.cancelledWith?.reason, "UPSTREAM_REPLY_INVALID");
  });

  for (const [code, reason] of [
    [1009, "BODY_TOO_LARGE"],
    [1007, "FRAME_INVALID"],
    [1013, "CLIENT_TOO_FAST"],
  ] as const) {
    test(`that the engine ends with ${code} is recorded as ${reason}`, () => {
      const bench = new Bench([{ method: plainMethod("bidi_streaming") }]);
      bench.open().listener.onClose(code, "why");
      assert.equal(bench.channel.call.cancelledWith?.reason, reason);
      assert.equal(bench.record.reason, reason);
    });
  }

  test("is limited by the route and the listener, whichever allows less", () => {
    const bench = new Bench([{ method: plainMethod("unary") }]);
    assert.equal(bench.open().options.maxMessageBytes, 100);
    const small = new Bench([{ method: plainMethod("unary") }], { maxMessageBytes: 50 });
    assert.equal(small.open().options.maxMessageBytes, 50);
  });

  test("holds the client while the upstream does not take more, and the upstream while the client does not", () => {
    const bench = new Bench([{ method: plainMethod("bidi_streaming") }]);
    const exchange = bench.handle();
    const { webSocket } = exchange;
    assert.ok(webSocket);
    const { call } = bench.channel;
    call.send = () => false;
    webSocket.receive("{}");
    assert.equal(webSocket.isPaused, true);
    call.listener.onDrain();
    assert.equal(webSocket.isPaused, false);
    webSocket.maySendOn = false;
    assert.equal(call.listener.onMessage(bytes("reply")), false);
    exchange.onDrain?.();
    assert.equal(call.resumed, 1);
  });
});

describe("a handshake is answered as HTTP", () => {
  for (const [what, request, httpStatus, reason] of [
    ["no route", { path: "/v2/a" }, 404, "NO_ROUTE"],
    ["a bad query", { query: "bad" }, 400, "PARAM_INVALID"],
    ["a foreign page", { headers: ["origin", "https://evil.test"] }, 403, "ORIGIN_REFUSED"],
    ["unknown subprotocols", { protocols: "chat" }, 400, "HANDSHAKE_INVALID"],
    [
      "a method that the path has not",
      { protocols: "sluice.json, sluice.method.PATCH" },
      405,
      "METHOD_NOT_ALLOWED",
    ],
    ["a header that is malformed", { headers: ["grpc-timeout", "soon"] }, 400, "HEADER_INVALID"],
    ["metadata that is malformed", { headers: ["x-bin", "?"] }, 400, "HEADER_INVALID"],
  ] as const) {
    test(`${what}: ${httpStatus} ${reason}`, () => {
      const bench = new Bench([{ method: plainMethod("bidi_streaming") }]);
      const exchange = bench.handle(request);
      assert.equal(exchange.status, httpStatus, exchange.text);
      assert.equal(exchange.webSocket, undefined);
      assert.equal(bench.record.reason, reason);
      assert.equal(bench.channel.calls.length, 0);
      assert.equal(
        exchange.header("sec-websocket-version"),
        reason === "HANDSHAKE_INVALID" ? "13" : undefined,
      );
    });
  }

  test("if the call fails before it was accepted", () => {
    const bench = new Bench([{ method: plainMethod("bidi_streaming") }]);
    const { channel } = bench;
    const open = channel.open.bind(channel);
    channel.open = (...args) => {
      const call = open(...args);
      call.cancel(upstreamStatus(Code.UNAVAILABLE, "away"));
      return call;
    };
    const exchange = bench.handle();
    assert.equal(exchange.status, 503);
    assert.equal(exchange.webSocket, undefined);
  });

  test("if the listener has no WebSockets, as the plain request that it is", () => {
    const bench = new Bench([{ method: plainMethod("unary") }]);
    const exchange = new FakeExchange({ path: "/v1/a", offersWebSocket: true });
    const listener = {
      name: "t",
      index: 0,
      trailingSlash: "strict",
      trustedHops: 0,
    } as const;
    bench.gateway.handlerFor(listener)(exchange);
    assert.equal(bench.channel.calls.length, 1);
  });
});

describe("a handshake goes to the binding", () => {
  const routes = ["POST", "DELETE", "CUSTOM", "PATCH"].map((httpMethod) => ({ httpMethod }));
  for (const [have, protocols, taken] of [
    [["GET", "POST"], undefined, "GET"],
    [["DELETE", "PATCH", "POST"], undefined, "POST"],
    [["DELETE", "PATCH"], undefined, "PATCH"],
    [["CUSTOM", "DELETE"], undefined, "DELETE"],
    [["ZAP", "CUSTOM"], undefined, "CUSTOM"],
    [["*"], undefined, "*"],
    [["GET", "POST"], "sluice.json, sluice.method.POST", "POST"],
    [["GET", "POST"], "sluice.json, sluice.method.post", "POST"],
  ] as const) {
    test(`of ${taken}, of ${have.join(", ")}${protocols === undefined ? "" : `, by ${protocols}`}`, () => {
      const bench = new Bench(
        have.map((httpMethod) => ({ httpMethod, method: { ...plainMethod("unary"), fullName: httpMethod } })),
      );
      bench.open(protocols === undefined ? {} : { protocols }).listener.onClose(1000, "");
      assert.equal(bench.record.rpc, taken);
    });
  }

  test("whose path fits best, where it is a GET", () => {
    const bench = new Bench([...routes, { httpMethod: "GET", template: "/v1/special" }]);
    bench.open({ path: "/v1/special" }).listener.onClose(1000, "");
    assert.equal(bench.record.route, "/v1/special");
  });
});

describe("the headers of a WebSocket", () => {
  test("reach the upstream, but for those of the handshake", () => {
    const bench = new Bench([{ method: plainMethod("bidi_streaming") }]);
    bench.open({ protocols: "sluice.json, sluice.bearer.dG9rZW4", headers: ["x-a", "1", "cookie", "c"] });
    const { metadata } = bench.channel.call;
    const names = metadata.filter((_, i) => i % 2 === 0);
    assert.deepEqual(names.slice(0, 3), ["x-a", "cookie", "authorization"]);
    assert.equal(metadata[5], "Bearer token");
    assert.ok(!names.some((name) => name.startsWith("sec-") || name === "upgrade"));
  });

  for (const kind of KINDS) {
    test(`come in the first frame, if they are to: ${kind}`, () => {
      const bench = new Bench([{ method: plainMethod(kind) }], { credentials: "frame" });
      const socket = bench.open({ headers: ["authorization", "Basic old"] });
      assert.equal(bench.channel.calls.length, 0);
      socket.receive('@headers {"Authorization":"Bearer new","x-a":"1"}');
      assert.equal(
        bench.channel.calls.length,
        kind === "bidi_streaming" || kind === "client_streaming" ? 1 : 0,
      );
      socket.receive("{}");
      assert.deepEqual(bench.channel.call.metadata.slice(0, 4), ["authorization", "Bearer new", "x-a", "1"]);
    });
  }

  test("in the first frame start a call without a body", () => {
    const bodiless = { ...TRANSCODER, requestBody: "none" as const };
    const bench = new Bench([{ method: plainMethod("unary"), transcoder: bodiless }], {
      credentials: "frame",
    });
    const socket = bench.open();
    assert.equal(bench.channel.calls.length, 0);
    socket.receive("@headers {}");
    assert.equal(bench.channel.call.isHalfClosed, true);
  });

  for (const [what, frame] of [
    ["a message", "{}"],
    ["@end", "@end"],
    ["what proxies say", '@headers {"x-forwarded-for":"10.0.0.1"}'],
    ["what the connection says", '@headers {"connection":"x-a"}'],
    ["a request id", '@headers {"x-request-id":"1"}'],
    ["a name of gRPC", '@headers {"grpc-timeout":"1S"}'],
    ["a name that is none", '@headers {"a b":"1"}'],
  ] as const) {
    test(`cannot come first, or at all: ${what}`, () => {
      const bench = new Bench([{ method: plainMethod("bidi_streaming") }], { credentials: "frame" });
      const socket = bench.open();
      socket.receive(frame);
      assert.equal(socket.closed?.code, 4003);
      assert.equal(bench.record.reason, "FRAME_INVALID");
      assert.equal(bench.channel.calls.length, 0);
    });
  }

  test("in the first frame that do not make metadata end the connection", () => {
    const bench = new Bench([{ method: plainMethod("bidi_streaming") }], { credentials: "frame" });
    const socket = bench.open();
    socket.receive('@headers {"x-bin":"?"}');
    assert.equal(socket.closed?.code, 4003);
    assert.equal(bench.record.reason, "HEADER_INVALID");
  });
});

describe("the timers of a WebSocket", () => {
  function withTimers(body: (tick: (ms: number) => void) => void): void {
    mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
    try {
      body((ms) => mock.timers.tick(ms));
    } finally {
      mock.timers.reset();
    }
  }

  test("a client that answers no ping is gone", () => {
    withTimers((tick) => {
      const bench = new Bench([{ method: plainMethod("bidi_streaming") }], { pingIntervalMs: 1000 });
      const socket = bench.open();
      tick(1000);
      assert.equal(socket.pings, 1);
      socket.listener.onPong();
      tick(1000);
      assert.equal(socket.pings, 2);
      socket.receive("{}");
      tick(1000);
      assert.equal(socket.pings, 3);
      assert.equal(socket.isTerminated, false);
      tick(1000);
      assert.equal(socket.isTerminated, true);
      assert.equal(bench.channel.call.cancelledWith?.reason, "CLIENT_GONE");
      tick(10_000);
      assert.equal(socket.pings, 3);
    });
  });

  test("one that is held, or behind, is not asked", () => {
    withTimers((tick) => {
      const bench = new Bench([{ method: plainMethod("bidi_streaming") }], { pingIntervalMs: 1000 });
      const exchange = bench.handle();
      const { webSocket } = exchange;
      assert.ok(webSocket);
      const { call } = bench.channel;
      call.send = () => false;
      webSocket.receive("{}");
      tick(5000);
      assert.equal(webSocket.pings, 0);
      call.listener.onDrain();
      webSocket.maySendOn = false;
      call.listener.onMessage(bytes("reply"));
      tick(5000);
      assert.equal(webSocket.pings, 0);
      exchange.onDrain?.();
      tick(1000);
      assert.equal(webSocket.pings, 1);
      assert.equal(webSocket.isTerminated, false);
    });
  });

  for (const kind of KINDS) {
    test(`silence ends the connection: ${kind}`, () => {
      withTimers((tick) => {
        const settings = { ...SETTINGS, idleTimeoutMs: 500 };
        const bench = new Bench([{ method: plainMethod(kind), settings }]);
        const socket = bench.open();
        tick(500);
        const isStream = kind === "client_streaming" || kind === "bidi_streaming";
        assert.equal(bench.record.reason, isStream ? "DEADLINE" : "REQUEST_TIMEOUT");
        assert.equal(socket.closed?.code, 4004);
      });
    });
  }

  test("none outlives the connection", () => {
    withTimers((tick) => {
      const settings = { ...SETTINGS, idleTimeoutMs: 500 };
      const bench = new Bench([{ method: plainMethod("unary"), settings }], { pingIntervalMs: 100 });
      const socket = bench.open();
      socket.receive("{}");
      bench.channel.call.listener.onMessage(bytes("reply"));
      bench.channel.call.listener.onStatus(OK, []);
      const { sent, pings } = socket;
      tick(10_000);
      assert.deepEqual([socket.sent, socket.pings], [sent, pings]);
    });
  });
});

describe("a gateway that drains", () => {
  for (const kind of KINDS) {
    test(`tells ${kind} calls ${kind === "unary" ? "only when their time is up" : "at once"}`, () => {
      const bench = new Bench([{ method: plainMethod(kind) }]);
      const socket = bench.open();
      socket.receive("{}");
      bench.gateway.drainStreams();
      if (kind === "unary") {
        assert.equal(socket.closed, undefined);
        return;
      }
      assert.equal(socket.closed?.code, 1001);
      assert.match(String(socket.sent.at(-1)), /^@status \{"code":14,.*"reason":"DRAINING"/);
      assert.equal(bench.channel.call.cancelledWith?.reason, "DRAINING");
      assert.equal(bench.record.reason, "DRAINING");
    });
  }
});

test("a gateway that drains tells a connection that has no call yet", () => {
  const bench = new Bench([{ method: plainMethod("unary") }]);
  const socket = bench.open();
  bench.gateway.drainStreams();
  assert.equal(socket.closed?.code, 1001);
  assert.equal(bench.record.reason, "DRAINING");
  assert.equal(bench.channel.calls.length, 0);
});
