/**
 * Listeners with route sets of their own, as docs/routes.md shows them: a public one and an internal one, for each engine.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RouteRow } from "../../src/control/index.ts";
import { type EchoServer, startEchoServer } from "../support/echo-server.ts";
import { type GatewayProcess, runSluice, startGateway, temporaryFiles } from "../support/gateway-process.ts";
import { assertGatewayError, descriptorPath, ENGINES } from "../support/gateway-suite.ts";
import { closeIdleConnections, jsonOf, send } from "../support/http-request.ts";
import { refusedSocket, talk } from "../support/socket-talk.ts";

const PUBLIC = {
  include: [{ path: "/v1/**" }],
  exclude: [{ path: "/v1/items/**" }, { path: "/v1/echo/*", methods: ["DELETE"] }, { upstream: "second" }],
};
const APP = "https://app.example.com";
const PREFLIGHT = ["origin", APP, "access-control-request-method"];
const LISTENERS = ENGINES.flatMap((engine) => [
  {
    name: `${engine}-public`,
    address: "127.0.0.1:0",
    engine,
    routes: PUBLIC,
    cors: { enabled: true, origins: [APP] },
  },
  { name: `${engine}-internal`, address: "127.0.0.1:0", engine },
]);

describe("a public and an internal listener", { timeout: 30_000 }, () => {
  let echo: EchoServer | undefined;
  let gateway: GatewayProcess | undefined;
  before(async () => {
    echo = await startEchoServer();
    const schema = { descriptors: [descriptorPath()] };
    gateway = await startGateway({
      listeners: LISTENERS,
      upstreams: {
        echo: { address: echo.address, schema },
        second: {
          address: echo.address,
          schema,
          http: {
            rules: [
              { selector: "*", get: "/second/nowhere/{unknown}" },
              { selector: "sluice.test.v1.EchoService.Ping", get: "/v1/second" },
            ],
          },
        },
      },
    });
  });
  after(async () => {
    closeIdleConnections();
    await gateway?.stop();
    await echo?.close();
  });
  const running = (): GatewayProcess => {
    if (gateway === undefined) throw new Error("the gateway has not started");
    return gateway;
  };

  for (const [index, engine] of ENGINES.entries()) {
    describe(`engine ${engine}`, () => {
      const publicUrl = (): string => running().url(2 * index);
      const internalUrl = (): string => running().url(2 * index + 1);

      test("what both serve is there on both", async () => {
        for (const url of [publicUrl(), internalUrl()]) {
          const answer = await send(url, "PUT /v1/echo/a", {
            headers: ["content-type", "application/json"],
            body: "{}",
          });
          assert.equal(answer.status, 200, answer.body.toString());
        }
      });

      for (const line of ["PATCH /v1/items/1", "GET /v1/second", "OPTIONS /v1/items/1"]) {
        test(`${line} is not there on the public listener`, async () => {
          assertGatewayError(await send(publicUrl(), line, { body: "" }), 404, "NO_ROUTE");
          const { status } = await send(internalUrl(), line, { body: "" });
          assert.ok(status === 200 || status === 204, String(status));
        });
      }

      test("a method that is excluded is 405, and in neither Allow nor preflights", async () => {
        const refused = await send(publicUrl(), "DELETE /v1/echo/a");
        assertGatewayError(refused, 405, "METHOD_NOT_ALLOWED");
        assert.deepEqual(refused.headers.allow, "POST, PUT, OPTIONS");
        const plain = await send(publicUrl(), "OPTIONS /v1/echo/a");
        assert.equal(plain.headers.allow, "POST, PUT, OPTIONS");
        const asked = await send(publicUrl(), "OPTIONS /v1/echo/a", { headers: [...PREFLIGHT, "PUT"] });
        assert.equal(asked.headers["access-control-allow-methods"], "POST, PUT, OPTIONS");
        const other = await send(publicUrl(), "OPTIONS /v1/echo/a", { headers: [...PREFLIGHT, "DELETE"] });
        assertGatewayError(other, 403, "CORS_REFUSED");
        assert.equal((await send(internalUrl(), "DELETE /v1/echo/a")).status, 200);
      });

      test("CORS is the public listener's alone", async () => {
        const answer = await send(publicUrl(), "GET /v1/echo", { headers: ["origin", APP] });
        assert.equal(answer.headers["access-control-allow-origin"], APP);
        const internal = await send(internalUrl(), "GET /v1/echo", { headers: ["origin", APP] });
        assert.equal(internal.headers["access-control-allow-origin"], undefined);
        assert.equal(internal.headers.vary, undefined);
      });

      test("a WebSocket finds the routes of its listener", async () => {
        const port = Number(new URL(publicUrl()).port);
        assert.equal((await refusedSocket(port, "/v1/second")).status, 404);
        assert.equal((await talk(port, "/v1/count/1", [])).code, 1000);
      });

      test("the access log names the listener", async () => {
        const id = `named-${engine}`;
        await send(publicUrl(), "GET /v1/echo", { headers: ["x-request-id", id] });
        const line = await running().logged(({ requestId }) => requestId === id);
        assert.equal(line.listener, `${engine}-public`);
      });
    });
  }

  test("/routes names the listeners of each route, the text too", async () => {
    // What the page is, `RouteRow` says; each assertion below would notice anything else.
    const { routes } = jsonOf(await send(running().adminUrl, "GET /routes")) as { routes: RouteRow[] };
    const listenersOf = (method: string, template: string): readonly string[] | undefined =>
      routes.find((row) => row.method === method && row.template === template)?.listeners;
    const internal = ["uws-internal", "node-internal"];
    assert.deepEqual(listenersOf("GET", "/v1/second"), internal);
    assert.deepEqual(listenersOf("PATCH", "/v1/items/{id}"), internal);
    assert.deepEqual(
      listenersOf("GET", "/v1/echo"),
      LISTENERS.map(({ name }) => name),
    );
    const text = (await send(running().adminUrl, "GET /routes", { headers: ["accept", "text/plain"] })).body;
    assert.match(text.toString(), /^METHOD .* SOURCE +LISTENERS$/m);
    assert.match(text.toString(), /^GET +\/v1\/second .* uws-internal, node-internal$/m);
  });
});

describe("sluice on the command line", () => {
  const config = (routes: string): string => `listeners:
  - { name: public, address: "127.0.0.1:0", routes: ${routes} }
  - { name: internal, address: "127.0.0.1:0" }
upstreams:
  echo:
    address: "127.0.0.1:9"
    schema: { descriptors: ["${descriptorPath()}"] }
`;

  test("routes and explain speak of listeners", async () => {
    const files = await temporaryFiles({ "sluice.yaml": config("{ include: [{ path: /v1/ping }] }") });
    try {
      const args = ["-c", files.path("sluice.yaml")];
      const { stdout } = await runSluice(["routes", ...args]);
      assert.match(stdout, /^GET +\/v1\/ping .* public, internal$/m);
      assert.match(stdout, /^GET +\/v1\/echo .* internal$/m);
      const here = await runSluice(["explain", ...args, "GET /v1/echo"]);
      assert.match(here.stdout, /404: no route has this path/);
      const there = await runSluice(["explain", ...args, "--listener", "internal", "GET /v1/echo"]);
      assert.equal(there.exitCode, 0, there.stdout + there.stderr);
      const nowhere = await runSluice(["explain", ...args, "--listener", "x", "GET /v1/echo"]);
      assert.match(nowhere.stderr, /there is no listener "x" \(there is: public, internal\)/);
    } finally {
      await files.remove();
    }
  });

  test("check tells of conditions that mean nothing, and of listeners without a route", async () => {
    const files = await temporaryFiles({
      "sluice.yaml": config("{ include: [{ path: /v9/** }], exclude: [{ path: /v1/ehco }] }"),
    });
    try {
      const { exitCode, stderr } = await runSluice(["check", "-c", files.path("sluice.yaml")]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /sluice\.yaml:2:\d+: includes no route: there is none of path \/v9\/\*\*/);
      assert.match(stderr, /sluice\.yaml:2:\d+: excludes no route: there is none of path \/v1\/ehco/);
      assert.match(stderr, /sluice\.yaml:2:\d+: listener public serves no route/);
    } finally {
      await files.remove();
    }
  });
});
