/** A config that changes while the gateway runs: what is taken up, what is refused, and who is told. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { descriptorPath } from "../support/gateway-suite.ts";
import { LiveGateway } from "../support/live-gateway.ts";
import { RawHttpClient } from "../support/raw-http.ts";

const HANG = { timeout: 60_000 };

let echo: EchoServer;

before(async () => {
  echo = await startEchoServer();
});

after(() => echo.close());

type Mapping = Readonly<Record<string, unknown>>;

/** A config with the echo service and these options of it. */
function configWith(options: Mapping = {}, more: Mapping = {}): Mapping {
  return {
    upstreams: { echo: { address: echo.address, schema: { descriptors: [descriptorPath()] }, ...options } },
    ...more,
  };
}

/** What `GET /v1/echo?string_value=x` gives, with all fields that are not set or without. */
async function echoed(live: LiveGateway): Promise<unknown> {
  const reply = await fetch(`${live.gateway.url()}/v1/echo?string_value=x`);
  return await reply.json();
}

const SHORT = { json: { emitDefaults: false } };

describe("POST /reload", HANG, () => {
  test("takes up what the file says now, and tells what has changed", async (t) => {
    const live = await LiveGateway.start(configWith({}, { watch: false }));
    t.after(() => live.stop());
    assert.notDeepEqual(await echoed(live), { stringValue: "x" });
    await live.write(configWith(SHORT, { watch: false }));
    const { status, body } = await live.reload();
    assert.deepEqual(
      { status, body },
      { status: 200, body: { result: "applied", revision: 2, changes: [], problems: [] } },
    );
    assert.deepEqual(await echoed(live), { stringValue: "x" });
    assert.equal(await live.metric("sluice_config_revision"), 2);
    assert.equal(await live.metric("sluice_reloads_total", 'result="applied"'), 1);
    assert.equal((await live.reload()).body.result, "unchanged");
  });

  test("fails no request whose body was still on its way when its upstream was connected anew", async (t) => {
    const live = await LiveGateway.start(configWith({}, { watch: false }));
    t.after(() => live.stop());
    const client = await RawHttpClient.connect(Number(new URL(live.gateway.url()).port));
    t.after(() => client.close());
    const body = JSON.stringify({ stringValue: "slow" });
    await client.send(`POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n{`);
    // The gateway has read that before it answers this.
    await echoed(live);
    await live.write(configWith({ maxReceiveMessageBytes: "3MiB" }, { watch: false }));
    assert.deepEqual((await live.reload()).body.changes, ["~ upstream echo: connected anew"]);
    await client.send(body.slice(1));
    const reply = await client.reply();
    assert.equal(reply.status, 200, String(reply.body));
    await live.until(
      () => live.metric("sluice_upstreams_retiring"),
      (retiring) => retiring === 0,
    );
  });

  test("names the routes that come and go", async (t) => {
    const live = await LiveGateway.start(configWith({}, { watch: false }));
    t.after(() => live.stop());
    const rules = [{ selector: "sluice.test.v1.EchoService.Ping", get: "/v2/ping" }];
    await live.write(configWith({ http: { rules } }, { watch: false }));
    const { body } = await live.reload();
    assert.deepEqual(body.changes, [
      "- GET /v1/ping (breaking)",
      "- POST /v1/ping (breaking)",
      "- DELETE /v1/ping (breaking)",
      "+ GET /v2/ping",
    ]);
    assert.equal((await fetch(`${live.gateway.url()}/v2/ping`)).status, 200);
    assert.equal((await fetch(`${live.gateway.url()}/v1/ping`)).status, 404);
  });

  const refused: readonly [title: string, config: (port: string) => Mapping | string, problem: RegExp][] = [
    ["a file that is no YAML", () => "upstreams: [", /sluice\.yaml:1:/],
    ["a value that is wrong", () => configWith({ deadline: "soon" }), /upstreams\.echo\.deadline: "soon"/],
    [
      "a rule that is wrong, which a start would leave out",
      () => configWith({ http: { rules: [{ selector: "a.B.C", get: "no-slash", post: "/x" }] } }),
      /upstreams\.echo\.http\.rules\[0\]/,
    ],
    [
      "another listener",
      () => configWith({}, { listeners: [{ address: "127.0.0.1:0" }, { address: "127.0.0.2:0" }] }),
      /listeners\[1\] changes from nothing to .*127\.0\.0\.2.*, which needs a restart/,
    ],
    [
      "another option of a listener",
      () => configWith({}, { listeners: [{ address: "127.0.0.1:0", idleTimeout: "30s" }] }),
      /sluice\.yaml:1:\d+: listeners\[0\]\.idleTimeout changes from 65000ms to 30000ms, which needs a restart/,
    ],
    [
      "another way of ending",
      () => configWith({}, { shutdown: { drainTimeout: "1s" } }),
      /shutdown\.drainTimeout changes from 30000ms to 1000ms/,
    ],
  ];
  for (const [title, config, problem] of refused) {
    test(`refuses ${title} as a whole, with what is wrong`, async (t) => {
      const live = await LiveGateway.start(configWith(SHORT, { watch: false }));
      t.after(() => live.stop());
      const next = config("");
      await live.write(next);
      const { status, body } = await live.reload();
      assert.equal(status, 422);
      assert.equal(body.result, "refused");
      assert.equal(body.revision, 1);
      assert.match(body.problems.join("\n"), problem);
      assert.deepEqual(await echoed(live), { stringValue: "x" }, "everything goes on as it was");
      assert.equal(await live.metric("sluice_reloads_total", 'result="refused"'), 1);
      const line = await live.gateway.logged(({ msg }) => String(msg).startsWith("reload refused"));
      assert.match(JSON.stringify(line.problems), new RegExp(problem.source.replaceAll('"', '\\\\"')));
    });
  }

  test("leaves an upstream that its new address does not answer, and changes the others", async (t) => {
    const live = await LiveGateway.start(configWith({}, { watch: false }));
    t.after(() => live.stop());
    const other = {
      address: echo.address,
      schema: { descriptors: [`${process.cwd()}/descriptors/library.binpb`] },
    };
    await live.write({
      watch: false,
      upstreams: {
        echo: { address: "127.0.0.1:1", schema: { reflection: { timeout: "300ms" } } },
        other,
      },
    });
    const { body } = await live.reload();
    assert.equal(body.result, "applied");
    assert.deepEqual(body.changes, ["+ upstream other"]);
    assert.equal((await fetch(`${live.gateway.url()}/v1/ping`)).status, 200, "by the old address");
    const entry = await live.schema("echo");
    assert.equal(entry.state, "served");
    assert.match(String(entry.fault), /127\.0\.0\.1:1/);
    assert.equal(await live.metric("sluice_schema_stale", 'upstream="echo"'), 1);
  });

  test("reads the schemas again as well", async (t) => {
    const live = await LiveGateway.start(configWith({}, { watch: false }));
    t.after(() => live.stop());
    const before = (await live.schema("echo")).digest;
    assert.match(String(before), /^[0-9a-f]{64}$/);
    assert.equal((await live.reload()).body.result, "unchanged");
    assert.equal((await live.schema("echo")).digest, before);
  });

  test("changes the level of the log", async (t) => {
    const live = await LiveGateway.start(configWith({}, { watch: false }));
    t.after(() => live.stop());
    const quiet = { watch: false, log: { level: "error" } };
    await live.write(configWith({}, quiet));
    assert.equal((await live.reload()).body.result, "applied");
    await live.write(configWith(SHORT, quiet));
    assert.equal((await live.reload()).body.result, "applied");
    await live.gateway.stop();
    const told = live.gateway.log.filter(({ msg }) => msg === "serving" || msg === "reloaded");
    assert.deepEqual(
      told.map(({ revision }) => revision),
      [1],
    );
  });

  test("is not for pages of other origins, nor by GET", async (t) => {
    const live = await LiveGateway.start(configWith());
    t.after(() => live.stop());
    const url = `${live.gateway.adminUrl}/reload`;
    const foreign = await fetch(url, { method: "POST", headers: { origin: "https://evil.example" } });
    assert.equal(foreign.status, 403);
    assert.equal((await fetch(url)).status, 405);
    assert.equal(await live.metric("sluice_reloads_total"), 0);
  });
});

