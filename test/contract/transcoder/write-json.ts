import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { renderMessage, type TranscodeOptions } from "../../../src/transcode/index.ts";
import { OPTIONS, refusalText, type Subject, textOf } from "./codec.ts";
import { messageOf } from "./schema.ts";
import { All, Inner, Known, Now, Old, Open, registry } from "./types.ts";

/** The cases, as tests of one codec. */
export function writeJsonCases(subject: Subject): void {
  const { compile } = subject;

  function bytesOf(desc: DescMessage, json: JsonValue): Uint8Array {
    return toBinary(desc, fromJson(desc, json, { registry }));
  }

  function write(desc: DescMessage, bytes: Uint8Array, options: Partial<TranscodeOptions> = {}): string {
    const reply = compile({ input: desc, output: desc }, options, registry).render(
      bytes,
      options.pretty ?? false,
    );
    return textOf(reply);
  }

  function rewrite(desc: DescMessage, json: JsonValue, options: Partial<TranscodeOptions> = {}): string {
    return write(desc, bytesOf(desc, json), options);
  }

  function anyOf(typeUrl: string, value: Uint8Array): Uint8Array {
    return new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.LengthDelimited)
      .string(typeUrl)
      .tag(2, WireType.LengthDelimited)
      .bytes(value)
      .join()
      .finish();
  }

  /** A Known with the message field `number` holding two varints, such as seconds and nanos. */
  function secondsAndNanos(number: number, seconds: bigint, nanos: number): Uint8Array {
    return new BinaryWriter()
      .tag(number, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.Varint)
      .int64(seconds)
      .tag(2, WireType.Varint)
      .int32(nanos)
      .join()
      .finish();
  }

  describe("a message as JSON", () => {
    it("does not change when the message's memory is used again", () => {
      const message = bytesOf(All, { stringValue: "x".repeat(100_000), bytesValue: "QUJD".repeat(30_000) });
      for (const responseBody of ["", "string_value", "bytes_value"]) {
        const transcoder = compile({ input: All, output: All, responseBody }, {}, registry);
        const expected = textOf(transcoder.render(message, false));
        const copy = Buffer.from(message);
        const rendered = transcoder.render(copy, false);
        copy.fill(0);
        assert.ok(textOf(rendered) === expected, responseBody);
      }
    });

    it("has its fields in ascending number, whatever the wire's order", () => {
      const forwards = new BinaryWriter()
        .tag(1, WireType.LengthDelimited)
        .string("n")
        .tag(2, WireType.Varint)
        .int32(7);
      const backwards = new BinaryWriter()
        .tag(2, WireType.Varint)
        .int32(7)
        .tag(1, WireType.LengthDelimited)
        .string("n");
      assert.equal(write(Inner, forwards.finish()), '{"name":"n","count":7}');
      assert.equal(write(Inner, backwards.finish()), '{"name":"n","count":7}');
    });

    it("has extensions among its fields, in ascending number", () => {
      const json = {
        late: "l",
        "[legacy.note]": "n",
        name: "a",
        "[legacy.scores]": ["1", "2"],
        "[legacy.old]": { id: "3" },
      };
      assert.equal(
        rewrite(Open, json),
        '{"name":"a","[legacy.scores]":["1","2"],"[legacy.note]":"n","[legacy.old]":{"id":"3"},"late":"l"}',
      );
    });

    it("has map entries by key", subject.difference("has map entries by key"), () => {
      assert.equal(
        rewrite(All, {
          stringMap: { b: "2", a: "1", "10": "x", "9": "y" },
          int32Map: { "10": "a", "-1": "b", "9": "c" },
          uint64Map: { "18446744073709551615": 1, "2": 2 },
          boolMap: { true: "t", false: "f" },
        }),
        '{"stringMap":{"10":"x","9":"y","a":"1","b":"2"},"int32Map":{"-1":"b","9":"c","10":"a"},' +
          '"uint64Map":{"2":2,"18446744073709551615":1},"boolMap":{"false":"f","true":"t"}}',
      );
    });

    it("has defaults of implicit presence under emitDefaults, and never unset messages, optionals or oneofs", () => {
      assert.equal(
        write(All, new Uint8Array(0), { emitDefaults: true }),
        '{"doubleValue":0,"floatValue":0,"int32Value":0,"int64Value":"0","uint32Value":0,"uint64Value":"0",' +
          '"boolValue":false,"stringValue":"","bytesValue":"","enumValue":"NONE","textList":[],"int64List":[],' +
          '"innerList":[],"enumList":[],"stringMap":{},"int32Map":{},"uint64Map":{},"boolMap":{},"innerMap":{},"Odd Näme":""}',
      );
      assert.equal(rewrite(Old, { id: "1" }, { emitDefaults: true }), '{"id":"1","kinds":[]}');
      assert.equal(rewrite(Now, { id: "1" }, { emitDefaults: true }), '{"id":"1","plain":""}');
    });

    it("follows the options", () => {
      const json = {
        int64Value: "9007199254740991",
        uint64Value: "9007199254740992",
        enumValue: "TWO",
        inner: { count: 1 },
      };
      assert.equal(
        rewrite(All, json, { int64: "number-if-safe", enumsAsNumbers: true, protoFieldNames: true }),
        '{"int64_value":9007199254740991,"uint64_value":"9007199254740992","enum_value":2,"inner":{"count":1}}',
      );
      assert.equal(
        rewrite(All, { inner: { name: "a" }, textList: ["x", "y"], stringMap: { k: "v" } }, { pretty: true }),
        `{
  "inner": {
    "name": "a"
  },
  "textList": [
    "x",
    "y"
  ],
  "stringMap": {
    "k": "v"
  }
}`,
      );
      assert.equal(rewrite(All, { inner: {} }, { pretty: true }), '{\n  "inner": {}\n}');
    });

    it("has unknown enum numbers as numbers", () => {
      assert.equal(
        rewrite(All, { enumValue: 7, enumList: [1, 9] }),
        '{"enumValue":7,"enumList":["LIST_ONE",9]}',
      );
    });

    it("escapes strings and names as JSON asks", () => {
      assert.equal(rewrite(All, { stringValue: '"\\\n\u2028😀' }), '{"stringValue":"\\"\\\\\\n\u2028😀"}');
      assert.equal(
        rewrite(All, { "Odd Näme": "a", stringMap: { '"': "b" } }),
        '{"stringMap":{"\\"":"b"},"Odd Näme":"a"}',
      );
    });

    it("has floats as their shortest text", () => {
      assert.equal(rewrite(All, { doubleValue: -0, floatValue: 0.1 }), '{"doubleValue":-0,"floatValue":0.1}');
      assert.equal(
        rewrite(All, { doubleValue: "NaN", floatValue: "Infinity" }),
        '{"doubleValue":"NaN","floatValue":"Infinity"}',
      );
    });

    it("has no bytes of fields that the schema does not know", () => {
      const unknown = new BinaryWriter()
        .tag(99, WireType.Varint)
        .int32(1)
        .tag(1, WireType.LengthDelimited)
        .string("n")
        .finish();
      assert.equal(write(Inner, unknown), '{"name":"n"}');
    });

    it(
      "is written though a required field is missing: the reply is all that there is",
      subject.difference("is written though a required field is missing: the reply is all that there is"),
      () => {
        assert.equal(write(Old, bytesOf(Inner, { name: "x" }).subarray(0, 0)), "{}");
      },
    );
  });

  describe("well-known types as JSON", () => {
    const same: readonly JsonValue[] = [
      { any: { "@type": "type.googleapis.com/demo.Inner", name: "a" } },
      {
        any: { "@type": "type.googleapis.com/google.protobuf.Timestamp", value: "1970-01-01T00:00:00.010Z" },
      },
      { any: {} },
      { timestamp: "9999-12-31T23:59:59.999999999Z", duration: "-315576000000s", mask: "aB.c,d" },
      { struct: { "": null, a: [1, "x", { b: true }] } },
      { value: null },
      { list: [null, 1.5, [], {}] },
      { int64: "-9223372036854775808", text: "", bytes: "+/8=", bool: false, float: 0.5, empty: {} },
      {
        anyList: [{ "@type": "type.googleapis.com/google.protobuf.Empty" }],
        int64List: ["1"],
        timestampMap: { a: "1970-01-01T00:00:00Z" },
      },
    ];
    for (const json of same) {
      it(`writes ${JSON.stringify(json).slice(0, 90)}`, () =>
        assert.equal(rewrite(Known, json), JSON.stringify(json)));
    }

    it("keeps an Any of unknown type as base64", () => {
      assert.equal(
        write(Known, anyOf("x.test/demo.Gone", Buffer.from([1, 2, 3]))),
        '{"any":{"@type":"x.test/demo.Gone","value":"AQID"}}',
      );
    });

    it("keeps an Any whose bytes are not of its type, or have no JSON form, as base64", () => {
      assert.equal(
        write(Known, anyOf("x/demo.Inner", Buffer.from([0x0a, 0x7f]))),
        '{"any":{"@type":"x/demo.Inner","value":"Cn8="}}',
      );
      const tooLate = new BinaryWriter().tag(1, WireType.Varint).int64(253402300800n).finish();
      const value = Buffer.from(tooLate).toString("base64");
      assert.equal(
        write(Known, anyOf("x/google.protobuf.Timestamp", tooLate), { pretty: true }),
        `{\n  "any": {\n    "@type": "x/google.protobuf.Timestamp",\n    "value": "${value}"\n  }\n}`,
      );
    });

    it("keeps an Any inside an Any, the inner one as base64 if it must be", () => {
      const inner = new BinaryWriter().tag(1, WireType.LengthDelimited).string("x/demo.Gone").finish();
      assert.equal(
        write(Known, anyOf("x/google.protobuf.Any", inner)),
        '{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/demo.Gone","value":""}}}',
      );
    });

    it("has null for a Value of no kind", () => {
      const value = messageOf(registry, "google.protobuf.Value");
      assert.equal(write(value, new Uint8Array(0)), "null");
      const known = reflect(Known, create(Known), false);
      const field = known.desc.field.value;
      assert.ok(field !== undefined);
      known.set(field, reflect(value, create(value), false));
      assert.equal(write(Known, toBinary(Known, known.message)), '{"value":null}');
    });
  });

  describe("a reply that has no JSON form", () => {
    const rows: readonly (readonly [name: string, desc: DescMessage, bytes: Uint8Array, refusal: RegExp])[] =
      [
        [
          "bytes that are no message",
          All,
          Buffer.from([0xff]),
          /^UPSTREAM_REPLY_INVALID .*(not a valid demo.All$|a varint is cut off)/,
        ],
        [
          "a length beyond the end",
          All,
          Buffer.from([0x42, 0x7f, 0x61]),
          /not a valid demo.All|a length exceeds its message/,
        ],
        [
          "invalid UTF-8 in proto3",
          All,
          Buffer.from([0x42, 0x01, 0xff]),
          /not a valid demo.All|a string is not UTF-8/,
        ],
        [
          "a timestamp past 9999",
          Known,
          secondsAndNanos(2, 253402300800n, 0),
          /a google.protobuf.Timestamp that JSON cannot: 253402300800 seconds|a Timestamp is not in the years 0001 to 9999/,
        ],
        ["negative nanos of a timestamp", Known, secondsAndNanos(2, 0n, -1), /Timestamp/],
        [
          "a duration of mixed sign",
          Known,
          secondsAndNanos(3, 1n, -1),
          /a google.protobuf.Duration that JSON cannot|seconds and nanos of a Duration differ in sign/,
        ],
      ];
    for (const [name, desc, bytes, refusal] of rows) {
      it(`is refused for ${name}`, () =>
        assert.match(
          refusalText(() => write(desc, bytes)),
          refusal,
        ));
    }

    it("is refused for a field mask that JSON could not give back, and a NaN in a Value", () => {
      const mask = new BinaryWriter()
        .tag(4, WireType.LengthDelimited)
        .fork()
        .tag(1, WireType.LengthDelimited)
        .string("fooBar")
        .join();
      assert.match(
        refusalText(() => write(Known, mask.finish())),
        /holds a google.protobuf.FieldMask|a path of a FieldMask has no camel case/,
      );
      const value = new BinaryWriter()
        .tag(6, WireType.LengthDelimited)
        .fork()
        .tag(2, WireType.Bit64)
        .double(Number.NaN)
        .join();
      assert.match(
        refusalText(() => write(Known, value.finish())),
        /holds a google.protobuf.Value that JSON cannot: NaN|a Value cannot be NaN/,
      );
    });

    it("is refused where it nests deeper than the limit", () => {
      let bytes: Uint8Array = new Uint8Array(0);
      for (let i = 0; i < 99; i++)
        bytes = new BinaryWriter().tag(3, WireType.LengthDelimited).bytes(bytes).finish();
      assert.equal(write(Inner, bytes).length > 100, true);
      for (let i = 0; i < 50; i++)
        bytes = new BinaryWriter().tag(3, WireType.LengthDelimited).bytes(bytes).finish();
      assert.match(
        refusalText(() => write(Inner, bytes)),
        /nests more than 100 levels deep|nested deeper than 100 levels/,
      );
      for (let i = 0; i < 2_000; i++)
        bytes = new BinaryWriter().tag(3, WireType.LengthDelimited).bytes(bytes).finish();
      assert.match(
        refusalText(() => write(Inner, bytes)),
        /UPSTREAM_REPLY_INVALID/,
      );
    });

    it("keeps invalid UTF-8 of proto2, which its schema allows, as replacement characters", () => {
      assert.equal(
        write(Old, Buffer.from([0x08, 0x02, 0x12, 0x02, 0x61, 0xff])),
        '{"id":"2","name":"a\ufffd"}',
      );
    });

    it("writes a Struct as deep as JSON may nest", () => {
      const json: JsonValue = JSON.parse(`{"value":${"[".repeat(99)}${"]".repeat(99)}}`);
      assert.equal(rewriteDeep(json), JSON.stringify(json));
    });
  });

  describe("a message shown to people", () => {
    it("has values without a JSON form by their fields", () => {
      const show = (bytes: Uint8Array): unknown => JSON.parse(renderMessage(Known, bytes, OPTIONS, registry));
      assert.deepEqual(show(secondsAndNanos(2, 253402300800n, 0)), {
        timestamp: { seconds: "253402300800" },
      });
      const mask = new BinaryWriter()
        .tag(4, WireType.LengthDelimited)
        .fork()
        .tag(1, WireType.LengthDelimited)
        .string("fooBar")
        .join();
      assert.deepEqual(show(mask.finish()), { mask: { paths: ["fooBar"] } });
      const value = new BinaryWriter()
        .tag(6, WireType.LengthDelimited)
        .fork()
        .tag(2, WireType.Bit64)
        .double(Number.NaN)
        .join();
      assert.deepEqual(show(value.finish()), { value: { numberValue: "NaN" } });
      const deep = bytesOf(Known, { list: [[[[[[]]]]]] });
      const shallow = { ...OPTIONS, maxDepth: 5 };
      assert.match(
        refusalText(() => renderMessage(Known, deep, shallow, registry)),
        /nests more than 5 levels deep/,
      );
      assert.deepEqual(show(bytesOf(Known, { timestamp: "1970-01-01T00:00:00Z" })), {
        timestamp: "1970-01-01T00:00:00Z",
      });
    });
  });

  /** Through our own reader, as the library's stops at another depth. */
  function rewriteDeep(json: JsonValue): string {
    const bytes = toBinary(Known, fromJson(Known, json, { registry, recursionLimit: 1000 }));
    return write(Known, bytes);
  }
}
