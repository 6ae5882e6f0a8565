import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type AdminView, adminHandler } from "../../../src/admin/index.ts";
import type { RouteRow } from "../../../src/control/index.ts";
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
};

const REFUSED = { severity: "error", where: "sluice.yaml:1:1", what: "is empty", hint: "write it" } as const;

async function ask(request: FakeRequest, view: Partial<AdminView> = {}): Promise<FakeExchange> {
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
    readiness: () => ({ ready: true, detail: "ready" }),
    routes: () => [ROW],
    metrics: async () => ({ contentType: "text/plain; version=0.0.4", body: "up 1\n" }),
    schemas: () => [],
    reload: async () => ({ result: "unchanged", revision: 1, changes: [], problems: [] }),
    confirmSchema: async () => "unknown",
    ...view,
  };
  adminHandler(whole, log)(exchange);
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
      { readiness: () => ({ ready: false, detail: "waiting for the schema of: library" }) },
      503,
      /library/,
    ],
    ["its metrics", { path: "/metrics" }, {}, 200, /^up 1$/m],
    ["its routes as JSON", { path: "/routes" }, {}, 200, /"template": "\/v1\/\{name\}"/],
    [
      "its routes as a table",
      { path: "/routes", headers: ["accept", "text/plain"] },
      {},
      200,
      /^GET {5}\/v1\/\{name\} {2}t\.S\.Get/m,
    ],
    ["which paths there are", { path: "/" }, {}, 404, /\/healthz \/readyz \/metrics \/routes/],
    ["that it is read-only", { method: "POST", path: "/routes" }, {}, 405, /GET and HEAD/],
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
      /other origins/,
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
