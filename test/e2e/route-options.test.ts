/**
 * Route options and the gateway's own answers to methods and paths: unknown fields, JSON forms, HEAD, OPTIONS, 405, trailing
 * slashes, rules from config. Both engines.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGatewayError, describeGateway, INTERNALS } from "../support/gateway-suite.ts";
import { jsonOf, send } from "../support/http-request.ts";

const JSON_TYPE = { headers: ["content-type", "application/json"] };
const SERVICE = "sluice.test.v1.EchoService";

const OPTIONS = {
  upstream: {
    ignoredQueryParameters: ["utm_*", "fbclid"],
    json: { emitDefaults: false, prettyPrintParameter: true },
    http: {
      rules: [
        {
          selector: `${SERVICE}.Unannotated`,
          post: "/v2/unannotated/{string_value}",
          body: "nested",
          additionalBindings: [{ get: "/v2/unannotated/{string_value}", responseBody: "nested" }],
        },
        { selector: `${SERVICE}.Exact`, get: "/v2/exact" },
      ],
    },
    routes: [
      { selector: `${SERVICE}.EchoField`, unknownFields: "ignore" },
      { selector: `${SERVICE}.Report`, unknownFields: "report" },
      {
        selector: `${SERVICE}.EchoPart`,
        json: { enumsAsNumbers: true, protoFieldNames: true, int64: "number-if-safe", pretty: true },
      },
      {
        selector: `${SERVICE}.Update`,
        json: { emitDefaults: true },
        reservedExpansion: "keep-reserved",
      },
    ],
  },
};

describeGateway("route options", OPTIONS, (subject) => {
  test("unknownFields: ignore serves and drops", async () => {
    const answer = await subject.send("POST /v1/body/message?nothing=1", {
      ...JSON_TYPE,
      body: '{"nothing":{"a":[1]},"int32Value":1}',
    });
    assert.deepEqual(jsonOf(answer), { nested: { int32Value: 1 } });
    assert.equal(answer.headers["sluice-unknown-fields"], undefined);
  });

  test("unknownFields: ignore does not take what is no JSON", async () => {
    const answer = await subject.send("POST /v1/body/message", { ...JSON_TYPE, body: '{"nothing":tru}' });
    assertGatewayError(answer, 400, "JSON_INVALID");
  });

  test("unknownFields: report names them in a header, in the log and in a metric", async () => {
    const read = async (): Promise<number> => {
      const metrics = (await send(subject.gateway.adminUrl, "GET /metrics")).body.toString();
      return Number(/^sluice_unknown_fields_total\{rpc="[\w.]+\.Report"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
    };
    const before = await read();
    const id = `report-${subject.port}`;
    const answer = await subject.send("REPORT /v1/custom", {
      headers: [...JSON_TYPE.headers, "x-request-id", id],
      body: '{"nothing":1,"nested":{"a b":2,"\\r\\nx: y":3},"int32Value":1}',
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(jsonOf(answer), { nested: {}, int32Value: 1 });
    assert.equal(answer.headers["sluice-unknown-fields"], "/nothing, /nested/a%20b, /nested/%0D%0Ax%3A%20y");
    assert.equal((await read()) - before, 3);
    const line = await subject.gateway.logged((entry) => entry.requestId === id);
    assert.deepEqual(line.unknownFields, ["/nothing", "/nested/a b", "/nested/\r\nx: y"]);
  });

  test("unknownFields: report covers the query", async () => {
    const answer = await subject.send("PURGE /v1/custom?nothing=1&int32Value=2");
    assert.deepEqual(jsonOf(answer), { int32Value: 2 });
    assert.equal(answer.headers["sluice-unknown-fields"], "nothing");
  });

  test("ignored query parameters never bind", async () => {
    const answer = await subject.send("GET /v1/echo?utm_source=a&fbclid=b&int32Value=1&utm_=c");
    assert.deepEqual(jsonOf(answer), { int32Value: 1 });
  });

  test("?prettyPrint=true indents where it is switched on", async () => {
    const pretty = await subject.send("GET /v1/echo?int32Value=1&prettyPrint=true");
    assert.equal(pretty.body.toString().trimEnd(), '{\n  "int32Value": 1\n}');
    const compact = await subject.send("GET /v1/echo?int32Value=1&prettyPrint=false");
    assert.equal(compact.body.toString(), '{"int32Value":1}');
    assertGatewayError(await subject.send("GET /v1/echo?prettyPrint=yes"), 400, "PARAM_INVALID");
  });

  test("enums as numbers, proto names, safe integers as numbers, indented", async () => {
    const answer = await subject.send("POST /v1/part/messages", {
      ...JSON_TYPE,
      body: '{"repeatedNested":[{"enumValue":"BLUE","int64Value":"5","uint64Value":"9007199254740993"}]}',
    });
    assert.equal(
      answer.body.toString().trimEnd(),
      '[\n  {\n    "int64_value": 5,\n    "uint64_value": "9007199254740993",\n    "enum_value": 5\n  }\n]',
    );
  });

  test("emitDefaults shows scalars, lists and maps, never unset messages or optionals", async () => {
    const answer = await subject.send("PUT /v1/items/1", { ...JSON_TYPE, body: "{}" });
    const body = answer.body.toString();
    assert.match(body, /"int64Value":"0"/);
    assert.match(body, /"repeatedInt32":\[\]/);
    assert.match(body, /"mapStringString":\{\}/);
    assert.doesNotMatch(body, /optional|updateMask|timestampValue|oneof/);
  });

  test("reservedExpansion: keep-reserved leaves reserved characters of several segments encoded", async () => {
    const answer = await subject.send("PATCH /v1/things/a%3Bb%20c", { ...JSON_TYPE, body: "{}" });
    assert.match(answer.body.toString(), /"stringValue":"things\/a%3Bb c"/);
  });

  test("rules from config serve, with bindings that differ", async () => {
    const whole = await subject.send("POST /v2/unannotated/s", { ...JSON_TYPE, body: '{"int32Value":1}' });
    assert.deepEqual(jsonOf(whole), { stringValue: "s", nested: { int32Value: 1 } });
    const part = await subject.send("GET /v2/unannotated/s?nested.int32Value=2");
    assert.deepEqual(jsonOf(part), { int32Value: 2 });
  });

  test("a rule from config replaces the annotation", async () => {
    assert.deepEqual(jsonOf(await subject.send("GET /v2/exact")), { stringValue: "exact" });
    assert.deepEqual(
      jsonOf(await subject.send("GET /v1/any/x")),
      { stringValue: "x" },
      "the wildcard serves now",
    );
  });

  test("HEAD runs the GET rule and sends no body", async () => {
    const { answer, calls } = await subject.observe("HEAD /v1/echo?int32Value=1");
    const get = await subject.send("GET /v1/echo?int32Value=1");
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 0);
    assert.equal(answer.headers["content-length"], get.headers["content-length"]);
    assert.equal(answer.headers["content-type"], get.headers["content-type"]);
    assert.equal(calls.length, 1);
  });

  test("HEAD of an error has its status and length, and no body", async () => {
    const answer = await subject.send("HEAD /v1/echo?int32Value=x");
    const get = await subject.send("GET /v1/echo?int32Value=x");
    assert.equal(answer.status, 400);
    assert.equal(answer.body.length, 0);
    assert.equal(answer.headers["content-length"], get.headers["content-length"]);
  });

  test("HEAD of a path that has no GET is 405", async () => {
    const answer = await subject.send("HEAD /v1/collect");
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, "POST, OPTIONS");
  });

  const ALLOWED: readonly (readonly [path: string, allow: string])[] = [
    ["/v1/echo", "GET, HEAD, POST, OPTIONS"],
    ["/v1/ping", "DELETE, GET, HEAD, POST, OPTIONS"],
    ["/v1/collect", "POST, OPTIONS"],
    ["/v1/custom", "PURGE, REPORT, OPTIONS"],
  ];
  for (const [path, allow] of ALLOWED) {
    test(`OPTIONS ${path} is answered from the route table: ${allow}`, async () => {
      const { answer, calls } = await subject.observe(`OPTIONS ${path}`);
      assert.equal(answer.status, 204);
      assert.deepEqual(answer.headers.allow?.split(", ").sort(), allow.split(", ").sort());
      assert.equal(answer.headers["content-length"], undefined);
      assert.equal(calls.length, 0);
    });
    test(`PATCH ${path} is 405 with Allow: ${allow}`, async () => {
      const { answer, calls } = await subject.observe(`PATCH ${path}`, { body: "{}" });
      assertGatewayError(answer, 405, "METHOD_NOT_ALLOWED");
      assert.deepEqual(answer.headers.allow?.split(", ").sort(), allow.split(", ").sort());
      assert.equal(calls.length, 0);
    });
  }

  test("OPTIONS of a path with a rule for any method is that rule's", async () => {
    const { answer, calls } = await subject.observe("OPTIONS /v1/any/x");
    assert.equal(answer.status, 200);
    assert.equal(calls.length, 1);
  });

  test("OPTIONS of an unknown path is 404", async () => {
    assertGatewayError(await subject.send("OPTIONS /v1/nothing"), 404, "NO_ROUTE");
  });

  test("every reply carries the request id: the client's, or a new one", async () => {
    const given = await subject.send("GET /v1/ping", { headers: ["x-request-id", "abc"] });
    assert.equal(given.headers["x-request-id"], "abc");
    const made = await subject.send("GET /v1/nothing");
    assert.match(made.headers["x-request-id"] ?? "", /^[0-9a-f-]{36}$/);
    assert.doesNotMatch(made.body.toString(), INTERNALS);
  });
});

describeGateway(
  "trailing slash ignored",
  { listener: { trailingSlash: "ignore" }, upstream: { json: { emitDefaults: false } } },
  (subject) => {
    for (const [line, reply] of [
      ["GET /v1/echo/", {}],
      ["GET /v1/echo", {}],
      ["DELETE /v1/echo/x/?int32Value=1", { stringValue: "x", int32Value: 1 }],
      ["GET /v1/shelves/1/books/2/", { stringValue: "shelves/1/books/2" }],
    ] as const) {
      test(line, async () => {
        assert.deepEqual(jsonOf(await subject.send(line)), reply);
      });
    }
    test("one slash alone is ignored", async () => {
      assertGatewayError(await subject.send("GET /v1/echo//"), 404, "NO_ROUTE");
    });
  },
);
