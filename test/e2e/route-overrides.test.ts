/**
 * Options of some routes, by path pattern: deadlines, CORS, cache headers, fixed headers and metadata. Both engines.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGatewayError, describeGateway, type Subject } from "../support/gateway-suite.ts";
import { type Answer, jsonOf } from "../support/http-request.ts";
import { openSocket, readToClose, refusedSocket, talk } from "../support/socket-talk.ts";

const APP = "https://app.example.com";
const ADMIN = "https://admin.example.com";
const JSON_TYPE = ["content-type", "application/json"];

describeGateway(
  "options by path pattern",
  {
    config: {
      routes: [
        { path: "/v1/body/**", maxRequestBodyBytes: "16B", errors: { format: "problem" } },
        { path: "/v1/hang", methods: "GET", deadline: "50ms" },
        { path: "/v1/part/**", json: { int64: "number-if-safe" } },
        { path: "/v1/count/*", stream: { format: "json" } },
        { path: "/v1/echo", methods: ["POST"], unknownFields: "ignore" },
      ],
    },
    upstream: { routes: [{ path: "/v1/body/message/*", maxRequestBodyBytes: "1KiB" }] },
  },
  (subject) => {
    const long = { headers: JSON_TYPE, body: JSON.stringify({ stringValue: "more than 16 bytes" }) };
    test("a body limit and an error format for all paths below one", async () => {
      const answer = await subject.send("POST /v1/body/message", long);
      assert.equal(answer.status, 413);
      assert.equal(answer.headers["content-type"], "application/problem+json");
    });
    test("which the upstream's own routes override", async () => {
      assert.equal((await subject.send("POST /v1/body/message/x", long)).status, 200);
    });
    test("a deadline for one route", async () => {
      assertGatewayError(await subject.send("GET /v1/hang"), 504, "DEADLINE");
    });
    test("the JSON of some routes", async () => {
      const answer = await subject.send("POST /v1/part/int64", {
        headers: JSON_TYPE,
        body: '{"int64Value":"7"}',
      });
      assert.equal(answer.body.toString(), "7");
    });
    test("the form of a stream", async () => {
      const answer = await subject.send("GET /v1/count/2");
      assert.equal(answer.headers["content-type"], "application/json");
    });
    test("one HTTP method of a gRPC method alone", async () => {
      const posted = await subject.send("POST /v1/echo?x=1", { headers: JSON_TYPE, body: '{"nothing":1}' });
      assert.equal(posted.status, 200);
      assertGatewayError(await subject.send("GET /v1/echo?nothing=1"), 400, "PARAM_UNKNOWN");
    });
  },
);

/** The fields of CORS in a reply, without their common beginning. */
function corsFields({ headers }: Answer): Readonly<Record<string, string | undefined>> {
  const prefix = "access-control-";
  const fields = Object.entries(headers).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(fields.map(([name, value]) => [name.slice(prefix.length), value]));
}

function preflight(subject: Subject, target: string, method: string, origin: string): Promise<Answer> {
  return subject.send(`OPTIONS ${target}`, {
    headers: ["origin", origin, "access-control-request-method", method],
  });
}

