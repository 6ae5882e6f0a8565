/**
 * Errors of the upstream and of the gateway itself, in every form (docs/errors.md). Both engines.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertGatewayError, describeGateway, errorBody, INTERNALS } from "../support/gateway-suite.ts";
import { type Answer, jsonOf } from "../support/http-request.ts";
import { ERROR_CASES } from "./gateway-error-cases.ts";

const JSON_TYPE = ["content-type", "application/json"];
const PREFIX = "type.googleapis.com/";
const SERVICE = "sluice.test.v1.EchoService";

/** The tables of test/cases/errors.json that are read here. */
interface Cases {
  readonly codes: readonly {
    readonly code: number | string;
    readonly name?: string;
    readonly http: number;
  }[];
  readonly gateway_errors: readonly { readonly case: string }[];
}
// The file is part of the project; a wrong shape fails the tests that read it.
const CASES = JSON.parse(readFileSync("test/cases/errors.json", "utf8")) as Cases;

/** Every type of google.rpc, one of the loaded schema, one well-known. */
const DETAILS: readonly { readonly "@type": string; readonly [member: string]: unknown }[] = [
  { "@type": `${PREFIX}google.rpc.ErrorInfo`, reason: "R", domain: "d", metadata: { k: "v" } },
  { "@type": `${PREFIX}google.rpc.RetryInfo`, retryDelay: "2.500s" },
  { "@type": `${PREFIX}google.rpc.DebugInfo`, stackEntries: ["s"], detail: "d" },
  { "@type": `${PREFIX}google.rpc.QuotaFailure`, violations: [{ subject: "s", description: "d" }] },
  { "@type": `${PREFIX}google.rpc.PreconditionFailure`, violations: [{ type: "t", subject: "s" }] },
  { "@type": `${PREFIX}google.rpc.BadRequest`, fieldViolations: [{ field: "f", description: "d" }] },
  { "@type": `${PREFIX}google.rpc.RequestInfo`, requestId: "r" },
  { "@type": `${PREFIX}google.rpc.ResourceInfo`, resourceName: "n" },
  { "@type": `${PREFIX}google.rpc.Help`, links: [{ url: "u" }] },
  { "@type": `${PREFIX}google.rpc.LocalizedMessage`, locale: "de", message: "m" },
  { "@type": `${PREFIX}sluice.test.v1.CountReply`, value: 7 },
  { "@type": `${PREFIX}google.protobuf.Duration`, value: "1s" },
];

const CONFIG = {
  upstream: {
    maxReceiveMessageBytes: "100KB",
    routes: [
      { selector: `${SERVICE}.EchoField`, maxRequestBodyBytes: 1023 },
      { selector: `${SERVICE}.Update`, errors: { format: "kratos" } },
      { selector: `${SERVICE}.Garble`, errors: { format: "problem" } },
      { selector: `${SERVICE}.Ping`, errors: { statusByCode: { INVALID_ARGUMENT: 422 } } },
    ],
  },
};

