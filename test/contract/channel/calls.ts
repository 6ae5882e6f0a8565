/** The channel contract, part one: calls of every kind against a gRPC server that behaves. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { Code, gatewayStatus } from "../../../src/status/index.ts";
import type { Channel } from "../../../src/upstream/index.ts";
import { CallRecorder, valuesOf } from "../../support/grpc-recorder.ts";
import type { ContractServer, ServerKind } from "./servers.ts";
import { connect, LIMIT_BYTES, PATIENCE_MS, type Subject, skipOf, unary } from "./subject.ts";

export function describeCalls(subject: Subject, kind: ServerKind): void {
  describe(`${subject.factory.name}: calls to ${kind.name}`, () => {
    let server: ContractServer;
    let channel: Channel;

    before(async () => {
      server = await kind.start();
      channel = connect(subject, [server.address]);
    });

    after(async () => {
      await server.close();
      await channel.close();
    });

    /** Resolves when the server has seen the cancellation of the call with this `x-id`. */
    const cancelled = async (id: string): Promise<void> => {
      const { status } = await unary(channel, "/test.Control/Cancelled", Buffer.from(id));
      assert.equal(status.code, Code.OK, status.message);
    };

    test("a unary call gives headers, one message and OK, in this order", async () => {
      const { recorder, status } = await unary(channel, "/test.Bytes/Echo", Buffer.from([1, 2, 3]));
      assert.deepEqual(recorder.events, ["headers", "message", "status"]);
      assert.deepEqual([...(recorder.messages[0] ?? [])], [1, 2, 3]);
      assert.equal(status.code, Code.OK);
      assert.equal(status.origin, "upstream");
    });

    test("an empty message is a message", async () => {
      const { recorder } = await unary(channel, "/test.Bytes/Echo", new Uint8Array(0));
      assert.deepEqual(
        recorder.messages.map((message) => message.length),
        [0],
      );
    });

    test("a view into a larger buffer sends its own bytes only", async () => {
      const { recorder } = await unary(
        channel,
        "/test.Bytes/Echo",
        new Uint8Array([9, 1, 2, 9]).subarray(1, 3),
      );
      assert.deepEqual([...(recorder.messages[0] ?? [])], [1, 2]);
    });

    test("a server stream arrives whole and in order", async () => {
      const { recorder } = await unary(channel, "/test.Bytes/Count", Buffer.from("200"));
      const texts = recorder.messages.map((message) => Buffer.from(message).toString());
      assert.deepEqual(
        texts,
        Array.from({ length: 200 }, (_, i) => String(i)),
      );
    });

    test("a client stream of many messages and the half-close at once arrives whole", async () => {
      const recorder = new CallRecorder();
      const call = channel.open("/test.Bytes/Join", [], PATIENCE_MS, recorder);
      for (let i = 0; i < 300; i++) call.send(Buffer.alloc(1000));
      call.halfClose();
      await recorder.ended;
      assert.equal(Buffer.from(recorder.messages[0] ?? []).toString(), "300:300000");
    });

    test("a bidirectional stream answers message by message", async () => {
      const recorder = new CallRecorder();
      const call = channel.open("/test.Bytes/Echo", [], PATIENCE_MS, recorder);
      for (let i = 1; i <= 5; i++) {
        call.send(Buffer.from([i]));
        await recorder.heard("message", i);
      }
      call.halfClose();
      assert.equal((await recorder.ended).status.code, Code.OK);
      assert.deepEqual(
        recorder.messages.map((message) => message[0]),
        [1, 2, 3, 4, 5],
      );
    });

    test("a held message stops the upstream until resume", async () => {
      const recorder = new CallRecorder("held");
      const call = channel.open("/test.Bytes/Count", [], PATIENCE_MS, recorder);
      call.send(Buffer.from("3"));
      call.halfClose();
      await recorder.heard("message", 1);
      // Another call on the same connection gets through meanwhile, so silence here is not mere slowness.
      await unary(channel, "/test.Bytes/Echo");
      assert.equal(recorder.messages.length, 1);
      call.resume();
      await recorder.heard("message", 2);
      recorder.flowing = true;
      call.resume();
      assert.equal((await recorder.ended).status.code, Code.OK);
      assert.equal(recorder.messages.length, 3);
    });

    test("a flood that is held does not grow without bound, and cancel reaches the upstream", async () => {
      const recorder = new CallRecorder("held");
      const call = channel.open("/test.Bytes/Flood", ["x-id", "flood"], PATIENCE_MS, recorder);
      call.send(Buffer.from("go"));
      await recorder.heard("message");
      await unary(channel, "/test.Bytes/Echo");
      assert.equal(recorder.messages.length, 1);
      call.cancel(gatewayStatus("CLIENT_GONE", "the client went away"));
      await cancelled("flood");
      assert.equal((await recorder.ended).status.reason, "CLIENT_GONE");
    });

    test("a resume from within onMessage counts", async () => {
      const recorder = new CallRecorder("held");
      const call = channel.open("/test.Bytes/Count", [], PATIENCE_MS, {
        onHeaders: (metadata) => recorder.onHeaders(metadata),
        onMessage: (message) => {
          recorder.onMessage(message);
          call.resume();
          return false;
        },
        onDrain: () => recorder.onDrain(),
        onStatus: (status, trailers) => recorder.onStatus(status, trailers),
      });
      call.send(Buffer.from("10"));
      call.halfClose();
      await recorder.ended;
      assert.equal(recorder.messages.length, 10);
    });

    test("send answers false when the upstream does not read, and onDrain follows when it does", async () => {
      const recorder = new CallRecorder();
      const call = channel.open("/test.Bytes/Slow", ["x-id", "slow"], PATIENCE_MS, recorder);
      const chunk = Buffer.alloc(256 * 1024);
      let sent = 0;
      // Obeys back-pressure: the loop ends at the first false that no drain follows while another call completes.
      for (;;) {
        sent++;
        if (call.send(chunk)) continue;
        const drains = recorder.events.length;
        await unary(channel, "/test.Bytes/Echo");
        if (recorder.events.length === drains) break;
        assert.ok(sent < 100, "the upstream does not read, yet sending never stops");
      }
      const drained = recorder.heard("drain", recorder.events.length + 1);
      await unary(channel, "/test.Control/Release", Buffer.from("slow"));
      await drained;
      call.halfClose();
      assert.equal((await recorder.ended).status.code, Code.OK);
    });

    test("metadata goes both ways: several values, binary in both alphabets", async () => {
      const sent = ["x-a", "1", "x-a", "2", "x-b-bin", "_-8=", "x-b-bin", "+/8", "x-c-bin", "AQ,Ag=="];
      const { recorder, trailers } = await unary(channel, "/test.Bytes/Metadata", Buffer.from(""), sent);
      const seen = seenBy(recorder);
      assert.equal(valuesOf(seen, "x-a").join(", "), "1, 2");
      assert.deepEqual(valuesOf(seen, "x-b-bin"), ["/+8=", "+/8="]);
      assert.deepEqual(valuesOf(seen, "x-c-bin"), ["AQ==", "Ag=="]);
      const [headers = []] = recorder.headers;
      assert.equal(valuesOf(headers, "x-many").join(", "), "one, two");
      assert.deepEqual(valuesOf(headers, "x-raw-bin"), ["//4A"]);
      assert.deepEqual(valuesOf(trailers, "x-late"), ["yes"]);
      assert.deepEqual(valuesOf(trailers, "x-late-bin"), ["AQI="]);
      for (const framing of ["content-type", "grpc-status", "grpc-message", "grpc-encoding"]) {
        assert.deepEqual(valuesOf([...headers, ...trailers], framing), [], framing);
      }
    });

    test("fields of the transport in the metadata do not disturb the call", async () => {
      const hostile = [
        ["connection", "close"],
        ["transfer-encoding", "chunked"],
        ["content-length", "7"],
        ["content-type", "text/plain"],
        ["te", "gzip"],
        ["host", "evil"],
        [":path", "/evil"],
        ["grpc-timeout", "1n"],
        ["grpc-encoding", "gzip"],
        ["authorization", "a"],
        ["authorization", "b"],
        ["if-none-match", '"x"'],
        ["if-none-match", '"y"'],
      ].flat();
      const { status, recorder } = await unary(channel, "/test.Bytes/Metadata", Buffer.from("x"), hostile);
      assert.equal(status.code, Code.OK);
      const seen = seenBy(recorder);
      assert.deepEqual(valuesOf(seen, "authorization"), ["a, b"]);
      assert.deepEqual(valuesOf(seen, "if-none-match"), ['"x", "y"']);
    });

    for (const [name, metadata] of Object.entries({
      "a line break in a value": ["x-a", "1\r\nx-b: 2"],
      "a value outside ASCII": ["x-a", "é"],
      "a space in a name": ["x a", "1"],
      "a colon in a name": ["x:a", "1"],
      "an empty name": ["", "1"],
      "a name that is special to objects": ["__proto__", "1"],
      "binary metadata that is not base64": ["x-bin", "a*b="],
      "binary metadata of an impossible length": ["x-bin", "AAAAA"],
    })) {
      test(`${name} ends the call as HEADER_INVALID, after open has returned`, async () => {
        const recorder = new CallRecorder();
        channel.open("/test.Bytes/Echo", metadata, PATIENCE_MS, recorder);
        assert.deepEqual(recorder.events, []);
        const { status } = await recorder.ended;
        assert.equal(status.reason, "HEADER_INVALID");
        assert.equal(status.code, Code.INVALID_ARGUMENT);
      });
    }

    test("a status of the upstream keeps code, message and trailers", async () => {
      const { status, trailers } = await unary(channel, "/test.Bytes/Fail");
      assert.deepEqual(
        { code: status.code, message: status.message, origin: status.origin, reason: status.reason },
        { code: Code.NOT_FOUND, message: "no such bök: 100% %2F", origin: "upstream", reason: undefined },
      );
      assert.deepEqual(valuesOf(trailers, "x-why"), ["because"]);
    });

    test("an error after messages comes after them", async () => {
      const recorder = new CallRecorder();
      const call = channel.open("/test.Bytes/FailLate", [], PATIENCE_MS, recorder);
      await recorder.heard("message");
      call.send(Buffer.from("go on"));
      assert.equal((await recorder.ended).status.code, Code.ABORTED);
      assert.deepEqual(recorder.events, ["headers", "message", "status"]);
    });

    test("a method that the upstream lacks is the upstream's UNIMPLEMENTED", async () => {
      const { status } = await unary(channel, "/test.Bytes/Nope");
      assert.equal(status.code, Code.UNIMPLEMENTED);
      assert.equal(status.origin, "upstream");
    });

    for (const deadlineMs of [30, 0, -5]) {
      test(`a deadline of ${deadlineMs} ms ends a call that is not answered`, async () => {
        const { status, recorder } = await unary(
          channel,
          "/test.Bytes/Hang",
          Buffer.from("x"),
          [],
          deadlineMs,
        );
        assert.equal(status.reason, "DEADLINE");
        assert.equal(status.code, Code.DEADLINE_EXCEEDED);
        assert.equal(recorder.outcomes.length, 1);
      });
    }

    test("cancel gives the listener that status once, and reaches the upstream", async () => {
      const recorder = new CallRecorder();
      const call = channel.open("/test.Bytes/Hang", ["x-id", "hang"], PATIENCE_MS, recorder);
      call.send(Buffer.from("x"));
      await unary(channel, "/test.Bytes/Echo");
      call.cancel(gatewayStatus("CLIENT_GONE", "gone"));
      call.cancel(gatewayStatus("INTERNAL", "again"));
      call.send(Buffer.from("late"));
      call.halfClose();
      call.resume();
      await cancelled("hang");
      assert.deepEqual(
        recorder.outcomes.map(({ status }) => status.reason),
        ["CLIENT_GONE"],
      );
    });

    test("a request message over the limit is refused before it is sent", async () => {
      const { status } = await unary(channel, "/test.Bytes/Join", Buffer.alloc(LIMIT_BYTES + 1));
      assert.equal(status.reason, "BODY_TOO_LARGE");
    });

    test("messages of exactly the limit pass in both directions", async () => {
      const { status, recorder } = await unary(channel, "/test.Bytes/Echo", Buffer.alloc(LIMIT_BYTES, 7));
      assert.equal(status.code, Code.OK);
      assert.equal(recorder.messages[0]?.length, LIMIT_BYTES);
    });

    test("a reply over the limit is UPSTREAM_REPLY_TOO_LARGE", async () => {
      const small = connect(subject, [server.address], { maxReceiveMessageBytes: 1000 });
      const { status } = await unary(small, "/test.Bytes/Echo", Buffer.alloc(1001));
      assert.equal(status.reason, "UPSTREAM_REPLY_TOO_LARGE");
      await small.close();
    });

    const faults = "a listener that throws ends its call, not the process";
    test(faults, { skip: skipOf(subject, faults) }, async () => {
      const warned = once(process, "warning");
      const recorder = new CallRecorder();
      const call = channel.open("/test.Bytes/Echo", [], PATIENCE_MS, {
        onHeaders: () => undefined,
        onMessage: () => {
          throw new Error("a fault of the listener");
        },
        onDrain: () => undefined,
        onStatus: (status, trailers) => recorder.onStatus(status, trailers),
      });
      call.send(Buffer.from("x"));
      assert.equal((await recorder.ended).status.reason, "INTERNAL");
      assert.match(String(await warned), /a fault of the listener/);
    });

    test("close lets calls in flight end and refuses new ones", async () => {
      const closing = connect(subject, [server.address]);
      const recorder = new CallRecorder();
      const call = closing.open("/test.Bytes/Echo", [], PATIENCE_MS, recorder);
      call.send(Buffer.from("1"));
      await recorder.heard("message", 1);
      const closed = closing.close();
      const refused = await unary(closing, "/test.Bytes/Echo");
      assert.equal(refused.status.reason, "UPSTREAM_UNREACHABLE");
      call.send(Buffer.from("2"));
      await recorder.heard("message", 2);
      call.halfClose();
      assert.equal((await recorder.ended).status.code, Code.OK);
      await closed;
      await closing.close();
    });

    test("close waits for who retains the channel, and takes the calls of these", async () => {
      const closing = connect(subject, [server.address]);
      assert.equal((await unary(closing, "/test.Bytes/Echo")).status.code, Code.OK);
      closing.retain();
      let isClosed = false;
      const closed = closing.close().then(() => {
        isClosed = true;
      });
      for (let i = 0; i < 2; i++) {
        assert.equal((await unary(closing, "/test.Bytes/Echo")).status.code, Code.OK);
        assert.equal(isClosed, false);
      }
      closing.release();
      await closed;
      assert.equal((await unary(closing, "/test.Bytes/Echo")).status.reason, "UPSTREAM_UNREACHABLE");
    });
  });
}

/** What the Metadata method answered: the metadata as the server had it. */
function seenBy({ messages: [message = Buffer.alloc(0)] }: CallRecorder): string[] {
  const pairs: unknown = JSON.parse(Buffer.from(message).toString());
  assert.ok(Array.isArray(pairs));
  return pairs.flat().map(String);
}
