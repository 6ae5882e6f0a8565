/** The channel contract, part three: addresses, TLS, and upstreams that are not there. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ServerCredentials } from "@grpc/grpc-js";
import { Code, StatusError } from "../../../src/status/index.ts";
import type { Channel } from "../../../src/upstream/index.ts";
import { CallRecorder } from "../../support/grpc-recorder.ts";
import { type BytesHandler, startBytesServer } from "../../support/grpc-server.ts";
import { connect, PATIENCE_MS, type Subject, unary } from "./subject.ts";

const TLS = "test/fixtures/tls";

function answering(text: string): Record<string, BytesHandler> {
  return {
    "/test.Who/Am": (stream) => {
      stream.on("data", () => undefined);
      stream.on("end", () => {
        stream.write(Buffer.from(text));
        stream.end();
      });
    },
  };
}

async function whoAnswers(channel: Channel): Promise<string> {
  const { status, recorder } = await unary(channel, "/test.Who/Am");
  assert.equal(status.code, Code.OK, status.message);
  return Buffer.from(recorder.messages[0] ?? []).toString();
}

/** A port where nothing listens: it was free a moment ago. */
async function deadPort(): Promise<number> {
  const { server, port } = await listen(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on TCP");
  return { server, port: address.port };
}

export function describeConnections(subject: Subject): void {
  describe(`${subject.factory.name}: connections`, () => {
    test("a refused connection is UPSTREAM_UNREACHABLE and names the address", async () => {
      const port = await deadPort();
      const channel = connect(subject, [`127.0.0.1:${port}`]);
      const { status } = await unary(channel, "/test.Who/Am");
      assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
      assert.equal(status.message, `upstream 127.0.0.1:${port} cannot be reached: connection refused`);
      await channel.close();
    });

    test("a name that does not resolve is UPSTREAM_UNREACHABLE", async () => {
      const channel = connect(subject, ["no-such-host.invalid:443"]);
      const { status } = await unary(channel, "/test.Who/Am");
      assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
      assert.match(status.message, /^upstream no-such-host\.invalid:443 cannot be reached: /);
      await channel.close();
    });

    test("an upstream that accepts and says nothing is ended by the deadline", async () => {
      const sockets: Socket[] = [];
      const { server, port } = await listen((socket) => sockets.push(socket));
      const channel = connect(subject, [`127.0.0.1:${port}`]);
      const { status } = await unary(channel, "/test.Who/Am", Buffer.from("x"), [], 80);
      assert.equal(status.reason, "DEADLINE");
      for (const socket of sockets) socket.destroy();
      server.close();
      await channel.close();
    });

    for (const [name, greeting] of Object.entries({
      "HTTP/1.1": "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      "something else": "220 mail.example ESMTP\r\n",
    })) {
      test(`an upstream that speaks ${name} is UPSTREAM_UNREACHABLE`, async () => {
        const { server, port } = await listen((socket) => socket.end(greeting));
        const channel = connect(subject, [`127.0.0.1:${port}`]);
        const { status } = await unary(channel, "/test.Who/Am");
        assert.equal(status.reason, "UPSTREAM_UNREACHABLE", status.message);
        assert.doesNotMatch(status.message, /\n|ERR_|errno/);
        server.close();
        await channel.close();
      });
    }

    test("a unix socket is reached", async () => {
      const folder = mkdtempSync(join(tmpdir(), "sluice-"));
      const address = `unix:${join(folder, "upstream.sock")}`;
      const server = await startBytesServer(answering("unix"), { bind: address });
      const channel = connect(subject, [address]);
      assert.equal(await whoAnswers(channel), "unix");
      server.close();
      await channel.close();
      rmSync(folder, { recursive: true });
    });

    test("an upstream that restarts is found again", async () => {
      const first = await startBytesServer(answering("first"));
      const channel = connect(subject, [first.address]);
      assert.equal(await whoAnswers(channel), "first");
      first.close();
      const second = await startBytesServer(answering("second"), { bind: first.address });
      let answer = "";
      for (let i = 0; answer !== "second" && i < 1000; i++) {
        const { status, recorder } = await unary(channel, "/test.Who/Am");
        // The first may still answer while its connections close.
        if (status.code === Code.OK) answer = Buffer.from(recorder.messages[0] ?? []).toString();
        else assert.match(status.reason ?? "", /^UPSTREAM_(UNREACHABLE|PROTOCOL)$/);
      }
      assert.equal(answer, "second");
      second.close();
      await channel.close();
    });

    test("calls spread over several addresses, and a dead one fails none of them", async () => {
      const servers = await Promise.all(["a", "b"].map((text) => startBytesServer(answering(text))));
      const dead = `127.0.0.1:${await deadPort()}`;
      const channel = connect(subject, [dead, ...servers.map(({ address }) => address)]);
      const answers = new Set<string>();
      for (let i = 0; answers.size < 2 && i < 1000; i++) answers.add(await whoAnswers(channel));
      assert.deepEqual([...answers].sort(), ["a", "b"]);
      for (const server of servers) server.close();
      await channel.close();
    });

    test("when one of several upstreams dies, calls go on at the other", async () => {
      const [a, b] = await Promise.all([startBytesServer(answering("a")), startBytesServer(answering("b"))]);
      const channel = connect(subject, [a.address, b.address]);
      await whoAnswers(channel);
      a.close();
      let lost = 0;
      for (let i = 0; i < 20; i++) {
        const { status } = await unary(channel, "/test.Who/Am");
        if (status.code !== Code.OK) lost++;
      }
      // A call may be under way on the connection at the moment that it breaks; no more than that.
      assert.ok(lost <= 1, `${lost} calls failed`);
      b.close();
      await channel.close();
    });

    for (const balancing of ["round_robin", "pick_first"] as const) {
      test(`${balancing} over several addresses, one of them dead, fails no call`, async () => {
        const servers = await Promise.all(["a", "b"].map((text) => startBytesServer(answering(text))));
        const addresses = [`127.0.0.1:${await deadPort()}`, ...servers.map(({ address }) => address)];
        const channel = connect(subject, addresses, { balancing });
        const answers = new Set<string>();
        for (let i = 0; i < 50 || (balancing === "round_robin" && answers.size < 2); i++) {
          answers.add(await whoAnswers(channel));
        }
        assert.equal(answers.size, balancing === "round_robin" ? 2 : 1);
        for (const server of servers) server.close();
        await channel.close();
      });
    }

    test("a name behind dns:/// is looked up, and one of its addresses answers", async () => {
      const server = await startBytesServer(answering("found"));
      const channel = connect(subject, [`dns:///localhost:${server.port}`]);
      assert.equal(await whoAnswers(channel), "found");
      server.close();
      await channel.close();
    });

    test("warm-up connects before the first call, and ends where nothing can be had", async () => {
      const server = await startBytesServer(answering("warm"));
      const channel = connect(subject, [server.address]);
      assert.equal(channel.stats().endpoints[0]?.connections ?? 0, 0);
      await channel.warmUp(PATIENCE_MS);
      const [endpoint] = channel.stats().endpoints;
      assert.deepEqual(
        {
          name: endpoint?.name,
          state: endpoint?.state,
          connections: endpoint?.connections,
          picks: endpoint?.picks,
        },
        { name: server.address, state: "ready", connections: 1, picks: 0 },
      );
      assert.equal(await whoAnswers(channel), "warm");
      assert.equal(channel.stats().endpoints[0]?.picks, 1);
      assert.equal(channel.stats().openCalls, 0);
      server.close();
      await channel.close();

      const away = connect(subject, [`127.0.0.1:${await deadPort()}`]);
      const from = performance.now();
      await away.warmUp(PATIENCE_MS);
      assert.ok(performance.now() - from < PATIENCE_MS);
      assert.notEqual(away.stats().state, "ready");
      await away.close();
    });

    test("warm-up waits no longer than it may for an upstream that says nothing", async () => {
      const sockets: Socket[] = [];
      const { server, port } = await listen((socket) => sockets.push(socket));
      const channel = connect(subject, [`127.0.0.1:${port}`]);
      const from = performance.now();
      await channel.warmUp(50);
      const tookMs = performance.now() - from;
      assert.ok(tookMs >= 45 && tookMs < PATIENCE_MS / 2, `${tookMs} ms`);
      for (const socket of sockets) socket.destroy();
      server.close();
      await channel.close();
    });

    test("calls beyond maxInFlight are refused at once, and the limit is named", async () => {
      const server = await startBytesServer(answering("a"));
      const channel = connect(subject, [server.address], {
        limits: { maxInFlight: 1, maxPending: 10, maxPendingBytes: 1000 },
      });
      const open = new CallRecorder();
      const call = channel.open("/test.Who/Am", [], PATIENCE_MS, open);
      const { status } = await unary(channel, "/test.Who/Am");
      assert.equal(status.code, Code.RESOURCE_EXHAUSTED);
      assert.equal(
        status.message,
        `upstream ${server.address} is overloaded: the limit of calls in flight, 1, is reached (limits.maxInFlight)`,
      );
      assert.equal(channel.stats().refusedCalls.maxInFlight, 1);
      call.halfClose();
      assert.equal((await open.ended).status.code, Code.OK);
      assert.equal(await whoAnswers(channel), "a");
      server.close();
      await channel.close();
    });

    test("TLS with a CA file and a server name reaches the upstream", async () => {
      const server = await startBytesServer(answering("tls"), { credentials: serverCredentials() });
      const caPem = readFileSync(join(TLS, "ca.pem"), "utf8");
      const channel = connect(subject, [server.address], { tls: { caPem, serverName: "upstream.test" } });
      assert.equal(await whoAnswers(channel), "tls");
      await channel.close();
      server.close();
    });

    for (const [name, tls] of Object.entries({
      "by a CA that is not known": { caPem: undefined, serverName: "upstream.test" },
      "for another name": { caPem: readFileSync(join(TLS, "ca.pem"), "utf8"), serverName: "other.test" },
    })) {
      test(`a certificate ${name} is UPSTREAM_UNREACHABLE`, async () => {
        const server = await startBytesServer(answering("tls"), { credentials: serverCredentials() });
        const channel = connect(subject, [server.address], { tls });
        const { status } = await unary(channel, "/test.Who/Am");
        assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
        assert.match(status.message, /certificate is not accepted$/);
        await channel.close();
        server.close();
      });
    }

    test("plaintext to a TLS upstream is UPSTREAM_UNREACHABLE", async () => {
      const server = await startBytesServer(answering("tls"), { credentials: serverCredentials() });
      const channel = connect(subject, [server.address]);
      const { status } = await unary(channel, "/test.Who/Am");
      assert.equal(status.reason, "UPSTREAM_UNREACHABLE", status.message);
      await channel.close();
      server.close();
    });

    for (const addresses of [
      [],
      ["nowhere"],
      ["host:0"],
      ["host:99999"],
      ["unix:"],
      ["a/b:80"],
      ["::1"],
      ["[::1]"],
    ]) {
      test(`the addresses ${JSON.stringify(addresses)} are refused at once`, () => {
        assert.throws(() => connect(subject, addresses), StatusError);
      });
    }

    test("a CA file that holds no certificate is refused at once", () => {
      assert.throws(
        () => connect(subject, ["localhost:1"], { tls: { caPem: "no PEM", serverName: undefined } }),
        StatusError,
      );
    });
  });
}

function serverCredentials(): ServerCredentials {
  return ServerCredentials.createSsl(null, [
    {
      private_key: readFileSync(join(TLS, "server.key")),
      cert_chain: readFileSync(join(TLS, "server.pem")),
    },
  ]);
}
