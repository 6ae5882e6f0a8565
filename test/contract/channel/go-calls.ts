/** The channel contract, part four: what a grpc-go server does that the others do not, or do otherwise. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Code } from "../../../src/status/index.ts";
import type { Channel, ChannelOptions } from "../../../src/upstream/index.ts";
import { CallRecorder } from "../../support/grpc-recorder.ts";
import { credentialsOf } from "../../support/tls.ts";
import { startGoServer } from "./go-server.ts";
import { connect, PATIENCE_MS, type Subject, unary } from "./subject.ts";

const TLS = "test/fixtures/tls";
const LARGE_BYTES: number = 16 * 1024 * 1024;

interface Session {
  readonly channel: Channel;
  /** An OK reply of one message, as text. */
  readonly ask: (path: string, message?: string, deadlineMs?: number) => Promise<string>;
}

export function describeGoCalls(subject: Subject, binary: string): void {
  /** Runs `use` with a server of its own. */
  const withServer = async (
    flags: readonly string[],
    use: (session: Session) => Promise<void>,
    options: Partial<ChannelOptions> = {},
  ): Promise<void> => {
    const server = await startGoServer(binary, flags);
    const channel = connect(subject, [server.address], options);
    try {
      await use({ channel, ask: (...rest) => ask(channel, ...rest) });
    } finally {
      await server.close();
      await channel.close();
    }
  };

  describe(`${subject.factory.name}: a grpc-go server`, { timeout: 60_000 }, () => {
    test("a graceful stop lets calls under way end and takes no new ones", async () => {
      await withServer([], async ({ channel, ask }) => {
        const recorder = new CallRecorder();
        const call = channel.open("/test.Bytes/Echo", [], PATIENCE_MS, recorder);
        call.send(Buffer.from("1"));
        await recorder.heard("message", 1);
        assert.equal(await ask("/test.Go/GracefulStop"), "stopping");
        let { status } = await unary(channel, "/test.Bytes/Echo");
        while (status.code === Code.OK) ({ status } = await unary(channel, "/test.Bytes/Echo"));
        assert.equal(status.reason, "UPSTREAM_UNREACHABLE", status.message);
        call.send(Buffer.from("2"));
        await recorder.heard("message", 2);
        call.halfClose();
        assert.equal((await recorder.ended).status.code, Code.OK);
      });
    });

    test("a graceful stop of one of two servers under load fails no call", async () => {
      const [leaving, staying] = await Promise.all([startGoServer(binary), startGoServer(binary)]);
      const channel = connect(subject, [leaving.address, staying.address]);
      const control = connect(subject, [leaving.address]);
      await inParallel(8, 100, async (_, calls) => {
        if (calls === 200) await ask(control, "/test.Go/GracefulStop");
        await ask(channel, "/test.Bytes/Echo");
      });
      await leaving.close();
      await staying.close();
      await Promise.all([channel.close(), control.close()]);
    });

    test("calls beyond MAX_CONCURRENT_STREAMS wait their turn", async () => {
      await withServer(["-max-concurrent-streams", "2"], async ({ ask }) => {
        const answers = await Promise.all(Array.from({ length: 100 }, () => ask("/test.Go/After", "1")));
        assert.deepEqual(new Set(answers), new Set(["answer"]));
      });
    });

    test("connections that the server ends for their age fail no call", async () => {
      await withServer(["-max-connection-age", "60ms"], async ({ ask }) => {
        const peers = new Set<string>();
        while (peers.size < 4) {
          const seen = await Promise.all(Array.from({ length: 8 }, () => ask("/test.Go/Peer")));
          for (const peer of seen) peers.add(peer);
        }
      });
    });

    test("a call that outlives the grace of its aged connection is cut, and no other", async () => {
      const flags = ["-max-connection-age", "30ms", "-max-connection-age-grace", "500ms"];
      await withServer(flags, async ({ channel, ask }) => {
        const hanging = new CallRecorder();
        channel.open("/test.Bytes/Hang", [], PATIENCE_MS, hanging).send(Buffer.from("x"));
        while (hanging.outcomes.length === 0) await ask("/test.Bytes/Echo");
        const { status } = await hanging.ended;
        assert.ok(status.code === Code.UNAVAILABLE || status.code === Code.CANCELLED, status.message);
        assert.equal(status.origin, "gateway");
      });
    });

    test("gzip replies are read", async () => {
      await withServer([], async ({ ask }) => {
        for (const text of ["", "short", "long ".repeat(200_000)]) {
          assert.equal(await ask("/test.Go/Gzip", text), text);
        }
      });
    });

    test("messages of 16 MiB pass in both directions", async () => {
      const limits = { maxReceiveMessageBytes: LARGE_BYTES, maxSendMessageBytes: LARGE_BYTES };
      await withServer(
        [],
        async ({ channel }) => {
          const message = Buffer.alloc(LARGE_BYTES, "0123456789abcdef!");
          const { status, recorder } = await unary(channel, "/test.Bytes/Echo", message);
          assert.equal(status.code, Code.OK, status.message);
          assert.ok(message.equals(recorder.messages[0] ?? Buffer.alloc(0)));
        },
        limits,
      );
    });

    test("the remaining time reaches the server", async () => {
      await withServer([], async ({ ask }) => {
        const remainingMs = Number(await ask("/test.Go/Remaining", "", 5000));
        assert.ok(remainingMs > 1000 && remainingMs <= 5000, String(remainingMs));
        assert.equal(await ask("/test.Go/Remaining", "", Number.POSITIVE_INFINITY), "none");
      });
    });

    test("a deadline that the server sees first is a deadline", async () => {
      await withServer([], async ({ channel }) => {
        for (let i = 0; i < 20; i++) {
          const { status } = await unary(channel, "/test.Bytes/Hang", Buffer.from("x"), [], 10);
          assert.equal(status.reason, "DEADLINE", status.message);
        }
      });
    });

    test("status details arrive", async () => {
      await withServer([], async ({ channel }) => {
        const { status } = await unary(channel, "/test.Go/Details");
        assert.equal(status.code, Code.FAILED_PRECONDITION);
        assert.equal(status.message, "not yet");
        assert.deepEqual(
          status.details.map(({ typeUrl }) => typeUrl),
          ["type.googleapis.com/google.rpc.ErrorInfo"],
        );
      });
    });

    test("a thousand streams at once keep their messages apart", async () => {
      await withServer([], async ({ channel }) => {
        const calls = Array.from({ length: 1000 }, () => {
          const recorder = new CallRecorder();
          return { recorder, call: channel.open("/test.Bytes/Echo", [], PATIENCE_MS, recorder) };
        });
        for (const round of ["a", "b"]) {
          for (const [i, { call }] of calls.entries()) call.send(Buffer.from(`${i}${round}`));
        }
        await Promise.all(calls.map(({ recorder }) => recorder.heard("message", 2)));
        for (const [i, { call, recorder }] of calls.entries()) {
          call.halfClose();
          assert.equal((await recorder.ended).status.code, Code.OK);
          assert.deepEqual(
            recorder.messages.map((message) => Buffer.from(message).toString()),
            [`${i}a`, `${i}b`],
          );
        }
      });
    });

    test("TLS with Go's own stack", async () => {
      const flags = ["-certificate", `${TLS}/server.pem`, "-key", `${TLS}/server.key`];
      const caPem = readFileSync(`${TLS}/ca.pem`, "utf8");
      await withServer(
        flags,
        async ({ ask }) => {
          assert.equal(await ask("/test.Bytes/Echo", "secret"), "secret");
        },
        { tls: { credentials: credentialsOf({ caPem, identity: undefined }), serverName: "upstream.test" } },
      );
    });
  });
}

/** The text of an OK reply. */
export async function ask(
  channel: Channel,
  path: string,
  message = "ping",
  deadlineMs: number = PATIENCE_MS,
): Promise<string> {
  const { status, recorder } = await unary(channel, path, Buffer.from(message), [], deadlineMs);
  assert.equal(status.code, Code.OK, status.message);
  return Buffer.from(recorder.messages[0] ?? []).toString();
}

/** Runs `each` `rounds` times in each of `workers` loops; it is told how many runs began before, in all loops. */
async function inParallel(
  workers: number,
  rounds: number,
  each: (worker: number, before: number) => Promise<void>,
): Promise<void> {
  let before = 0;
  const loop = async (worker: number): Promise<void> => {
    for (let i = 0; i < rounds; i++) await each(worker, before++);
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => loop(worker)));
}
