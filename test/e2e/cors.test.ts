/**
 * CORS by config: preflights from the route table, and what actual replies carry. Both engines.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGatewayError, describeGateway, type SuiteConfig } from "../support/gateway-suite.ts";
import type { Answer } from "../support/http-request.ts";

const APP = "https://app.example.com";

const cors = (options: Readonly<Record<string, unknown>>): SuiteConfig => ({
  listener: { cors: { enabled: true, ...options } },
});

/** The fields that a browser asks with. */
function preflight(origin: string, method: string, headers?: string): readonly string[] {
  const asked = headers === undefined ? [] : ["access-control-request-headers", headers];
  return ["origin", origin, "access-control-request-method", method, ...asked];
}

/** The fields of CORS in a reply, without their common beginning. */
function corsFields({ headers }: Answer): Readonly<Record<string, string | undefined>> {
  const prefix = "access-control-";
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

const LISTED = cors({
  origins: [APP, "https://*.apps.example.com", "http://localhost:3000"],
  credentials: true,
  exposeHeaders: ["x-request-id", "sluice-unknown-fields"],
  maxAge: "1h",
});

describeGateway("CORS with allow-listed origins and credentials", LISTED, (subject) => {
  for (const [origin, path, method, headers] of [
    [APP, "/v1/echo", "POST", "content-type, authorization"],
    [APP, "/v1/echo/x", "PUT", "Content-Type"],
    [APP, "/v1/items/1", "PATCH", undefined],
    ["https://a.b.apps.example.com", "/v1/echo/x", "DELETE", undefined],
    ["http://localhost:3000", "/v1/custom", "REPORT", undefined],
    [APP, "/v1/any/x", "PROPFIND", undefined],
  ] as const) {
    test(`preflight: ${method} ${path} from ${origin} is allowed, with the exact methods of the path`, async () => {
      const { answer, calls } = await subject.observe(`OPTIONS ${path}`, {
        headers: preflight(origin, method, headers),
      });
      assert.equal(answer.status, 204, answer.body.toString());
      const fields = corsFields(answer);
      assert.equal(fields["allow-origin"], origin);
      assert.equal(fields["allow-credentials"], "true");
      assert.equal(fields["max-age"], "3600");
      assert.equal(fields["allow-headers"], headers?.toLowerCase());
      assert.ok(fields["allow-methods"]?.split(", ").includes(method), fields["allow-methods"]);
      assert.equal(fields["expose-headers"], undefined, "belongs to the actual reply");
      assert.equal(
        answer.headers.vary,
        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
      );
      assert.equal(answer.headers["content-length"], undefined);
      assert.equal(calls.length, 0);
    });
  }

  test("preflight: the methods are those of the path, no more", async () => {
    const answer = await subject.send("OPTIONS /v1/collect", { headers: preflight(APP, "POST") });
    assert.equal(corsFields(answer)["allow-methods"], "POST, OPTIONS");
  });

  for (const [why, path, status, reason, headers] of [
    ["origin", "/v1/echo", 403, "CORS_REFUSED", preflight("https://evil.example.com", "GET")],
    ["scheme", "/v1/echo", 403, "CORS_REFUSED", preflight("http://app.example.com", "GET")],
    ["port", "/v1/echo", 403, "CORS_REFUSED", preflight(`${APP}:8443`, "GET")],
    ["suffix", "/v1/echo", 403, "CORS_REFUSED", preflight("https://evilapps.example.com", "GET")],
    ["bare suffix", "/v1/echo", 403, "CORS_REFUSED", preflight("https://apps.example.com", "GET")],
    ["prefix", "/v1/echo", 403, "CORS_REFUSED", preflight(`${APP}.evil.com`, "GET")],
    ["null origin", "/v1/echo", 403, "CORS_REFUSED", preflight("null", "GET")],
    ["method", "/v1/echo", 403, "CORS_REFUSED", preflight(APP, "DELETE")],
    ["method in lower case", "/v1/echo", 403, "CORS_REFUSED", preflight(APP, "post")],
    ["header", "/v1/echo", 403, "CORS_REFUSED", preflight(APP, "POST", "x-secret")],
    ["path", "/v1/nothing", 404, "NO_ROUTE", preflight(APP, "GET")],
  ] as const) {
    test(`preflight: refused for its ${why}`, async () => {
      const { answer, calls } = await subject.observe(`OPTIONS ${path}`, { headers });
      assertGatewayError(answer, status, reason);
      assert.equal(corsFields(answer)["allow-methods"], undefined);
      assert.equal(calls.length, 0);
    });
  }

  for (const [line, status] of [
    ["GET /v1/echo", 200],
    ["GET /v1/blob?content_type=a/b&text=x", 200],
    ["GET /v1/count/2", 200],
    ["GET /v1/fail/5", 404],
    ["GET /v1/echo?int32Value=x", 400],
    ["GET /v1/nothing", 404],
    ["DELETE /v1/echo", 405],
  ] as const) {
    test(`${line} (${status}) of an allowed origin can be read by scripts`, async () => {
      const answer = await subject.send(line, { headers: ["origin", APP] });
      assert.equal(answer.status, status);
      assert.deepEqual(corsFields(answer), {
        "allow-origin": APP,
        "allow-credentials": "true",
        "expose-headers": "x-request-id, sluice-unknown-fields",
      });
      assert.ok(answer.headers.vary?.split(", ").includes("Origin"));
    });
  }

  test("a request of another origin is served, and cannot be read by scripts", async () => {
    const answer = await subject.send("GET /v1/echo", { headers: ["origin", "https://evil.example.com"] });
    assert.equal(answer.status, 200);
    assert.deepEqual(corsFields(answer), {});
    assert.equal(answer.headers.vary, "Origin");
  });

  test("a request without an origin varies too, so that no cache mixes them up", async () => {
    const answer = await subject.send("GET /v1/echo");
    assert.deepEqual(corsFields(answer), {});
    assert.equal(answer.headers.vary, "Origin");
  });

  test("an upstream cannot widen what the config allows", async () => {
    const answer = await subject.send(
      "GET /v1/metadata?headers[access-control-allow-origin]=*&headers[vary]=accept",
      { headers: ["origin", "https://evil.example.com"] },
    );
    assert.equal(answer.status, 200);
    assert.deepEqual(corsFields(answer), {});
  });

  test("OPTIONS that is no preflight is a plain one", async () => {
    const answer = await subject.send("OPTIONS /v1/collect", { headers: ["origin", APP] });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.allow, "POST, OPTIONS");
  });
});

