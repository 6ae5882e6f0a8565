import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { entityTag, hasMatch, type Selection, selectRange } from "../../../src/protocol/rest/conditional.ts";

/** Source: RFC 9110, section 14.1.2; the blob is of 10000 bytes as there. */
const RANGES: readonly [range: string, selection: Selection][] = [
  ["bytes=0-499", { start: 0, end: 500 }],
  ["bytes=500-999", { start: 500, end: 1000 }],
  ["bytes=-500", { start: 9500, end: 10_000 }],
  ["bytes=9500-", { start: 9500, end: 10_000 }],
  ["bytes=0-0", { start: 0, end: 1 }],
  ["bytes=-1", { start: 9999, end: 10_000 }],
  ["bytes=0-", { start: 0, end: 10_000 }],
  ["bytes=9999-20000", { start: 9999, end: 10_000 }],
  ["bytes=-20000", { start: 0, end: 10_000 }],
  ["bytes=0-99999999999999999999999999", { start: 0, end: 10_000 }],
  ["BYTES = 1-2", { start: 1, end: 3 }],
  ["bytes=10000-", "unsatisfiable"],
  ["bytes=10000-10001", "unsatisfiable"],
  ["bytes=99999999999999999999999999-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  // Several ranges, other units and what is no range: the whole.
  ["bytes=0-0,-1", "whole"],
  ["bytes=0-1, 3-4", "whole"],
  ["lines=0-1", "whole"],
  ["bytes", "whole"],
  ["bytes=", "whole"],
  ["bytes=-", "whole"],
  ["bytes=2-1", "whole"],
  ["bytes=a-b", "whole"],
  ["bytes=1", "whole"],
  ["bytes=+1-2", "whole"],
  ["bytes=1-2-3", "whole"],
  ["bytes=1 - 2", "whole"],
  ["", "whole"],
];

describe("a range", () => {
  for (const [range, selection] of RANGES) {
    test(`${JSON.stringify(range)} of 10000 bytes is ${JSON.stringify(selection)}`, () => {
      assert.deepEqual(selectRange(["range", range], 10_000, undefined), selection);
    });
  }

  for (const [range, selection] of [
    ["bytes=0-", "unsatisfiable"],
    ["bytes=0-0", "unsatisfiable"],
    ["bytes=-1", "whole"],
    ["bytes=-0", "unsatisfiable"],
  ] as const) {
    test(`${range} of nothing is ${selection}`, () => {
      assert.equal(selectRange(["range", range], 0, undefined), selection);
    });
  }

  const conditions: readonly [ifRange: string, etag: string | undefined, isPart: boolean][] = [
    ['"a"', '"a"', true],
    ['"a"', '"b"', false],
    ['"a"', undefined, false],
    ['W/"a"', 'W/"a"', false],
    ['"a"', 'W/"a"', false],
    ["Wed, 21 Oct 2015 07:28:00 GMT", '"a"', false],
  ];
  for (const [ifRange, etag, isPart] of conditions) {
    test(`if ${ifRange} counts ${isPart ? "" : "not "}for a reply of tag ${etag}`, () => {
      const selection = selectRange(["range", "bytes=1-2", "if-range", ifRange], 10, etag);
      assert.deepEqual(selection, isPart ? { start: 1, end: 3 } : "whole");
    });
  }

  test("of whatever text lies within the bytes", () => {
    const piece = fc.constantFrom(..."0123456789-,= ".split(""), "bytes=");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.nat({ max: 50 }), (parts, length) => {
        const selection = selectRange(["range", parts.join("")], length, undefined);
        if (typeof selection === "string") return;
        assert.ok(selection.start >= 0 && selection.start < selection.end && selection.end <= length);
      }),
    );
  });
});

describe("an entity tag", () => {
  test("tells bytes and types apart, and is the same for the same", () => {
    const tag = entityTag("strong", "a/b", Buffer.from("x"));
    assert.match(tag, /^"[\w-]{22}"$/);
    assert.equal(entityTag("strong", "a/b", "x"), tag);
    assert.equal(entityTag("weak", "a/b", "x"), `W/${tag}`);
    assert.notEqual(entityTag("strong", "a/c", "x"), tag);
    assert.notEqual(entityTag("strong", "a/b", "y"), tag);
  });

  const lists: readonly [list: string, etag: string, matches: boolean][] = [
    ['"a"', '"a"', true],
    ['"b", "a"', '"a"', true],
    ['"b","c"', '"a"', false],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['W/"b", W/"a"', 'W/"a"', true],
    ["*", '"a"', true],
    [" * ", '"a"', true],
    ['"a,b"', '"b"', false],
    ['"a,b", "b"', '"b"', true],
    ["a", '"a"', false],
    ['"a', '"a"', false],
    ["", '"a"', false],
  ];
  for (const [list, etag, matches] of lists) {
    test(`${etag} is ${matches ? "" : "not "}among ${JSON.stringify(list)}`, () => {
      assert.equal(hasMatch(["if-none-match", list], etag), matches);
    });
  }

  test("may be in any of several fields", () => {
    assert.ok(hasMatch(["if-none-match", '"b"', "x", "y", "if-none-match", '"a"'], '"a"'));
    assert.ok(!hasMatch(["x", '"a"'], '"a"'));
  });
});
