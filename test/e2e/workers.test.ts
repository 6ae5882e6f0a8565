/**
 * A gateway of several processes: what it serves and tells as one, what the death of a worker costs, how it ends.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { Agent, type ClientRequest, get, type IncomingMessage } from "node:http";
import { resolve } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { startDemoUpstream } from "../../src/demo/index.ts";
import { startEchoServer } from "../support/echo-server.ts";
import { GatewayProcess, runSluice, startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { descriptorPath, ENGINES } from "../support/gateway-suite.ts";
import { quietPort } from "../support/quiet-port.ts";
import { type SlowLibrary, slowLibrary } from "../support/slow-library.ts";

const WORKERS = 2;
/** So many that they are never all with one worker. */
const CONNECTIONS = 32;

interface Bench {
  readonly gateway: GatewayProcess;
  readonly library: SlowLibrary;
  readonly ended: Promise<unknown>;
}

async function benchFor(t: TestContext, engine: string, config: object = {}): Promise<Bench> {
  const library = await slowLibrary(t);
  const gateway = await startGateway({
    workers: WORKERS,
    listeners: [{ address: "127.0.0.1:0", engine }],
    upstreams: { library: { address: library.address, schema: { reflection: true } } },
    ...config,
  });
  t.after(() => gateway.stop("SIGKILL"));
  return { gateway, library, ended: once(gateway.child, "close") };
}

/** The process ids of the workers, as the system lists the gateway's children. */
function workersOf(gateway: GatewayProcess): readonly number[] {
  const { pid } = gateway.child;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ").map(Number);
}

/** A worker, to be killed. */
function oneWorkerOf(gateway: GatewayProcess): number {
  const [pid] = workersOf(gateway);
  assert.ok(pid !== undefined && pid > 0, "there is a worker");
  return pid;
}

/** `value`s of a metric, added. */
async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Asks until the answer is `expected`, or time is up. */
async function becomes<T>(expected: T, ask: () => Promise<T>): Promise<void> {
  const until = performance.now() + 20_000;
  let answer = await ask();
  while (answer !== expected && performance.now() < until) {
    await new Promise((wake) => setTimeout(wake, 20));
    answer = await ask();
  }
  assert.equal(answer, expected);
}

/** One request on `agent`; the status, or "lost" where the connection broke. */
function ask(url: string, agent: Agent | false): Promise<number | "lost"> {
  return new Promise((done) => {
    const request: ClientRequest = get(url, { agent }, (reply: IncomingMessage) => {
      reply.resume();
      reply.on("end", () => done(reply.statusCode ?? 0));
      reply.on("error", () => done("lost"));
    });
    request.on("error", () => done("lost"));
  });
}

