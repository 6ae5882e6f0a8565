/** The fields that number and resume events, over the message with every kind of field. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { StatusError } from "../../../src/status/index.ts";
import {
  checkEventIdField,
  checkResumeField,
  compileEventId,
  compileResumeField,
  createCompiledFactory,
  createReflectiveFactory,
} from "../../../src/transcode/index.ts";
import { OPTIONS } from "../../contract/transcoder/codec.ts";
import { ECHO } from "../control/compile.ts";

const methods = ECHO.services.flatMap((service) => service.methods);
const converse = methods.find(({ fullName }) => fullName.endsWith(".Converse"));
assert.ok(converse);
const { output: TYPE, outputShape: SHAPE } = converse;
const { registry } = ECHO;

const messageOf = (json: JsonObject): Uint8Array => toBinary(TYPE, fromJson(TYPE, json, { registry }));

/** Field, message, id. */
const IDS: readonly [field: string, message: JsonObject, id: string][] = [
  ["string_value", { stringValue: "a" }, "a"],
  ["string_value", { stringValue: 'a"\\\né' }, 'a"\\\né'],
  ["string_value", {}, ""],
  ["int32_value", { int32Value: -7 }, "-7"],
  ["int32_value", {}, "0"],
  ["int64_value", { int64Value: "9007199254740993" }, "9007199254740993"],
  ["uint64_value", { uint64Value: "18446744073709551615" }, "18446744073709551615"],
  ["double_value", { doubleValue: 1.5 }, "1.5"],
  ["bool_value", { boolValue: true }, "true"],
  ["bytes_value", { bytesValue: "AAE=" }, "AAE="],
  ["enum_value", { enumValue: "GREEN" }, "GREEN"],
  ["optional_int32", { optionalInt32: 0 }, "0"],
  // As `response_body` shows it.
  ["optional_int32", {}, "0"],
  ["timestamp_value", { timestampValue: "2024-02-29T12:30:00Z" }, "2024-02-29T12:30:00Z"],
  ["timestamp_value", {}, ""],
  ["string_wrapper", { stringWrapper: "w" }, "w"],
  ["string_wrapper", {}, ""],
  ["nested.int64_value", { nested: { int64Value: "5" } }, "5"],
  ["nested.nested.string_value", { nested: { nested: { stringValue: "deep" } } }, "deep"],
  ["nested.string_value", {}, ""],
  ["oneof_string", { oneofString: "null" }, "null"],
];

for (const factory of [createCompiledFactory(), createReflectiveFactory()]) {
  describe(`an event's id, ${factory.name}`, () => {
    for (const [field, message, id] of IDS) {
      test(`${field} of ${JSON.stringify(message)} is ${JSON.stringify(id)}`, () => {
        assert.equal(checkEventIdField(SHAPE, field, "here"), undefined);
        const idOf = compileEventId(factory, converse, field, OPTIONS, registry);
        assert.equal(idOf(messageOf(message)), id);
      });
    }
  });
}

describe("a field cannot be an event's id", () => {
  for (const [field, what] of [
    ["nope", /has no field "nope"/],
    ["stringValue", /has no field "stringValue"/],
    ["nested", /names a field of type sluice\.test\.v1\.AllTypes/],
    ["repeated_string", /names a repeated field/],
    ["map_string_string", /names a map field/],
    ["any_value", /names a field of type google\.protobuf\.Any/],
    ["repeated_nested.string_value", /is not a message that a path can lead through/],
  ] as const) {
    test(field, () => {
      const problem = checkEventIdField(SHAPE, field, "here");
      assert.match(problem?.what ?? "", what);
      assert.match(problem?.what ?? "", /^stream\.sse\.idField/);
      assert.equal(problem?.where, "here");
    });
  }
});

/** Field, last event id, the JSON of that field in the request. */
const RESUMED: readonly [field: string, lastEventId: string, value: JsonObject][] = [
  ["string_value", "a b é", { stringValue: "a b é" }],
  ["string_value", "x".repeat(5000), { stringValue: "x".repeat(5000) }],
  ["bytes_value", "AAE=", { bytesValue: "AAE=" }],
  ["bool_value", "true", { boolValue: true }],
  ["int32_value", "-1", { int32Value: -1 }],
  ["int64_value", "-9007199254740993", { int64Value: "-9007199254740993" }],
  ["uint32_value", "4294967295", { uint32Value: 4294967295 }],
  ["uint64_value", "18446744073709551615", { uint64Value: "18446744073709551615" }],
  ["sint32_value", "-3", { sint32Value: -3 }],
  ["sint64_value", "-4", { sint64Value: "-4" }],
  ["fixed32_value", "5", { fixed32Value: 5 }],
  ["fixed64_value", "6", { fixed64Value: "6" }],
  ["sfixed32_value", "-7", { sfixed32Value: -7 }],
  ["sfixed64_value", "-8", { sfixed64Value: "-8" }],
  ["float_value", "1.5", { floatValue: 1.5 }],
  ["double_value", "2.5", { doubleValue: 2.5 }],
  ["optional_string", "o", { optionalString: "o" }],
  ["oneof_string", "s", { oneofString: "s" }],
];

describe("a last event id", () => {
  for (const [field, lastEventId, value] of RESUMED) {
    test(`${lastEventId.slice(0, 30)} goes into ${field}, whatever the request says of it`, () => {
      assert.equal(checkResumeField(SHAPE, field, "here"), undefined);
      const resume = compileResumeField(SHAPE, field);
      for (const other of [{}, value, { stringValue: "other", int64Value: "1", oneofInt32: 3 }]) {
        const resumed = fromBinary(TYPE, resume(messageOf(other), lastEventId));
        const expected: JsonObject = { ...other, ...value };
        if (field.startsWith("oneof")) delete expected.oneofInt32;
        assert.deepEqual(toJson(TYPE, resumed, { registry }), toJson(TYPE, fromJson(TYPE, expected)));
      }
    });
  }

  test("of zero replaces another number", () => {
    const resume = compileResumeField(SHAPE, "int64_value");
    const resumed = resume(messageOf({ int64Value: "5" }), "0");
    assert.deepEqual(fromBinary(TYPE, resumed), create(TYPE));
  });

  for (const [field, lastEventId] of [
    ["int32_value", "x1"],
    ["int32_value", "4294967296"],
    ["int64_value", "1.5"],
    ["bool_value", "1"],
    ["bytes_value", "***"],
  ] as const) {
    test(`${lastEventId} is refused for ${field}`, () => {
      const resume = compileResumeField(SHAPE, field);
      assert.throws(
        () => resume(new Uint8Array(0), lastEventId),
        (error) =>
          error instanceof StatusError &&
          error.status.reason === "HEADER_INVALID" &&
          error.message.startsWith(`header last-event-id, for ${field}: `) &&
          error.message.includes(lastEventId),
      );
    });
  }
});

describe("a field cannot take a last event id", () => {
  for (const [field, what] of [
    ["nope", /has no field "nope"/],
    ["nested.string_value", /is not a scalar at the top level/],
    ["nested", /is not a scalar at the top level/],
    ["enum_value", /is not a scalar at the top level/],
    ["repeated_string", /is not a scalar at the top level/],
    ["string_wrapper", /is not a scalar at the top level/],
  ] as const) {
    test(field, () => {
      const problem = checkResumeField(SHAPE, field, "here");
      assert.match(problem?.what ?? "", what);
      assert.match(problem?.what ?? "", /^stream\.sse\.lastEventIdField/);
    });
  }
});
