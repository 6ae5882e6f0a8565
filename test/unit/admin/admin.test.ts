import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type AdminView, adminHandler, adminPages } from "../../../src/admin/index.ts";
import type { RouteRow } from "../../../src/control/index.ts";
import type { ListenAddress } from "../../../src/http/index.ts";
import type { Logger } from "../../../src/telemetry/index.ts";
import { FakeExchange, type FakeRequest } from "../../support/fake-exchange.ts";

const ROW: RouteRow = {
  method: "GET",
  template: "/v1/{name}",
  rpc: "t.S.Get",
  body: "",
  responseBody: "",
  kind: "unary",
  source: "annotation",
  upstream: "library",
  listeners: ["0.0.0.0:8080"],
};

const CHECKS = [{ name: "schema of library", ok: false, detail: "waiting for it" }];
const REFUSED = { severity: "error", where: "sluice.yaml:1:1", what: "is empty", hint: "write it" } as const;

const ANYWHERE: ListenAddress = { host: "0.0.0.0", port: 9901 };

async function ask(
  request: FakeRequest,
  view: Partial<AdminView> = {},
  address: ListenAddress = ANYWHERE,
): Promise<FakeExchange> {
  const exchange = new FakeExchange(request);
  const faults: object[] = [];
  const note = (fields: object): void => {
    faults.push(fields);
  };
  const log: Logger = {
    level: "info",
    trace: note,
    debug: note,
    info: note,
    warn: note,
    error: note,
    fatal: note,
  };
  const whole: AdminView = {
    readiness: () => ({ ready: true, detail: "ready", checks: CHECKS }),
    routes: () => [ROW],
    upstreams: () => [],
    config: () => ({ file: "sluice.yaml", deadlineMs: Number.POSITIVE_INFINITY }),
    logLevel: () => "info",
    setLogLevel: () => {
      throw new Error("not asked for");
    },
    metrics: async () => ({ contentType: "text/plain; version=0.0.4", body: "up 1\n" }),
    schemas: () => [],
    reload: async () => ({ result: "unchanged", revision: 1, changes: [], problems: [] }),
    confirmSchema: async () => "unknown",
    ...view,
  };
  adminHandler(adminPages(whole), log, address)(exchange);
  // Every answer is there within the microtasks of the handler.
  await new Promise((resolve) => setImmediate(resolve));
  return exchange;
}

describe("the admin listener answers", () => {
  const cases: readonly [
    what: string,
    request: FakeRequest,
    view: Partial<AdminView>,
    status: number,
    body: RegExp,
  ][] = [
    ["that the process is alive", { path: "/healthz" }, {}, 200, /^ok$/m],
    ["that it is ready", { path: "/readyz" }, {}, 200, /^ready$/m],
    [
      "what it waits for",
      { path: "/readyz" },
      { readiness: () => ({ ready: false, detail: "waiting for the schema of: library", checks: CHECKS }) },
      503,
      /library/,
    ],
    [
      "what readiness depends on, to whoever asks for more",
      { path: "/readyz", query: "verbose" },
      {},
      200,
      /^ready\n\[-\] schema of library: waiting for it\n$/,
    ],
    [
      "its config, with limits that are none as a word",
      { path: "/config" },
      {},
      200,
      /"deadlineMs": "unlimited"/,
    ],
    [
      "its upstreams",
      { path: "/upstreams" },
      { upstreams: () => [{ name: "library", state: "ready", openCalls: 3, endpoints: [] }] },
      200,
      /"openCalls": 3/,
    ],
    ["the level of its log", { path: "/log" }, {}, 200, /"level": "info"/],
    [
      "that a level is none",
      { method: "POST", path: "/log", query: "level=loud" },
      {},
      400,
      /^level "loud" is none of trace, debug, info, warn, error, fatal, silent$/m,
    ],
    ["with a page for people", { path: "/" }, {}, 200, /^<!doctype html>/],
    ["its metrics", { path: "/metrics" }, {}, 200, /^up 1$/m],
    ["its routes as JSON", { path: "/routes" }, {}, 200, /"template": "\/v1\/\{name\}"/],
    [
      "its routes as a table",
      { path: "/routes", headers: ["accept", "text/plain"] },
      {},
      200,
      /^GET {5}\/v1\/\{name\} {2}t\.S\.Get/m,
    ],
    [
      "which paths there are",
      { path: "/nowhere" },
      {},
      404,
      /^GET {2}\/healthz {2}200 while the process is alive$/m,
    ],
    ["with what a path takes", { method: "POST", path: "/routes" }, {}, 405, /only GET, HEAD$/m],
    ["with all that a path takes", { method: "PUT", path: "/log" }, {}, 405, /only GET, HEAD, POST$/m],
    ["the schemas", { path: "/schema" }, {}, 200, /"upstreams": \[\]/],
    ["what a reload did", { method: "POST", path: "/reload" }, {}, 200, /"result": "unchanged"/],
    [
      "why a reload was refused",
      { method: "POST", path: "/reload" },
      { reload: async () => ({ result: "refused", revision: 1, changes: [], problems: [REFUSED] }) },
      422,
      /sluice\.yaml:1:1: is empty/,
    ],
    ["that a reload is no GET", { path: "/reload" }, {}, 405, /only POST/],
    [
      "no page of another origin",
      { method: "POST", path: "/reload", headers: ["host", "a:1", "origin", "http://b:1"] },
      {},
      403,
      /another origin/,
    ],
    [
      "what to confirm",
      { method: "POST", path: "/schema/confirm", query: "upstream=a" },
      {},
      400,
      /digest=HEX/,
    ],
    [
      "that no such schema waits",
      { method: "POST", path: "/schema/confirm", query: "upstream=a&digest=0" },
      {},
      409,
      /GET \/schema says/,
    ],
    [
      "a failure without its text",
      { path: "/metrics" },
      { metrics: () => Promise.reject(new Error("secret")) },
      500,
      /^internal error$/m,
    ],
  ];
  for (const [what, request, view, status, body] of cases) {
    test(what, async () => {
      const exchange = await ask(request, view);
      assert.equal(exchange.status, status);
      assert.match(exchange.text, body);
    });
  }
});