describeGateway(
  "CORS by route",
  {
    listener: { cors: { enabled: true, origins: [APP], credentials: true, exposeHeaders: ["x-a"] } },
    config: {
      routes: [
        { path: "/v1/ping", cors: { origins: ["*"], credentials: false, maxAge: "1h" } },
        { path: "/v1/ping", methods: "DELETE", cors: { origins: [ADMIN], credentials: true } },
        { path: "/v1/fail/*", cors: { enabled: false } },
        { path: "/v1/count/*", cors: { origins: [ADMIN] } },
      ],
    },
  },
  (subject) => {
    test("a preflight is answered as the route of the requested method says", async () => {
      const any = await preflight(subject, "/v1/ping", "POST", "https://anyone.example");
      assert.equal(any.status, 204, any.body.toString());
      assert.deepEqual(corsFields(any), {
        "allow-origin": "*",
        "allow-methods": "GET, HEAD, POST, OPTIONS",
        "max-age": "3600",
      });
      const admin = await preflight(subject, "/v1/ping", "DELETE", ADMIN);
      assert.deepEqual(corsFields(admin), {
        "allow-origin": ADMIN,
        "allow-credentials": "true",
        "allow-methods": "DELETE, OPTIONS",
        "max-age": "3600",
      });
      assertGatewayError(await preflight(subject, "/v1/ping", "DELETE", APP), 403, "CORS_REFUSED");
      assertGatewayError(await preflight(subject, "/v1/ping", "PATCH", ADMIN), 403, "CORS_REFUSED");
    });

    test("replies carry what their route says, keys that it leaves out from the listener", async () => {
      const any = await subject.send("GET /v1/ping", { headers: ["origin", "https://anyone.example"] });
      assert.deepEqual(corsFields(any), { "allow-origin": "*", "expose-headers": "x-a" });
      assert.equal(any.headers.vary, undefined);
      const admin = await subject.send("DELETE /v1/ping", { headers: ["origin", ADMIN] });
      assert.equal(corsFields(admin)["allow-origin"], ADMIN);
      assert.equal(admin.headers.vary, "Origin");
      const other = await subject.send("GET /v1/echo", { headers: ["origin", ADMIN] });
      assert.deepEqual(corsFields(other), {});
    });

    test("a route without CORS answers preflights as plain OPTIONS, and its errors carry nothing", async () => {
      const asked = await preflight(subject, "/v1/fail/5", "GET", APP);
      assert.equal(asked.status, 204);
      assert.equal(corsFields(asked)["allow-methods"], undefined);
      const answer = await subject.send("GET /v1/fail/5", { headers: ["origin", APP] });
      assert.equal(answer.status, 404);
      assert.deepEqual(corsFields(answer), {});
    });

    test("what no route answers carries the listener's", async () => {
      const answer = await subject.send("GET /v1/nothing", { headers: ["origin", APP] });
      assert.equal(answer.status, 404);
      assert.equal(corsFields(answer)["allow-origin"], APP);
      assertGatewayError(await preflight(subject, "/v1/nothing", "GET", APP), 404, "NO_ROUTE");
      const malformed = await subject.send("GET /v1/%zz", { headers: ["origin", APP] });
      assertGatewayError(malformed, 400, "PATH_ENCODING");
      assert.equal(corsFields(malformed)["allow-origin"], APP);
    });

    test("pages open WebSockets to the routes whose CORS names them", async () => {
      const open = (origin: string) => talk(subject.port, "/v1/count/1", [], { headers: ["Origin", origin] });
      assert.equal((await open(ADMIN)).code, 1000);
      const refused = await refusedSocket(subject.port, "/v1/count/1", { headers: ["Origin", APP] });
      assert.equal(refused.status, 403);
      const anyPage = await refusedSocket(subject.port, "/v1/ping", { headers: ["Origin", ADMIN] });
      assert.equal(anyPage.status, 403, "the wildcard of CORS names nobody");
    });
  },
);