describe("SIGHUP", HANG, () => {
  test("takes up what the file says now", async (t) => {
    const live = await LiveGateway.start(configWith({}, { watch: false }));
    t.after(() => live.stop());
    await live.write(configWith(SHORT, { watch: false }));
    live.gateway.child.kill("SIGHUP");
    const line = await live.gateway.logged(({ msg }) => msg === "reloaded");
    assert.equal(line.cause, "signal");
    assert.deepEqual(await echoed(live), { stringValue: "x" });
  });

  test("a hundred of them are a few reloads, and end nothing", async (t) => {
    const live = await LiveGateway.start(configWith({}, { watch: false }));
    t.after(() => live.stop());
    for (let i = 0; i < 100; i++) live.gateway.child.kill("SIGHUP");
    await live.gateway.logged(({ msg }) => msg === "reloaded");
    assert.equal((await live.reload()).status, 200);
    assert.notDeepEqual(await echoed(live), undefined);
    assert.equal(live.gateway.child.exitCode, null);
  });
});

describe("the config file", HANG, () => {
  test("is taken up by itself when it has been replaced, and once more when it is written over", async (t) => {
    const live = await LiveGateway.start(configWith());
    t.after(() => live.stop());
    await live.write(configWith(SHORT));
    await live.until(() => echoed(live), isShort);
    await writeFile(
      live.path("sluice.yaml"),
      JSON.stringify({ ...whole(configWith()), accessLog: { enabled: false } }),
    );
    await live.until(
      () => echoed(live),
      (answer) => !isShort(answer),
    );
    assert.equal(await live.metric("sluice_reloads_total", 'result="applied"'), 2);
  });

  test("is taken up where a ConfigMap swaps its folder of links", async (t) => {
    const live = await LiveGateway.start(configWith());
    t.after(() => live.stop());
    const version = async (name: string, config: Mapping): Promise<void> => {
      await mkdir(live.path(name));
      await writeFile(live.path(`${name}/sluice.yaml`), JSON.stringify(whole(config)));
      await symlink(name, live.path("..data_tmp"));
      await rename(live.path("..data_tmp"), live.path("..data"));
    };
    await version("..1", configWith());
    await symlink("..data/sluice.yaml", live.path("link"));
    await rename(live.path("link"), live.path("sluice.yaml"));
    await version("..2", configWith(SHORT));
    await live.until(() => echoed(live), isShort);
  });

  test("that is broken, or away, changes nothing", async (t) => {
    const live = await LiveGateway.start(configWith(SHORT));
    t.after(() => live.stop());
    await live.write("upstreams: [");
    await live.gateway.logged(({ msg }) => String(msg).startsWith("reload refused"));
    assert.deepEqual(await echoed(live), { stringValue: "x" });
    await rename(live.path("sluice.yaml"), live.path("elsewhere.yaml"));
    await live.gateway.logged(({ msg }) => msg === "the config cannot be looked at; what was read stays");
    assert.deepEqual(await echoed(live), { stringValue: "x" });
    await live.write(configWith());
    await live.until(
      () => echoed(live),
      (answer) => !isShort(answer),
    );
  });

  test("that a pipe has taken the place of keeps nobody waiting, neither a reload nor the end", async (t) => {
    const live = await LiveGateway.start(configWith());
    t.after(() => live.stop());
    await rename(live.path("sluice.yaml"), live.path("elsewhere.yaml"));
    execFileSync("mkfifo", [live.path("sluice.yaml")]);
    const { status, body } = await live.reload();
    assert.equal(status, 422);
    assert.match(body.problems[0] ?? "", /it is not a regular file/);
    await live.gateway.logged(({ msg }) => msg === "the config cannot be looked at; what was read stays");
    await rename(live.path("elsewhere.yaml"), live.path("sluice.yaml"));
    assert.equal((await live.reload()).status, 200);
    assert.equal(await live.gateway.stop(), 0);
  });
});

function isShort(answer: unknown): boolean {
  return JSON.stringify(answer) === '{"stringValue":"x"}';
}

/** What LiveGateway adds to a config. */
function whole(config: Mapping): Mapping {
  return {
    listeners: [{ address: "127.0.0.1:0" }],
    admin: { address: "127.0.0.1:0" },
    accessLog: { enabled: false },
    ...config,
  };
}