describe("the admin listener changes", () => {
  test("the level of the log", async () => {
    let level: string | undefined;
    const setLogLevel = (asked: string): void => {
      level = asked;
    };
    const exchange = await ask({ method: "POST", path: "/log", query: "level=debug" }, { setLogLevel });
    assert.equal(exchange.status, 200);
    assert.equal(level, "debug");
  });

  const origins: readonly [what: string, headers: readonly string[], status: number][] = [
    ["for programs", ["host", "sluice.internal:9901"], 200],
    ["for its own page, by address", ["host", "127.0.0.1:9901", "origin", "http://127.0.0.1:9901"], 200],
    ["for its own page, by IPv6 address", ["host", "[::1]:9901", "origin", "http://[::1]:9901"], 200],
    ["for its own page, by localhost", ["host", "localhost:9901", "origin", "http://localhost:9901"], 200],
    [
      "nothing for a page of another origin",
      ["host", "127.0.0.1:9901", "origin", "https://evil.example"],
      403,
    ],
    ["nothing for a page without an origin", ["host", "127.0.0.1:9901", "origin", "null"], 403],
    [
      "nothing for a page whose name was made to lead here",
      ["host", "evil.example:9901", "origin", "http://evil.example:9901"],
      403,
    ],
    ["nothing for another site's form", ["host", "127.0.0.1:9901", "sec-fetch-site", "cross-site"], 403],
  ];
  for (const [what, headers, status] of origins) {
    test(`${status === 200 ? "something " : ""}${what}`, async () => {
      let isChanged = false;
      const setLogLevel = (): void => {
        isChanged = true;
      };
      const exchange = await ask(
        { method: "POST", path: "/log", query: "level=warn", headers },
        { setLogLevel },
      );
      assert.equal(exchange.status, status);
      assert.equal(isChanged, status === 200);
    });
  }
});

describe("an admin listener on loopback", () => {
  const LOCAL: readonly ListenAddress[] = [
    { host: "127.0.0.1", port: 9901 },
    { host: "::1", port: 9901 },
    { host: "localhost", port: 9901 },
  ];
  for (const [title, host, status] of [
    ["answers to localhost", "localhost:9901", 200],
    ["answers to an address", "127.0.0.1:9901", 200],
    ["answers to an address in brackets", "[::1]:9901", 200],
    ["refuses a name that somebody has made to lead to it", "evil.example:9901", 421],
    ["refuses a name that looks like an address", "127.0.0.1.evil.example", 421],
    ["answers to programs that name nothing", "", 200],
  ] as const) {
    test(title, async () => {
      for (const address of LOCAL) {
        const exchange = await ask({ path: "/routes", headers: ["host", host] }, {}, address);
        assert.equal(exchange.status, status, JSON.stringify(address));
      }
    });
  }

  test("is the only one: names lead to others, and sockets have none", async () => {
    for (const address of [ANYWHERE, { path: "/run/sluice.sock", mode: 0o660 }]) {
      const exchange = await ask({ path: "/routes", headers: ["host", "admin.example"] }, {}, address);
      assert.equal(exchange.status, 200);
    }
  });
});
