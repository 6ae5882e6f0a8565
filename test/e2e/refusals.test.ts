/**
 * A broken request never reaches the upstream: it gets the gateway's own JSON error, which names the field and shows the
 * value found. Both engines.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertGatewayError, describeGateway } from "../support/gateway-suite.ts";
import { RawHttpClient } from "../support/raw-http.ts";

/** A request that is refused before it reaches the upstream. */
interface Refusal {
  readonly line: string;
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly status?: number;
  readonly reason: string;
  /** In the message: the field and the value found. */
  readonly says?: RegExp;
  /** The field of the first violation. */
  readonly field?: string;
}

const REFUSED: readonly Refusal[] = [
  { line: "GET /v1/nothing", status: 404, reason: "NO_ROUTE", says: /"\/v1\/nothing"/ },
  { line: "GET /", status: 404, reason: "NO_ROUTE" },
  { line: "GET /v1/echo/", status: 404, reason: "NO_ROUTE" },
  { line: "GET //v1/echo", status: 404, reason: "NO_ROUTE" },
  { line: "POST /sluice.test.v1.EchoService/Nothing", status: 404, reason: "NO_ROUTE" },
  { line: "DELETE /v1/echo", status: 405, reason: "METHOD_NOT_ALLOWED", says: /GET, HEAD, POST, OPTIONS/ },
  { line: "GET /v1/custom", status: 405, reason: "METHOD_NOT_ALLOWED" },
  { line: "DELETE /v1/echo/..", reason: "PATH_INVALID" },
  { line: "DELETE /v1/echo/%2e%2E", reason: "PATH_INVALID" },
  { line: "GET /v1/files/a/./b", reason: "PATH_INVALID" },
  { line: "DELETE /v1/echo/%zz", reason: "PATH_ENCODING", says: /%zz/ },
  { line: "DELETE /v1/echo/%ff", reason: "PATH_ENCODING" },
  { line: "GET /v1/files/a/%", reason: "PATH_ENCODING" },
  {
    line: "GET /v1/numbers/x1/1/1/1",
    reason: "PARAM_INVALID",
    says: /int32_value: "x1"/,
    field: "int32_value",
  },
  { line: "GET /v1/numbers/2147483648/1/1/1", reason: "PARAM_INVALID", says: /2147483648/ },
  { line: "GET /v1/numbers/1/1/-1/1", reason: "PARAM_INVALID", field: "uint64_value" },
  { line: "GET /v1/numbers/1/9223372036854775808/1/1", reason: "PARAM_INVALID", field: "int64_value" },
  { line: "GET /v1/scalars/yes/RED/aGk/x", reason: "PARAM_INVALID", field: "bool_value" },
  { line: "GET /v1/scalars/true/PURPLE/aGk/x", reason: "PARAM_INVALID", says: /PURPLE/ },
  { line: "GET /v1/known/yesterday/1s/a/1", reason: "PARAM_INVALID", says: /yesterday/ },
  {
    line: "GET /v1/echo?int32_value=x1",
    reason: "PARAM_INVALID",
    says: /int32_value: "x1"/,
    field: "int32_value",
  },
  { line: "GET /v1/echo?int32_value=1&int32Value=2", reason: "PARAM_INVALID", says: /int32_?[vV]alue/ },
  { line: "GET /v1/echo?oneofInt32=1&oneofString=a", reason: "PARAM_INVALID" },
  { line: "GET /v1/echo?nested=a", reason: "PARAM_INVALID", says: /nested/ },
  { line: "GET /v1/echo?repeatedNested=a", reason: "PARAM_INVALID" },
  { line: "GET /v1/echo?boolValue=1", reason: "PARAM_INVALID", says: /"1"/ },
  { line: "GET /v1/echo?enumValue=PURPLE", reason: "PARAM_INVALID", says: /PURPLE/ },
  { line: "GET /v1/echo?stringValue=%ff", reason: "PARAM_INVALID" },
  { line: "GET /v1/echo?stringValue=%zz", reason: "PARAM_INVALID" },
  { line: "GET /v1/echo?stringValu=x", reason: "PARAM_UNKNOWN", says: /stringValu\b.*string_?[vV]alue/ },
  { line: "GET /v1/echo?utm_source=x", reason: "PARAM_UNKNOWN" },
  { line: "GET /v1/echo?prettyPrint=true", reason: "PARAM_UNKNOWN", says: /prettyPrint/ },
  { line: "POST /v1/echo?int32Value=1", body: "{}", reason: "PARAM_UNKNOWN" },
  { line: "POST /v1/body/string?stringValue=x", body: '"s"', reason: "PARAM_INVALID" },
  {
    line: "PUT /v1/echo/id",
    body: '{"stringValue":"other"}',
    reason: "PATH_CONFLICT",
    says: /string_?[vV]alue/,
  },
  { line: "PUT /v1/echo/id", body: '{"string_value":"other"}', reason: "PATH_CONFLICT" },
  { line: "DELETE /v1/echo/id?stringValue=other", reason: "PATH_CONFLICT" },
  { line: "DELETE /v1/echo/id?string_value=other", reason: "PATH_CONFLICT" },
  { line: "POST /v1/echo/inner", body: '{"stringValue":"other"}', reason: "PATH_CONFLICT" },
  { line: "GET /v1/deep/x?nested.nested.stringValue=y", reason: "PATH_CONFLICT" },
  { line: "GET /v1/echo", body: "{}", reason: "BODY_NOT_ALLOWED" },
  { line: "DELETE /v1/echo/x", body: "x", reason: "BODY_NOT_ALLOWED" },
  { line: "POST /v1/echo", body: "{", reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: "{} x", reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: "[]", reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: "null", reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: '{"stringValue":"a",}', reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: '{"int32Value":1,"int32_value":2}', reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: '{"int32Value":1,"int32Value":1}', reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: '{"oneofInt32":1,"oneofString":"a"}', reason: "JSON_INVALID" },
  {
    line: "POST /v1/echo",
    body: '{"int32Value":1.5}',
    reason: "JSON_INVALID",
    field: "/int32Value",
    says: /1\.5/,
  },
  {
    line: "POST /v1/echo",
    body: '{"nested":{"int64Value":9223372036854775808}}',
    reason: "JSON_INVALID",
    field: "/nested/int64Value",
  },
  { line: "POST /v1/echo", body: '{"stringValue":"\\ud800"}', reason: "JSON_INVALID", field: "/stringValue" },
  { line: "POST /v1/echo", body: Buffer.from('{"stringValue":"\xff"}', "latin1"), reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: `${'{"nested":'.repeat(200)}{}${"}".repeat(200)}`, reason: "JSON_INVALID" },
  { line: "POST /v1/echo", body: "[".repeat(100_000), reason: "JSON_INVALID" },
  {
    line: "POST /v1/echo",
    body: '{"stringValu":"x"}',
    reason: "JSON_UNKNOWN_FIELD",
    says: /stringValu\b.*stringValue/,
    field: "/stringValu",
  },
  { line: "POST /v1/echo", body: '{"__proto__":{"x":1}}', reason: "JSON_UNKNOWN_FIELD" },
  { line: "POST /v1/echo", body: "{}", type: "text/plain", status: 415, reason: "MEDIA_TYPE_UNSUPPORTED" },
  {
    line: "POST /v1/echo",
    body: "{}",
    type: "application/json; charset=latin1",
    status: 415,
    reason: "MEDIA_TYPE_UNSUPPORTED",
  },
  {
    line: "POST /v1/echo",
    body: "{}",
    type: "application/x-www-form-urlencoded",
    status: 415,
    reason: "MEDIA_TYPE_UNSUPPORTED",
  },
  {
    line: "POST /v1/echo",
    body: "a=1&stringValue=2",
    type: "application/x-www-form-urlencoded",
    reason: "PARAM_UNKNOWN",
  },
];

