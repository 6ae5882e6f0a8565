import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CorsOptions, CorsPolicy } from "../../../src/policy/cors/index.ts";
import { FakeExchange } from "../../support/fake-exchange.ts";

const OPTIONS: CorsOptions = {
  origins: ["https://app.example.com", "https://*.example.org"],
  credentials: false,
  exposeHeaders: ["x-total"],
  allowHeaders: ["*"],
  maxAgeMs: 600_000,
};

function admit(options: Partial<CorsOptions>, origin: string | undefined): Record<string, string> {
  const headers: string[] = [];
  new CorsPolicy({ ...OPTIONS, ...options }).admit(
    new FakeExchange({ headers: origin === undefined ? [] : ["origin", origin] }),
    headers,
  );
  return pairs(headers);
}

function pairs(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] ?? ""]] : [])));
}

function preflight(options: Partial<CorsOptions>, ...headers: string[]): Record<string, string> | string {
  const exchange = new FakeExchange({ method: "OPTIONS", headers });
  const answer = new CorsPolicy({ ...OPTIONS, ...options }).preflight(exchange, ["GET", "HEAD", "PATCH"]);
  return "refusal" in answer ? answer.refusal.message : pairs(answer.headers);
}

test("an origin is named if it is let in otherwise than as any page", () => {
  const policy = new CorsPolicy({ ...OPTIONS, origins: ["*", "https://app.test", "https://*.wild.test"] });
  assert.ok(policy.names("https://app.test"));
  assert.ok(policy.names("https://a.wild.test"));
  assert.ok(!policy.names("https://other.test"));
});

describe("a cross-origin reply names the origin only if it is allowed", () => {
  const cases: readonly [origin: string | undefined, allowed: string | undefined][] = [
    ["https://app.example.com", "https://app.example.com"],
    ["https://APP.example.com", "https://APP.example.com"],
    ["http://app.example.com", undefined],
    ["https://app.example.com:8443", undefined],
    ["https://a.b.example.org", "https://a.b.example.org"],
    ["https://example.org", undefined],
    ["https://.example.org", undefined],
    ["https://evilexample.org", undefined],
    ["null", undefined],
    [undefined, undefined],
  ];
  for (const [origin, allowed] of cases) {
    test(`origin ${origin}`, () => {
      const headers = admit({}, origin);
      assert.equal(headers["access-control-allow-origin"], allowed);
      assert.equal(headers["access-control-expose-headers"], allowed === undefined ? undefined : "x-total");
      assert.equal(headers.vary, "Origin", "caches must not mix origins up");
    });
  }

  test("any origin gives a star, which needs no Vary", () => {
    assert.deepEqual(admit({ origins: ["*"], exposeHeaders: [] }, "https://x.test"), {
      "access-control-allow-origin": "*",
    });
  });

  test("credentials are allowed by name only", () => {
    const headers = admit({ credentials: true }, "https://app.example.com");
    assert.equal(headers["access-control-allow-origin"], "https://app.example.com");
    assert.equal(headers["access-control-allow-credentials"], "true");
  });
});

describe("a preflight is answered from the methods of the path", () => {
  const ORIGIN = ["origin", "https://app.example.com"];

  test("an allowed one lists the exact methods and what was asked for", () => {
    assert.deepEqual(
      preflight(
        {},
        ...ORIGIN,
        "access-control-request-method",
        "PATCH",
        "access-control-request-headers",
        "Content-Type, X-A",
      ),
      {
        "access-control-allow-origin": "https://app.example.com",
        "access-control-allow-methods": "GET, HEAD, PATCH",
        "access-control-allow-headers": "content-type, x-a",
        "access-control-max-age": "600",
        vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
      },
    );
  });

  const refusals: readonly [options: Partial<CorsOptions>, headers: readonly string[], message: string][] = [
    [
      {},
      ["origin", "https://x.test", "access-control-request-method", "GET"],
      'origin "https://x.test" is not allowed',
    ],
    [
      {},
      [...ORIGIN, "access-control-request-method", "POST"],
      'method "POST" is not allowed; this path has GET, HEAD, PATCH',
    ],
    [
      { allowHeaders: ["x-a"] },
      [...ORIGIN, "access-control-request-method", "GET", "access-control-request-headers", "x-a,x-b"],
      'header "x-b" is not allowed',
    ],
  ];
  for (const [options, headers, message] of refusals) {
    test(`refused: ${message}`, () => assert.equal(preflight(options, ...headers), message));
  }
});
