import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { TranscodeOptions } from "../../../src/transcode/index.ts";
import { assemble, type BindingWords, type RequestWords, refusalText, type Subject } from "./codec.ts";
import { type MessageSource, messageOf, registryOf } from "./schema.ts";

/** The cases, as tests of one codec. */
export function updateMaskCases(subject: Subject): void {
  const { compile } = subject;

  interface Row {
    readonly name: string;
    readonly body: string;
    readonly paths?: readonly string[];
    readonly error?: boolean;
  }

  /** The shapes that test/cases/fieldmask.json describes in words, by the row that they belong to. */
  const SHAPES: Readonly<Record<string, MessageSource["fields"]>> = {
    empty: {},
    EmptyMessage: { oneof_empty: "oneof which: google.protobuf.Empty" },
    simple: { uuid: "string", float_value: "float" },
    NonStandardMessage: { id: "string", thing: "{subThing: {sub_value: string}}" },
    NonStandardMessageWithJSONNames: {
      id: 'string [json_name="ID"]',
      thing:
        '{subThing: {sub_value: string [json_name="sub_Value"]} [json_name="SubThing"]} [json_name="Thingy"]',
    },
    nested: { single_nested: "{name: string, amount: uint32}", uuid: "string" },
    struct: { struct_field: "google.protobuf.Struct" },
    "JSON names for Struct": { line_num: "int32", struct_field: "google.protobuf.Struct" },
    value: { value_field: "google.protobuf.Value" },
    map: { mapped_string_value: "map<string,string>" },
    "deeply-nested": { one: "{two: {three: {a: bool, b: bool}}}" },
    "protobuf-any": { anytype: "google.protobuf.Any" },
    "repeated-protobuf-any": { repeated_anytype: "repeated google.protobuf.Any" },
    "repeated field is last": { nested: "repeated {name: string, amount: int32}", uuid: "string" },
    "object under scalar": { uuid: "string" },
  };

  const STOPS = "paths stop at Struct and Value, whose insides are data, not fields";

  const DIFFERENCES: Readonly<Record<string, { readonly why: string; readonly paths: readonly string[] }>> = {
    struct: { why: STOPS, paths: ["struct_field"] },
    "JSON names for Struct": { why: STOPS, paths: ["line_num", "struct_field"] },
    value: { why: STOPS, paths: ["value_field"] },
  };

  function registryFor(thing: MessageSource["fields"]): ReturnType<typeof registryOf> {
    return registryOf({
      "examplepb.NestedOuter": { fields: { one: "google.protobuf.Empty" } },
      "mask.Thing": { fields: thing },
      "mask.Request": { fields: { thing: "mask.Thing", mask: "google.protobuf.FieldMask", note: "string" } },
      "mask.TwoMasks": {
        fields: {
          thing: "mask.Thing",
          mask: "google.protobuf.FieldMask",
          other: "google.protobuf.FieldMask",
        },
      },
    });
  }

  function patch(
    thing: MessageSource["fields"],
    request: RequestWords,
    words: Omit<BindingWords, "input"> & { readonly type?: string } = {},
    options: Partial<TranscodeOptions> = {},
  ): string | undefined {
    const registry = registryFor(thing);
    const { type = "mask.Request", ...rest } = words;
    const input = messageOf(registry, type);
    const transcoder = compile({ input, body: "thing", httpMethod: "PATCH", ...rest }, options, registry);
    const message = reflect(input, fromBinary(input, assemble(transcoder, request).message));
    const field = input.field.mask;
    if (field?.fieldKind !== "message" || !message.isSet(field)) return undefined;
    const paths = field.message.field.paths;
    return paths?.fieldKind === "list" ? [...message.get(field).get(paths)].join(",") : undefined;
  }

  describe("fieldmask.json", () => {
    // The guarantee is the fixture itself, which is part of this repository.
    const { cases } = JSON.parse(readFileSync("test/cases/fieldmask.json", "utf8")) as {
      readonly cases: readonly Row[];
    };
    assert.deepEqual(
      cases.map(({ name }) => name),
      Object.keys(SHAPES),
    );
    for (const { name, body, paths = [], error } of cases) {
      it(name, () => {
        const shape = SHAPES[name] ?? {};
        if (error === true) {
          assert.match(
            refusalText(() => patch(shape, { body })),
            /^JSON_INVALID \/uuid: expected a string, found an object/,
          );
          return;
        }
        const expected = DIFFERENCES[name]?.paths ?? paths;
        assert.equal(
          patch(shape, { body }),
          expected.length === 0 ? undefined : [...expected].sort().join(","),
        );
      });
    }
  });

  describe("the update mask of a PATCH", () => {
    const thing = {
      name: "string",
      display_name: "string",
      inner: "{a: string, b: google.protobuf.Timestamp, id: string}",
      when: "google.protobuf.Timestamp",
      limit: "google.protobuf.Int64Value",
      tags: "repeated string",
    };

    it("has the paths present in the body, sorted, null and {} among them", () => {
      assert.equal(
        patch(thing, {
          body: '{"tags":[],"when":null,"inner":{"b":null,"a":""},"displayName":"","limit":"1"}',
        }),
        "display_name,inner.a,inner.b,limit,tags,when",
      );
      assert.equal(patch(thing, { body: '{"inner":{}}' }), "inner");
      assert.equal(patch(thing, { body: '{"inner":null}' }), "inner");
    });

    it("leaves out fields that the path binds", () => {
      const words = { variables: ["thing.name", "thing.inner.id"] };
      const captures = ["n", "7"];
      assert.equal(patch(thing, { captures, body: '{"name":"n","displayName":"d"}' }, words), "display_name");
      assert.equal(patch(thing, { captures, body: '{"inner":{"id":"7","a":"x"}}' }, words), "inner.a");
      assert.equal(patch(thing, { captures, body: '{"inner":{"id":"7"}}' }, words), undefined);
    });

    it("leaves out names that the schema does not know", () => {
      const ignore = { unknownFields: "ignore" } as const;
      assert.equal(patch(thing, { body: '{"x":1,"name":"n","inner":{"y":1}}' }, {}, ignore), "name");
    });

    it("stays as the query or path gives it", () => {
      assert.equal(patch(thing, { body: '{"name":"n"}', query: "mask=displayName" }), "display_name");
      assert.equal(patch(thing, { body: '{"name":"n"}', query: "mask=" }), "");
      assert.equal(
        patch(thing, { body: '{"name":"n"}', captures: ["tags"] }, { variables: ["mask"] }),
        "tags",
      );
    });

    it("is not made without a PATCH, a body in a field, and one FieldMask alone", () => {
      const body = '{"name":"n"}';
      assert.equal(patch(thing, { body }, { httpMethod: "PUT" }), undefined);
      assert.equal(patch(thing, { body: `{"thing":${body}}` }, { body: "*" }), undefined);
      assert.equal(patch(thing, { body: '"n"' }, { body: "note" }), undefined);
      assert.equal(patch(thing, { body }, { type: "mask.TwoMasks" }), undefined);
      assert.equal(patch(thing, { body: '"name"' }, { body: "mask" }), "name");
    });

    it("is not made of nothing", () => {
      for (const body of ["", "{}", "null"]) assert.equal(patch(thing, { body }), undefined, body);
    });

    it("has the fields that a form names", () => {
      const contentType = "application/x-www-form-urlencoded";
      assert.equal(patch(thing, { contentType, body: "tags=a&tags=b&inner.a=x" }), "inner.a,tags");
    });
  });
}
