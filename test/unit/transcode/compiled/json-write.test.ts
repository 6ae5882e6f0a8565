import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import type { TranscodeOptions } from "../../../../src/transcode/index.ts";
import { codecWith, messageNamed, PROTO2, PROTO3, refusalOf, registry, writeHex } from "./codec-fixture.ts";

/** Wire bytes in hex, and their JSON. */
const WRITTEN: readonly (readonly [hex: string, json: string, type?: string])[] = [
  ["", "{}"],
  ["08 05", '{"optionalInt32":5}'],
  ["08 ff ff ff ff ff ff ff ff ff 01", '{"optionalInt32":-1}'],
  ["08 81 80 80 80 10", '{"optionalInt32":1}'],
  ["08 00", "{}"],
  ["08 05 08 06", '{"optionalInt32":6}'],
  ["10 01 08 05", '{"optionalInt32":5,"optionalInt64":"1"}'],
  ["10 ff ff ff ff ff ff ff ff 7f", '{"optionalInt64":"9223372036854775807"}'],
  ["10 80 80 80 80 80 80 80 80 80 01", '{"optionalInt64":"-9223372036854775808"}'],
  ["20 ff ff ff ff ff ff ff ff ff 01", '{"optionalUint64":"18446744073709551615"}'],
  ["20 80 80 80 80 80 80 80 10", '{"optionalUint64":"9007199254740992"}'],
  ["30 01", '{"optionalSint64":"-1"}'],
  ["30 ff ff ff ff ff ff ff ff ff 01", '{"optionalSint64":"-9223372036854775808"}'],
  ["28 01", '{"optionalSint32":-1}'],
  ["3d ff ff ff ff", '{"optionalFixed32":4294967295}'],
  ["4d ff ff ff ff", '{"optionalSfixed32":-1}'],
  ["51 01 00 00 00 00 00 00 80", '{"optionalSfixed64":"-9223372036854775807"}'],
  ["5d cd cc cc 3d", '{"optionalFloat":0.1}'],
  ["5d ff ff 7f 7f", '{"optionalFloat":3.4028235e+38}'],
  ["5d 01 00 00 00", '{"optionalFloat":1e-45}'],
  ["5d 00 00 80 4b", '{"optionalFloat":16777216}'],
  ["5d 00 00 80 7f", '{"optionalFloat":"Infinity"}'],
  ["5d 00 00 00 80", '{"optionalFloat":-0}'],
  ["61 9a 99 99 99 99 99 b9 3f", '{"optionalDouble":0.1}'],
  ["61 00 00 00 00 00 00 00 80", '{"optionalDouble":-0}'],
  ["61 00 00 00 00 00 00 f8 ff", '{"optionalDouble":"NaN"}'],
  ["61 00 00 00 00 00 00 f0 ff", '{"optionalDouble":"-Infinity"}'],
  ["68 02", '{"optionalBool":true}'],
  ["72 06 22 5c 0a 01 7f 2f", '{"optionalString":"\\"\\\\\\n\\u0001\u007f/"}'],
  ["72 04 f0 9f 98 80", '{"optionalString":"😀"}'],
  ["7a 02 fb ff", '{"optionalBytes":"+/8="}'],
  ["a8 01 02", '{"optionalNestedEnum":"BAZ"}'],
  ["a8 01 63", '{"optionalNestedEnum":99}'],
  ["c0 07 05", '{"oneofNullValue":null}'],
  ["e2 13 03 08 80 01", '{"repeatedValue":[null]}'],
  ["92 01 00", '{"optionalNestedMessage":{}}'],
  ["92 01 02 08 01 92 01 02 12 00", '{"optionalNestedMessage":{"a":1,"corecursive":{}}}'],
  ["92 01 02 08 01 92 01 02 08 02", '{"optionalNestedMessage":{"a":2}}'],
  ["f8 01 01 f8 01 02", '{"repeatedInt32":[1,2]}'],
  ["fa 01 02 01 02 f8 01 03 fa 01 01 04", '{"repeatedInt32":[1,2,3,4]}'],
  ["f8 01 01 08 05 f8 01 02", '{"optionalInt32":5,"repeatedInt32":[1,2]}'],
  ["fa 01 00", "{}"],
  ["c2 03 04 08 01 10 02", '{"mapInt32Int32":{"1":2}}'],
  ["c2 03 04 10 02 08 01", '{"mapInt32Int32":{"1":2}}'],
  ["c2 03 00", '{"mapInt32Int32":{"0":0}}'],
  ["c2 03 04 08 01 10 02 c2 03 04 08 01 10 03", '{"mapInt32Int32":{"1":3}}'],
  ["f8 06 07 82 07 02 08 01", '{"oneofNestedMessage":{"a":1}}'],
  ["82 07 02 08 01 f8 06 07", '{"oneofUint32":7}'],
  ["82 07 02 08 01 f8 06 07 82 07 00", '{"oneofNestedMessage":{}}'],
  // Unknown: a varint, a group that holds a group.
  ["c0 ba 0c 01 08 05 c3 ba 0c 0b 08 01 0c c4 ba 0c", '{"optionalInt32":5}'],
  ["c0 07 03", '{"[protobuf_test_messages.proto2.extension_int32]":3}', PROTO2],
  ["cb 0c d0 0c 01 cc 0c", '{"data":{"groupInt32":1}}', PROTO2],
  ["a8 01 63", "{}", PROTO2],
  ["72 01 ff", '{"optionalString":"\ufffd"}', PROTO2],
];

