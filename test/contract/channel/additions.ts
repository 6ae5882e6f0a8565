/** The channel contract, part five: what a channel adds to its calls: authority, metadata, compression. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { describe, type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Code, gatewayStatus } from "../../../src/status/index.ts";
import type { Channel, ChannelOptions, Metadata } from "../../../src/upstream/index.ts";
import { frame, startHttp2Server } from "../../support/grpc-http2.ts";
import { CallRecorder } from "../../support/grpc-recorder.ts";
import { credentialsOf, tlsMaterial } from "../../support/tls.ts";
import { TlsUpstream } from "../../support/tls-upstream.ts";
import { connect, PATIENCE_MS, type Subject, unary } from "./subject.ts";

const PATH = "/test.Additions/Call";

/** One message as it stood on the wire. */
interface Sent {
  readonly flag: number;
  readonly bytes: Buffer;
}

interface Seen {
  readonly headers: IncomingHttpHeaders;
  readonly messages: readonly Sent[];
}

type Answer = (stream: ServerHttp2Stream, seen: Seen) => void;

function messagesOf(body: Buffer): readonly Sent[] {
  const messages: Sent[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    messages.push({ flag: body.readUInt8(at), bytes: body.subarray(at + 5, end) });
    at = end;
  }
  return messages;
}

const answerOk: Answer = (stream) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frame(Buffer.from("pong")));
};

/** A trailers-only reply. */
function answerWith(trailers: Readonly<Record<string, string>>): Answer {
  return (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
  };
}

async function start(
  t: TestContext,
  subject: Subject,
  options: Partial<ChannelOptions>,
  answer: Answer = answerOk,
): Promise<{ readonly channel: Channel; readonly seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const server = await startHttp2Server((stream, headers) => {
    const parts: Buffer[] = [];
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => {
      const call = { headers, messages: messagesOf(Buffer.concat(parts)) };
      seen.push(call);
      answer(stream, call);
    });
  });
  const channel = connect(subject, [server.address], options);
  t.after(async () => {
    await channel.close();
    await server.close();
  });
  return { channel, seen };
}

/** Sends all of `messages` as fast as the call takes them. */
async function stream(channel: Channel, messages: readonly Uint8Array[]): Promise<CallRecorder> {
  const recorder = new CallRecorder();
  const call = channel.open(PATH, [], PATIENCE_MS, recorder);
  let drains = 0;
  for (const message of messages) if (!call.send(message)) await recorder.heard("drain", ++drains);
  call.halfClose();
  await recorder.ended;
  return recorder;
}