for (const engine of ENGINES) {
  describe(`two workers, engine ${engine}`, { timeout: 150_000 }, () => {
    test("serve one port, and the metrics are of both", async (t) => {
      const { gateway } = await benchFor(t, engine);
      assert.equal(workersOf(gateway).length, WORKERS);
      const before = await metric(gateway, "sluice_requests_total");
      const statuses = await Promise.all(
        Array.from({ length: CONNECTIONS }, () => ask(`${gateway.url()}/v1/shelves`, false)),
      );
      assert.deepEqual(new Set(statuses), new Set([200]));
      assert.equal(await metric(gateway, "sluice_requests_total"), before + CONNECTIONS);
      assert.equal(await metric(gateway, "sluice_request_duration_seconds_count"), before + CONNECTIONS);
      assert.equal(await metric(gateway, "sluice_workers"), WORKERS);
      const readyz = await fetch(`${gateway.adminUrl}/readyz`);
      assert.equal(`${readyz.status} ${await readyz.text()}`, "200 ready; 2 of 2 workers are ready\n");
      const routes = await fetch(`${gateway.adminUrl}/routes`);
      assert.ok((await routes.text()).includes("library.v1.LibraryService.ListShelves"));
      const upstreams = gateway.log.filter((line) => line.msg === "schema loaded");
      assert.deepEqual(
        new Set(upstreams.map((line) => line.worker ?? 0)),
        new Set([0, 1, 2]),
        "every process has the schema, and says which it is",
      );
    });

    test("a worker that is killed costs its own requests in flight and no others", async (t) => {
      const { gateway, library } = await benchFor(t, engine);
      const slow = Array.from({ length: CONNECTIONS }, () => ask(`${gateway.url()}/v1/wait?delay=1s`, false));
      await library.waiting(CONNECTIONS);
      assert.equal(await metric(gateway, "sluice_requests_in_flight"), CONNECTIONS);
      const served = await metric(gateway, "sluice_requests_total");

      // Clients that come and go meanwhile, and one that asks whether the gateway is ready.
      let isOver = false;
      const others: (number | "lost")[] = [];
      const load = Array.from({ length: 4 }, async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        while (!isOver) others.push(await ask(`${gateway.url()}/v1/shelves`, agent));
        agent.destroy();
      });
      const readiness: number[] = [];
      const probe = (async () => {
        while (!isOver) readiness.push((await fetch(`${gateway.adminUrl}/readyz`)).status);
      })();

      const victim = oneWorkerOf(gateway);
      process.kill(victim, "SIGKILL");
      await gateway.logged((line) => line.how === "SIGKILL");
      const left = await metric(gateway, "sluice_requests_in_flight");
      await becomes(1, () => metric(gateway, "sluice_worker_restarts_total"));
      await becomes(WORKERS, async () => workersOf(gateway).length);
      await becomes("ready; 2 of 2 workers are ready\n", async () =>
        (await fetch(`${gateway.adminUrl}/readyz`)).text(),
      );
      isOver = true;
      await Promise.all([...load, probe]);
      library.release();
      const outcomes = await Promise.all(slow);
      const lost = outcomes.filter((outcome) => outcome === "lost").length;
      // The kernel spreads the connections of uws; on node one worker may have been awake for all of them.
      const isSpread = lost > 0 && lost < CONNECTIONS;
      assert.ok(isSpread || engine === "node", `${lost} of ${CONNECTIONS} were with the worker`);
      assert.equal(outcomes.filter((outcome) => outcome === 200).length, CONNECTIONS - lost);
      assert.ok(left >= CONNECTIONS - lost && left <= CONNECTIONS - lost + load.length, `${left} in flight`);
      assert.deepEqual(
        [...new Set(others)].filter((outcome) => outcome !== "lost"),
        [200],
        "nobody got a wrong answer",
      );
      const cut = others.filter((outcome) => outcome === "lost").length;
      // One for the request under way; one more where the kernel had given its next connection to the worker as well.
      assert.ok(cut <= 2 * load.length, `${cut} of ${others.length} requests beside them were lost`);
      assert.deepEqual(new Set(readiness), new Set([200]), "the gateway was ready all the time");
      assert.ok((await metric(gateway, "sluice_requests_total")) > served, "the sum does not go back");
    });

    test("SIGTERM drains both: no request is lost, and it exits 0", async (t) => {
      const { gateway, library, ended } = await benchFor(t, engine);
      const slow = Array.from({ length: CONNECTIONS }, () => ask(`${gateway.url()}/v1/wait?delay=1s`, false));
      await library.waiting(CONNECTIONS);
      const pids = workersOf(gateway);
      // As a terminal does it: every process of the group hears it.
      for (const pid of pids) process.kill(pid, "SIGTERM");
      gateway.child.kill("SIGTERM");
      await gateway.logged((line) => line.msg === "draining" && line.worker === 1);
      await gateway.logged((line) => line.msg === "draining" && line.worker === 2);
      assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 503);
      assert.equal((await fetch(`${gateway.adminUrl}/healthz`)).status, 200);
      assert.equal(gateway.child.exitCode, null);
      library.release();
      assert.deepEqual(new Set(await Promise.all(slow)), new Set([200]));
      await ended;
      assert.equal(gateway.child.exitCode, 0);
      assert.equal(gateway.stderr, "");
      for (const pid of pids) assert.throws(() => process.kill(pid, 0), "no worker is left");
    });

    test("a second signal ends all of them at once, with 1", async (t) => {
      const { gateway, library, ended } = await benchFor(t, engine);
      const slow = ask(`${gateway.url()}/v1/wait?delay=1s`, false);
      await library.waiting(1);
      const pids = workersOf(gateway);
      gateway.child.kill("SIGTERM");
      await gateway.logged((line) => line.msg === "draining" && line.worker === 1);
      gateway.child.kill("SIGTERM");
      await ended;
      assert.equal(await slow, "lost");
      assert.equal(gateway.child.exitCode, 1);
      for (const pid of pids) await becomes(false, async () => isAlive(pid));
    });

    test("a primary that is killed takes its workers along", async (t) => {
      const { gateway, ended } = await benchFor(t, engine);
      const pids = workersOf(gateway);
      gateway.child.kill("SIGKILL");
      await ended;
      for (const pid of pids) await becomes(false, async () => isAlive(pid));
    });
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("several workers", { timeout: 150_000 }, () => {
  test("do not join a gateway that has the port already", async (t) => {
    const { gateway } = await benchFor(t, "uws");
    const port = new URL(gateway.url()).port;
    const files = await temporaryFiles({
      "c.yaml": JSON.stringify({
        workers: WORKERS,
        listeners: [{ address: `127.0.0.1:${port}`, engine: "uws" }],
        admin: { address: "127.0.0.1:0" },
        upstreams: {
          library: {
            address: "127.0.0.1:9",
            schema: { descriptors: [resolve("descriptors/library.binpb")] },
          },
        },
      }),
    });
    t.after(() => files.remove());
    const run = await runSluice(["serve", "--config", files.path("c.yaml")]);
    assert.equal(run.exitCode, 1);
    assert.match(run.stderr, new RegExp(`^sluice: cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`));
  });

  test("of flags alone serve, too", async (t) => {
    const library = await slowLibrary(t);
    const flags = ["--upstream", library.address, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    const gateway = await GatewayProcess.start(["serve", ...flags, "--workers", "2"]);
    t.after(() => gateway.stop());
    assert.equal(await ask(`${gateway.url()}/v1/shelves`, false), 200);
    assert.equal(workersOf(gateway).length, 2);
  });

  test("serve an upstream that comes later", async (t) => {
    const address = `127.0.0.1:${await quietPort()}`;
    const gateway = await startGateway({
      workers: WORKERS,
      upstreams: { library: { address, schema: { reflection: true } } },
    });
    t.after(() => gateway.stop());
    assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 503);
    assert.equal(await ask(`${gateway.url()}/v1/shelves`, false), 503);
    const upstream = await startDemoUpstream({ address });
    t.after(() => upstream.close());
    await becomes("ready; 2 of 2 workers are ready\n", async () =>
      (await fetch(`${gateway.adminUrl}/readyz`)).text(),
    );
    const statuses = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => ask(`${gateway.url()}/v1/shelves`, false)),
    );
    assert.deepEqual(new Set(statuses), new Set([200]));
  });

  test("fail the start under strict, as one does", async (t) => {
    const files = await temporaryFiles({
      "c.yaml": JSON.stringify({
        workers: WORKERS,
        strict: true,
        listeners: [{ address: "127.0.0.1:0" }],
        admin: { address: "127.0.0.1:0" },
        upstreams: { library: { address: "127.0.0.1:9", schema: { descriptors: ["none.binpb"] } } },
      }),
    });
    t.after(() => files.remove());
    const run = await runSluice(["serve", "--config", files.path("c.yaml")]);
    assert.equal(run.exitCode, 1);
    assert.match(run.stderr, /none\.binpb: the file does not exist/);
  });
});

