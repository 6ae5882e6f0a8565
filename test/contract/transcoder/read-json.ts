import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DescMessage } from "@bufbuild/protobuf";
import { renderMessage, type TranscodeOptions } from "../../../src/transcode/index.ts";
import { assemble, OPTIONS, refusal, refusalText, type Subject } from "./codec.ts";
import { All, Inner, Known, Now, Old, Open, registry } from "./types.ts";

/** The cases, as tests of one codec. */
export function readJsonCases(subject: Subject): void {
  const { compile, assembled } = subject;

  function read(input: DescMessage, body: string, options: Partial<TranscodeOptions> = {}): unknown {
    return assembled({ input, body: "*" }, { body }, options, registry);
  }

  function refused(input: DescMessage, body: string, options: Partial<TranscodeOptions> = {}): string {
    return refusalText(() => read(input, body, options));
  }

  type Accepted = readonly (readonly [body: string, json: unknown])[];
  type Refused = readonly (readonly [body: string, refusal: string])[];

  function accepts(input: DescMessage, rows: Accepted): void {
    for (const [body, json] of rows) {
      it(`reads ${body.slice(0, 100)}`, () => assert.deepEqual(read(input, body), json));
    }
  }

  function refuses(input: DescMessage, rows: Refused): void {
    for (const [body, text] of rows) {
      it(`refuses ${body.slice(0, 100)}`, () =>
        assert.equal(refused(input, body), subject.text(text, input.typeName, body)));
    }
  }

  describe("ProtoJSON of scalars", () => {
    accepts(All, [
      ["{}", {}],
      [' {\t"stringValue" : "a" }\r\n', { stringValue: "a" }],
      ['{"string_value":"a"}', { stringValue: "a" }],
      ['{"int32Value":1.0}', { int32Value: 1 }],
      ['{"int32Value":1e3}', { int32Value: 1000 }],
      ['{"int32Value":"-2147483648"}', { int32Value: -2147483648 }],
      ['{"int64Value":9223372036854775807}', { int64Value: "9223372036854775807" }],
      ['{"int64Value":9007199254740993.0}', { int64Value: "9007199254740993" }],
      ['{"int64Value":"1e3"}', { int64Value: "1000" }],
      ['{"uint64Value":18446744073709551615}', { uint64Value: "18446744073709551615" }],
      [
        '{"int64List":["-9007199254740993",0,9007199254740993]}',
        { int64List: ["-9007199254740993", "0", "9007199254740993"] },
      ],
      ['{"doubleValue":"NaN","floatValue":"-Infinity"}', { doubleValue: "NaN", floatValue: "-Infinity" }],
      ['{"doubleValue":"1.5","floatValue":0.1}', { doubleValue: 1.5, floatValue: 0.1 }],
      ['{"doubleValue":-0}', { doubleValue: -0 }],
      ['{"bytesValue":"-_8"}', { bytesValue: "+/8=" }],
      ['{"enumValue":"ONE"}', { enumValue: "ONE" }],
      ['{"enumValue":2}', { enumValue: "TWO" }],
      ['{"enumValue":7}', { enumValue: 7 }],
      ['{"stringValue":null,"textList":null,"stringMap":null,"inner":null,"enumValue":null}', {}],
      ['{"optionalString":"","optionalInt64":0}', { optionalString: "", optionalInt64: "0" }],
      ['{"optionalString":null}', {}],
      ['{"Odd Näme":"a"}', { "Odd Näme": "a" }],
      ['{"odd_name":"a"}', { "Odd Näme": "a" }],
      ['{"stringValue":"\\u0000\\ud83d\\ude00"}', { stringValue: "\u0000😀" }],
    ]);

    refuses(All, [
      ["[]", "JSON_INVALID the body: expected an object (demo.All), found an array (line 1, column 1)"],
      ["null", "JSON_INVALID the body: expected an object (demo.All), found null (line 1, column 1)"],
      ['{"int32Value":"x1"}', 'JSON_INVALID /int32Value: expected an int32, found "x1" (line 1, column 15)'],
      [
        '{\n "int32Value": 2147483648}',
        "JSON_INVALID /int32Value: expected an int32 (in range), found 2147483648 (line 2, column 16)",
      ],
      ['{"int32Value":0.5}', "JSON_INVALID /int32Value: expected an int32, found 0.5 (line 1, column 15)"],
      [
        '{"int32Value":1e999999999}',
        "JSON_INVALID /int32Value: expected an int32, found 1e999999999 (line 1, column 15)",
      ],
      ['{"int32Value":" 1"}', 'JSON_INVALID /int32Value: expected an int32, found " 1" (line 1, column 15)'],
      ['{"int32Value":""}', 'JSON_INVALID /int32Value: expected an int32, found "" (line 1, column 15)'],
      ['{"int32Value":true}', "JSON_INVALID /int32Value: expected an int32, found true (line 1, column 15)"],
      [
        '{"uint32Value":-1}',
        "JSON_INVALID /uint32Value: expected a uint32 (in range), found -1 (line 1, column 16)",
      ],
      [
        '{"int64Value":9223372036854775808}',
        "JSON_INVALID /int64Value: expected an int64 (in range), found 9223372036854775808 (line 1, column 15)",
      ],
      [
        '{"floatValue":3.5e38}',
        "JSON_INVALID /floatValue: expected a float, found 3.5e38 (line 1, column 15)",
      ],
      [
        '{"doubleValue":1e400}',
        "JSON_INVALID /doubleValue: expected a double, found 1e400 (line 1, column 16)",
      ],
      [
        '{"doubleValue":"nan"}',
        'JSON_INVALID /doubleValue: expected a double, found "nan" (line 1, column 16)',
      ],
      [
        '{"boolValue":"true"}',
        'JSON_INVALID /boolValue: expected a bool (true or false), found "true" (line 1, column 14)',
      ],
      [
        '{"boolValue":1}',
        "JSON_INVALID /boolValue: expected a bool (true or false), found 1 (line 1, column 14)",
      ],
      ['{"stringValue":1}', "JSON_INVALID /stringValue: expected a string, found 1 (line 1, column 16)"],
      [
        '{"bytesValue":"a b"}',
        'JSON_INVALID /bytesValue: expected bytes in base64, found "a b" (line 1, column 15)',
      ],
      [
        '{"enumValue":"ON"}',
        'JSON_INVALID /enumValue: expected a value of the enum demo.All.EnumValueEnum, found "ON" (did you mean "ONE"?) (line 1, column 14)',
      ],
      [
        '{"enumValue":1.5}',
        "JSON_INVALID /enumValue: expected a value of the enum demo.All.EnumValueEnum, found 1.5 (line 1, column 14)",
      ],
      [
        '{"enumValue":"1"}',
        'JSON_INVALID /enumValue: expected a value of the enum demo.All.EnumValueEnum, found "1" (line 1, column 14)',
      ],
      [
        '{"stringvalue":"a"}',
        'JSON_UNKNOWN_FIELD /stringvalue: expected a field of demo.All, found "stringvalue" (did you mean "stringValue"?) (line 1, column 2)',
      ],
      [
        '{"inner":{"nme":"a"}}',
        'JSON_UNKNOWN_FIELD /inner/nme: expected a field of demo.Inner, found "nme" (did you mean "name"?) (line 1, column 11)',
      ],
      [
        '{"__proto__":{"a":1}}',
        'JSON_UNKNOWN_FIELD /__proto__: expected a field of demo.All, found "__proto__" (line 1, column 2)',
      ],
      [
        '{"constructor":1}',
        'JSON_UNKNOWN_FIELD /constructor: expected a field of demo.All, found "constructor" (line 1, column 2)',
      ],
      [
        '{"stringValue":"a","string_value":"b"}',
        'JSON_INVALID /string_value: expected one spelling of a field, found "stringValue" and "string_value" (line 1, column 20)',
      ],
      [
        '{"string_value":null,"stringValue":"b"}',
        'JSON_INVALID /stringValue: expected one spelling of a field, found "stringValue" and "string_value" (line 1, column 22)',
      ],
    ]);

    it("puts the pointer into the violation's field and the rest into its description", () => {
      const status = refusal(() => read(All, '{"inner":{"count":"x"}}'));
      assert.deepEqual(status.violations, [
        { field: "/inner/count", description: 'expected an int32, found "x" (line 1, column 19)' },
      ]);
    });
  });

  describe("ProtoJSON of lists, maps and oneofs", () => {
    accepts(All, [
      ['{"textList":["a","",  "b"]}', { textList: ["a", "", "b"] }],
      ['{"textList":[]}', {}],
      ['{"innerList":[{},{"name":"a"}]}', { innerList: [{}, { name: "a" }] }],
      ['{"stringMap":{"":"e","a":"1"}}', { stringMap: { "": "e", a: "1" } }],
      ['{"int32Map":{"-1":"a","1e1":"b"}}', { int32Map: { "-1": "a", "10": "b" } }],
      ['{"uint64Map":{"18446744073709551615":1}}', { uint64Map: { "18446744073709551615": 1 } }],
      ['{"boolMap":{"true":"t","false":"f"}}', { boolMap: { false: "f", true: "t" } }],
      ['{"innerMap":{"a":{"count":1},"b":{}}}', { innerMap: { a: { count: 1 }, b: {} } }],
      ['{"oneString":""}', { oneString: "" }],
      ['{"oneString":null,"oneInner":{}}', { oneInner: {} }],
      ['{"oneValue":null}', { oneValue: null }],
      ['{"oneWrapper":"0"}', { oneWrapper: "0" }],
      ['{"oneWrapper":null}', {}],
    ]);

    refuses(All, [
      ['{"textList":"a"}', 'JSON_INVALID /textList: expected an array, found "a" (line 1, column 13)'],
      [
        '{"textList":["a",null]}',
        "JSON_INVALID /textList/1: expected a string, found null (line 1, column 18)",
      ],
      [
        '{"innerList":[null]}',
        "JSON_INVALID /innerList/0: expected an object (demo.Inner), found null (line 1, column 15)",
      ],
      [
        '{"enumList":[null]}',
        "JSON_INVALID /enumList/0: expected a value of the enum demo.All.EnumListEnum, found null (line 1, column 14)",
      ],
      [
        '{"stringMap":[]}',
        "JSON_INVALID /stringMap: expected an object (a map), found an array (line 1, column 14)",
      ],
      [
        '{"stringMap":{"a":null}}',
        "JSON_INVALID /stringMap/a: expected a string, found null (line 1, column 19)",
      ],
      [
        '{"int32Map":{"x":"a"}}',
        'JSON_INVALID /int32Map/x: expected an int32 as the key, found "x" (line 1, column 14)',
      ],
      [
        '{"boolMap":{"TRUE":"a"}}',
        'JSON_INVALID /boolMap/TRUE: expected a bool (true or false) as the key, found "TRUE" (line 1, column 13)',
      ],
      [
        '{"int32Map":{"1":"a","1.0":"b"}}',
        'JSON_INVALID /int32Map/1.0: expected each key once, found "1.0" again (line 1, column 22)',
      ],
      [
        '{"oneString":"a","oneInner":{}}',
        'JSON_INVALID /oneInner: expected one field of the oneof "choice", found "oneInner" besides "oneString" (line 1, column 29)',
      ],
      [
        '{"oneValue":null,"oneString":"a"}',
        'JSON_INVALID /oneString: expected one field of the oneof "choice", found "oneString" besides "oneValue" (line 1, column 30)',
      ],
    ]);

    it("keeps a map's key __proto__ as data", () => {
      const { message } = assemble(compile({ input: All, body: "*" }), {
        body: '{"stringMap":{"__proto__":"a","constructor":"b"}}',
      });
      assert.equal(
        renderMessage(All, message, OPTIONS, registry),
        '{"stringMap":{"__proto__":"a","constructor":"b"}}',
      );
    });
  });

  describe("ProtoJSON of well-known types", () => {
    accepts(Known, [
      ['{"timestamp":"2024-02-29T12:00:00.5+01:00"}', { timestamp: "2024-02-29T11:00:00.500Z" }],
      ['{"duration":"-0.5s"}', { duration: "-0.500s" }],
      ['{"mask":"a.bC,d"}', { mask: "a.bC,d" }],
      ['{"mask":""}', { mask: "" }],
      [
        '{"struct":{"a":[1,"2",null,{"__proto__":true}]}}',
        { struct: { a: [1, "2", null, JSON.parse('{"__proto__":true}')] } },
      ],
      ['{"value":null}', { value: null }],
      ['{"value":[{}]}', { value: [{}] }],
      ['{"value":"NaN"}', { value: "NaN" }],
      ['{"list":[null,[],{}]}', { list: [null, [], {}] }],
      ['{"int64":"9007199254740993"}', { int64: "9007199254740993" }],
      ['{"int64":0,"text":"","bytes":"","bool":false}', { int64: "0", text: "", bytes: "", bool: false }],
      ['{"int64":null}', {}],
      ['{"float":1.5}', { float: 1.5 }],
      ['{"empty":{}}', { empty: {} }],
      ['{"valueList":[null,1]}', { valueList: [null, 1] }],
      ['{"timestampMap":{"a":"1970-01-01T00:00:00Z"}}', { timestampMap: { a: "1970-01-01T00:00:00Z" } }],
      ['{"any":{}}', { any: {} }],
      [
        '{"any":{"name":"a","@type":"type.googleapis.com/demo.Inner"}}',
        { any: { "@type": "type.googleapis.com/demo.Inner", name: "a" } },
      ],
      [
        '{"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}',
        { any: { "@type": "x/google.protobuf.Duration", value: "1s" } },
      ],
      [
        '{"any":{"@type":"x/google.protobuf.Value","value":null}}',
        { any: { "@type": "x/google.protobuf.Value", value: null } },
      ],
      ['{"any":{"@type":"x/google.protobuf.Empty"}}', { any: { "@type": "x/google.protobuf.Empty" } }],
      [
        '{"any":{"@type":"x/google.protobuf.Empty","value":{}}}',
        { any: { "@type": "x/google.protobuf.Empty" } },
      ],
      [
        '{"any":{"@type":"x/google.rpc.ErrorInfo","reason":"R"}}',
        { any: { "@type": "x/google.rpc.ErrorInfo", reason: "R" } },
      ],
      [
        '{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/google.protobuf.Int64Value","value":"9007199254740993"}}}',
        {
          any: {
            "@type": "x/google.protobuf.Any",
            value: { "@type": "x/google.protobuf.Int64Value", value: "9007199254740993" },
          },
        },
      ],
    ]);

    refuses(Known, [
      [
        '{"timestamp":"2024-02-30T00:00:00Z"}',
        'JSON_INVALID /timestamp: expected a timestamp (RFC 3339, such as 2024-02-29T12:30:00Z), found "2024-02-30T00:00:00Z" (line 1, column 14)',
      ],
      [
        '{"timestamp":{"seconds":1}}',
        "JSON_INVALID /timestamp: expected a timestamp (RFC 3339, such as 2024-02-29T12:30:00Z), found an object (line 1, column 14)",
      ],
      [
        '{"duration":1}',
        'JSON_INVALID /duration: expected a duration (seconds, such as "1.5s"), found 1 (line 1, column 13)',
      ],
      [
        '{"mask":"a_b"}',
        'JSON_INVALID /mask: expected a field mask (paths in lowerCamelCase, joined by commas), found "a_b" (line 1, column 9)',
      ],
      ['{"struct":[]}', "JSON_INVALID /struct: expected an object, found an array (line 1, column 11)"],
      [
        '{"struct":{"a":{"b":1e400}}}',
        'JSON_INVALID /struct/a/b: expected a double, found "1e400" (line 1, column 21)',
      ],
      ['{"list":{}}', "JSON_INVALID /list: expected an array, found an object (line 1, column 9)"],
      [
        '{"int64":{"value":1}}',
        "JSON_INVALID /int64: expected an int64, found an object (line 1, column 10)",
      ],
      [
        '{"int64List":[null]}',
        "JSON_INVALID /int64List/0: expected an int64, found null (line 1, column 15)",
      ],
      [
        '{"empty":{"a":1}}',
        'JSON_UNKNOWN_FIELD /empty/a: expected a field of google.protobuf.Empty, found "a" (line 1, column 11)',
      ],
      ['{"any":{"name":"a"}}', 'JSON_INVALID /any: expected a member "@type", found none (line 1, column 8)'],
      ['{"any":{"@type":1}}', "JSON_INVALID /any/@type: expected a type URL, found 1 (line 1, column 17)"],
      [
        '{"any":{"@type":"demo.Inner"}}',
        'JSON_INVALID /any/@type: expected a type URL (such as type.googleapis.com/pkg.Name), found "demo.Inner" (line 1, column 17)',
      ],
      [
        '{"any":{"@type":"x/demo.Missing"}}',
        'JSON_INVALID /any/@type: expected a type of the loaded schemas, found "x/demo.Missing" (line 1, column 17)',
      ],
      [
        '{"any":{"@type":"x/demo.Inner","count":"?"}}',
        'JSON_INVALID /any/count: expected an int32, found "?" (line 1, column 40)',
      ],
      [
        '{"any":{"@type":"x/google.protobuf.Duration"}}',
        'JSON_INVALID /any: expected a member "value", found none (line 1, column 8)',
      ],
      [
        '{"any":{"@type":"x/google.protobuf.Duration","value":"1s","more":1}}',
        'JSON_UNKNOWN_FIELD /any/more: expected a field of google.protobuf.Duration, found "more" (line 1, column 59)',
      ],
      [
        '{"any":{"@type":"x/legacy.Old"}}',
        'JSON_INVALID /any: expected the required field "id", found none (line 1, column 8)',
      ],
    ]);

    it("reads a body that is a well-known type itself", () => {
      for (const [type, body] of [
        ["google.protobuf.Value", "null"],
        ["google.protobuf.Value", '[1,"a"]'],
        ["google.protobuf.Struct", '{"a":1}'],
        ["google.protobuf.Timestamp", '"1970-01-01T00:00:00Z"'],
      ] as const) {
        const input = registry.getMessage(type);
        assert.ok(input !== undefined);
        assert.deepEqual(read(input, body), JSON.parse(body));
      }
    });
  });

  describe("ProtoJSON of proto2 and editions", () => {
    accepts(Old, [
      ['{"id":0}', { id: "0" }],
      ['{"id":1,"kind":"KIND_B"}', { id: "1", kind: "KIND_B" }],
      ['{"id":1,"kind":2,"kinds":[1,"KINDS_B"]}', { id: "1", kind: "KIND_B", kinds: ["KINDS_A", "KINDS_B"] }],
      ['{"id":1,"part":{"number":2,"child":{"id":3}}}', { id: "1", part: { number: 2, child: { id: "3" } } }],
    ]);
    accepts(Now, [['{"id":1,"text":"","plain":""}', { id: "1", text: "" }]]);
    accepts(Open, [
      ['{"name":"a","[legacy.note]":"n"}', { name: "a", "[legacy.note]": "n" }],
      [
        '{"[legacy.scores]":[1,"9007199254740993"],"late":"l"}',
        { "[legacy.scores]": ["1", "9007199254740993"], late: "l" },
      ],
      ['{"[legacy.old]":{"id":1}}', { "[legacy.old]": { id: "1" } }],
      ['{"[legacy.note]":null}', {}],
      ['{"[legacy.kind]":"1970-01-01T00:00:00Z"}', { "[legacy.kind]": "1970-01-01T00:00:00Z" }],
    ]);

    refuses(Old, [
      ["{}", "JSON_INVALID id: the required field is not set"],
      ['{"id":1,"child":{}}', "JSON_INVALID child.id: the required field is not set"],
      ['{"id":null}', "JSON_INVALID id: the required field is not set"],
      ['{"id":1,"part":{"child":{}}}', "JSON_INVALID part.child.id: the required field is not set"],
      [
        '{"id":1,"kind":3}',
        "JSON_INVALID /kind: expected a value of the enum legacy.Old.KindEnum, found 3 (line 1, column 16)",
      ],
      [
        '{"id":1,"kinds":[3]}',
        "JSON_INVALID /kinds/0: expected a value of the enum legacy.Old.KindsEnum, found 3 (line 1, column 18)",
      ],
    ]);
    refuses(Now, [['{"text":"a"}', "JSON_INVALID id: the required field is not set"]]);
    refuses(Open, [
      [
        '{"[legacy.none]":1}',
        'JSON_UNKNOWN_FIELD /[legacy.none]: expected a field of legacy.Open, found "[legacy.none]" (line 1, column 2)',
      ],
      ['{"[legacy.note]":1}', "JSON_INVALID /[legacy.note]: expected a string, found 1 (line 1, column 18)"],
      [
        '{"[legacy.old]":{}}',
        'JSON_INVALID /[legacy.old]: expected the required field "old.id", found none (line 1, column 17)',
      ],
    ]);

    it("does not take an extension of another message", () => {
      assert.match(refused(Old, '{"id":1,"[legacy.note]":"n"}'), /^JSON_UNKNOWN_FIELD/);
    });
  });

  describe("names that the schema does not know", () => {
    const body =
      '{"a":1,"inner":{"b":{"c":[1]}},"stringValue":"s","enumValue":"?","enumList":["LIST_ONE","?"]}';

    it("are passed over under ignore, unknown enum names with them", () => {
      assert.deepEqual(read(All, body, { unknownFields: "ignore" }), {
        inner: {},
        stringValue: "s",
        enumList: ["LIST_ONE"],
      });
    });

    it("are named under report", () => {
      const { unknownFields } = assemble(compile({ input: All, body: "*" }, { unknownFields: "report" }), {
        body,
      });
      assert.deepEqual(unknownFields, ["/a", "/inner/b", "/enumValue", "/enumList/1"]);
    });

    it("are named 64 times at most", () => {
      const many = JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`x${i}`, i])));
      const { unknownFields } = assemble(compile({ input: All, body: "*" }, { unknownFields: "report" }), {
        body: many,
      });
      assert.equal(unknownFields.length, 64);
    });

    it("do not excuse what is not JSON", () => {
      assert.match(refused(All, '{"a":{"b":[}}', { unknownFields: "ignore" }), /^JSON_INVALID \/a\/b/);
    });
  });

  describe("hostile bodies", () => {
    it("nest no deeper than the limit, whatever they fill", () => {
      const inner = (depth: number): string => `${'{"next":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;
      assert.equal(typeof read(Inner, inner(100)), "object");
      assert.match(refused(Inner, inner(101)), /at most 100 levels of nesting|nested deeper than 100 levels/);
      assert.match(
        refused(Known, `{"value":${"[".repeat(100_000)}`),
        /at most 100 levels of nesting|nested deeper than 100 levels/,
      );
      const value = `{"value":${"[".repeat(99)}${"]".repeat(99)}}`;
      assert.deepEqual(read(Known, value), JSON.parse(value));
    });

    it("hold a string of a megabyte", () => {
      const text = "é".repeat(1 << 19);
      assert.deepEqual(read(All, JSON.stringify({ stringValue: text })), { stringValue: text });
    });

    it("are refused with a bounded message", () => {
      const long = "x".repeat(1 << 20);
      for (const body of [
        `{"${long}":1}`,
        `{"int32Value":"${long}"}`,
        `{"int32Value":1${"0".repeat(1 << 20)}}`,
      ]) {
        assert.ok(refused(All, body).length < 1000);
      }
    });
  });
}
