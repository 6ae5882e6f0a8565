import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseTemplate, TemplateError } from "../../../src/routing/index.ts";

describe("a template that does not parse says where, what and what to write instead", () => {
  const faults: readonly (readonly [template: string, offset: number, what: string, hint: string])[] = [
    ["", 0, "the template is empty", "/v1/shelves/{shelf}"],
    ["v1/{name}", 0, "a template starts with `/`", "/v1/shelves/{shelf}"],
    ["/v1/", 4, "an empty segment", "does not end in `/`"],
    ["/v1//books", 4, "an empty segment", "every segment needs text"],
    ["/:verb", 1, "unexpected `:`", "every segment needs text"],
    ["/v1/{name}:", 11, "an empty verb", ":cancel"],
    ["/v1/*:a/b", 7, "unexpected `/` after the verb", "end of the template"],
    ["/v1/a b", 5, "` ` in a literal", "`%20`"],
    ["/v1/größe", 6, "`ö` in a literal", "`%C3%B6`"],
    ["/v1/\u{1F4D6}", 4, "in a literal", "`%F0%9F%93%96`"],
    ["/v1/\ud800", 4, "in a literal", "`%EF%BF%BD`"],
    ["/a?b", 2, "`?` in a literal", "`%3F`"],
    ["/a*", 2, "`*` in a literal", "`%2A`"],
    ["/v1/%zz", 4, "a broken percent-escape", "%25"],
    ["/v1/x%ff", 4, "the escapes of `x%ff` are not UTF-8", "never match"],
    ["/v1/../x", 4, "a `..` segment", "never match"],
    ["/v1/%2e", 4, "a `.` segment", "never match"],
    ["/**/a/**", 6, "a second `**`", "`*`"],
    ["/{a=**}/{b=**}", 11, "a second `**`", "`*`"],
    ["/{a=x/{b}}", 6, "a variable inside a variable", "side by side"],
    ["/{a}/x/{a}", 7, "the variable `a` a second time", "once"],
    ["/{a.}", 4, "no field name", "book.name"],
    ["/{a-b}", 3, "unexpected `-` in a variable", "{field}"],
    ["/{a", 3, "a variable without its `}`", "{field}"],
    ["/{a}b", 4, "unexpected `b`", "one whole `{variable}`"],
    [`/${"a/".repeat(128)}a`, 257, "more than 128 segments", "shorten"],
    [`/${"a/".repeat(128)}{a}`, 259, "more than 128 segments", "shorten"],
    [`/${"a".repeat(4096)}`, 4096, "longer than 4096 characters", "shorten"],
  ];
  for (const [template, offset, what, hint] of faults) {
    test(JSON.stringify(template.slice(0, 40)), () => {
      assert.throws(
        () => parseTemplate(template),
        (error) => {
          assert.ok(error instanceof TemplateError);
          assert.equal(error.offset, offset);
          assert.ok(error.what.includes(what), error.what);
          assert.ok(error.hint.includes(hint), error.hint);
          return true;
        },
      );
    });
  }
});

describe("a template that parses", () => {
  test("keeps its text, decodes its literals and its verb", () => {
    assert.deepEqual(parseTemplate("/v%31/%2A/{x}:%61b"), {
      text: "/v%31/%2A/{x}:%61b",
      segments: [{ kind: "literal", text: "v1" }, { kind: "literal", text: "*" }, { kind: "*" }],
      verb: "ab",
      variables: [{ fieldPath: "x", start: 2, end: 3, span: "segment" }],
    });
  });

  const spans: readonly (readonly [template: string, span: string])[] = [
    ["/{x}", "segment"],
    ["/{x=*}", "segment"],
    ["/{x=a}", "segment"],
    ["/{x=**}", "segments"],
    ["/{x=a/*}", "segments"],
  ];
  for (const [template, span] of spans) {
    test(`${template} captures one ${span}`, () => {
      assert.equal(parseTemplate(template).variables[0]?.span, span);
    });
  }

  test("takes everything behind the first colon of its last segment for the verb", () => {
    const { segments, verb } = parseTemplate("/a:b/c:d:e");
    assert.deepEqual(segments, [
      { kind: "literal", text: "a:b" },
      { kind: "literal", text: "c" },
    ]);
    assert.equal(verb, "d:e");
  });
});

test("no text makes the parser fail otherwise than with a TemplateError inside the text", () => {
  const pieces = fc.constantFrom(
    "/",
    "*",
    "**",
    "{",
    "}",
    "=",
    ":",
    "a",
    ".",
    "%2F",
    "%",
    "..",
    "é",
    " ",
    "_",
    "9",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = `/${parts.join("")}`;
      try {
        const { segments, variables } = parseTemplate(text);
        for (const { start, end } of variables) assert.ok(start < end && end <= segments.length);
        assert.ok(segments.filter(({ kind }) => kind === "**").length <= 1);
      } catch (error) {
        assert.ok(error instanceof TemplateError, String(error));
        assert.ok(error.offset >= 0 && error.offset <= text.length);
      }
    }),
    { numRuns: 3000 },
  );
});
