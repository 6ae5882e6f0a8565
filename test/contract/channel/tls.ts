/** The channel contract, part four: client certificates, versions of TLS, and material that is replaced under load. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { Code } from "../../../src/status/index.ts";
import type { Channel, TlsCredentials } from "../../../src/upstream/index.ts";
import { CallRecorder } from "../../support/grpc-recorder.ts";
import { credentialsOf, tlsMaterial } from "../../support/tls.ts";
import { TlsUpstream, type TlsUpstreamOptions } from "../../support/tls-upstream.ts";
import { connect, PATIENCE_MS, type Subject, unary } from "./subject.ts";

const PATH = "/test.Tls/Call";

interface Pair {
  readonly server: TlsUpstream;
  readonly channel: Channel;
}

async function start(
  t: TestContext,
  subject: Subject,
  credentials: TlsCredentials,
  options: TlsUpstreamOptions = {},
): Promise<Pair> {
  const server = await TlsUpstream.start(options);
  const channel = connect(subject, [server.address], { tls: { credentials, serverName: "upstream.test" } });
  t.after(async () => {
    await channel.close();
    await server.close();
  });
  return { server, channel };
}

/** Calls that never stop, each with a number of its own, until `stop`; then what became of them. */
class Load {
  readonly #channel: Channel;
  readonly #loops: Promise<void>[] = [];
  #isStopping = false;
  readonly faults: string[] = [];
  calls = 0;

  constructor(channel: Channel, inFlight: number) {
    this.#channel = channel;
    for (let i = 0; i < inFlight; i++) this.#loops.push(this.#run());
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#loops);
  }

  /** Waits for so many more calls to end. */
  async more(count: number): Promise<void> {
    const goal = this.calls + count;
    while (this.calls < goal) await new Promise(setImmediate);
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const id = String(this.calls++);
      const { status } = await unary(this.#channel, PATH, Buffer.from("x"), ["x-call", id]);
      if (status.code !== Code.OK) this.faults.push(`${id}: ${status.message}`);
    }
  }

  /** No call failed, none was lost, none came twice. */
  assertSound(server: TlsUpstream): void {
    assert.deepEqual(this.faults, []);
    assert.equal(server.calls.size, this.calls);
    assert.deepEqual(
      [...server.calls].filter(([, times]) => times !== 1),
      [],
    );
  }
}

