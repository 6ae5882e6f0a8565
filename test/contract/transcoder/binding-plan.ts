import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BindingWords, OPTIONS, type Subject, specOf } from "./codec.ts";
import { messageOf, registryOf } from "./schema.ts";

/** The cases, as tests of one codec. */
export function bindingPlanCases(subject: Subject): void {
  const registry = registryOf({
    "plan.Request": {
      fields: {
        name: "string",
        displayTitle: 'string [json_name="title"]',
        tags: "repeated string",
        labels: "map<string,string>",
        book: "{name: string, file: google.api.HttpBody, author_name: string}",
        any: "google.protobuf.Any",
        struct: "google.protobuf.Struct",
        value: "google.protobuf.Value",
        at: "google.protobuf.Timestamp",
        file: "google.api.HttpBody",
        a: "oneof choice: string",
        b: "oneof choice: string",
        books: "repeated plan.Request",
      },
    },
  });
  const input = messageOf(registry, "plan.Request");
  const HttpBody = messageOf(registry, "google.api.HttpBody");

  function problemsOf(words: Omit<BindingWords, "input">): readonly string[] {
    const compiled = subject.factory.compile(specOf({ input, ...words }), OPTIONS, registry, "demo.proto:7");
    if (!("problems" in compiled)) return [];
    return compiled.problems.map(({ severity, where, what, hint }) => {
      assert.equal(severity, "error");
      assert.equal(where, "demo.proto:7");
      assert.ok(hint.length > 5);
      return what;
    });
  }

  describe("a rule that does not fit its types", () => {
    const rows: readonly (readonly [words: Omit<BindingWords, "input">, what: string])[] = [
      [{ variables: ["nme"] }, 'path variable "nme": plan.Request has no field "nme" (did you mean "name"?)'],
      [
        { variables: ["book.nme"] },
        'path variable "book.nme": plan.Request.Book has no field "nme" (did you mean "name"?)',
      ],
      [
        { variables: ["name.x"] },
        'path variable "name.x": "name" of plan.Request is not a message that a path can lead through',
      ],
      [
        { variables: ["at.seconds"] },
        'path variable "at.seconds": "at" of plan.Request is not a message that a path can lead through',
      ],
      [
        { variables: ["books.name"] },
        'path variable "books.name": "books" of plan.Request is not a message that a path can lead through',
      ],
      [
        { variables: ["file.data"] },
        'path variable "file.data": "file" of plan.Request is not a message that a path can lead through',
      ],
      [{ variables: [""] }, 'path variable "": plan.Request has no field ""'],
      [{ variables: ["tags"] }, 'path variable "tags" names a repeated field'],
      [{ variables: ["labels"] }, 'path variable "labels" names a map field'],
      [{ variables: ["book"] }, 'path variable "book" names a field of type plan.Request.Book'],
      [{ variables: ["any"] }, 'path variable "any" names a field of type google.protobuf.Any'],
      [{ variables: ["struct"] }, 'path variable "struct" names a field of type google.protobuf.Struct'],
      [{ variables: ["value"] }, 'path variable "value" names a field of type google.protobuf.Value'],
      [{ variables: ["name", "name"] }, 'two path variables fill "name"'],
      [{ variables: ["a", "b"] }, 'path variables fill "a" and "b" of the oneof "choice"'],
      [{ body: "bok" }, 'body "bok": plan.Request has no field "bok" (did you mean "book"?)'],
      [{ body: "book.name" }, 'body "book.name" is a path'],
      [{ body: "name", variables: ["name"] }, 'the body and a path variable both fill "name"'],
      [
        { responseBody: "bok" },
        'response_body "bok": plan.Request has no field "bok" (did you mean "book"?)',
      ],
      [
        { responseBody: "tags.x" },
        'response_body "tags.x": "tags" of plan.Request is not a message that a path can lead through',
      ],
      [{ responseBody: "*" }, 'response_body "*": plan.Request has no field "*"'],
    ];
    for (const [words, what] of rows) {
      it(`is a problem: ${JSON.stringify(words)}`, () => assert.deepEqual(problemsOf(words), [what]));
    }

    it("tells who wrote a JSON name what the proto name is", () => {
      const compiled = subject.factory.compile(specOf({ input, body: "title" }), OPTIONS, registry, "here");
      assert.ok("problems" in compiled);
      assert.equal(compiled.problems[0]?.hint, 'rules use the proto name: "displayTitle"');
    });

    it("has all its problems told at once", () => {
      assert.equal(problemsOf({ variables: ["x1", "tags"], body: "y1", responseBody: "z1" }).length, 4);
    });

    it("is one that fills an HttpBody by a path variable", () => {
      const spec = specOf({ input: HttpBody, body: "*", variables: ["content_type"] });
      const compiled = subject.factory.compile(spec, OPTIONS, registry, "here");
      assert.ok("problems" in compiled);
      assert.match(compiled.problems[0]?.what ?? "", /would fill the inside of an HttpBody/);
    });
  });

  describe("a rule that fits its types", () => {
    const rows: readonly Omit<BindingWords, "input">[] = [
      {},
      { variables: ["name", "at", "book.name"], body: "book", responseBody: "book.author_name" },
      { body: "*" },
      { body: "tags" },
      { body: "labels" },
      { body: "file", responseBody: "book.file" },
      { responseBody: "tags" },
    ];
    for (const words of rows) {
      it(`has no problems: ${JSON.stringify(words)}`, () => assert.deepEqual(problemsOf(words), []));
    }
  });
}