describeGateway(
  "headers by route",
  {
    config: {
      defaults: {
        responseHeaders: { set: { "X-Frame-Options": "DENY", server: "sluice" } },
        requestHeaders: { set: { "x-tenant": "public", "x-key-bin": "AAEC" } },
      },
      routes: [
        {
          methods: "GET",
          cache: { control: "public, max-age=60", errors: "no-store", vary: ["accept-language"] },
        },
        { path: "/v1/echo", etag: "weak" },
        {
          path: "/v1/metadata",
          responseHeaders: { set: { "x-frame-options": "", "x-fixed": "1" } },
        },
      ],
    },
  },
  (subject) => {
    test("metadata that is set takes the place of what the client sends", async () => {
      const { calls } = await subject.observe("GET /v1/ping", {
        headers: ["x-tenant", "forged", "x-other", "a"],
      });
      const [call] = calls;
      assert.deepEqual(call?.metadata.get("x-tenant"), ["public"]);
      assert.deepEqual(call?.metadata.get("x-other"), ["a"]);
      assert.deepEqual(call?.metadata.get("x-key-bin"), [Buffer.of(0, 1, 2)]);
    });

    for (const [line, status] of [
      ["GET /v1/ping", 200],
      ["POST /v1/ping", 200],
      ["GET /v1/count/1", 200],
      ["GET /v1/blob?content_type=a/b&text=x", 200],
      ["GET /v1/fail/5", 404],
      ["GET /v1/echo?int32Value=x", 400],
      ["GET /v1/nothing", 404],
      ["PATCH /v1/ping", 405],
      ["GET /v1/%zz", 400],
    ] as const) {
      test(`headers that are set stand once on ${line} (${status})`, async () => {
        const answer = await subject.send(line);
        assert.equal(answer.status, status, answer.body.toString());
        assert.equal(answer.headers["x-frame-options"], "DENY");
        assert.equal(answer.headers.server, "sluice");
      });
    }

    test("a route takes back what defaults set, and its own wins over the upstream's", async () => {
      const answer = await subject.send(
        "GET /v1/metadata?headers[x-fixed]=2&headers[x-frame-options]=SAMEORIGIN&trailers[x-fixed]=3",
        { headers: ["te", "trailers"] },
      );
      assert.equal(answer.headers["x-fixed"], "1");
      assert.equal(answer.headers["x-frame-options"], "SAMEORIGIN");
      assert.equal(answer.trailers["x-fixed"], undefined);
    });

    for (const [line, status, cacheControl] of [
      ["GET /v1/ping", 200, "public, max-age=60"],
      ["HEAD /v1/ping", 200, "public, max-age=60"],
      ["GET /v1/count/1", 200, "public, max-age=60"],
      ["GET /v1/count/0", 200, "public, max-age=60"],
      ["GET /v1/blob?content_type=a/b&text=x", 200, "public, max-age=60"],
      ["GET /v1/metadata?headers[cache-control]=private", 200, "private"],
      ["GET /v1/fail/5", 404, "no-store"],
      ["GET /v1/echo?int32Value=x", 400, "no-store"],
      ["POST /v1/ping", 200, undefined],
      ["POST /v1/echo?int32Value=x", 400, undefined],
      ["PROPFIND /v1/any/x", 200, undefined],
      ["GET /v1/nothing", 404, undefined],
    ] as const) {
      test(`${line} (${status}) has cache-control ${cacheControl}`, async () => {
        const answer = await subject.send(line);
        assert.equal(answer.status, status, answer.body.toString());
        assert.equal(answer.headers["cache-control"], cacheControl);
        const isCached = status !== 404 || line.startsWith("GET /v1/fail");
        const own = isCached && /^(GET|HEAD) /.test(line) ? "accept-language" : undefined;
        // Streams depend on what a client accepts, anyway.
        assert.equal(answer.headers.vary, line.includes("/count/") ? `Accept, ${own}` : own);
      });
    }

    test("a 304 has what the 200 had", async () => {
      const first = await subject.send("GET /v1/echo?int32Value=1");
      const again = await subject.send("GET /v1/echo?int32Value=1", {
        headers: ["if-none-match", first.headers.etag ?? ""],
      });
      assert.equal(again.status, 304);
      assert.equal(again.headers["cache-control"], "public, max-age=60");
      assert.equal(again.headers.vary, "accept-language");
    });

    test("server-sent events keep what keeps them from being cached", async () => {
      const answer = await subject.send("GET /v1/count/1", { headers: ["accept", "text/event-stream"] });
      assert.equal(answer.headers["cache-control"], "no-cache, no-transform");
      assert.equal(answer.headers.vary, "Accept, accept-language");
    });

    test("a WebSocket's handshake carries the headers that are set", async () => {
      const socket = await openSocket(subject.port, "/v1/count/1");
      const fields = new Map(socket.handshake.headers);
      assert.equal(fields.get("x-frame-options"), "DENY");
      assert.equal(fields.get("cache-control"), undefined);
      assert.equal((await readToClose(socket)).code, 1000);
    });

    test("a body that is no JSON is told with the headers of its route", async () => {
      const answer = await subject.send("POST /v1/echo", { headers: JSON_TYPE, body: "{" });
      assertGatewayError(answer, 400, "JSON_INVALID");
      assert.equal(answer.headers["x-frame-options"], "DENY");
      assert.ok(jsonOf(answer));
    });
  },
);