describe("two workers follow the primary", { timeout: 150_000 }, () => {
  interface Followed {
    readonly gateway: GatewayProcess;
    /** Writes another config and asks for a reload; the status of the answer. */
    readonly reload: (config: object) => Promise<number>;
  }

  async function followed(
    t: TestContext,
    config: (schemaFile: string) => object,
  ): Promise<Followed & { readonly schemaFile: string }> {
    const files = await temporaryFiles({
      "library.binpb": readFileSync("descriptors/library.binpb"),
      "echo.binpb": readFileSync(descriptorPath()),
    });
    t.after(() => files.remove());
    const file = files.path("sluice.yaml");
    const common = {
      workers: WORKERS,
      listeners: [{ address: "127.0.0.1:0" }],
      admin: { address: "127.0.0.1:0" },
      watch: false,
    };
    const schemaFile = files.path("library.binpb");
    await writeFile(file, JSON.stringify({ ...common, ...config(schemaFile) }));
    const gateway = await GatewayProcess.start(["serve", "--config", file]);
    t.after(() => gateway.stop());
    return {
      gateway,
      schemaFile,
      async reload(next) {
        await writeFile(file, JSON.stringify({ ...common, ...next }));
        return (await fetch(`${gateway.adminUrl}/reload`, { method: "POST" })).status;
      },
    };
  }

  /** The statuses that many connections get, both workers among them. */
  async function statusesOf(gateway: GatewayProcess, path: string): Promise<string> {
    const asked = Array.from({ length: CONNECTIONS }, () => ask(`${gateway.url()}${path}`, false));
    return [...new Set(await Promise.all(asked))].join(", ");
  }

  test("through a reload, and so do those that start later", async (t) => {
    const library = await slowLibrary(t);
    const upstreams = (schemaFile: string, options: object): object => ({
      upstreams: { library: { address: library.address, schema: { descriptors: [schemaFile] }, ...options } },
    });
    const { gateway, schemaFile, reload } = await followed(t, (file) => upstreams(file, {}));
    const call = "/v1/shelves?none=1";
    assert.equal(await statusesOf(gateway, call), "400");
    assert.equal(await reload(upstreams(schemaFile, { unknownFields: "ignore" })), 200);
    await becomes("200", () => statusesOf(gateway, call));
    process.kill(oneWorkerOf(gateway), "SIGKILL");
    await becomes(1, () => metric(gateway, "sluice_worker_restarts_total"));
    await becomes("ready; 2 of 2 workers are ready\n", async () =>
      (await fetch(`${gateway.adminUrl}/readyz`)).text(),
    );
    assert.equal(await statusesOf(gateway, call), "200", "the new worker has the new config");
    assert.equal(await reload({ ...upstreams(schemaFile, {}), workers: 3 }), 422, "that needs a restart");
    assert.equal(await metric(gateway, "sluice_reloads_total"), 2, "the primary's, not the sum");
  });

  test("to another level of the log, and so do those that start later", async (t) => {
    const library = await slowLibrary(t);
    const { gateway } = await followed(t, () => ({
      upstreams: { library: { address: library.address, schema: { reflection: true } } },
    }));
    const readiness = async (): Promise<string> => (await fetch(`${gateway.adminUrl}/readyz`)).text();
    await becomes("ready; 2 of 2 workers are ready\n", readiness);
    await fetch(`${gateway.adminUrl}/log?level=warn`, { method: "POST" });
    const before = gateway.log.length;
    process.kill(oneWorkerOf(gateway), "SIGKILL");
    await gateway.logged(({ msg }) => msg === "worker ended; another takes its place");
    await becomes("ready; 2 of 2 workers are ready\n", readiness);
    const lines = gateway.log.slice(before).filter(({ msg }) => msg !== "request");
    assert.deepEqual(
      lines.filter(({ level }) => level === "info"),
      [],
    );
  });

  test("into an output that nobody reads, and end all the same", async (t) => {
    const library = await slowLibrary(t);
    const config = (deadline: string): object => ({
      upstreams: { library: { address: library.address, schema: { reflection: true }, deadline } },
      accessLog: { fields: ["header.x-long"], bufferBytes: "64KiB" },
    });
    const { gateway, reload } = await followed(t, () => config("3s"));
    gateway.child.stdout?.pause();
    const exited = once(gateway.child, "exit");
    const headers = { "x-long": "x".repeat(8000) };
    while ((await metric(gateway, "sluice_access_log_dropped_total")) < 20) {
      await (await fetch(`${gateway.url()}/v1/shelves`, { headers })).text();
    }
    assert.equal(await reload(config("4s")), 200);
    assert.equal(await statusesOf(gateway, "/v1/shelves"), "200");
    const from = performance.now();
    gateway.child.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);
    assert.ok(
      performance.now() - from < 20_000,
      "no worker waits for the reader until the drain's time is over",
    );
    gateway.child.stdout?.resume();
  });

  test("to another upstream, and back", async (t) => {
    const library = await slowLibrary(t);
    const echo = await startEchoServer();
    t.after(() => echo.close());
    const first = { upstreams: { a: { address: library.address, schema: { reflection: true } } } };
    const second = { upstreams: { b: { address: echo.address, schema: { reflection: true } } } };
    const { gateway, reload } = await followed(t, () => first);
    assert.equal(await statusesOf(gateway, "/v1/shelves"), "200");
    assert.equal(await reload(second), 200);
    await becomes("404", () => statusesOf(gateway, "/v1/shelves"));
    assert.equal(await reload(first), 200);
    await becomes("200", () => statusesOf(gateway, "/v1/shelves"));
  });

  test("when a schema changes, and hold what it holds", async (t) => {
    const library = await slowLibrary(t);
    const { gateway, schemaFile } = await followed(t, (file) => ({
      upstreams: {
        library: { address: library.address, schema: { descriptors: [file], onBreakingChange: "hold" } },
      },
    }));
    assert.equal(await statusesOf(gateway, "/v1/shelves"), "200");
    await writeFile(schemaFile, readFileSync(descriptorPath()));
    await becomes(1, () => metric(gateway, "sluice_schema_held"));
    assert.equal(await statusesOf(gateway, "/v1/shelves"), "200", "nobody has confirmed it");
    const page = await (await fetch(`${gateway.adminUrl}/schema`)).text();
    const [, digest] = /"held":\s*\{[^}]*"digest":\s*"(\w+)"/.exec(page) ?? [];
    const confirm = `${gateway.adminUrl}/schema/confirm?upstream=library&digest=${digest}`;
    assert.equal((await fetch(confirm, { method: "POST" })).status, 200);
    await becomes("404", () => statusesOf(gateway, "/v1/shelves"));
  });
});

test("nobody else can start a worker", async () => {
  const run = await runSluice(["worker"]);
  assert.equal(run.exitCode, 1);
  assert.equal(run.stderr, "sluice: only a gateway with `workers` starts this command\n");
});
