import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  codecWith,
  EDITION_2023,
  messageNamed,
  PROTO2,
  PROTO3,
  readBack,
  refusalOf,
} from "./codec-fixture.ts";

/** JSON, and what it means. */
const ACCEPTED: readonly (readonly [json: string, meaning: unknown, type?: string])[] = [
  [" \t\r\n{ } ", {}],
  ['{"optionalInt64":9007199254740993}', { optionalInt64: "9007199254740993" }],
  ['{"optionalInt64":-9223372036854775808}', { optionalInt64: "-9223372036854775808" }],
  ['{"optionalInt64":"9223372036854775807"}', { optionalInt64: "9223372036854775807" }],
  ['{"optionalInt64":9.223372036854775807e18}', { optionalInt64: "9223372036854775807" }],
  ['{"optionalUint64":18446744073709551615}', { optionalUint64: "18446744073709551615" }],
  ['{"optionalUint64":"1844674407370955161"}', { optionalUint64: "1844674407370955161" }],
  ['{"optionalSint64":-4611686018427387905}', { optionalSint64: "-4611686018427387905" }],
  ['{"optionalSfixed64":-1234567890123456789}', { optionalSfixed64: "-1234567890123456789" }],
  ['{"optionalFixed64":"10000000000000000000"}', { optionalFixed64: "10000000000000000000" }],
  ['{"optionalInt32":1.0,"optionalUint32":4294967295}', { optionalInt32: 1, optionalUint32: 4294967295 }],
  ['{"optionalInt32":1e3}', { optionalInt32: 1000 }],
  ['{"optionalInt32":"-2.50e1"}', { optionalInt32: -25 }],
  ['{"optionalInt32":0e999999999}', {}],
  ['{"optionalInt32":"\\u0031"}', { optionalInt32: 1 }],
  ['{"optional_int32":5}', { optionalInt32: 5 }],
  ['{"optional\\u0049nt32":5}', { optionalInt32: 5 }],
  ['{"optionalInt32":null}', {}],
  ['{"optionalInt32":-0,"optionalBool":false,"optionalString":""}', {}],
  ['{"oneofUint32":null,"oneofString":"x"}', { oneofString: "x" }],
  ['{"oneofUint32":0}', { oneofUint32: 0 }],
  ['{"optionalNullValue":null}', {}],
  ['{"oneofNullValue":null}', { oneofNullValue: null }],
  ['{"optionalDouble":1e-400}', {}],
  ['{"optionalDouble":123456789012345678901234567890}', { optionalDouble: 1.2345678901234568e29 }],
  ['{"optionalDouble":0.1,"optionalFloat":"-Infinity"}', { optionalDouble: 0.1, optionalFloat: "-Infinity" }],
  ['{"optionalDouble":"NaN"}', { optionalDouble: "NaN" }],
  ['{"optionalDouble":-0.0}', { optionalDouble: -0 }],
  ['{"optionalString":"\\u00e9\\uD83D\\uDE00\\/\\n“é😀"}', { optionalString: "é😀/\n“é😀" }],
  ['{"optionalBytes":"-_8="}', { optionalBytes: "+/8=" }],
  ['{"optionalBytes":"+\\/8"}', { optionalBytes: "+/8=" }],
  ['{"optionalBytes":"AQ"}', { optionalBytes: "AQ==" }],
  ['{"repeatedInt32":[1,"2",3.0]}', { repeatedInt32: [1, 2, 3] }],
  ['{"repeatedInt32":[]}', {}],
  ['{"repeatedNestedMessage":[{"a":1},{}]}', { repeatedNestedMessage: [{ a: 1 }, {}] }],
  ['{"mapInt32Int32":{"1":2,"-3":4}}', { mapInt32Int32: { "1": 2, "-3": 4 } }],
  ['{"mapBoolBool":{"true":false,"false":true}}', { mapBoolBool: { true: false, false: true } }],
  ['{"mapStringString":{"__proto__":"x","":""}}', { mapStringString: JSON.parse('{"__proto__":"x","":""}') }],
  [
    '{"optionalNestedEnum":"BAR","repeatedNestedEnum":["NEG",7,0]}',
    { optionalNestedEnum: "BAR", repeatedNestedEnum: ["NEG", 7, "FOO"] },
  ],
  ['{"optionalTimestamp":"2024-02-29T23:59:59.5+01:30"}', { optionalTimestamp: "2024-02-29T22:29:59.500Z" }],
  ['{"optionalTimestamp":"0001-01-01T00:00:00Z"}', { optionalTimestamp: "0001-01-01T00:00:00Z" }],
  [
    '{"optionalTimestamp":"9999-12-31T23:59:59.999999999Z"}',
    { optionalTimestamp: "9999-12-31T23:59:59.999999999Z" },
  ],
  ['{"optionalDuration":"-0.5s"}', { optionalDuration: "-0.500s" }],
  ['{"optionalDuration":"315576000000.5s"}', { optionalDuration: "315576000000.500s" }],
  ['{"optionalFieldMask":"fooBar,baz.quxQuux"}', { optionalFieldMask: "fooBar,baz.quxQuux" }],
  [
    '{"optionalInt64Wrapper":"5","optionalBoolWrapper":false}',
    { optionalInt64Wrapper: "5", optionalBoolWrapper: false },
  ],
  ['{"optionalStringWrapper":null}', {}],
  ['{"optionalStruct":{"a":[1,{"b":null}],"c":"d"}}', { optionalStruct: { a: [1, { b: null }], c: "d" } }],
  ['{"optionalValue":null}', { optionalValue: null }],
  ['{"repeatedValue":[null,true,[{}]]}', { repeatedValue: [null, true, [{}]] }],
  [
    '{"optionalAny":{"optionalInt32":7,"@type":"type.googleapis.com/protobuf_test_messages.proto3.TestAllTypesProto3"}}',
    { optionalAny: { "@type": `type.googleapis.com/${PROTO3}`, optionalInt32: 7 } },
  ],
  [
    '{"optionalAny":{"value":{"value":"1.5s","@type":"type.googleapis.com/google.protobuf.Duration"},"@type":"type.googleapis.com/google.protobuf.Any"}}',
    {
      optionalAny: {
        "@type": "type.googleapis.com/google.protobuf.Any",
        value: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1.500s" },
      },
    },
  ],
  ['{"optionalAny":{}}', { optionalAny: {} }],
  [
    '{"[protobuf_test_messages.proto2.extension_int32]":3}',
    { "[protobuf_test_messages.proto2.extension_int32]": 3 },
    PROTO2,
  ],
  ['{"data":{"groupInt32":1,"groupUint32":2}}', { data: { groupInt32: 1, groupUint32: 2 } }, PROTO2],
  ['{"groupliketype":{"groupInt32":1}}', { groupliketype: { groupInt32: 1 } }, EDITION_2023],
];