/** Wire bytes in hex that are no message, or have no JSON. */
const BROKEN: readonly (readonly [hex: string, text: string])[] = [
  ["08", "a varint is cut off"],
  ["08 80", "a varint is cut off"],
  ["08 80 80 80 80 80 80 80 80 80 80 01", "longer than ten bytes"],
  ["00 01", "no valid field number"],
  ["80 80 80 80 20 01", "no valid field number"],
  ["08 05 0d 00 00 00 00", "field 1 of protobuf_test_messages.proto3.TestAllTypesProto3 has wire type 5"],
  ["12 01 01 0d 00 00 00 00", "which its type does not have"],
  ["0e 01", "no valid wire type"],
  ["0c", "no valid wire type"],
  ["72 05 61", "a length exceeds its message"],
  ["72 ff ff ff ff ff 01", "a length exceeds its message"],
  ["92 01 03 08 01 08 05", "a varint is cut off"],
  ["92 01 02 72 03 61 61 61", "a length exceeds its message"],
  ["61 00 00 00", "a double is cut off"],
  ["5d 00 00", "a float is cut off"],
  ["3d 00", "a fixed32 is cut off"],
  ["49 00", "a value is cut off"],
  ["c3 ba 0c", "a varint is cut off"],
  ["c3 ba 0c cc ba 0c", "a group ends with another number"],
  ["fa 01 01 80", "a varint is cut off"],
  ["72 01 ff", "a string is not UTF-8"],
  ["72 03 ed a0 80", "a string is not UTF-8"],
  ["72 02 c3 28", "a string is not UTF-8"],
  ["fa 12 05 0a 03 ed a0 80", "a string is not UTF-8"],
  ["92 13 0b 11 00 00 00 00 00 00 f8 7f 18 00", "a Value cannot be NaN"],
];