export function describeTls(subject: Subject): void {
  describe(`${subject.factory.name}: a server name that is an IP address`, () => {
    for (const { name, isExpected } of [
      { name: "192.0.2.1", isExpected: true },
      { name: "192.0.2.2", isExpected: false },
    ]) {
      test(`is the one to expect in the certificate, not the address (${name})`, async (t) => {
        const server = await TlsUpstream.start();
        server.showCertificate("server-ip");
        const credentials = credentialsOf(tlsMaterial(undefined, "server-ip.pem"));
        const channel = connect(subject, [server.address], { tls: { credentials, serverName: name } });
        t.after(async () => {
          await channel.close();
          await server.close();
        });
        const { status } = await unary(channel, PATH);
        assert.equal(status.code === Code.OK, isExpected, status.message);
        if (!isExpected) assert.match(status.message, /its TLS certificate is not accepted$/);
      });
    }
  });

  describe(`${subject.factory.name}: client certificates`, () => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      test(`one that the upstream trusts is accepted, over ${version}`, async (t) => {
        const credentials = credentialsOf(tlsMaterial("client"));
        const { server, channel } = await start(t, subject, credentials, {
          clientCa: "client-ca.pem",
          maxVersion: version,
        });
        assert.equal((await unary(channel, PATH)).status.code, Code.OK);
        assert.deepEqual(server.clients, ["gateway"]);
      });

      for (const [name, identity] of [
        ["none", undefined],
        ["one of another authority", "client-stranger"],
      ] as const) {
        test(`${name} is refused, over ${version}`, async (t) => {
          const credentials = credentialsOf(tlsMaterial(identity));
          const { channel } = await start(t, subject, credentials, {
            clientCa: "client-ca.pem",
            maxVersion: version,
          });
          const { status } = await unary(channel, PATH);
          assert.equal(status.reason, "UPSTREAM_UNREACHABLE", status.message);
          assert.doesNotMatch(status.message, /PRIVATE|BEGIN|SSL routines/);
        });
      }
    }

    test("an upstream that speaks only an older version of TLS than is allowed is refused", async (t) => {
      const { channel } = await start(t, subject, credentialsOf(tlsMaterial(), "TLSv1.3"), {
        maxVersion: "TLSv1.2",
      });
      const { status } = await unary(channel, PATH);
      assert.equal(status.reason, "UPSTREAM_UNREACHABLE");
      assert.match(status.message, /: it speaks no version of TLS that is allowed$/);
    });
  });

  describe(`${subject.factory.name}: material that is replaced under load`, () => {
    test("a new client certificate takes over: no call fails, none is repeated", async (t) => {
      const credentials = credentialsOf(tlsMaterial("client"));
      const { server, channel } = await start(t, subject, credentials, { clientCa: "client-ca.pem" });
      const load = new Load(channel, 16);
      await load.more(100);
      for (const [identity, client] of [
        ["client-next", "gateway-next"],
        ["client", "gateway"],
        ["client-next", "gateway-next"],
      ] as const) {
        assert.deepEqual(credentials.replace(tlsMaterial(identity), Date.now()), []);
        await server.until(() => server.clients.length === 1 && server.clients[0] === client);
        await load.more(100);
      }
      await load.stop();
      load.assertSound(server);
    });

    test("a call under way ends on the connection that it began on", async (t) => {
      const credentials = credentialsOf(tlsMaterial("client"));
      const { server, channel } = await start(t, subject, credentials, { clientCa: "client-ca.pem" });
      const recorder = new CallRecorder();
      const call = channel.open(PATH, ["x-call", "long"], PATIENCE_MS, recorder);
      call.send(Buffer.from("x"));
      await recorder.heard("message");
      credentials.replace(tlsMaterial("client-next"), Date.now());
      await server.until(() => server.clients.includes("gateway-next"));
      assert.equal((await unary(channel, PATH, Buffer.from("x"), ["x-call", "short"])).status.code, Code.OK);
      assert.deepEqual([...server.clients].sort(), ["gateway", "gateway-next"]);
      call.send(Buffer.from("y"));
      call.halfClose();
      assert.equal((await recorder.ended).status.code, Code.OK);
      await server.until(() => server.clients.length === 1);
      assert.deepEqual([server.clients, server.calls.get("long")], [["gateway-next"], 1]);
    });

    test("one that the upstream refuses leaves the old connections in use", async (t) => {
      const credentials = credentialsOf(tlsMaterial("client"));
      const { server, channel } = await start(t, subject, credentials, { clientCa: "client-ca.pem" });
      const load = new Load(channel, 4);
      await load.more(20);
      credentials.replace(tlsMaterial("client-stranger"), Date.now());
      await load.more(200);
      assert.deepEqual(server.clients, ["gateway"]);
      credentials.replace(tlsMaterial("client-next"), Date.now());
      await server.until(() => server.clients.length === 1 && server.clients[0] === "gateway-next");
      await load.stop();
      load.assertSound(server);
    });

    test("an upstream that changes to another authority is followed", async (t) => {
      const credentials = credentialsOf(tlsMaterial());
      const { server, channel } = await start(t, subject, credentials);
      const load = new Load(channel, 4);
      await load.more(20);
      server.showCertificate("server-next");
      credentials.replace(tlsMaterial(undefined, "ca-next.pem"), Date.now());
      await server.until(() => server.connections.length === 2 && server.clients.length === 1);
      await load.more(20);
      await load.stop();
      load.assertSound(server);
    });

    test("broken material changes nothing", async (t) => {
      const credentials = credentialsOf(tlsMaterial("client"));
      const { server, channel } = await start(t, subject, credentials, { clientCa: "client-ca.pem" });
      assert.equal((await unary(channel, PATH)).status.code, Code.OK);
      const [fault] = credentials.replace({ caPem: "no PEM", identity: undefined }, Date.now());
      assert.deepEqual([fault?.part, fault?.severity], ["ca", "error"]);
      assert.equal((await unary(channel, PATH)).status.code, Code.OK);
      assert.equal(server.connections.length, 1);
    });
  });
}
