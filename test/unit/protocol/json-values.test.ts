import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type JsonSequence, JsonValues } from "../../../src/protocol/rest/json-values.ts";
import { StatusError } from "../../../src/status/index.ts";

const LIMIT = 64;

describe("JSON values are cut out of a stream, wherever it is cut itself", () => {
  const cases: readonly [input: string, sequence: JsonSequence, expected: readonly string[]][] = [
    ['{"a":1}\n{"a":2}\n', "values", ['{"a":1}', '{"a":2}']],
    ['{"a":1}\r\n\r\n{"a":2}', "values", ['{"a":1}', '{"a":2}']],
    ['{"a":1}{"a":2}{}', "values", ['{"a":1}', '{"a":2}', "{}"]],
    ['\u001e{"a":1}\n\u001e{"a":2}\n', "values", ['{"a":1}', '{"a":2}']],
    ['[{"a":1},{"a":2}]', "array-or-values", ['{"a":1}', '{"a":2}']],
    [' [ 1 , "x" ,\n[2] , null ] ', "array-or-values", ["1", '"x"', "[2]", "null"]],
    ["[]", "array-or-values", []],
    ["[]", "values", ["[]"]],
    ["[1][2]", "values", ["[1]", "[2]"]],
    ['{"a":1} {"a":2}', "array-or-values", ['{"a":1}', '{"a":2}']],
    ['1 [2] "3"', "array-or-values", ["1", "[2]", '"3"']],
    ['1"two"true{}[]null', "values", ["1", '"two"', "true", "{}", "[]", "null"]],
    ['"a\\"b" "\\\\" "{"', "values", ['"a\\"b"', '"\\\\"', '"{"']],
    ['{"a":"}]\\"{"}{"b":["[",{}]}', "values", ['{"a":"}]\\"{"}', '{"b":["[",{}]}']],
    ['{"é":"日本"}{"a":"\\u0041"}', "values", ['{"é":"日本"}', '{"a":"\\u0041"}']],
    ["-1.5e3", "values", ["-1.5e3"]],
    ["", "values", []],
    [" \n\t ", "array-or-values", []],
    // Whether it is JSON inside is for the codec to say.
    ["{]{]", "values", ["{]", "{]"]],
    // An escape that spans chunks is over with its value.
    ['{"a":"\\n"}""{"":1}', "values", ['{"a":"\\n"}', '""', '{"":1}']],
    ["nope +", "values", ["nope", "+"]],
  ];
  for (const [input, sequence, expected] of cases) {
    test(`${JSON.stringify(input)} as ${sequence}`, () => {
      const bytes = Buffer.from(input);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
        assert.deepEqual(valuesOf(chunks, sequence), expected, `cut at ${cut}`);
      }
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
      assert.deepEqual(valuesOf(single, sequence), expected, "byte by byte");
    });
  }
});

describe("bytes that belong to no value are refused with their place", () => {
  const cases: readonly [input: string, sequence: JsonSequence, reason: string, message: RegExp][] = [
    ['{"a":1', "values", "JSON_INVALID", /^the body ends within message 1$/],
    ['1 "abc', "values", "JSON_INVALID", /^the body ends within message 2$/],
    ["[1,2", "array-or-values", "JSON_INVALID", /^the body ends within its array, after message 2$/],
    ["[1,", "array-or-values", "JSON_INVALID", /^the body ends within its array, after message 1$/],
    ["[", "array-or-values", "JSON_INVALID", /^the body ends within its array, after message 0$/],
    ["[1,]", "array-or-values", "JSON_INVALID", /^after message 1: unexpected "]"$/],
    ["[,1]", "array-or-values", "JSON_INVALID", /^before the first message: unexpected ","$/],
    ["[1 2]", "array-or-values", "JSON_INVALID", /^after message 1: unexpected "2"$/],
    ["[1]2", "array-or-values", "JSON_INVALID", /^after message 1: unexpected "2"$/],
    ["[1],[2]", "array-or-values", "JSON_INVALID", /^after message 1: unexpected ","$/],
    ["{},{}", "values", "JSON_INVALID", /^after message 1: unexpected ","$/],
    ["}", "values", "JSON_INVALID", /^before the first message: unexpected "}"$/],
    [
      `"${"x".repeat(LIMIT)}"`,
      "values",
      "BODY_TOO_LARGE",
      /^message 1 is longer than the limit of 64 bytes$/,
    ],
    [`{} ${"1".repeat(LIMIT + 1)}`, "values", "BODY_TOO_LARGE", /^message 2 is longer/],
    [`{"a":[${"1,".repeat(LIMIT)}`, "values", "BODY_TOO_LARGE", /^message 1 is longer/],
  ];
  for (const [input, sequence, reason, message] of cases) {
    test(`${JSON.stringify(input.slice(0, 20))} as ${sequence}`, () => {
      const bytes = Buffer.from(input);
      for (let cut = 0; cut <= bytes.length; cut++) {
        assert.throws(
          () => valuesOf([bytes.subarray(0, cut), bytes.subarray(cut)], sequence),
          (error) => {
            assert.ok(error instanceof StatusError);
            assert.equal(error.status.reason, reason);
            assert.match(error.status.message, message);
            return true;
          },
        );
      }
    });
  }

  test("a byte that cannot be shown is named by its number", () => {
    const values = new JsonValues("array-or-values", LIMIT);
    values.push(Buffer.from("[1 \u0000"));
    assert.equal(String(Buffer.from(values.next() ?? [])), "1");
    assert.throws(() => values.next(), /after message 1: unexpected byte 0/);
  });
});

test("any JSON values, joined in any way and cut anywhere, come out as they went in", () => {
  const joints = fc.constantFrom("\n", " ", "\r\n", "\t \n");
  const values = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 8 });
  fc.assert(
    fc.property(values, joints, fc.boolean(), fc.array(fc.nat(400)), (list, joint, isArray, cuts) => {
      const texts = list.map((value) => JSON.stringify(value));
      const whole = Buffer.from(isArray ? `[${texts.join(`${joint},`)}]` : texts.join(joint));
      const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const chunks = places.slice(1).map((end, i) => whole.subarray(places[i] ?? 0, end));
      const sequence = isArray ? "array-or-values" : "values";
      assert.deepEqual(valuesOf(chunks, sequence, Number.POSITIVE_INFINITY), texts);
    }),
  );
});

function valuesOf(
  chunks: readonly Uint8Array[],
  sequence: JsonSequence,
  limitBytes: number = LIMIT,
): readonly string[] {
  const values = new JsonValues(sequence, limitBytes);
  const found: string[] = [];
  const take = (value: Uint8Array): void => {
    found.push(Buffer.from(value).toString());
  };
  for (const chunk of chunks) {
    values.push(chunk);
    for (let value = values.next(); value !== undefined; value = values.next()) take(value);
  }
  const last = values.end();
  if (last !== undefined) take(last);
  assert.equal(values.count, found.length);
  return found;
}
