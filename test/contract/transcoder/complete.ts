import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { renderMessage } from "../../../src/transcode/index.ts";
import { assemble, type BindingWords, OPTIONS, refusalText, type Subject } from "./codec.ts";
import { All, Known, Old, registry } from "./types.ts";

/** The cases, as tests of one codec. */
export function completeCases({ compile, difference }: Subject): void {
  /** The message that `json` says, completed, as JSON. */
  function complete(words: BindingWords, json: string, captures: readonly string[], query: string): unknown {
    const encoded = assemble(compile({ input: words.input, body: "*" }, {}, registry), {
      body: json,
      contentType: "application/json",
    }).message;
    const { message } = compile(words, {}, registry).complete(encoded, captures, query);
    return JSON.parse(renderMessage(words.input, message, OPTIONS, registry));
  }

  describe("an encoded message is completed", () => {
    const all = { input: All };
    for (const [what, words, json, captures, query, expected] of [
      ["by nothing", all, '{"stringValue":"a"}', [], "", { stringValue: "a" }],
      ["from nothing", { ...all, variables: ["string_value"] }, "{}", ["a"], "", { stringValue: "a" }],
      [
        "by path and query",
        { ...all, variables: ["inner.name"] },
        '{"boolValue":true}',
        ["a"],
        "int32_value=7&text_list=x",
        { boolValue: true, inner: { name: "a" }, int32Value: 7, textList: ["x"] },
      ],
      [
        "and the path wins",
        { ...all, variables: ["string_value"] },
        '{"stringValue":"b","int32Value":1}',
        ["a"],
        "",
        { stringValue: "a", int32Value: 1 },
      ],
      [
        "and a zero in the path wins",
        { ...all, variables: ["int32_value", "bool_value", "string_value", "enum_value"] },
        '{"int32Value":5,"boolValue":true,"stringValue":"b","enumValue":"TWO","inner":{"name":"kept"}}',
        ["0", "false", "", "NONE"],
        "",
        { inner: { name: "kept" } },
      ],
      [
        "and an epoch in the path wins",
        { input: Known, variables: ["timestamp"] },
        '{"timestamp":"2020-01-01T00:00:00.5Z"}',
        ["1970-01-01T00:00:00Z"],
        "",
        { timestamp: "1970-01-01T00:00:00Z" },
      ],
      [
        "and a zero in a wrapper wins",
        { input: Known, variables: ["int64"] },
        '{"int64":"5"}',
        ["0"],
        "",
        { int64: "0" },
      ],
      [
        "and its siblings in a message stay",
        { ...all, variables: ["inner.name"] },
        '{"inner":{"name":"b","count":3}}',
        ["a"],
        "",
        { inner: { name: "a", count: 3 } },
      ],
      [
        "and the query wins",
        all,
        '{"stringValue":"b","optionalString":"c"}',
        [],
        "string_value=a&optionalString=",
        { stringValue: "a", optionalString: "" },
      ],
      ["and lists are appended to", all, '{"textList":["a"]}', [], "text_list=b", { textList: ["a", "b"] }],
      [
        "though the body has a field of its own",
        { ...all, body: "inner", variables: ["string_value"] },
        '{"inner":{"count":2}}',
        ["a"],
        "int32_value=1",
        { inner: { count: 2 }, stringValue: "a", int32Value: 1 },
      ],
    ] as const) {
      it(what, () => assert.deepEqual(complete(words, json, captures, query), expected));
    }

    it(
      "though a required field is missing: the message may have it",
      difference("though a required field is missing: the message may have it"),
      () => {
        const old = Buffer.from([0x08, 0x05]);
        const { message: completed } = compile({ input: Old }, {}, registry).complete(old, [], "name=a");
        assert.equal(Buffer.from(completed).toString("hex"), "0805120161");
        const parameters = compile({ input: Old }, {}, registry).complete(new Uint8Array(0), [], "name=a");
        assert.equal(Buffer.from(parameters.message).toString("hex"), "120161");
      },
    );

    it("refuses what a path or query would be refused for", () => {
      const number = { input: All, variables: ["int32_value"] };
      assert.match(
        refusalText(() => complete(number, "{}", ["x"], "")),
        /^PARAM_INVALID int32_value/,
      );
      assert.match(
        refusalText(() => complete({ input: All }, "{}", [], "no_such=1")),
        /^PARAM_UNKNOWN/,
      );
      assert.match(
        refusalText(() => complete({ input: All, body: "*" }, "{}", [], "int32_value=1")),
        /^PARAM_UNKNOWN .*the body fills every field/,
      );
    });
  });
}