/** JSON, the pointer to what is wrong in it, and part of what is said. */
const REFUSED: readonly (readonly [json: string, pointer: string, text: string, type?: string])[] = [
  [
    "",
    "",
    "expected an object (protobuf_test_messages.proto3.TestAllTypesProto3), found the end of the text (line 1, column 1)",
  ],
  ["null", "", "expected an object"],
  ["[]", "", "found a list"],
  ["\ufeff{}", "", "found a byte order mark (line 1, column 1)"],
  ["{é:1}", "", "found é (line 1, column 2)"],
  ["{} x", "", "expected the end of the text, found x (line 1, column 4)"],
  ['{"optionalInt32":1,}', "", "a key in quotes"],
  ['{"optionalInt32" 1}', "/optionalInt32", 'expected ":", found 1'],
  ['{"optionalInt32":1 "x":2}', "/optionalInt32", 'expected "," or "}"'],
  ['{\n  "optionalInt32": "x1"\n}', "/optionalInt32", 'expected an int32, found "x1" (line 2, column 20)'],
  ['{"é":{},"optionalInt32":1}', "/é", "has no field"],
  ['{"optionalInt32":2147483648}', "/optionalInt32", "from -2147483648 to 2147483647, found 2147483648"],
  ['{"optionalUint32":-1}', "/optionalUint32", "a uint32"],
  [
    '{"optionalInt64":9223372036854775808}',
    "/optionalInt64",
    "from -9223372036854775808 to 9223372036854775807",
  ],
  ['{"optionalInt64":-9223372036854775809}', "/optionalInt64", "an int64"],
  ['{"optionalUint64":18446744073709551616}', "/optionalUint64", "a uint64"],
  ['{"optionalUint64":"-1"}', "/optionalUint64", "a uint64"],
  ['{"optionalInt64":1e99999999999}', "/optionalInt64", "an int64"],
  ['{"optionalInt32":0.5}', "/optionalInt32", "an int32"],
  ['{"optionalInt32":01}', "/optionalInt32", "an int32"],
  ['{"optionalInt32":"1 "}', "/optionalInt32", "an int32"],
  ['{"optionalInt32":+1}', "/optionalInt32", "an int32"],
  ['{"optionalInt32":[1]}', "/optionalInt32", "found a list"],
  ['{"optionalDouble":1e400}', "/optionalDouble", "finite"],
  ['{"optionalFloat":3.5e38}', "/optionalFloat", "3.4028235e38"],
  ['{"optionalDouble":1.}', "/optionalDouble", "a number"],
  ['{"optionalDouble":.5}', "/optionalDouble", "a number"],
  ['{"optionalBool":"true"}', "/optionalBool", "true or false"],
  ['{"optionalBool":truth}', "/optionalBool", "true or false, found truth"],
  ['{"optionalString":5}', "/optionalString", "expected a string, found 5"],
  ['{"optionalString":"\u0001"}', "/optionalString", "a control character to be escaped"],
  ['{"optionalString":"\\x"}', "/optionalString", "an escape of JSON"],
  ['{"optionalString":"\\ud83d"}', "/optionalString", "a surrogate pair"],
  ['{"optionalString":"\\ude00\\ud83d"}', "/optionalString", "a surrogate pair"],
  ['{"optionalString":"\\u12', "/optionalString", "four hex digits"],
  ['{"optionalString":"abc', "/optionalString", "the closing quote"],
  ['{"optionalBytes":"A"}', "/optionalBytes", "base64"],
  ['{"optionalBytes":"AQ="}', "/optionalBytes", "base64"],
  ['{"optionalBytes":"AQ*="}', "/optionalBytes", "base64"],
  ['{"optionalInt32":1,"optionalInt32":1}', "/optionalInt32", "given twice"],
  ['{"optionalInt32":1,"optional_int32":1}', "/optional_int32", "given twice"],
  ['{"optionalInt32":null,"optionalInt32":1}', "/optionalInt32", "given twice"],
  ['{"oneofUint32":1,"oneofString":"x"}', "/oneofString", "another field of the oneof"],
  ['{"mapInt32Int32":{"1":1,"1e0":2}}', "/mapInt32Int32/1e0", "the key is given twice"],
  ['{"mapStringString":{"a":"b","\\u0061":"c"}}', "/mapStringString/a", "the key is given twice"],
  ['{"mapInt32Int32":{"x":1}}', "/mapInt32Int32/x", "an int32"],
  ['{"mapBoolBool":{"yes":true}}', "/mapBoolBool/yes", '"true" or "false"'],
  ['{"mapStringString":{"a":null}}', "/mapStringString/a", "expected a string, found null"],
  ['{"optionalStruct":{"a":1,"a":2}}', "/optionalStruct/a", "the key is given twice"],
  ['{"repeatedInt32":[1,null]}', "/repeatedInt32/1", "expected an int32, found null"],
  ['{"repeatedInt32":[1,2', "/repeatedInt32/1", 'expected "," or "]", found the end of the text'],
  ['{"repeatedNestedMessage":[{},{"a":"b"}]}', "/repeatedNestedMessage/1/a", 'found "b"'],
  ['{"optionalNestedEnum":"BAZZ"}', "/optionalNestedEnum", 'did you mean "BAZ"?'],
  ['{"optionalNestedEnum":"bar"}', "/optionalNestedEnum", 'did you mean "BAR"?'],
  ['{"optionalNestedEnum":7}', "/optionalNestedEnum", "a value of", PROTO2],
  ['{"optionalTimestamp":"2024-02-30T00:00:00Z"}', "/optionalTimestamp", "an RFC 3339 time"],
  ['{"optionalTimestamp":"2023-02-29T00:00:00Z"}', "/optionalTimestamp", "an RFC 3339 time"],
  ['{"optionalTimestamp":"2024-01-01T24:00:00Z"}', "/optionalTimestamp", "an RFC 3339 time"],
  ['{"optionalTimestamp":"2024-01-01T00:00:00z"}', "/optionalTimestamp", "an RFC 3339 time"],
  ['{"optionalTimestamp":"2024-01-01T00:00:00.1234567890Z"}', "/optionalTimestamp", "an RFC 3339 time"],
  ['{"optionalTimestamp":"0001-01-01T00:00:00+00:01"}', "/optionalTimestamp", "in the years 0001 to 9999"],
  ['{"optionalTimestamp":"2024', "/optionalTimestamp", "the closing quote"],
  ['{"optionalDuration":"1.5"}', "/optionalDuration", "a duration"],
  ['{"optionalDuration":"1.s"}', "/optionalDuration", "a duration"],
  ['{"optionalDuration":"315576000001s"}', "/optionalDuration", "at most"],
  ['{"optionalFieldMask":"foo_bar"}', "/optionalFieldMask", "camel-case"],
  ['{"optionalFieldMask":"foo,,bar"}', "/optionalFieldMask", "camel-case"],
  ['{"optionalFieldMask":".foo"}', "/optionalFieldMask", "camel-case"],
  ['{"optionalFieldMask":"foo..bar"}', "/optionalFieldMask", "camel-case"],
  ['{"optionalFieldMask":"foo.,bar"}', "/optionalFieldMask", "camel-case"],
  ['{"optionalFieldMask":"foo,bar."}', "/optionalFieldMask", "camel-case"],
  ['{"optionalAny":{"a":1}}', "/optionalAny", 'needs "@type"'],
  [
    '{"optionalAny":{"@type":"type.googleapis.com/no.Such"}}',
    "/optionalAny/@type",
    "the URL of a known type",
  ],
  [
    '{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Duration"}}',
    "/optionalAny",
    'needs "value"',
  ],
  [
    '{"optionalAny":{"@type":"type.googleapis.com/google.protobuf.Empty","@type":"x"}}',
    "/optionalAny/@type",
    "given twice",
  ],
  ['{"a/b~c":1}', "/a~1b~0c", "has no field"],
  ['{"optionalNestedMessage":{"b":1}}', "/optionalNestedMessage/b", 'has no field "b"'],
  ['{"optionalInt23":1}', "/optionalInt23", 'did you mean "optionalInt32"?'],
  ["{}", "", 'lacks required "requiredInt32"', "protobuf_test_messages.proto2.TestAllRequiredTypesProto2"],
];