describeGateway("errors", CONFIG, (subject) => {
  const fail = (request: object, headers: readonly string[] = []): Promise<Answer> =>
    subject.send("POST /v1/fail", { headers: [...JSON_TYPE, ...headers], body: JSON.stringify(request) });

  for (const { case: name } of CASES.gateway_errors) {
    test(`case: ${name}`, async () => {
      const row = ERROR_CASES[name];
      assert.ok(row !== undefined, "every case has its row in gateway-error-cases.ts");
      const { line, headers = [], body, status, reason } = row;
      const answer = await subject.send(line, { headers, ...(body === undefined ? {} : { body }) });
      assert.equal(answer.status, status, answer.body.toString());
      if (reason !== undefined) assertGatewayError(answer, status, reason);
      assert.ok(row.check?.(answer) ?? true, answer.body.toString());
    });
  }

  for (const { code, name, http } of CASES.codes) {
    if (typeof code !== "number" || code === 0) continue;
    for (const sendHeaders of [false, true]) {
      test(`${name} is ${http}${sendHeaders ? ", after headers too" : ", trailers-only"}`, async () => {
        const answer = await fail({ code, message: `it is ${name}`, sendHeaders });
        assert.equal(answer.status, http);
        assert.equal(answer.headers["content-type"], "application/json");
        assert.equal(answer.headers["content-length"], String(answer.body.length));
        assert.deepEqual(errorBody(answer), { code, message: `it is ${name}`, details: [] });
      });
    }
  }

  test("a code that is none of gRPC's is UNKNOWN", async () => {
    for (const code of [17, 999, 1024]) {
      const answer = await fail({ code, message: "odd" });
      assert.equal(answer.status, 500);
      assert.deepEqual(errorBody(answer), { code: 2, message: "odd", details: [] });
    }
  });

  for (const message of [
    "100% sure",
    "día\tñ 日本 😀",
    'a "quote" \\ and </script>',
    "line\r\nbreak",
    "%41",
    "",
  ]) {
    test(`the message ${JSON.stringify(message)} comes through exactly`, async () => {
      const answer = await fail({ code: 3, message });
      assert.equal(errorBody(answer).message, message);
    });
  }

  for (const detail of DETAILS) {
    test(`a detail of type ${detail["@type"].slice(PREFIX.length)}`, async () => {
      const answer = await fail({ code: 9, message: "m", details: [detail] });
      assert.equal(answer.status, 400);
      assert.deepEqual(errorBody(answer).details, [detail]);
    });
  }

  test("a detail of unknown type, and one that does not decode, stay as base64 beside the known ones", async () => {
    // google.rpc.Status: code 5, message "m", details [{unknown.Type, 0xff}, {ErrorInfo, a cut varint}, {RequestInfo r}].
    const raw = Buffer.concat([
      Buffer.from([0x08, 5, 0x12, 1, 0x6d]),
      anyField("example.com/unknown.Type", Buffer.from([0xff])),
      anyField(`${PREFIX}google.rpc.ErrorInfo`, Buffer.from([0x0a, 0xff])),
      anyField(`${PREFIX}google.rpc.RequestInfo`, Buffer.from([0x0a, 1, 0x72])),
    ]);
    const answer = await fail({ code: 5, message: "m", rawDetails: raw.toString("base64") });
    assert.deepEqual(errorBody(answer), {
      code: 5,
      message: "m",
      details: [
        { "@type": "example.com/unknown.Type", value: "/w==" },
        { "@type": `${PREFIX}google.rpc.ErrorInfo`, value: "Cv8=" },
        { "@type": `${PREFIX}google.rpc.RequestInfo`, requestId: "r" },
      ],
    });
  });

  test("grpc-status-details-bin that is no Status does not cost the error", async () => {
    const answer = await fail({ code: 7, message: "no", rawDetails: "/////w==" });
    assert.equal(answer.status, 403);
    assert.deepEqual(errorBody(answer), { code: 7, message: "no", details: [] });
  });

  test("grpc-status-details-bin that disagrees with grpc-status does not count", async () => {
    const detail = { "@type": `${PREFIX}google.rpc.RequestInfo`, requestId: "r" };
    const answer = await fail({ code: 7, message: "no", details: [detail], detailsCode: 5 });
    assert.deepEqual(errorBody(answer), { code: 7, message: "no", details: [] });
  });

  test("grpc-status-details-bin never reaches the client as a header", async () => {
    const answer = await fail({ code: 7, message: "no", details: [], detailsCode: 7 });
    for (const name of Object.keys(answer.headers)) assert.doesNotMatch(name, /^grpc-/);
  });

  for (const [delay, seconds] of [
    ["2.5s", "3"],
    ["30s", "30"],
    ["0s", "0"],
    ["-1s", undefined],
  ] as const) {
    test(`RetryInfo of ${delay} gives Retry-After: ${seconds ?? "none"}`, async () => {
      const retryInfo = { "@type": `${PREFIX}google.rpc.RetryInfo`, retryDelay: delay };
      const answer = await fail({ code: 14, message: "later", details: [retryInfo] });
      assert.equal(answer.status, 503);
      assert.equal(answer.headers["retry-after"], seconds);
    });
  }

  test("problem details by Accept, with details and reason", async () => {
    const info = { "@type": `${PREFIX}google.rpc.ErrorInfo`, reason: "OUT_OF_BOOKS", domain: "library" };
    const answer = await fail({ code: 8, message: "m", details: [info] }, [
      "accept",
      "application/problem+json",
    ]);
    assert.equal(answer.status, 429);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    assert.deepEqual(jsonOf(answer), {
      type: "about:blank",
      title: "Too Many Requests",
      status: 429,
      detail: "m",
      code: "RESOURCE_EXHAUSTED",
      reason: "OUT_OF_BOOKS",
      details: [info],
    });
  });

  test("problem details by Accept for the gateway's own errors, routed or not", async () => {
    const accept = { headers: ["accept", "text/html, application/problem+json;q=0.9"] };
    const routed = await subject.send("GET /v1/echo?int32Value=x", accept);
    assert.equal(routed.headers["content-type"], "application/problem+json");
    const body = JSON.stringify(jsonOf(routed));
    assert.match(
      body,
      /"status":400,.*"code":"INVALID_ARGUMENT","reason":"PARAM_INVALID","violations":\[\{"field":"int32Value"/,
    );
    const unrouted = await subject.send("GET /nowhere", accept);
    assert.match(unrouted.body.toString(), /"title":"Not Found","status":404,.*"reason":"NO_ROUTE"/);
  });

  for (const [accept, type] of [
    [["application/json, application/problem+json;q=0"], "application/json"],
    [["application/problem+json-seq"], "application/json"],
    [["*/*"], "application/json"],
    [["Application/Problem+JSON ; q=0.1"], "application/problem+json"],
    [["text/html", "application/problem+json"], "application/problem+json"],
  ] as const) {
    test(`Accept: ${accept.join(" and ")} gives ${type}`, async () => {
      const fields = accept.flatMap((value) => ["accept", value]);
      assert.equal((await fail({ code: 5, message: "m" }, fields)).headers["content-type"], type);
    });
  }

  test("problem details by config", async () => {
    const answer = await subject.send("GET /v1/garble");
    assert.equal(answer.status, 500);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    assert.match(answer.body.toString(), /"code":"INTERNAL","reason":"UPSTREAM_REPLY_INVALID"/);
    assert.doesNotMatch(answer.body.toString(), INTERNALS);
  });

  test("Kratos' form by config, and Accept wins over it", async () => {
    const broken = { headers: JSON_TYPE, body: '{"int32Value":"x"}' };
    const answer = await subject.send("PATCH /v1/items/1", broken);
    assert.equal(answer.status, 400);
    assert.equal(answer.headers["content-type"], "application/json");
    const { code, reason, message, metadata } = JSON.parse(answer.body.toString());
    assert.deepEqual({ code, reason }, { code: 400, reason: "JSON_INVALID" });
    assert.equal(message, `/int32Value: ${metadata["/int32Value"]}`);
    const problem = await subject.send("PATCH /v1/items/1", {
      ...broken,
      headers: [...JSON_TYPE, "accept", "application/problem+json"],
    });
    assert.equal(problem.headers["content-type"], "application/problem+json");
  });

  test("statusByCode replaces the HTTP status of a code", async () => {
    assertGatewayError(await subject.send("GET /v1/ping?x=1"), 422, "PARAM_UNKNOWN");
    assertGatewayError(await subject.send("GET /v1/echo?x=1"), 400, "PARAM_UNKNOWN");
  });

  test("the reason in the body is the one in the log and in the metric", async () => {
    const id = `reason-${subject.port}`;
    await subject.send("GET /v1/echo?int32Value=x", { headers: ["x-request-id", id] });
    const line = await subject.gateway.logged((entry) => entry.requestId === id);
    assert.equal(line.reason, "PARAM_INVALID");
    assert.equal(line.status, 400);
    assert.equal(line.grpcStatus, "INVALID_ARGUMENT");
    const metrics = await (await fetch(`${subject.gateway.adminUrl}/metrics`)).text();
    assert.match(metrics, /sluice_gateway_errors_total\{reason="PARAM_INVALID"\} \d+/);
  });

  test("an error of the upstream has no reason of the gateway", async () => {
    const id = `upstream-${subject.port}`;
    await fail({ code: 13, message: "theirs" }, ["x-request-id", id]);
    const line = await subject.gateway.logged((entry) => entry.requestId === id);
    assert.equal(line.reason, undefined);
    assert.equal(line.grpcStatus, "INTERNAL");
  });

  for (const reply of ["", "GP8=", "CP//", "+v8=", "cgH/"]) {
    test(`a reply of bytes that are no such message (${reply || "a broken varint"}) is 500 without internal text`, async () => {
      const answer = await subject.send(`GET /v1/garble?reply=${encodeURIComponent(reply)}`);
      assert.equal(answer.status, 500);
      assert.match(answer.body.toString(), /UPSTREAM_REPLY_INVALID/);
      assert.doesNotMatch(answer.body.toString(), INTERNALS);
    });
  }

  test("the gateway's own log of all that holds no error: nothing here was its fault", () => {
    assert.deepEqual(
      subject.gateway.log.filter((line) => line.level === "error" || line.level === "fatal"),
      [],
    );
    assert.equal(subject.gateway.stderr, "");
  });
});

/** Field 3 of google.rpc.Status: an Any of less than 128 bytes. */
function anyField(typeUrl: string, value: Uint8Array): Buffer {
  const any = Buffer.concat([
    Buffer.from([0x0a, typeUrl.length]),
    Buffer.from(typeUrl),
    Buffer.from([0x12, value.length]),
    value,
  ]);
  return Buffer.concat([Buffer.from([0x1a, any.length]), any]);
}