describeGateway("CORS for any origin", cors({ origins: ["*"], allowHeaders: ["*"] }), (subject) => {
  test("preflight: any origin and any header, without credentials", async () => {
    const answer = await subject.send("OPTIONS /v1/echo", {
      headers: preflight("https://anyone.example", "POST", "x-one, x-two"),
    });
    assert.equal(answer.status, 204);
    const fields = corsFields(answer);
    assert.equal(fields["allow-origin"], "*");
    assert.equal(fields["allow-headers"], "x-one, x-two");
    assert.equal(fields["allow-credentials"], undefined);
    assert.equal(fields["max-age"], "600");
  });

  test("an actual reply says so and needs no Vary", async () => {
    const answer = await subject.send("GET /v1/echo", { headers: ["origin", "https://anyone.example"] });
    assert.deepEqual(corsFields(answer), { "allow-origin": "*" });
    assert.equal(answer.headers.vary, undefined);
  });
});

describeGateway("CORS switched off", {}, (subject) => {
  test("a preflight is a plain OPTIONS, and replies carry nothing", async () => {
    const asked = await subject.send("OPTIONS /v1/echo", { headers: preflight(APP, "POST") });
    assert.equal(asked.status, 204);
    assert.deepEqual(corsFields(asked), {});
    const answer = await subject.send("GET /v1/echo", { headers: ["origin", APP] });
    assert.deepEqual(corsFields(answer), {});
    assert.equal(answer.headers.vary, undefined);
  });
});
