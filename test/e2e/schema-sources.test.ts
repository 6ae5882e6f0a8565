/**
 * Where a running gateway gets its schema: reflection of every kind of server, descriptor sets, rules beside them; and what it
 * does while an upstream is away.
 */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { resolve } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { type DemoUpstream, listen, startDemoUpstream } from "../../src/demo/index.ts";
import { ECHO_DESCRIPTORS, type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { GatewayProcess, runSluice, startGateway, temporaryFiles } from "../support/gateway-process.ts";

const S = "sluice.test.v1.EchoService";
const ECHO_FILE = resolve(ECHO_DESCRIPTORS);
const LIBRARY_FILE = resolve("descriptors/library.binpb");

type Mapping = Readonly<Record<string, unknown>>;

/** A gateway that ends with the test. */
async function gatewayFor(
  t: TestContext,
  config: Mapping,
  environment: NodeJS.ProcessEnv = {},
): Promise<GatewayProcess> {
  const gateway = await startGateway(config, environment);
  t.after(() => gateway.stop("SIGKILL"));
  return gateway;
}

async function echoFor(
  t: TestContext,
  options: Parameters<typeof startEchoServer>[0] = {},
): Promise<EchoServer> {
  const echo = await startEchoServer(options);
  t.after(() => echo.close());
  return echo;
}

async function getJson(url: string): Promise<{ readonly status: number; readonly json: unknown }> {
  const reply = await fetch(url);
  return { status: reply.status, json: await reply.json() };
}

function post(body: string): RequestInit {
  return { method: "POST", body, headers: { "content-type": "application/json" } };
}

async function readyz(gateway: GatewayProcess): Promise<string> {
  const reply = await fetch(`${gateway.adminUrl}/readyz`);
  return `${reply.status} ${(await reply.text()).trim()}`;
}

describe("one upstream", { timeout: 60_000 }, () => {
  const rows: readonly [what: string, versions: readonly ("v1" | "v1alpha")[], schema: Mapping][] = [
    ["reflection v1 alone", ["v1"], { reflection: true }],
    ["reflection v1alpha alone", ["v1alpha"], { reflection: true }],
    ["both versions", ["v1", "v1alpha"], { reflection: { timeout: "3s" } }],
    ["a descriptor set, where there is no reflection", [], { descriptors: [ECHO_FILE] }],
    ["reflection and the same descriptor set", ["v1"], { reflection: true, descriptors: [ECHO_FILE] }],
    ["its .proto, where there is no reflection", [], { protos: [resolve("test/fixtures/echo/echo.proto")] }],
    ["the same descriptor set twice", [], { descriptors: [ECHO_FILE, ECHO_FILE] }],
  ];
  for (const [what, reflection, schema] of rows) {
    test(what, async (t) => {
      const echo = await echoFor(t, { reflection });
      const gateway = await gatewayFor(t, { upstreams: { echo: { address: echo.address, schema } } });
      const { status, json } = await getJson(
        `${gateway.url()}/v1/shelves/1/books/2?int64_value=9007199254740993`,
      );
      assert.equal(status, 200);
      assert.ok(typeof json === "object" && json !== null && "stringValue" in json && "int64Value" in json);
      assert.equal(json.stringValue, "shelves/1/books/2", "the http options came along");
      assert.equal(json.int64Value, "9007199254740993");
      assert.deepEqual(
        gateway.log.filter((line) => line.msg === "problem"),
        [],
      );
      assert.equal(await readyz(gateway), "200 ready");
    });
  }

  test("reflection and another service's descriptor set are merged", async (t) => {
    const echo = await echoFor(t);
    const gateway = await gatewayFor(t, {
      upstreams: {
        echo: { address: echo.address, schema: { reflection: true, descriptors: [LIBRARY_FILE] } },
      },
    });
    assert.equal((await fetch(`${gateway.url()}/v1/ping`)).status, 200);
    const unknown = await getJson(`${gateway.url()}/v1/shelves`);
    assert.equal(unknown.status, 501, "the upstream does not have what the file declares");
  });

  test("without reflection is tried on, and says so", async (t) => {
    const echo = await echoFor(t, { reflection: [] });
    const gateway = await gatewayFor(t, {
      upstreams: { echo: { address: echo.address, schema: { reflection: true } } },
    });
    const line = await gateway.logged((each) => each.msg === "schema not loaded; trying again");
    assert.equal(line.upstream, "echo");
    assert.equal(await readyz(gateway), "503 waiting for the schema of: echo");
    const { status, json } = await getJson(`${gateway.url()}/v1/ping`);
    assert.equal(status, 503);
    assert.match(JSON.stringify(json), /NOT_READY/);
  });
});

describe("@grpc/reflection as a peer", { timeout: 60_000 }, () => {
  test("its methods are served by rules of config, since it drops the http options", async (t) => {
    const definition = loadSync("shop/shop.proto", {
      includeDirs: ["test/fixtures/protos", "descriptors/protos"],
      keepCase: true,
    });
    const server = new Server();
    const service = definition["shop.Orders"];
    assert.ok(service !== undefined && !("format" in service));
    server.addService(service, {
      GetOrder: (call: { request: { name: string } }, reply: (error: null, order: Mapping) => void) =>
        reply(null, { name: call.request.name, price: { units: "9007199254740993" }, state: 1 }),
    });
    new ReflectionService(definition).addToServer(server);
    const address = await listen(server, "127.0.0.1:0", ServerCredentials.createInsecure());
    t.after(() => server.forceShutdown());
    const gateway = await gatewayFor(t, {
      upstreams: {
        shop: {
          address,
          schema: { reflection: true },
          autoMapping: true,
          http: { rules: [{ selector: "shop.Orders.GetOrder", get: "/v2/{name=orders/*}" }] },
        },
      },
    });
    const { status, json } = await getJson(`${gateway.url()}/v2/orders/7`);
    assert.equal(status, 200);
    assert.ok(typeof json === "object" && json !== null && "name" in json && "state" in json);
    assert.equal(json.name, "orders/7");
    assert.equal(json.state, "OPEN");
    const auto = await fetch(`${gateway.url()}/shop.Orders/UpdateOrder`, post("{}"));
    assert.equal(auto.status, 501, "autoMapping reaches it; the server does not implement it");
  });
});

describe("rules beside the schema", { timeout: 60_000 }, () => {
  test("a google.api.Service document adds and replaces; its path starts at the config; the environment is read", async (t) => {
    const echo = await echoFor(t);
    const files = await temporaryFiles({
      "service.yaml": `type: google.api.Service
config_version: 3
name: echo.example.com
http:
  rules:
    - selector: ${S}.Unannotated
      post: /doc/{string_value}
      body: nested
      additional_bindings:
        - get: /doc/{string_value}:peek
    - selector: ${S}.Ping
      get: /doc/ping
`,
      "sluice.yaml": `listeners: [{ address: "127.0.0.1:\${HTTP_PORT:-0}" }]
admin: { address: 127.0.0.1:0 }
upstreams:
  echo:
    address: \${ECHO_ADDRESS}
    schema: { descriptors: ["\${ECHO_SET}"] }
    http: { serviceConfig: service.yaml }
`,
    });
    t.after(() => files.remove());
    const gateway = await GatewayProcess.start(["serve", "-c", files.path("sluice.yaml")], {
      ECHO_ADDRESS: echo.address,
      ECHO_SET: ECHO_FILE,
    });
    t.after(() => gateway.stop("SIGKILL"));
    const posted = await fetch(`${gateway.url()}/doc/a`, post('{"stringValue":"inner"}'));
    assert.match(
      await posted.text(),
      /"stringValue":"a","bytesValue":"".*"nested":\{.*"stringValue":"inner"/,
    );
    assert.equal((await fetch(`${gateway.url()}/doc/a:peek`)).status, 200);
    assert.equal((await fetch(`${gateway.url()}/doc/ping`)).status, 200);
    assert.equal((await fetch(`${gateway.url()}/v1/ping`)).status, 404, "the annotation is replaced");
    const unset = await runSluice(["check", "-c", files.path("sluice.yaml")]);
    assert.match(unset.stderr, /sluice\.yaml:5:14: .*ECHO_ADDRESS is not set \(.+\)/);
  });
});

describe("an upstream that is away at start", { timeout: 60_000 }, () => {
  let library: DemoUpstream;
  before(async () => {
    library = await startDemoUpstream({ address: "127.0.0.1:0" });
  });
  after(() => library.close());

  test("does not keep the others from serving, is waited for, and appears when it comes", async (t) => {
    const files = await temporaryFiles({});
    t.after(() => files.remove());
    const address = `unix:${files.path("echo.sock")}`;
    const gateway = await gatewayFor(t, {
      readiness: { require: "all" },
      upstreams: {
        echo: { address, schema: { reflection: true } },
        library: { address: library.address, schema: { reflection: true } },
      },
    });
    assert.equal((await fetch(`${gateway.url()}/v1/shelves`)).status, 200);
    assert.equal(await readyz(gateway), "503 waiting for the schema of: echo");
    const early = await getJson(`${gateway.url()}/v1/ping`);
    assert.equal(early.status, 503);
    assert.match(JSON.stringify(early.json), /NOT_READY.*"|echo/);

    await echoFor(t, { address });
    await gateway.logged((line) => line.msg === "serving" && line.revision === 2);
    assert.equal((await fetch(`${gateway.url()}/v1/ping`)).status, 200);
    assert.equal((await fetch(`${gateway.url()}/v1/shelves`)).status, 200);
    assert.equal(await readyz(gateway), "200 ready");
    assert.equal((await fetch(`${gateway.url()}/nope`)).status, 404, "now nothing more can come");
  });

  const readiness: readonly [require: string, expected: string][] = [
    ["first", "200 ready"],
    ["all", "503 waiting for the schema of: away"],
    ["none", "200 ready"],
  ];
  for (const [require, expected] of readiness) {
    test(`readiness ${require}: one there, one away`, async (t) => {
      const gateway = await gatewayFor(t, {
        readiness: { require },
        upstreams: {
          away: { address: "127.0.0.1:1", schema: { reflection: true } },
          library: { address: library.address, schema: { reflection: true } },
        },
      });
      assert.equal(await readyz(gateway), expected);
      assert.equal((await fetch(`${gateway.adminUrl}/healthz`)).status, 200);
    });
  }

  const alone: readonly [require: string, expected: string][] = [
    ["first", "503 waiting for the schema of: away"],
    ["none", "200 ready"],
  ];
  for (const [require, expected] of alone) {
    test(`readiness ${require}: none there`, async (t) => {
      const gateway = await gatewayFor(t, {
        readiness: { require },
        upstreams: { away: { address: "127.0.0.1:1", schema: { reflection: true } } },
      });
      assert.equal(await readyz(gateway), expected);
    });
  }

  test("is known without reflection from its descriptor set, and answers 503 as unreachable", async (t) => {
    const gateway = await gatewayFor(t, {
      upstreams: { away: { address: "127.0.0.1:1", schema: { descriptors: [ECHO_FILE] } } },
    });
    assert.equal(await readyz(gateway), "200 ready");
    const { status, json } = await getJson(`${gateway.url()}/v1/ping`);
    assert.equal(status, 503);
    assert.match(JSON.stringify(json), /UPSTREAM_UNREACHABLE/);
  });

  test("and that hangs keeps neither the others nor a signal waiting", async (t) => {
    const sockets: Socket[] = [];
    const hanging = createServer((socket) => sockets.push(socket.on("error", () => {})));
    await new Promise<void>((done) => {
      hanging.listen(0, "127.0.0.1", done);
    });
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      hanging.close();
    });
    const address = hanging.address();
    assert.ok(typeof address === "object" && address !== null);
    const gateway = await gatewayFor(t, {
      upstreams: {
        hanging: { address: `127.0.0.1:${address.port}`, schema: { reflection: { timeout: "1h" } } },
        library: { address: library.address, schema: { reflection: true } },
      },
    });
    assert.equal((await fetch(`${gateway.url()}/v1/shelves`)).status, 200);
    assert.equal(await readyz(gateway), "200 ready");
    assert.equal(await gateway.stop(), 0, "a try under way does not hold the process");
  });
});