export function describeAdditions(subject: Subject): void {
  describe(`${subject.factory.name}: authority`, () => {
    test("is what the options say", async (t) => {
      const { channel, seen } = await start(t, subject, { authority: "books.internal:8443" });
      assert.equal((await unary(channel, PATH)).status.code, Code.OK);
      assert.equal(seen[0]?.headers[":authority"], "books.internal:8443");
    });

    test("is not the name that TLS expects", async (t) => {
      const server = await TlsUpstream.start();
      const channel = connect(subject, [server.address], {
        authority: "books.internal",
        tls: { credentials: credentialsOf(tlsMaterial()), serverName: "upstream.test" },
      });
      t.after(async () => {
        await channel.close();
        await server.close();
      });
      const { status } = await unary(channel, PATH);
      assert.equal(status.code, Code.OK, status.message);
      assert.deepEqual(server.authorities, ["books.internal"]);
    });
  });

  describe(`${subject.factory.name}: default metadata`, () => {
    const metadata: Metadata = ["x-tenant", "acme", "authorization", "Bearer abc", "x-key-bin", "_-8=,AQI"];

    test("goes with every call, and wins over the call's own of the same names", async (t) => {
      const { channel, seen } = await start(t, subject, { metadata });
      for (const own of [
        [],
        ["x-tenant", "other", "authorization", "Basic x", "x-key-bin", "AAAA", "x-own", "1"],
      ]) {
        assert.equal((await unary(channel, PATH, Buffer.from("x"), own)).status.code, Code.OK);
      }
      for (const [i, own] of [undefined, "1"].entries()) {
        const headers = seen[i]?.headers;
        assert.equal(headers?.["x-tenant"], "acme");
        assert.equal(headers?.authorization, "Bearer abc");
        assert.equal(headers?.["x-own"], own);
        const key = String(headers?.["x-key-bin"]);
        assert.deepEqual(
          key.split(",").map((part) => Buffer.from(part, "base64").toString("hex")),
          ["ffef", "0102"],
        );
      }
    });

    for (const list of [
      ["X-A", "b"],
      ["a b", "c"],
      ["te", "x"],
      ["x-a", "\u00e9"],
      ["x-a-bin", "!"],
    ]) {
      test(`${JSON.stringify(list)} is refused at once, without its value`, () => {
        assert.throws(
          () => connect(subject, ["localhost:1"], { metadata: list }),
          (error: Error) =>
            error.message.includes(String(list[0])) && !error.message.includes(`"${list[1]}"`),
        );
      });
    }
  });

  describe(`${subject.factory.name}: compression of requests`, () => {
    const gzip = { requestCompression: "gzip" } as const;
    const long = Buffer.alloc(2000, "sluice ");
    const tooShort = Buffer.alloc(1023, "sluice ");

    test("messages from 1 KiB on are compressed, shorter ones are not", async (t) => {
      const { channel, seen } = await start(t, subject, gzip);
      const recorder = await stream(channel, [long, tooShort, Buffer.alloc(0)]);
      assert.equal(recorder.outcomes[0]?.status.code, Code.OK);
      assert.equal(seen[0]?.headers["grpc-encoding"], "gzip");
      const [first, ...others] = seen[0]?.messages ?? [];
      assert.equal(first?.flag, 1);
      assert.deepEqual(gunzipSync(first?.bytes ?? ""), long);
      assert.deepEqual(
        others.map(({ flag, bytes }) => [flag, bytes]),
        [
          [0, tooShort],
          [0, Buffer.alloc(0)],
        ],
      );
    });

    test("messages of every length keep their order", async (t) => {
      const { channel, seen } = await start(t, subject, { ...gzip, maxSendMessageBytes: 1e6 });
      const lengths = [10, 300_000, 5000, 70_000, 0, 65_536, 65_537, 1024, 200_000, 3];
      const messages = lengths.map((length, i) => Buffer.alloc(length, `message ${i} `));
      const recorder = await stream(channel, messages);
      assert.equal(recorder.outcomes[0]?.status.code, Code.OK);
      const arrived = seen[0]?.messages.map(({ flag, bytes }) => (flag === 1 ? gunzipSync(bytes) : bytes));
      assert.deepEqual(arrived, messages);
    });

    test("a call that is cancelled while a message is being compressed ends once", async (t) => {
      const { channel } = await start(t, subject, gzip);
      const recorder = new CallRecorder();
      const call = channel.open(PATH, [], PATIENCE_MS, recorder);
      call.send(Buffer.alloc(1_000_000, "sluice "));
      call.halfClose();
      call.cancel(gatewayStatus("CLIENT_GONE", "gone"));
      await recorder.ended;
      assert.equal((await unary(channel, PATH)).status.code, Code.OK);
      assert.equal(recorder.outcomes.length, 1);
    });

    test("without it nothing is said of compression, and nothing compressed", async (t) => {
      const { channel, seen } = await start(t, subject, {});
      await stream(channel, [long]);
      assert.equal(seen[0]?.headers["grpc-encoding"], undefined);
      assert.equal(seen[0]?.messages[0]?.flag, 0);
    });

    const refusals: Readonly<Record<string, Answer>> = {
      "names other encodings": answerWith({
        "grpc-status": "12",
        "grpc-accept-encoding": "identity, zstd",
      }),
      "is UNIMPLEMENTED without a word of encodings": answerWith({ "grpc-status": "12" }),
    };
    for (const [name, refuse] of Object.entries(refusals)) {
      test(`a refusal that ${name} fails its call; later calls go uncompressed`, async (t) => {
        const { channel, seen } = await start(t, subject, gzip, (reply, call) => {
          if (call.headers["grpc-encoding"] === "gzip") refuse(reply, call);
          else answerOk(reply, call);
        });
        assert.equal((await unary(channel, PATH, long)).status.code, Code.UNIMPLEMENTED);
        for (let i = 0; i < 2; i++) assert.equal((await unary(channel, PATH, long)).status.code, Code.OK);
        assert.deepEqual(
          seen.map(({ headers, messages }) => [headers["grpc-encoding"], messages[0]?.flag]),
          [
            ["gzip", 1],
            [undefined, 0],
            [undefined, 0],
          ],
        );
      });
    }

    test("a method that an upstream with gzip lacks is not taken for a refusal", async (t) => {
      const { channel, seen } = await start(t, subject, gzip, (reply, call) => {
        const isLacking = seen.length === 2;
        if (isLacking) answerWith({ "grpc-status": "12" })(reply, call);
        else answerOk(reply, call);
      });
      const codes: number[] = [];
      for (let i = 0; i < 3; i++) codes.push((await unary(channel, PATH, long)).status.code);
      assert.deepEqual(codes, [Code.OK, Code.UNIMPLEMENTED, Code.OK]);
      assert.ok(seen.every(({ headers }) => headers["grpc-encoding"] === "gzip"));
    });

    test("what does not shrink is not sent longer than it is", async (t) => {
      const { channel, seen } = await start(t, subject, gzip);
      const noise = randomBytes(5000);
      await stream(channel, [noise]);
      const [message] = seen[0]?.messages ?? [];
      assert.ok(message !== undefined);
      assert.deepEqual(message.flag === 1 ? gunzipSync(message.bytes) : message.bytes, noise);
      if (subject.factory.name === "http2") assert.equal(message.flag, 0);
    });
  });
}
