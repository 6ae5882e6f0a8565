/**
 * Ways to reach an upstream: TLS with an authority of its own, unix sockets, several addresses.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { ECHO_DESCRIPTORS, type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, startGateway, temporaryFiles } from "../support/gateway-process.ts";

const SCHEMA = { descriptors: [resolve(ECHO_DESCRIPTORS)] };
const CA = resolve("test/fixtures/tls/ca.pem");
/** A certificate that signed nothing of the echo server. */
const OTHER_CA = resolve("test/fixtures/tls/server.pem");

type Mapping = Readonly<Record<string, unknown>>;

async function gatewayFor(t: TestContext, echo: Mapping): Promise<GatewayProcess> {
  const gateway = await startGateway({ upstreams: { echo: { schema: SCHEMA, deadline: "5s", ...echo } } });
  t.after(() => gateway.stop("SIGKILL"));
  return gateway;
}

async function ask(gateway: GatewayProcess, path = "/v1/ping"): Promise<string> {
  const reply = await fetch(`${gateway.url()}${path}`);
  return `${reply.status} ${await reply.text()}`;
}

describe("TLS towards the upstream", { timeout: 60_000 }, () => {
  let echo: EchoServer;
  let port: string;
  before(async () => {
    const [key, cert] = ["key", "pem"].map((end) => readFileSync(`test/fixtures/tls/server.${end}`, "utf8"));
    assert.ok(key !== undefined && cert !== undefined);
    echo = await startEchoServer({ tls: { key, cert }, address: "127.0.0.1:0" });
    port = echo.address.slice(echo.address.lastIndexOf(":"));
  });
  after(() => echo.close());

  const trusted: readonly [what: string, host: string, tls: Mapping][] = [
    ["a CA file, and the host of the address in the certificate", "localhost", { ca: CA }],
    ["a CA file and serverName", "127.0.0.1", { ca: CA, serverName: "upstream.test" }],
  ];
  for (const [what, host, tls] of trusted) {
    test(`works with ${what}`, async (t) => {
      const gateway = await gatewayFor(t, { address: `${host}${port}`, tls });
      assert.equal(await ask(gateway), "200 {}");
    });
  }

  test("gives serverName to the upstream as its authority, and reads the schema by reflection", async (t) => {
    const tls = { ca: CA, serverName: "upstream.test" };
    const gateway = await gatewayFor(t, { address: `127.0.0.1${port}`, tls, schema: { reflection: true } });
    assert.match(await ask(gateway, "/v1/metadata"), /^200 .*"authority":"upstream\.test"/);
  });

  const refused: readonly [what: string, host: string, tls: unknown][] = [
    ["another CA", "localhost", { ca: OTHER_CA }],
    ["the system's authorities", "localhost", true],
    ["a name that is not in the certificate", "localhost", { ca: CA, serverName: "other.test" }],
    ["an address that is not in the certificate", "127.0.0.1", { ca: CA }],
    ["plaintext against a TLS server", "localhost", false],
  ];
  describe("is refused with 503 and a reason, within the deadline, for", { concurrency: 2 }, () => {
    for (const [what, host, tls] of refused) {
      test(what, async (t) => {
        const gateway = await gatewayFor(t, { address: `${host}${port}`, tls });
        const answer = await ask(gateway);
        assert.match(answer, /^503 .*"reason":"UPSTREAM_UNREACHABLE"/);
        assert.doesNotMatch(answer, /-----BEGIN|node:|\.js:/, "nothing internal");
      });
    }
  });

  test("an unreadable CA file is a problem of its upstream; the gateway starts", async (t) => {
    const gateway = await startGateway({
      readiness: { require: "none" },
      upstreams: {
        echo: { address: `localhost${port}`, schema: SCHEMA, tls: { ca: "/no/such/ca.pem" } },
        good: { address: `localhost${port}`, schema: { reflection: true }, tls: { ca: CA } },
      },
    });
    t.after(() => gateway.stop("SIGKILL"));
    const problem = await gateway.logged((line) => line.msg === "problem");
    assert.match(
      String(problem.problem),
      /sluice\.yaml:1:\d+: upstream echo: \/no\/such\/ca\.pem cannot be read: ENOENT \(.+\)$/,
    );
    assert.equal(await ask(gateway), "200 {}");
  });
});

describe("addresses", { timeout: 60_000 }, () => {
  test("a unix socket", async (t) => {
    const files = await temporaryFiles({});
    const echo = await startEchoServer({ address: `unix:${files.path("echo.sock")}` });
    t.after(async () => {
      await echo.close();
      await files.remove();
    });
    const gateway = await gatewayFor(t, { address: echo.address, schema: { reflection: true } });
    assert.equal(await ask(gateway), "200 {}");
  });

  test("a unix socket that is not there", async (t) => {
    const gateway = await gatewayFor(t, { address: "unix:/no/such/socket" });
    assert.match(await ask(gateway), /^503 .*UPSTREAM_UNREACHABLE/);
  });

  test("several, of which one is dead: no call fails, the others share the load", async (t) => {
    const [first, second] = await Promise.all([startEchoServer(), startEchoServer()]);
    t.after(() => Promise.all([first.close(), second.close()]));
    const address = ["127.0.0.1:1", first.address, second.address];
    const gateway = await gatewayFor(t, { address });
    for (let i = 0; i < 20; i++) assert.equal(await ask(gateway), "200 {}");
    await Promise.all([first.untilCalls(1), second.untilCalls(1)]);
    assert.equal(first.calls.length + second.calls.length, 20);
  });

  test("several, one of which goes away", async (t) => {
    const [first, second] = await Promise.all([startEchoServer(), startEchoServer()]);
    t.after(() => second.close());
    const gateway = await gatewayFor(t, { address: [first.address, second.address] });
    for (let i = 0; i < 4; i++) assert.equal(await ask(gateway), "200 {}");
    await first.close();
    const answers: string[] = [];
    for (let i = 0; i < 10; i++) answers.push(await ask(gateway));
    // The first may have been on its way to the connection that was just closing.
    assert.deepEqual(new Set(answers.slice(1)), new Set(["200 {}"]));
  });

  test("one that comes back is found again", async (t) => {
    const files = await temporaryFiles({});
    t.after(() => files.remove());
    const address = `unix:${files.path("echo.sock")}`;
    const first = await startEchoServer({ address });
    const gateway = await gatewayFor(t, { address });
    assert.equal(await ask(gateway), "200 {}");
    await first.close();
    assert.match(await ask(gateway), /^503 .*UPSTREAM_UNREACHABLE/);
    const second = await startEchoServer({ address });
    t.after(() => second.close());
    let answer = "";
    // The client's own pauses between attempts set the pace; the suite's timeout is the limit.
    while (answer !== "200 {}") answer = await ask(gateway);
    assert.equal(second.calls.length, 1);
  });
});
