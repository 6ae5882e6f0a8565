import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { JsonFault, positionOf } from "../../../src/transcode/json/json-error.ts";
import type { JsonNode } from "../../../src/transcode/json/json-tree.ts";
import { decodeText, parseJson } from "../../../src/transcode/json/parse-json.ts";

const LIMITS = { maxDepth: 100, maxValues: 100_000 };

function parse(source: string | Uint8Array, limits = LIMITS): JsonNode {
  return parseJson(typeof source === "string" ? Buffer.from(source) : source, limits).root;
}

/** `pointer: expected …, found … @line:column`. */
function faultOf(source: string | Uint8Array, limits = LIMITS): string {
  try {
    parse(source, limits);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const text = typeof source === "string" ? source : decodeText(source);
    const { line, column } = positionOf(text, error.offset);
    return `${error.pointer}: ${error.message} @${line}:${column}`;
  }
  return assert.fail("was accepted");
}

/** The tree as the value that JSON.parse gives; numbers by their text. */
function plainOf(node: JsonNode): unknown {
  switch (node.kind) {
    case "null":
      return null;
    case "boolean":
    case "string":
      return node.value;
    case "number":
      return Number(node.text);
    case "array":
      return node.items.map(plainOf);
    case "object":
      return Object.fromEntries(node.members.map(({ name, value }) => [name, plainOf(value)]));
  }
}