describeGateway("refusals", {}, (subject) => {
  for (const row of REFUSED) {
    const { line, body, type = "application/json" } = row;
    const shown = body === undefined ? "" : ` ${String(body).slice(0, 70)} (${type})`;
    test(`${line}${shown} is ${row.reason}`, async () => {
      const { answer, calls } = await subject.observe(line, {
        headers: body === undefined ? [] : ["content-type", type],
        ...(body === undefined ? {} : { body }),
      });
      const error = assertGatewayError(answer, row.status ?? 400, row.reason);
      if (row.says !== undefined) assert.match(error.message, row.says);
      if (row.field !== undefined) {
        const badRequest = error.details.find((detail) => String(detail["@type"]).endsWith("BadRequest"));
        assert.match(JSON.stringify(badRequest), new RegExp(`"field":"${row.field}"`));
      }
      assert.equal(calls.length, 0);
      assert.equal((await subject.send("GET /v1/ping")).status, 200, "the gateway serves on");
    });
  }

  test("a body that announces itself too long is refused unread, and the connection closes", async () => {
    const client = await RawHttpClient.connect(subject.port);
    const from = subject.echo.calls.length;
    await client.send("POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4194305\r\n\r\n");
    const reply = await client.reply();
    assert.equal(reply.status, 413);
    assert.match(reply.body.toString(), /"reason":"BODY_TOO_LARGE"/);
    await client.closed();
    assert.equal(subject.echo.calls.length, from);
  });

  test("a chunked body that grows too long is refused, and the connection closes", async () => {
    const client = await RawHttpClient.connect(subject.port);
    await client.send("POST /v1/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    const piece = `${(64 * 1024).toString(16)}\r\n${" ".repeat(64 * 1024)}\r\n`;
    for (let sent = 0; sent <= 64; sent++) await client.send(piece);
    const reply = await client.reply();
    assert.equal(reply.status, 413);
    assert.match(reply.body.toString(), /"reason":"BODY_TOO_LARGE"/);
    await client.closed();
  });

  test("a path of 16,000 characters is shown in part", async () => {
    const answer = await subject.send(`GET /v1/${"x".repeat(16_000)}`);
    assertGatewayError(answer, 404, "NO_ROUTE");
    assert.ok(answer.body.length < 1000, `${answer.body.length} bytes`);
  });

  test("a value of 16,000 characters is shown in part", async () => {
    const answer = await subject.send(`GET /v1/echo?int32Value=${"9".repeat(16_000)}`);
    assertGatewayError(answer, 400, "PARAM_INVALID");
    assert.ok(answer.body.length < 2000, `${answer.body.length} bytes`);
  });
});
