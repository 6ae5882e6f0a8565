/** The channel contract, part two: replies that no gRPC server should give. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { after, before, describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "../../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../../src/gen/google/rpc/status_pb.ts";
import { Code, gatewayStatus, type Reason } from "../../../src/status/index.ts";
import type { Channel } from "../../../src/upstream/index.ts";
import { frame, type Http2Server, startHttp2Server } from "../../support/grpc-http2.ts";
import { CallRecorder, valuesOf } from "../../support/grpc-recorder.ts";
import { connect, PATIENCE_MS, type Subject, skipOf, unary } from "./subject.ts";

interface ReplyCase {
  readonly reply: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
  readonly code: Code;
  readonly reason: Reason | undefined;
  readonly message?: string | RegExp;
  readonly messages?: readonly string[];
}

const GRPC = { ":status": 200, "content-type": "application/grpc" };
const HTML = "<html><body>Not what you asked for</body></html>";

function details(code: number): string {
  const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "R", domain: "d" }));
  const status = create(StatusSchema, { code, message: "from details", details: [info] });
  return Buffer.from(toBinary(StatusSchema, status)).toString("base64");
}

function trailersOnly(fields: Record<string, string | string[]>): ReplyCase["reply"] {
  return (stream) => stream.respond({ ...GRPC, ...fields }, { endStream: true });
}

function reply(messages: readonly string[], fields: Record<string, string>): ReplyCase["reply"] {
  return (stream) => {
    stream.respond(GRPC, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(fields));
    for (const message of messages) stream.write(frame(Buffer.from(message)));
    stream.end();
  };
}

function http(status: number, contentType: string | undefined, body: string): ReplyCase["reply"] {
  return (stream) => {
    stream.respond({
      ":status": status,
      ...(contentType === undefined ? {} : { "content-type": contentType }),
    });
    stream.end(body);
  };
}

const CASES: Readonly<Record<string, ReplyCase>> = {
  "trailers only": {
    reply: trailersOnly({ "grpc-status": "5", "grpc-message": "gone" }),
    code: Code.NOT_FOUND,
    reason: undefined,
    message: "gone",
  },
  "trailers only, OK": { reply: trailersOnly({ "grpc-status": "0" }), code: Code.OK, reason: undefined },
  "the same status after headers": {
    reply: reply([], { "grpc-status": "5", "grpc-message": "gone" }),
    code: Code.NOT_FOUND,
    reason: undefined,
    message: "gone",
  },
  "a message and OK": {
    reply: reply(["hello"], { "grpc-status": "0" }),
    code: Code.OK,
    reason: undefined,
    messages: ["hello"],
  },
  "a percent-encoded message in UTF-8": {
    reply: trailersOnly({ "grpc-status": "3", "grpc-message": "%C3%A9t%C3%A9 100%25 \u{7e}" }),
    code: Code.INVALID_ARGUMENT,
    reason: undefined,
    message: "été 100% ~",
  },
  "broken percent-encoding is passed on as it is": {
    reply: trailersOnly({ "grpc-status": "3", "grpc-message": "50% of %zz" }),
    code: Code.INVALID_ARGUMENT,
    reason: undefined,
    message: "50% of %zz",
  },
  "a code outside the table": {
    reply: trailersOnly({ "grpc-status": "42", "grpc-message": "what" }),
    code: Code.UNKNOWN,
    reason: undefined,
    message: "what",
  },
  "a status that is no number": {
    reply: trailersOnly({ "grpc-status": "fine", "grpc-message": "really" }),
    code: Code.UNKNOWN,
    reason: undefined,
    message: "really",
  },
  "a text that a client library would make itself, sent by the upstream": {
    reply: trailersOnly({
      "grpc-status": "14",
      "grpc-message": "No connection established. Last error: connect ECONNREFUSED 10.0.0.1:5432",
    }),
    code: Code.UNAVAILABLE,
    reason: undefined,
    message: "No connection established. Last error: connect ECONNREFUSED 10.0.0.1:5432",
  },
  "an HTML page with status 404": {
    reply: http(404, "text/html", HTML),
    code: Code.UNIMPLEMENTED,
    reason: "UPSTREAM_PROTOCOL",
    message: /HTTP status 404/,
  },
  "an HTML page with status 502": {
    reply: http(502, "text/html", HTML),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
    message: /HTTP status 502/,
  },
  "an HTML page with status 401": {
    reply: http(401, "text/html", HTML),
    code: Code.UNAUTHENTICATED,
    reason: "UPSTREAM_PROTOCOL",
  },
  "an empty 503 without a content type": {
    reply: (stream) => stream.respond({ ":status": 503 }, { endStream: true }),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
    message: /HTTP status 503/,
  },
  "an empty 500 with a body too short to be a message": {
    reply: http(500, "text/plain", "no"),
    code: Code.UNKNOWN,
    reason: "UPSTREAM_PROTOCOL",
    message: /HTTP status 500/,
  },
  "an HTML page with status 200": {
    reply: http(200, "text/html", HTML),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
    message: /"text\/html" instead of gRPC/,
  },
  "JSON with status 200": {
    reply: http(200, "application/json", "{}"),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
  },
  "grpc-web, which is another protocol": {
    reply: http(200, "application/grpc-web+proto", "\0\0\0\0\0"),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
  },
  "an empty reply of status 200": {
    reply: http(200, undefined, ""),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
  },
  "a redirection without a content type, and a body that is none": {
    reply: http(302, undefined, ""),
    code: Code.UNKNOWN,
    reason: "UPSTREAM_PROTOCOL",
    message: /HTTP status 302/,
  },
  "a text with status 200 and no content type": {
    reply: http(200, undefined, "hello"),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
  },
  "gRPC without a grpc-status": {
    reply: reply(["hello"], { "x-other": "1" }),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
    message: /without a gRPC status/,
  },
  "gRPC without trailers": {
    reply: http(200, "application/grpc", "\0\0\0\0\x01x"),
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_PROTOCOL",
  },
  "a message announced longer than the limit": {
    reply: (stream) => {
      stream.respond(GRPC);
      stream.write(Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]));
    },
    code: Code.RESOURCE_EXHAUSTED,
    reason: "UPSTREAM_REPLY_TOO_LARGE",
  },
  "a message said to be compressed without an encoding": {
    reply: (stream) => {
      stream.respond(GRPC);
      stream.end(Buffer.from([1, 0, 0, 0, 1, 9]));
    },
    code: Code.INTERNAL,
    reason: "UPSTREAM_REPLY_INVALID",
  },
  "gzip that is not": {
    reply: (stream) => {
      stream.respond({ ...GRPC, "grpc-encoding": "gzip" });
      stream.end(Buffer.from([1, 0, 0, 0, 1, 9]));
    },
    code: Code.INTERNAL,
    reason: "UPSTREAM_REPLY_INVALID",
  },
  "an encoding that nobody knows": {
    reply: (stream) => {
      stream.respond({ ...GRPC, "grpc-encoding": "snake-oil" });
      stream.end(Buffer.from([1, 0, 0, 0, 1, 9]));
    },
    code: Code.INTERNAL,
    reason: "UPSTREAM_REPLY_INVALID",
  },
  "the connection dropped in the middle of a reply": {
    reply: (stream) => {
      stream.respond(GRPC);
      stream.write(frame(Buffer.from("half")).subarray(0, 7), () => stream.session?.destroy());
    },
    code: Code.UNAVAILABLE,
    reason: "UPSTREAM_UNREACHABLE",
    message: /connection to upstream .* was lost/,
  },
};

interface ResetCase {
  readonly error: number;
  readonly code: Code;
  readonly reason: Reason;
}

/** Source: gRPC over HTTP/2, "HTTP2 Transport Mapping", "Errors". */
const RESETS: Readonly<Record<string, ResetCase>> = {
  INTERNAL_ERROR: {
    error: constants.NGHTTP2_INTERNAL_ERROR,
    code: Code.INTERNAL,
    reason: "UPSTREAM_PROTOCOL",
  },
  PROTOCOL_ERROR: {
    error: constants.NGHTTP2_PROTOCOL_ERROR,
    code: Code.INTERNAL,
    reason: "UPSTREAM_PROTOCOL",
  },
  CANCEL: { error: constants.NGHTTP2_CANCEL, code: Code.CANCELLED, reason: "UPSTREAM_PROTOCOL" },
  ENHANCE_YOUR_CALM: {
    error: constants.NGHTTP2_ENHANCE_YOUR_CALM,
    code: Code.RESOURCE_EXHAUSTED,
    reason: "UPSTREAM_PROTOCOL",
  },
};