describe("reading JSON", () => {
  for (const [json, meaning, type = PROTO3] of ACCEPTED) {
    test(`accepts ${json}`, () => {
      assert.deepEqual(readBack(type, json), meaning);
    });
  }
  for (const [json, pointer, text, type = PROTO3] of REFUSED) {
    test(`refuses ${JSON.stringify(json)}`, () => {
      const status = refusalOf(() => readBack(type, json));
      assert.deepEqual([status.code, status.violations.map(({ field }) => field)], [3, [pointer]]);
      assert.ok(status.message.includes(text), status.message);
    });
  }

  test("refuses bytes that are not UTF-8, in every form", () => {
    const read = codecWith().jsonReader(messageNamed(PROTO3));
    for (const bytes of [[0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      const json = Buffer.concat([Buffer.from('{"optionalString":"'), Buffer.from(bytes), Buffer.from('"}')]);
      assert.ok(refusalOf(() => read(json)).message.includes("expected UTF-8"));
    }
  });

  test("tells the reasons of broken JSON and of unknown fields apart", () => {
    assert.equal(refusalOf(() => readBack(PROTO3, "{")).reason, "JSON_INVALID");
    assert.equal(refusalOf(() => readBack(PROTO3, '{"x":1}')).reason, "JSON_UNKNOWN_FIELD");
  });

  test("passes over unknown fields and labels under ignore, and names them under report", () => {
    const json =
      '{"x":{"y":[1,"a\\"b",{"z":null}],"w":-1.5e3},"optionalInt32":1,"optionalNestedMessage":{"q/r":true},' +
      '"optionalNestedEnum":"NO_SUCH","repeatedNestedEnum":["BAR","NO_SUCH"]}';
    const meaning = { optionalInt32: 1, optionalNestedMessage: {}, repeatedNestedEnum: ["BAR"] };
    assert.deepEqual(readBack(PROTO3, json, { unknownFields: "ignore" }), meaning);
    const reader = codecWith({ unknownFields: "report" }).jsonReader(messageNamed(PROTO3));
    assert.deepEqual(reader(Buffer.from(json)).unknownFields, [
      "/x",
      "/optionalNestedMessage/q~1r",
      "/optionalNestedEnum",
      "/repeatedNestedEnum/1",
    ]);
    assert.deepEqual(reader(Buffer.from("{}")).unknownFields, []);
  });

  test("checks what it passes over", () => {
    for (const json of [
      '{"x":[1,]}',
      '{"x":{"a" 1}}',
      '{"x":tru}',
      '{"x":01}',
      '{"x":[}',
      '{"x":"\\q"}',
      '{"x":[1',
    ]) {
      refusalOf(() => readBack(PROTO3, json, { unknownFields: "ignore" }));
    }
  });

  test("gives each message memory of its own", () => {
    const read = codecWith().jsonReader(messageNamed(PROTO3));
    const first = read(Buffer.from('{"optionalString":"first"}')).message;
    const copy = Buffer.from(first);
    read(Buffer.from('{"optionalString":"other"}'));
    assert.deepEqual(Buffer.from(first), copy);
  });

  test("reads on after a refusal as if nothing had been", () => {
    const read = codecWith().jsonReader(messageNamed(PROTO3));
    refusalOf(() => read(Buffer.from('{"recursiveMessage":{"recursiveMessage":{"optionalInt32":x')));
    assert.equal(Buffer.from(read(Buffer.from('{"optionalInt32":5}')).message).toString("hex"), "0805");
  });

  test("never reads what an earlier text has left behind the end", () => {
    const read = codecWith().jsonReader(messageNamed(PROTO3));
    const whole = '{"optionalTimestamp":"2024-02-29T23:59:59.5+01:30","optionalInt64":"1234567890123456789"}';
    for (let end = 0; end < whole.length; end++) {
      read(Buffer.from(whole));
      refusalOf(() => read(Buffer.from(whole.slice(0, end))));
    }
  });
});

for (const [type, content] of [
  ["Empty", "{}"],
  ["Duration", '"0s"'],
] as const) {
  test(`an Any of ${type} ${content} has no value on the wire, as other libraries write it`, () => {
    const url = `type.googleapis.com/google.protobuf.${type}`;
    const json = Buffer.from(`{"@type":"${url}","value":${content}}`);
    const { message } = codecWith().jsonReader(messageNamed("google.protobuf.Any"))(json);
    assert.equal(Buffer.from(message).toString("latin1"), `\n${String.fromCharCode(url.length)}${url}`);
  });
}
