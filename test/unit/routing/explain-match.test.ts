import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PathMatcherBuilder, parseTemplate } from "../../../src/routing/index.ts";
import { StatusError } from "../../../src/status/index.ts";

function explain(request: string, ...rules: readonly string[]): readonly string[] {
  const builder = new PathMatcherBuilder<{ rule: string }>();
  for (const rule of rules) {
    const [method = "", template = ""] = rule.split(" ");
    builder.add(method, parseTemplate(template), { rule });
  }
  const [method = "", path = ""] = request.split(" ");
  return builder
    .build()
    .explain(method, path)
    .map(({ value, outcome, why }) => `${outcome} ${value.rule}: ${why}`);
}

describe("explain says of each rule why it was taken or not", () => {
  test("where segments decide", () => {
    assert.deepEqual(explain("GET /v1/books/x", "GET /v1/{x=**}", "GET /v1/{a}/{b}", "GET /v1/books/{b}"), [
      "matched GET /v1/books/{b}: highest of 3 rules that fit",
      'lost GET /v1/{a}/{b}: segment 2: literal "books" of GET /v1/books/{b} wins over *',
      'lost GET /v1/{x=**}: segment 2: literal "books" of GET /v1/books/{b} wins over **',
    ]);
    assert.deepEqual(explain("GET /v1", "GET /v1/**", "GET /v1"), [
      "matched GET /v1: highest of 2 rules that fit",
      "lost GET /v1/**: segment 2: the end of GET /v1 wins over **",
    ]);
  });

  test("where the suffix behind ** decides", () => {
    assert.deepEqual(explain("GET /a/b/c", "GET /**", "GET /**/c", "GET /**/*/c"), [
      "matched GET /**/*/c: highest of 3 rules that fit",
      "lost GET /**/c: GET /**/*/c has more segments behind **",
      "lost GET /**: GET /**/*/c has more segments behind **",
    ]);
  });

  test("where the method decides", () => {
    assert.deepEqual(explain("HEAD /a", "* /a", "GET /a", "POST /a"), [
      "matched GET /a: highest of 2 rules that fit; HEAD runs the GET rule",
      "lost * /a: the method of GET /a is closer to HEAD than *",
      "lost POST /a: the path fits, but the rule is for POST, not HEAD",
    ]);
    assert.deepEqual(explain("LOCK /a", "* /a"), [
      "matched * /a: the only rule that fits path and method; it takes any method",
    ]);
  });

  test("where the verb decides", () => {
    assert.deepEqual(explain("GET /a/b:do", "GET /a/{x}", "GET /{x=**}:do", "GET /{x=**}:undo"), [
      "matched GET /{x=**}:do: highest of 2 rules that fit",
      "lost GET /a/{x}: GET /{x=**}:do reads :do as its verb",
      "lost GET /{x=**}:undo: the path does not end in the verb :undo",
    ]);
  });

  test("where nothing fits, the near misses come first", () => {
    const rules = [
      "GET /z",
      "GET /shelves/{s}/books",
      "POST /shelf/1/books",
      "PUT /shelf/1",
      "GET /shelf/{x}/books",
    ];
    assert.deepEqual(explain("GET /shelf/1", ...rules), [
      "lost PUT /shelf/1: the path fits, but the rule is for PUT, not GET",
      "lost GET /shelf/{x}/books: the path has 2 segments, not 3",
      'lost GET /z: segment 1 "shelf" is not "z"',
      'lost GET /shelves/{s}/books: segment 1 "shelf" is not "shelves"',
    ]);
    assert.deepEqual(explain("GET /a/", "GET /a/{x}", "GET /a/**/b/c"), [
      "lost GET /a/{x}: segment 2 is empty, and * needs text",
      "lost GET /a/**/b/c: the path has 2 segments, not at least 3",
    ]);
    assert.deepEqual(explain("GET /a/x/b", "GET /a/**/c"), ['lost GET /a/**/c: segment 3 "b" is not "c"']);
  });

  test("of a path that is none, or is broken", () => {
    assert.deepEqual(explain("GET a", "GET /a"), []);
    assert.throws(() => explain("GET /%zz", "GET /a"), StatusError);
  });
});