export function describeReplies(subject: Subject): void {
  describe(`${subject.factory.name}: replies`, () => {
    let server: Http2Server;
    let channel: Channel;
    let current: ReplyCase["reply"] = () => undefined;

    before(async () => {
      server = await startHttp2Server((stream, headers) => current(stream, headers));
      channel = connect(subject, [server.address]);
    });

    after(async () => {
      await server.close();
      await channel.close();
    });

    for (const [name, expected] of Object.entries(CASES)) {
      test(name, { skip: skipOf(subject, name) }, async () => {
        current = expected.reply;
        const { status, recorder } = await unary(channel, "/test.Raw/Call");
        assert.equal(status.code, expected.code, status.message);
        assert.equal(status.reason, expected.reason, status.message);
        assert.equal(status.origin, expected.reason === undefined ? "upstream" : "gateway");
        if (typeof expected.message === "string") assert.equal(status.message, expected.message);
        if (expected.message instanceof RegExp) assert.match(status.message, expected.message);
        assert.doesNotMatch(status.message, /\n|node_modules|RST_STREAM|grpc-js/);
        if (expected.messages !== undefined) {
          assert.deepEqual(
            recorder.messages.map((message) => Buffer.from(message).toString()),
            expected.messages,
          );
        }
        assert.equal(recorder.outcomes.length, 1);
      });
    }

    for (const [name, { error, code, reason }] of Object.entries(RESETS)) {
      test(`a reset with ${name}`, async () => {
        current = (stream) => {
          stream.respond(GRPC);
          stream.close(error);
        };
        const recorder = new CallRecorder();
        // Not half-closed: node:http2 ends its side before it resets, and that alone would end a half-closed stream.
        channel.open("/test.Raw/Call", [], PATIENCE_MS, recorder);
        const { status } = await recorder.ended;
        assert.equal(status.code, code, status.message);
        assert.equal(status.reason, reason);
        assert.match(status.message, /reset the call/);
      });
    }

    test("details that agree with the status are taken, and are not in the trailers", async () => {
      current = trailersOnly({
        "grpc-status": "9",
        "grpc-message": "from%20message",
        "grpc-status-details-bin": details(9),
      });
      const { status, trailers } = await unary(channel, "/test.Raw/Call");
      assert.equal(status.code, Code.FAILED_PRECONDITION);
      assert.equal(status.message, "from details");
      assert.deepEqual(
        status.details.map(({ typeUrl }) => typeUrl),
        ["type.googleapis.com/google.rpc.ErrorInfo"],
      );
      assert.deepEqual(valuesOf(trailers, "grpc-status-details-bin"), []);
    });

    for (const [name, value] of Object.entries({
      "of another code": details(5),
      "that do not decode": "////",
    })) {
      test(`details ${name} are left aside`, async () => {
        current = reply([], {
          "grpc-status": "9",
          "grpc-message": "from message",
          "grpc-status-details-bin": value,
        });
        const { status, trailers } = await unary(channel, "/test.Raw/Call");
        assert.equal(status.message, "from message");
        assert.deepEqual(status.details, []);
        assert.deepEqual(valuesOf(trailers, "grpc-status-details-bin"), []);
      });
    }

    test("the remaining time goes upstream as grpc-timeout; Infinity sends none", async () => {
      const timeouts: (string | undefined)[] = [];
      current = (stream, headers) => {
        timeouts.push(headers["grpc-timeout"]?.toString());
        reply([], { "grpc-status": "0" })(stream, headers);
      };
      await unary(channel, "/test.Raw/Call", Buffer.from("x"), [], 5000);
      await unary(channel, "/test.Raw/Call", Buffer.from("x"), [], Number.POSITIVE_INFINITY);
      const ms = Number(/^(\d+)m$/.exec(timeouts[0] ?? "")?.[1]);
      assert.ok(ms > 0 && ms <= 5000, `grpc-timeout: ${timeouts[0]}`);
      assert.equal(timeouts[1], undefined);
    });

    test("an upstream that never answers is ended by the deadline", async () => {
      current = () => undefined;
      const { status } = await unary(channel, "/test.Raw/Call", Buffer.from("x"), [], 30);
      assert.equal(status.reason, "DEADLINE");
    });

    test("an upstream that stops in the middle of a message is ended by the deadline", async () => {
      current = (stream) => {
        stream.respond(GRPC);
        stream.write(frame(Buffer.from("half")).subarray(0, 7));
      };
      const { status, recorder } = await unary(channel, "/test.Raw/Call", Buffer.from("x"), [], 50);
      assert.equal(status.reason, "DEADLINE");
      assert.deepEqual(recorder.messages, []);
    });

    test("a call refused by a GOAWAY is sent again on a new connection", async () => {
      let calls = 0;
      current = (stream, headers) => {
        calls++;
        if (calls === 1) {
          stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 0);
          stream.close(constants.NGHTTP2_REFUSED_STREAM);
          return;
        }
        reply(["again"], { "grpc-status": "0" })(stream, headers);
      };
      const { status, recorder } = await unary(channel, "/test.Raw/Call");
      assert.equal(status.code, Code.OK, status.message);
      assert.equal(calls, 2);
      assert.deepEqual(recorder.messages.map(String), [String(Buffer.from("again"))]);
    });

    const early = "a call cancelled in the tick of its opening leaves nothing open upstream";
    test(early, { timeout: PATIENCE_MS, skip: skipOf(subject, early) }, async () => {
      const answer = reply([], { "grpc-status": "0" });
      current = answer;
      await unary(channel, "/test.Raw/Call");
      const held: ServerHttp2Stream[] = [];
      current = (stream, headers) => {
        if (headers[":path"] === "/test.Raw/Cancelled") held.push(stream);
        else answer(stream, headers);
      };
      const recorder = new CallRecorder();
      const call = channel.open("/test.Raw/Cancelled", [], Number.POSITIVE_INFINITY, recorder);
      call.cancel(gatewayStatus("CLIENT_GONE", "gone"));
      assert.equal((await recorder.ended).status.reason, "CLIENT_GONE");
      // It comes after the other on the same connection; had that one been sent, it would be here by now.
      await unary(channel, "/test.Raw/Call");
      for (const stream of held) if (!stream.closed) await once(stream, "close");
      assert.equal(recorder.outcomes.length, 1);
    });

    const order = "messages before an error status are all delivered";
    test(order, { skip: skipOf(subject, order) }, async () => {
      current = reply(["1", "2", "3"], { "grpc-status": "10" });
      const { status, recorder } = await unary(channel, "/test.Raw/Call");
      assert.equal(status.code, Code.ABORTED);
      assert.equal(recorder.messages.length, 3);
    });
  });
}
