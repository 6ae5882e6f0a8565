import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type PathPattern, parsePathPattern } from "../../../src/config/route-conditions.ts";
import { ConditionLog, describeCondition, patternTakes } from "../../../src/control/route-conditions.ts";
import { parseTemplate, type TemplateSegment } from "../../../src/routing/index.ts";

function pattern(text: string): PathPattern {
  const { value, complaint } = parsePathPattern(text);
  assert.ok(value !== undefined, complaint?.what);
  return value;
}

describe("a path pattern takes templates", () => {
  const table: readonly (readonly [pattern: string, taken: readonly string[], left: readonly string[]])[] = [
    ["/", ["/"], ["/v1", "/{x=**}"]],
    ["/v1/books", ["/v1/books"], ["/v1/Books", "/v1/books:search", "/v1/books/{id}", "/v1", "/v1/{id}"]],
    ["/v1/books:search", ["/v1/books:search"], ["/v1/books", "/v1/books:find", "/v1/{id}:search"]],
    [
      "/v1/books/*",
      ["/v1/books/{id}", "/v1/books/latest", "/v1/{name=books/*}", "/v1/books/{id}:archive", "/v1/books/a:b"],
      ["/v1/books", "/v1/books/{id}/pages", "/v1/books/{rest=**}", "/v1/{name=books/**}", "/v1/{a}/{b}"],
    ],
    ["/v1/books/*:archive", ["/v1/books/{id}:archive", "/v1/books/x:archive"], ["/v1/books/{id}"]],
    ["/**:archive", ["/v1/books/{id}:archive", "/v1/{name=**}:archive"], ["/v1/{name=**}", "/v1/x:publish"]],
    [
      "/v1/books/**",
      ["/v1/books", "/v1/books/{id}", "/v1/books/{rest=**}", "/v1/{name=books/**}", "/v1/books/{id}/p:q"],
      ["/v1/{name=**}", "/v1/booksellers", "/v1/books:search"],
    ],
    ["/v1/*/**", ["/v1/x", "/v1/{a}/b/{c=**}"], ["/v1", "/v1/{rest=**}"]],
    ["/**", ["/", "/v1", "/{x=**}", "/a/{b}/c:d"], []],
    ["/**/admin/**", ["/v1/admin", "/admin", "/a/b/admin/{x=**}"], ["/v1/{admin}", "/v1/administration"]],
    ["/**/a/*/b", ["/a/a/{x}/b", "/a/x/a/y/b"], ["/a/x/b/c", "/a/b"]],
    ["/v1/shelves/*/books/*", ["/v1/{name=shelves/*/books/*}"], ["/v1/{parent=shelves/*}/books"]],
    ["/v1/a%20b", ["/v1/a%20b"], ["/v1/a+b"]],
  ];
  for (const [text, taken, left] of table) {
    test(text, () => {
      for (const template of taken) assert.ok(patternTakes(pattern(text), parseTemplate(template)), template);
      for (const template of left) assert.ok(!patternTakes(pattern(text), parseTemplate(template)), template);
    });
  }

  const part = fc.constantFrom("a", "b", "*", "**");
  const segmentsOf = (parts: readonly string[]): TemplateSegment[] =>
    parts.map((text) => (text === "*" || text === "**" ? { kind: text } : { kind: "literal", text }));
  /** The definition, word by word. */
  const takes = (parts: readonly string[], targets: readonly string[]): boolean => {
    const [first, ...rest] = parts;
    const [target, ...others] = targets;
    if (first === undefined) return target === undefined;
    if (first === "**" && takes(rest, targets)) return true;
    if (target === undefined) return false;
    if (first === "**") return takes(parts, others);
    return (first === "*" ? target !== "**" : first === target) && takes(rest, others);
  };

  test("as the definition says, whatever they are", () => {
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 7 }),
        fc.array(part, { maxLength: 7 }),
        (parts, targets) => {
          const template = { text: "", segments: segmentsOf(targets), verb: "", variables: [] };
          const actual = patternTakes(pattern(`/${parts.join("/")}`), template);
          assert.equal(actual, takes(parts, targets), `${parts.join("/")} on ${targets.join("/")}`);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("in time, however many wildcards there are", () => {
    const long = pattern(`/${"**/a/".repeat(170)}b`);
    const template = parseTemplate(`/${Array.from({ length: 128 }, () => "a").join("/")}`);
    const start = performance.now();
    assert.ok(!patternTakes(long, template));
    assert.ok(performance.now() - start < 1000);
  });
});

describe("what is no path pattern", () => {
  const table: readonly (readonly [text: unknown, what: RegExp])[] = [
    ["v1/books", /does not begin with \//],
    ["", /does not begin with \//],
    ["/v1/{id}", /names a variable/],
    ["/v1/books/", /has an empty segment/],
    ["//v1", /has an empty segment/],
    ["/v1/b*", /a \* stands for a whole segment/],
    ["/v1/***", /a \* stands for a whole segment/],
    ["/v1/*:", /a \* stands for a whole segment/],
    ["/v1/*:a*", /"a\*" is not a verb/],
    ["/v1/*:archive/x", /a \* stands for a whole segment/],
    ["/v1?x", /has no \? or #/],
    ["/v1/a b", /holds a character/],
    ["/v1/ä", /holds a character/],
    ["/v1/%zz", /is not percent-encoded UTF-8/],
    ["/v1/%ff", /is not percent-encoded UTF-8/],
    [`/${"a".repeat(1024)}`, /is too long/],
    [7, /is not text/],
  ];
  for (const [text, what] of table) {
    test(JSON.stringify(text).slice(0, 40), () => {
      const { complaint } = parsePathPattern(text);
      assert.match(complaint?.what ?? "", what);
      assert.ok(complaint?.hint);
    });
  }

  test("never throws, and what it reads has a segment for each part", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\/[a*%:.2]{0,4}){1,5}$/)), (text) => {
        const { value } = parsePathPattern(text);
        if (value !== undefined && text !== "/") {
          assert.equal(value.segments.length, text.split("/").length - 1);
        }
      }),
    );
  });
});

test("every key of a condition must hold, and the log knows which conditions ever did", () => {
  const subject = {
    upstream: "library",
    methodName: "library.v1.LibraryService.GetBook",
    httpMethod: "GET",
    template: parseTemplate("/v1/{name=shelves/*/books/*}"),
  };
  const path = pattern("/v1/**");
  const holding = { upstream: "library", selector: "library.v1.*", methods: ["GET", "PUT"], path };
  const log = new ConditionLog();
  assert.ok(log.holds(holding, subject));
  assert.ok(log.wasUsed(holding));
  for (const other of [
    { upstream: "billing" },
    { selector: "library.v2.*" },
    { methods: ["*"] },
    { path: pattern("/v2/**") },
  ]) {
    const condition = { ...holding, ...other };
    assert.ok(!log.holds(condition, subject), JSON.stringify(other));
    assert.ok(!log.wasUsed(condition));
  }
  assert.equal(
    describeCondition(holding),
    "upstream library and selector library.v1.* and path /v1/** and methods GET, PUT",
  );
});