describe("a JSON document", () => {
  const faults: readonly (readonly [source: string, fault: string])[] = [
    ["", ": expected a JSON value, found the end of the document @1:1"],
    ["  ", ": expected a JSON value, found the end of the document @1:3"],
    ["{", ": expected a name in double quotes, found the end of the document @1:2"],
    ['{"a"', '/a: expected ":", found the end of the document @1:5'],
    ['{"a":', "/a: expected a JSON value, found the end of the document @1:6"],
    ['{"a":1', ': expected "," or "}", found the end of the document @1:7'],
    ['{"a":1,}', ': expected a name in double quotes, found "}" @1:8'],
    ["{a:1}", ': expected a name in double quotes, found "a" @1:2'],
    ["{'a':1}", ': expected a name in double quotes, found "\'" @1:2'],
    ['{"a" 1}', '/a: expected ":", found "1" @1:6'],
    ['{"a":1 "b":2}', ': expected "," or "}", found "\\"" @1:8'],
    ['{"a":{"b":[1,2,x]}}', '/a/b/2: expected a JSON value, found "x" @1:16'],
    ['{"a/b":{"c~d":?}}', '/a~1b/c~0d: expected a JSON value, found "?" @1:15'],
    ["[1,]", '/1: expected a JSON value, found "]" @1:4'],
    ["[1 2]", ': expected "," or "]", found "2" @1:4'],
    ["[", "/0: expected a JSON value, found the end of the document @1:2"],
    ["{} {}", ': expected the end of the document, found "{" @1:4'],
    ["nul", ': expected a JSON value, found "n" @1:1'],
    ["True", ': expected a JSON value, found "T" @1:1'],
    ["NaN", ': expected a JSON value, found "N" @1:1'],
    ["01", ': expected the end of the document, found "1" @1:2'],
    ["-", ": expected a digit, found the end of the document @1:2"],
    ["+1", ': expected a JSON value, found "+" @1:1'],
    [".5", ': expected a JSON value, found "." @1:1'],
    ["1.", ": expected a digit, found the end of the document @1:3"],
    ["1e", ": expected a digit, found the end of the document @1:3"],
    ["1e+", ": expected a digit, found the end of the document @1:4"],
    ["0x1", ': expected the end of the document, found "x" @1:2'],
    ['"a', ": expected a closing quote, found the end of the document @1:3"],
    ['"a\nb"', ': expected an escaped control character, found "\\n" @1:3'],
    ['"\\x41"', ': expected an escape (one of "\\/bfnrtu), found "x" @1:3'],
    ['"\\u12g4"', ': expected four hex digits, found "g" @1:6'],
    ['"\\ud800"', ": expected a surrogate pair, found the lone surrogate U+D800 @1:2"],
    ['"\\udc00"', ": expected a surrogate pair, found the lone surrogate U+DC00 @1:2"],
    ['"\\ud800\\u0041"', ": expected a surrogate pair, found the lone surrogate U+D800 @1:2"],
    ['"\\ud800x"', ": expected a surrogate pair, found the lone surrogate U+D800 @1:2"],
    ['{"a":1,"a":2}', '/a: expected each name once, found "a" again @1:8'],
    ['{"a":1,"\\u0061":2}', '/a: expected each name once, found "a" again @1:8'],
    ['{"__proto__":1,"__proto__":2}', '/__proto__: expected each name once, found "__proto__" again @1:16'],
    ['{\n  "a": [\n    1,\n    ?\n  ]\n}', '/a/1: expected a JSON value, found "?" @4:5'],
    ['{\r\n"a": ?}', '/a: expected a JSON value, found "?" @2:6'],
    ['{"é😀": ?}', '/é😀: expected a JSON value, found "?" @1:8'],
    ["/* */ 1", ': expected a JSON value, found "/" @1:1'],
    ["\u00a01", ': expected a JSON value, found "\u00a0" @1:1'],
    ["\ufeff{}", ': expected a JSON value, found "\ufeff" @1:1'],
  ];
  for (const [source, fault] of faults) {
    it(`refuses ${JSON.stringify(source)}`, () => assert.equal(faultOf(source), fault));
  }

  it("refuses bytes that are not UTF-8, and says where they are", () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"x'), Buffer.from([0xff]), Buffer.from('"}')]);
    assert.equal(faultOf(bytes), ": expected UTF-8, found other bytes @1:8");
  });

  it("refuses UTF-8 of surrogates, overlong UTF-8 and a sequence cut short", () => {
    for (const bytes of [
      [0xed, 0xa0, 0x80],
      [0xc0, 0x80],
      [0xe2, 0x82],
    ]) {
      assert.match(faultOf(Buffer.from([0x22, ...bytes, 0x22])), /expected UTF-8/);
    }
  });

  it("is refused where it nests deeper than the limit, and accepted at it", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    assert.equal(parse(nested(100)).kind, "array");
    assert.match(faultOf(nested(101)), /expected at most 100 levels of nesting/);
    assert.match(faultOf("[".repeat(1_000_000)), /expected at most 100 levels/);
    assert.match(faultOf('{"a":'.repeat(100_000)), /expected at most 100 levels/);
  });

  it("is refused where it holds more values than the limit", () => {
    assert.match(faultOf("[1,2,3]", { maxDepth: 5, maxValues: 3 }), /expected at most 3 values/);
  });

  it("finds a name given twice among many", () => {
    const members = Array.from({ length: 50 }, (_, i) => `"k${i}":${i}`).join(",");
    assert.equal(plainOf(parse(`{${members}}`)) instanceof Object, true);
    assert.match(faultOf(`{${members},"k7":0}`), /^\/k7: expected each name once/);
  });

  it("keeps the text of numbers, whatever their size", () => {
    for (const text of [
      "0",
      "-0",
      "1.0",
      "1e3",
      "9007199254740993",
      "1E+999999999",
      `1${"0".repeat(5000)}`,
    ]) {
      assert.deepEqual(parse(text), { kind: "number", text, offset: 0 });
    }
  });

  it("holds strings of a megabyte and every escape", () => {
    const text = "x".repeat(1 << 20);
    assert.equal(plainOf(parse(JSON.stringify(text))), text);
    assert.equal(plainOf(parse('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00"')), '"\\/\b\f\n\r\té😀');
  });

  it("bounds the pointer of an error", () => {
    assert.ok(faultOf(`{"${"k".repeat(100_000)}":?}`).length < 700);
  });

  it("reads as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 2), (source, indent) => {
        const text = JSON.stringify(JSON.parse(source), undefined, indent);
        assert.deepEqual(plainOf(parse(text)), JSON.parse(text));
      }),
    );
  });

  it("is refused wherever JSON.parse refuses it, and never with another error", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (source, at, piece) => {
        const cut = at % (source.length + 1);
        const broken = source.slice(0, cut) + piece + source.slice(cut + 1);
        let isJson = true;
        try {
          JSON.parse(broken);
        } catch {
          isJson = false;
        }
        if (!isJson) assert.throws(() => parse(broken), JsonFault);
      }),
      { numRuns: 500 },
    );
  });
});
