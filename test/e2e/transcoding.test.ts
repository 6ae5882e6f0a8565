/**
 * Every shape of a rule over real sockets, on both engines: what reaches the upstream, what comes back. The echo server replies with the request, so a reply shows the message that was assembled.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeGateway } from "../support/gateway-suite.ts";
import { jsonOf } from "../support/http-request.ts";

const JSON_TYPE = ["content-type", "application/json"];
const FORM_TYPE = ["content-type", "application/x-www-form-urlencoded"];

/** A request, by its line, and the reply's JSON. Defaults are not emitted, so the reply holds what was set. */
interface Row {
  readonly line: string;
  readonly body?: string;
  readonly form?: string;
  readonly reply: unknown;
}

const ASSEMBLED: readonly Row[] = [
  // Query only.
  { line: "GET /v1/echo", reply: {} },
  { line: "GET /v1/echo?", reply: {} },
  { line: "GET /v1/echo?string_value=a%20b+c", reply: { stringValue: "a b c" } },
  { line: "GET /v1/echo?stringValue=%C3%A9", reply: { stringValue: "é" } },
  { line: "GET /v1/echo?otherName=x", reply: { otherName: "x" } },
  { line: "GET /v1/echo?renamed=x", reply: { otherName: "x" } },
  { line: "GET /v1/echo?nested.nested.int32_value=-7", reply: { nested: { nested: { int32Value: -7 } } } },
  { line: "GET /v1/echo?repeated_string=a&repeatedString=b", reply: { repeatedString: ["a", "b"] } },
  { line: "GET /v1/echo?int64_value=-9223372036854775808", reply: { int64Value: "-9223372036854775808" } },
  { line: "GET /v1/echo?uint64Value=18446744073709551615", reply: { uint64Value: "18446744073709551615" } },
  {
    line: "GET /v1/echo?doubleValue=NaN&floatValue=-Infinity",
    reply: { doubleValue: "NaN", floatValue: "-Infinity" },
  },
  { line: "GET /v1/echo?boolValue=true&optionalBool=false", reply: { boolValue: true, optionalBool: false } },
  { line: "GET /v1/echo?optionalString", reply: { optionalString: "" } },
  {
    line: "GET /v1/echo?enumValue=5&optionalEnum=NEGATIVE",
    reply: { enumValue: "BLUE", optionalEnum: "NEGATIVE" },
  },
  {
    line: "GET /v1/echo?bytesValue=-_8&optionalBytes=%2B%2F8%3D",
    reply: { bytesValue: "+/8=", optionalBytes: "+/8=" },
  },
  {
    line: "GET /v1/echo?mapStringString[k]=v&map_int32_string%5B7%5D=x",
    reply: { mapStringString: { k: "v" }, mapInt32String: { 7: "x" } },
  },
  {
    line: "GET /v1/echo?timestampValue=2020-01-02T03:04:05.5Z&durationValue=-1.5s",
    reply: { timestampValue: "2020-01-02T03:04:05.500Z", durationValue: "-1.500s" },
  },
  {
    line: "GET /v1/echo?fieldMaskValue=int32Value,nested.stringValue",
    reply: { fieldMaskValue: "int32Value,nested.stringValue" },
  },
  {
    line: "GET /v1/echo?int64Wrapper=0&stringWrapper=&boolWrapper=false",
    reply: { int64Wrapper: "0", stringWrapper: "", boolWrapper: false },
  },
  {
    line: "GET /v1/echo?structValue=%7B%22a%22%3A%5B1%5D%7D&valueValue=null",
    reply: { structValue: { a: [1] }, valueValue: null },
  },
  { line: "GET /v1/echo?oneofInt64=0", reply: { oneofInt64: "0" } },
  // The whole body.
  { line: "POST /v1/echo", reply: {} },
  { line: "POST /v1/echo", body: "{}", reply: {} },
  {
    line: "POST /v1/echo",
    body: ' {"string_value":"a","int64Value":9007199254740993} ',
    reply: { stringValue: "a", int64Value: "9007199254740993" },
  },
  {
    line: "POST /v1/echo",
    body: '{"int32Value":1e3,"uint32Value":"7","int64Value":1.0}',
    reply: { int32Value: 1000, uint32Value: 7, int64Value: "1" },
  },
  {
    line: "POST /v1/echo",
    body: '{"nested":null,"stringValue":null,"valueValue":null}',
    reply: { valueValue: null },
  },
  {
    line: "POST /v1/echo",
    body: '{"anyValue":{"@type":"type.googleapis.com/sluice.test.v1.CountReply","value":3}}',
    reply: { anyValue: { "@type": "type.googleapis.com/sluice.test.v1.CountReply", value: 3 } },
  },
  { line: "PUT /v1/echo/id", body: '{"int32Value":1}', reply: { stringValue: "id", int32Value: 1 } },
  { line: "PUT /v1/echo/id", body: '{"stringValue":"id"}', reply: { stringValue: "id" } },
  { line: "PUT /v1/echo/id", reply: { stringValue: "id" } },
  { line: "DELETE /v1/echo/id?int32Value=2", reply: { stringValue: "id", int32Value: 2 } },
  { line: "DELETE /v1/echo/id?stringValue=id", reply: { stringValue: "id" } },
  // One field of the body, the rest from path and query.
  {
    line: "POST /v1/echo/inner?stringValue=outer",
    body: '{"int32Value":1}',
    reply: { stringValue: "outer", nested: { stringValue: "inner", int32Value: 1 } },
  },
  { line: "POST /v1/body/string", body: '"s"', reply: { stringValue: "s" } },
  { line: "POST /v1/body/int64", body: "9223372036854775807", reply: { int64Value: "9223372036854775807" } },
  { line: "POST /v1/body/int64", body: '"-1"', reply: { int64Value: "-1" } },
  { line: "POST /v1/body/bool", body: "true", reply: { boolValue: true } },
  { line: "POST /v1/body/bytes", body: '"_-8"', reply: { bytesValue: "/+8=" } },
  { line: "POST /v1/body/enum", body: '"GREEN"', reply: { enumValue: "GREEN" } },
  { line: "POST /v1/body/optional", body: "0", reply: { optionalInt32: 0 } },
  { line: "POST /v1/body/strings", body: '["a","b"]', reply: { repeatedString: ["a", "b"] } },
  { line: "POST /v1/body/strings", body: "[]", reply: {} },
  {
    line: "POST /v1/body/messages",
    body: '[{},{"int32Value":1}]',
    reply: { repeatedNested: [{}, { int32Value: 1 }] },
  },
  { line: "POST /v1/body/map", body: '{"a":"b"}', reply: { mapStringString: { a: "b" } } },
  { line: "POST /v1/body/message", body: "{}", reply: { nested: {} } },
  { line: "POST /v1/body/message", reply: { nested: {} } },
  {
    line: "POST /v1/body/message/outer?int32Value=1",
    body: '{"boolValue":true}',
    reply: { stringValue: "outer", int32Value: 1, nested: { boolValue: true } },
  },
  { line: "POST /v1/body/oneof", body: '{"int32Value":1}', reply: { oneofNested: { int32Value: 1 } } },
  { line: "POST /v1/body/wrapper", body: '""', reply: { stringWrapper: "" } },
  {
    line: "POST /v1/body/timestamp",
    body: '"2020-01-01T00:00:00+01:00"',
    reply: { timestampValue: "2019-12-31T23:00:00Z" },
  },
  { line: "POST /v1/body/struct", body: '{"a":null}', reply: { structValue: { a: null } } },
  { line: "POST /v1/body/value", body: "[1,true]", reply: { valueValue: [1, true] } },
  { line: "POST /v1/body/value", body: "null", reply: { valueValue: null } },
  {
    line: "POST /v1/body/any",
    body: '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}',
    reply: { anyValue: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1s" } },
  },
  // Path variables of every kind.
  {
    line: "GET /v1/numbers/-5/9007199254740993/18446744073709551615/1.5e3",
    reply: {
      int32Value: -5,
      int64Value: "9007199254740993",
      uint64Value: "18446744073709551615",
      doubleValue: 1500,
    },
  },
  {
    line: "GET /v1/scalars/true/RED/aGk/opt",
    reply: { boolValue: true, enumValue: "RED", bytesValue: "aGk=", optionalString: "opt" },
  },
  {
    line: "GET /v1/scalars/false/-1/aGk%3D/o",
    reply: { enumValue: "NEGATIVE", bytesValue: "aGk=", optionalString: "o" },
  },
  {
    line: "GET /v1/known/2020-01-02T03:04:05Z/1.5s/text/42",
    reply: {
      timestampValue: "2020-01-02T03:04:05Z",
      durationValue: "1.500s",
      stringWrapper: "text",
      int64Wrapper: "42",
    },
  },
  {
    line: "GET /v1/masked/int32Value,nested.stringValue",
    reply: { fieldMaskValue: "int32Value,nested.stringValue" },
  },
  { line: "GET /v1/oneof/x", reply: { oneofString: "x" } },
  {
    line: "GET /v1/shelves/1/books/2?int32Value=3",
    reply: { stringValue: "shelves/1/books/2", int32Value: 3 },
  },
  {
    line: "GET /v1/projects/p/items/i",
    reply: { stringValue: "projects/p", nested: { stringValue: "items/i" } },
  },
  { line: "GET /v1/files/a/b/c.txt", reply: { stringValue: "a/b/c.txt" } },
  { line: "GET /v1/files", reply: {} },
  { line: "GET /v1/files/a/b:stat", reply: { stringValue: "a/b" } },
  { line: "GET /v1/files/a:b:c", reply: { stringValue: "a:b:c" } },
  { line: "GET /v1/files/a/b%3Astat", reply: { stringValue: "a/b:stat" } },
  { line: "GET /v1/trees/roots/x/y/leaf", reply: { stringValue: "roots/x/y" } },
  {
    line: "GET /v1/deep/x?nested.int32Value=1",
    reply: { nested: { int32Value: 1, nested: { stringValue: "x" } } },
  },
  // Escapes in the path.
  { line: "DELETE /v1/echo/a%2Fb", reply: { stringValue: "a/b" } },
  { line: "DELETE /v1/echo/a+b%20c%2Bd", reply: { stringValue: "a+b c+d" } },
  { line: "DELETE /v1/echo/%E2%82%AC", reply: { stringValue: "€" } },
  { line: "GET /v1/files/a%2Fb/c%20d", reply: { stringValue: "a%2Fb/c d" } },
  { line: "DELETE /v1/echo/%252F", reply: { stringValue: "%2F" } },
  // Forms.
  {
    line: "POST /v1/echo",
    form: "stringValue=a+b&repeatedInt32=1&repeatedInt32=2&nested.boolValue=true",
    reply: { stringValue: "a b", repeatedInt32: [1, 2], nested: { boolValue: true } },
  },
  {
    line: "POST /v1/echo/inner?int32Value=4",
    form: "int32_value=5",
    reply: { int32Value: 4, nested: { stringValue: "inner", int32Value: 5 } },
  },
  // Custom kinds, any method, and the exact one beside it.
  { line: "REPORT /v1/custom", body: '{"int32Value":1}', reply: { int32Value: 1 } },
  { line: "PURGE /v1/custom?int32Value=2", reply: { int32Value: 2 } },
  { line: "POST /v1/any/x", reply: { stringValue: "x" } },
  { line: "DELETE /v1/any/x", reply: { stringValue: "x" } },
  { line: "PROPFIND /v1/any/x", reply: { stringValue: "x" } },
  { line: "GET /v1/any/x", reply: { stringValue: "exact" } },
  // Empty.
  { line: "GET /v1/ping", reply: {} },
  { line: "POST /v1/ping", body: "{}", reply: {} },
  { line: "DELETE /v1/ping", reply: {} },
  // No rule.
  {
    line: "POST /sluice.test.v1.EchoService/Unannotated",
    body: '{"int32Value":1}',
    reply: { int32Value: 1 },
  },
  { line: "POST /sluice.test.v1.EchoService/Unannotated", reply: {} },
  // PATCH.
  {
    line: "PATCH /v1/items/1",
    body: '{"stringValue":"a","nested":{"int32Value":1},"optionalString":null,"repeatedInt32":[1]}',
    reply: {
      id: "1",
      item: { stringValue: "a", nested: { int32Value: 1 }, repeatedInt32: [1] },
      updateMask: "nested.int32Value,optionalString,repeatedInt32,stringValue",
    },
  },
  {
    line: "PATCH /v1/items/1?updateMask=stringValue",
    body: '{"int32Value":1}',
    reply: { id: "1", item: { int32Value: 1 }, updateMask: "stringValue" },
  },
  {
    line: "PATCH /v1/things/1",
    body: '{"int32Value":1,"stringValue":"things/1"}',
    reply: { item: { stringValue: "things/1", int32Value: 1 }, updateMask: "int32Value" },
  },
  {
    line: "PATCH /v1/items/1",
    form: "int32Value=1&nested.stringValue=x",
    reply: {
      id: "1",
      item: { int32Value: 1, nested: { stringValue: "x" } },
      updateMask: "int32Value,nested.stringValue",
    },
  },
  {
    line: "PATCH /v1/whole/1",
    body: '{"item":{"int32Value":1}}',
    reply: { id: "1", item: { int32Value: 1 } },
  },
  { line: "PUT /v1/items/1", body: '{"int32Value":1}', reply: { id: "1", item: { int32Value: 1 } } },
  // One part of the reply.
  { line: "POST /v1/part/string", body: '{"stringValue":"s"}', reply: "s" },
  { line: "POST /v1/part/string", body: "{}", reply: "" },
  { line: "POST /v1/part/int64", body: '{"int64Value":"9007199254740993"}', reply: "9007199254740993" },
  { line: "POST /v1/part/double", body: '{"doubleValue":0.1}', reply: 0.1 },
  { line: "POST /v1/part/double", body: '{"doubleValue":"Infinity"}', reply: "Infinity" },
  { line: "POST /v1/part/bool", body: "{}", reply: false },
  { line: "POST /v1/part/bytes", body: '{"bytesValue":"_w"}', reply: "/w==" },
  { line: "POST /v1/part/enum", body: '{"enumValue":2}', reply: "GREEN" },
  { line: "POST /v1/part/optional", body: '{"optionalInt32":7}', reply: 7 },
  { line: "POST /v1/part/strings", body: '{"repeatedString":["a"]}', reply: ["a"] },
  { line: "POST /v1/part/strings", body: "{}", reply: [] },
  {
    line: "POST /v1/part/messages",
    body: '{"repeatedNested":[{},{"int32Value":1}]}',
    reply: [{}, { int32Value: 1 }],
  },
  { line: "POST /v1/part/map", body: '{"mapStringInt64":{"a":1}}', reply: { a: "1" } },
  { line: "POST /v1/part/map", body: "{}", reply: {} },
  { line: "POST /v1/part/message", body: '{"nested":{"int32Value":1}}', reply: { int32Value: 1 } },
  { line: "POST /v1/part/message", body: "{}", reply: {} },
  { line: "POST /v1/part/nested", body: '{"nested":{"stringValue":"in"}}', reply: "in" },
  { line: "POST /v1/part/nested", body: "{}", reply: "" },
  { line: "POST /v1/part/oneof", body: '{"oneofString":"o"}', reply: "o" },
  { line: "POST /v1/part/wrapper", body: '{"stringWrapper":"w"}', reply: "w" },
  {
    line: "POST /v1/part/timestamp",
    body: '{"timestampValue":"2020-01-01T00:00:00Z"}',
    reply: "2020-01-01T00:00:00Z",
  },
  { line: "POST /v1/part/value", body: '{"valueValue":{"a":1}}', reply: { a: 1 } },
  { line: "POST /v1/part/optional", body: "{}", reply: 0 },
  { line: "POST /v1/part/oneof", body: "{}", reply: "" },
  // A message whose JSON is no object has no `{}`; the JSON of an unset one is null.
  { line: "POST /v1/part/wrapper", body: "{}", reply: null },
  { line: "POST /v1/part/timestamp", body: "{}", reply: null },
  { line: "POST /v1/part/value", body: "{}", reply: null },
];

function label({ line, body, form }: Row): string {
  const what = body ?? form;
  return what === undefined ? line : `${line} ${what.slice(0, 90)}`;
}

describeGateway(
  "transcoding",
  { upstream: { autoMapping: true, json: { emitDefaults: false } } },
  (subject) => {
    for (const row of ASSEMBLED) {
      test(label(row), async () => {
        const { body = row.form, form } = row;
        const { answer, calls } = await subject.observe(row.line, {
          headers: body === undefined ? [] : form === undefined ? JSON_TYPE : FORM_TYPE,
          ...(body === undefined ? {} : { body }),
        });
        assert.equal(answer.status, 200, answer.body.toString());
        assert.deepEqual(jsonOf(answer), row.reply);
        assert.equal(answer.headers["content-type"], "application/json");
        assert.equal(answer.headers["content-length"], String(answer.body.length));
        assert.equal(calls.length, 1);
      });
    }
  },
);