describe("writing JSON", () => {
  for (const [hex, json, type = PROTO3] of WRITTEN) {
    test(`writes ${hex} of ${type.split(".").at(-1)} as ${json}`, () => {
      assert.equal(writeHex(type, hex), json);
    });
  }
  for (const [hex, text] of BROKEN) {
    test(`refuses ${hex}: ${text}`, () => {
      const status = refusalOf(() => writeHex(PROTO3, hex));
      assert.deepEqual([status.code, status.reason], [13, "UPSTREAM_REPLY_INVALID"]);
      assert.ok(status.message.includes(text), status.message);
    });
  }

  const SHOWN: readonly (readonly [Partial<TranscodeOptions>, string])[] = [
    [{}, '{"optionalInt64":"5","optionalUint64":"9007199254740993","optionalNestedEnum":"BAZ"}'],
    [
      { int64: "number-if-safe" },
      '{"optionalInt64":5,"optionalUint64":"9007199254740993","optionalNestedEnum":"BAZ"}',
    ],
    [
      { enumsAsNumbers: true },
      '{"optionalInt64":"5","optionalUint64":"9007199254740993","optionalNestedEnum":2}',
    ],
    [
      { protoFieldNames: true },
      '{"optional_int64":"5","optional_uint64":"9007199254740993","optional_nested_enum":"BAZ"}',
    ],
    [
      { pretty: true },
      '{\n  "optionalInt64": "5",\n  "optionalUint64": "9007199254740993",\n  "optionalNestedEnum": "BAZ"\n}',
    ],
  ];
  for (const [options, json] of SHOWN) {
    test(`shows values as ${JSON.stringify(options)} asks`, () => {
      assert.equal(writeHex(PROTO3, "10 05 20 81 80 80 80 80 80 80 10 a8 01 02", options), json);
    });
  }

  test("shows unset implicit fields, lists and maps under emitDefaults, and neither messages nor oneofs", () => {
    const shown: unknown = JSON.parse(writeHex(PROTO3, "08 05 c8 07 00", { emitDefaults: true }));
    assert.ok(typeof shown === "object" && shown !== null);
    const entries = new Map(Object.entries(shown));
    assert.deepEqual(
      [
        "optionalInt32",
        "optionalInt64",
        "optionalNestedEnum",
        "repeatedInt32",
        "mapStringBytes",
        "optionalDouble",
      ].map((name) => entries.get(name)),
      [5, "0", "FOO", [], {}, 0],
    );
    for (const name of ["optionalNestedMessage", "optionalTimestamp", "oneofUint32", "optionalBoolWrapper"]) {
      assert.ok(!entries.has(name), name);
    }
    const numbers = messageNamed(PROTO3).fields.filter(({ jsonName }) => entries.has(jsonName));
    const ascending = [...numbers].sort((a, b) => a.number - b.number).map(({ jsonName }) => jsonName);
    assert.deepEqual([...entries.keys()], ascending);
  });

  const FORMS: readonly JsonValue[] = [
    { optionalTimestamp: "0001-01-01T00:00:00Z" },
    { optionalTimestamp: "2024-02-29T23:59:59.000001Z" },
    { optionalTimestamp: "9999-12-31T23:59:59.999999999Z" },
    { optionalTimestamp: "1969-12-31T23:59:59.500Z" },
    { optionalDuration: "-315576000000s" },
    { optionalDuration: "-0.000000001s" },
    { optionalFieldMask: "a,fooBar.baz" },
    { optionalStruct: { a: [null, true, 1.5, "x", {}, []], b: { c: {} } } },
    { optionalValue: null },
    { repeatedListValue: [[], [1]] },
    { optionalBytesWrapper: "AQ==", optionalStringWrapper: "", optionalUint64Wrapper: "0" },
    { optionalAny: {} },
    { optionalAny: { "@type": `type.googleapis.com/${PROTO3}`, optionalInt32: 1 } },
    { optionalAny: { "@type": "type.googleapis.com/google.protobuf.Int64Value", value: "5" } },
    { optionalAny: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { a: 1 } } },
    { mapStringNestedMessage: { a: {}, "": { a: 1 } } },
    { mapStringNestedEnum: { x: "BAR" } },
    { mapUint64Uint64: { "18446744073709551615": "1" } },
    { oneofNullValue: null },
  ];
  for (const form of FORMS) {
    test(`shows ${JSON.stringify(form)} as it was given`, () => {
      const desc = messageNamed(PROTO3);
      const wire = toBinary(desc, fromJson(desc, form, { registry }));
      assert.deepEqual(JSON.parse(Buffer.from(codecWith().jsonWriter(desc)(wire)).toString("utf8")), form);
    });
  }

  test("keeps the bytes of an Any whose type no schema knows", () => {
    const any = Buffer.from(`\x0a\x14example.com/no.Such1\x12\x02\xfb\xff`, "latin1");
    const json = Buffer.from(codecWith().jsonWriter(messageNamed("google.protobuf.Any"))(any));
    assert.equal(json.toString("utf8"), '{"@type":"example.com/no.Such1","value":"+/8="}');
  });

  test("refuses a reply that lacks a required field, wherever the others stand", () => {
    const desc = messageNamed("protobuf_test_messages.proto2.TestAllRequiredTypesProto2");
    const status = refusalOf(() => codecWith().jsonWriter(desc)(new Uint8Array()));
    assert.ok(status.message.includes("lacks a required field"), status.message);
  });

  test("refuses a small reply that would become hundreds of megabytes of JSON", () => {
    // A nested message that holds an empty one of many fields: 5 bytes, and some 3,000 with all defaults.
    const wire = Buffer.from("8203021200".repeat(200_000), "hex");
    const write = codecWith({ emitDefaults: true }).jsonWriter(messageNamed(PROTO3));
    const status = refusalOf(() => write(wire));
    assert.deepEqual([status.code, status.reason], [8, "UPSTREAM_REPLY_TOO_LARGE"]);
    assert.equal(
      status.message,
      "the reply would be more than 83108864 bytes of JSON, the most for one of its size",
    );
    assert.equal(Buffer.from(codecWith().jsonWriter(messageNamed(PROTO3))(wire.subarray(0, 10))).length, 65);
  });

  test("refuses a reply that only its indentation makes so long", () => {
    const desc = messageNamed("google.protobuf.ListValue");
    const list = `${"[".repeat(90)}${"null,".repeat(500_000)}null${"]".repeat(90)}`;
    const { message } = codecWith().jsonReader(desc)(Buffer.from(list));
    assert.equal(Buffer.from(codecWith().jsonWriter(desc)(message)).toString(), list);
    const status = refusalOf(() => codecWith({ pretty: true }).jsonWriter(desc)(message));
    assert.equal(status.reason, "UPSTREAM_REPLY_TOO_LARGE");
  });

  test("reads and writes a megabyte with at most three times its memory", () => {
    const desc = messageNamed(PROTO3);
    const json = Buffer.from(
      `{"repeatedString":[${Array(1000)
        .fill(`"${"x".repeat(1000)}"`)
        .join()}]}`,
    );
    const codec = codecWith();
    const start = process.memoryUsage().arrayBuffers;
    const { message } = codec.jsonReader(desc)(json);
    const middle = process.memoryUsage().arrayBuffers;
    const back = codec.jsonWriter(desc)(message);
    const end = process.memoryUsage().arrayBuffers;
    assert.deepEqual(Buffer.from(back), json);
    // Results included, and nothing need have been collected.
    for (const extra of [middle - start, end - middle]) {
      assert.ok(extra <= 3 * json.length, `${extra} bytes for ${json.length}`);
    }
  });
});
