import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseCacheControl } from "../../../src/config/cache-options.ts";

describe("Cache-Control", () => {
  for (const text of [
    "",
    "no-store",
    "public, max-age=60",
    "Private,Max-Age=0 , must-revalidate",
    'private="set-cookie, x-a", stale-while-revalidate=30',
    "no-cache, community=UCI, immutable",
  ]) {
    test(`takes ${JSON.stringify(text)}`, () => assert.equal(parseCacheControl(text).value, text));
  }

  for (const [text, what, hint] of [
    ["max_age=60", '"max_age=60" is not a directive', "write directives such as public, max-age=60"],
    ["maxage=60", '"maxage" is no directive', "did you mean max-age?"],
    ["max-age", '"max-age" gives no number of seconds', "write max-age=60"],
    ["s-maxage=1m", '"s-maxage=1m" gives no number of seconds', "write s-maxage=60"],
    ["public,, private", '"" is not a directive', "write directives such as public, max-age=60"],
    [
      "public;max-age=1",
      '"public;max-age=1" is not a directive',
      "write directives such as public, max-age=60",
    ],
    ['private="a', '"private=\\"a" is not a directive', "write directives such as public, max-age=60"],
    ["no-stroe", '"no-stroe" is no directive', "did you mean no-store?"],
    ["public\r", '"public\\r" holds a character that is not printable ASCII', "remove it"],
    ["a\r\nx: y", '"a\\r\\nx: y" holds a character that is not printable ASCII', "remove it"],
    [7, "7 is not text", "put the value in quotes"],
  ] as const) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseCacheControl(text).complaint, { what, hint });
    });
  }

  test("never throws, and takes nothing that would break a header", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z=",\r\n 0-9-]{0,40}$/)), (text) => {
        const { value } = parseCacheControl(text);
        if (value === undefined) return;
        for (const character of value) assert.ok(character >= " " && character <= "~", JSON.stringify(value));
      }),
    );
  });

  test("in time, whatever the quotes", () => {
    const start = performance.now();
    parseCacheControl(',"'.repeat(512));
    assert.ok(performance.now() - start < 500);
  });
});
