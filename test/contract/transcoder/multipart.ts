import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FormPart, StreamedFile, TranscodeOptions } from "../../../src/transcode/index.ts";
import { assemble, type BindingWords, type RequestWords, refusalText, type Subject } from "./codec.ts";
import { messageOf, registryOf } from "./schema.ts";

/** Bytes that are neither UTF-8 nor base64. */
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]);
const PNG_BASE64 = PNG.toString("base64");

function part(name: string, data: string | Uint8Array, contentType: string, hasFilename: boolean): FormPart {
  return { name, data: typeof data === "string" ? Buffer.from(data) : data, contentType, hasFilename };
}

function text(name: string, value: string | Uint8Array, contentType = ""): FormPart {
  return part(name, value, contentType, false);
}

function json(name: string, value: string, contentType = "application/json"): FormPart {
  return part(name, value, contentType, false);
}

function file(name: string, value: string | Uint8Array, contentType = "application/octet-stream"): FormPart {
  return part(name, value, contentType, true);
}

/** The cases, as tests of one codec. */
export function multipartCases(subject: Subject): void {
  const registry = registryOf({
    "form.Author": {
      fields: { name: "string", born: "google.protobuf.Timestamp", photo: "bytes", next: "form.Author" },
    },
    "form.Book": {
      fields: {
        name: "string",
        title: "string",
        page_count: "int32",
        lead: "form.Author",
        tags: "repeated string",
        cover: "google.api.HttpBody",
      },
    },
    "form.Request": {
      fields: {
        parent: "string",
        count: "int64",
        deep: "bool",
        kind: "enum{KIND_NONE=0,KIND_PAPER=1}",
        at: "google.protobuf.Timestamp",
        data: "bytes",
        wrapped: "google.protobuf.BytesValue",
        file: "google.api.HttpBody",
        blobs: "repeated bytes",
        files: "repeated google.api.HttpBody",
        blob_map: "map<string,bytes>",
        book: "form.Book",
        books: "repeated form.Book",
        book_map: "map<int32,form.Book>",
        tags: "repeated string",
        numbers: "repeated int32",
        labels: "map<string,string>",
        extra: "google.protobuf.Struct",
        value: "google.protobuf.Value",
        values: "repeated google.protobuf.Value",
        any: "google.protobuf.Any",
        by_name: "oneof choice: string",
        by_author: "oneof choice: form.Author",
        by_data: "oneof choice: bytes",
        mask: "google.protobuf.FieldMask",
      },
    },
    "form.Old": { syntax: "proto2", fields: { id: "required int32", note: "optional string" } },
    "form.Holder": { syntax: "proto2", fields: { old: "optional form.Old", note: "optional string" } },
  });
  const input = messageOf(registry, "form.Request");
  const whole: BindingWords = { input, body: "*" };

  function assembled(
    words: BindingWords,
    form: readonly FormPart[],
    rest: RequestWords = {},
    options: Partial<TranscodeOptions> = {},
  ): unknown {
    return subject.assembled(words, { ...rest, form }, options, registry);
  }

  function refused(
    words: BindingWords,
    form: readonly FormPart[],
    rest: RequestWords = {},
    options: Partial<TranscodeOptions> = {},
  ): string {
    const transcoder = subject.compile(words, options, registry);
    return refusalText(() => assemble(transcoder, { ...rest, form }));
  }

  describe("a multipart form", () => {
    const accepted: readonly (readonly [title: string, form: readonly FormPart[], message: unknown])[] = [
      ["without parts is an empty message", [], {}],
      ["gives text to scalars", [text("parent", "a b+c&d=é")], { parent: "a b+c&d=é" }],
      ["gives empty text to strings", [text("parent", "")], {}],
      [
        "gives each kind of scalar as a query does",
        [text("count", "9007199254740993"), text("deep", "true"), text("kind", "KIND_PAPER")],
        { count: "9007199254740993", deep: true, kind: "KIND_PAPER" },
      ],
      [
        "gives well-known types as text",
        [text("at", "1970-01-01T00:00:00Z"), text("mask", "a.bC"), text("extra", '{"a":1}')],
        { at: "1970-01-01T00:00:00Z", mask: "a.bC", extra: { a: 1 } },
      ],
      [
        "takes text/plain in UTF-8 as text",
        [text("parent", "é", "Text/Plain; Charset=UTF-8")],
        { parent: "é" },
      ],
      ["takes a text file as text", [file("parent", "note", "text/plain")], { parent: "note" }],
      [
        "takes both spellings",
        [text("byName", "x"), text("blobMap[k]", "AQ==")],
        { byName: "x", blobMap: { k: "AQ==" } },
      ],
      [
        "goes into messages by dots",
        [text("book.lead.name", "x"), text("book.pageCount", "3")],
        { book: { lead: { name: "x" }, pageCount: 3 } },
      ],
      [
        "repeats by repetition",
        [text("tags", "a"), text("parent", "p"), text("tags", "b")],
        { tags: ["a", "b"], parent: "p" },
      ],
      ["fills packed lists", [text("numbers", "1"), text("numbers", "300")], { numbers: [1, 300] }],
      [
        "fills maps",
        [text("labels[a]", "1"), text("labels[__proto__]", "2")],
        { labels: JSON.parse('{"a":"1","__proto__":"2"}') },
      ],
      ["decodes bytes given as text", [text("data", "AQI=")], { data: "AQI=" }],
      ["takes a file as bytes", [file("data", PNG)], { data: PNG_BASE64 }],
      ["takes a file of any type as bytes", [file("data", "{}", "application/json")], { data: "e30=" }],
      ["takes a text file as bytes", [file("data", "AQI=", "text/plain")], { data: "QVFJPQ==" }],
      ["takes a blob without a file name as bytes", [text("data", PNG, "image/png")], { data: PNG_BASE64 }],
      ["takes an empty file", [file("data", "")], {}],
      ["takes a file as a BytesValue", [file("wrapped", PNG)], { wrapped: PNG_BASE64 }],
      ["takes an empty file as a BytesValue", [file("wrapped", "")], { wrapped: "" }],
      [
        "takes a file as an HttpBody",
        [file("file", PNG, "image/png; q=1")],
        { file: { contentType: "image/png; q=1", data: PNG_BASE64 } },
      ],
      ["takes text as an HttpBody", [text("file", "é")], { file: { data: "w6k=" } }],
      [
        "takes JSON as an HttpBody",
        [json("file", "{}")],
        { file: { contentType: "application/json", data: "e30=" } },
      ],
      ["takes an empty HttpBody", [file("file", "", "")], { file: {} }],
      [
        "takes files into lists",
        [file("blobs", PNG), file("blobs", ""), file("blobs", "b")],
        { blobs: [PNG_BASE64, "", "Yg=="] },
      ],
      [
        "takes HttpBodies into lists",
        [file("files", "a", "a/a"), file("files", "b", "b/b")],
        {
          files: [
            { contentType: "a/a", data: "YQ==" },
            { contentType: "b/b", data: "Yg==" },
          ],
        },
      ],
      ["takes files into maps", [file("blob_map[x]", PNG)], { blobMap: { x: PNG_BASE64 } }],
      [
        "takes files inside messages",
        [file("book.cover", "a", "a/a"), file("book.lead.photo", PNG)],
        { book: { lead: { photo: PNG_BASE64 }, cover: { contentType: "a/a", data: "YQ==" } } },
      ],
      [
        "takes a long file",
        [file("data", Buffer.alloc(100_000, 1))],
        { data: Buffer.alloc(100_000, 1).toString("base64") },
      ],
      [
        "takes JSON as a message",
        [json("book", ' {"title":"t","page_count":1e1,"lead":{"name":"x"}} ')],
        { book: { title: "t", pageCount: 10, lead: { name: "x" } } },
      ],
      [
        "takes a JSON file as a message",
        [file("book", '{"title":"t"}', "application/vnd.x+json; charset=utf-8")],
        { book: { title: "t" } },
      ],
      ["takes an empty JSON message", [json("book", "{}")], { book: {} }],
      [
        "takes JSON messages one by one",
        [json("books", '{"title":"a"}'), json("books", '{"title":"b"}')],
        { books: [{ title: "a" }, { title: "b" }] },
      ],
      [
        "takes JSON lists",
        [json("books", '[{"title":"a"},{}]'), json("books", '{"title":"b"}')],
        { books: [{ title: "a" }, {}, { title: "b" }] },
      ],
      [
        "takes packed JSON lists",
        [json("numbers", "[1,2]"), text("numbers", "3"), json("numbers", "4"), json("numbers", "[]")],
        { numbers: [1, 2, 3, 4] },
      ],
      ["takes JSON into maps", [json("book_map[7]", '{"title":"t"}')], { bookMap: { 7: { title: "t" } } }],
      [
        "takes JSON scalars",
        [json("count", '"12"'), json("data", '"AQI="'), json("parent", '"x"')],
        { count: "12", data: "AQI=", parent: "x" },
      ],
      [
        "takes JSON of any shape as a Value",
        [json("value", "[1]"), json("values", "[null,2]")],
        { value: [1], values: [null, 2] },
      ],
      ["takes null as a Value", [json("value", "null")], { value: null }],
      [
        "takes an Any",
        [json("any", '{"@type":"type.googleapis.com/form.Author","name":"x"}')],
        { any: { "@type": "type.googleapis.com/form.Author", name: "x" } },
      ],
      [
        "leaves a field that is null unset",
        [json("book", "null"), json("books", "null"), json("parent", "null")],
        {},
      ],
    ];
    for (const [title, form, message] of accepted) {
      it(title, () => assert.deepEqual(assembled(whole, form), message));
    }

    const refusals: readonly (readonly [title: string, form: readonly FormPart[], what: string | RegExp])[] =
      [
        [
          "of an unknown name",
          [text("parnt", "x")],
          'PARAM_UNKNOWN parnt: no field "parnt" in form.Request (did you mean "parent"?)',
        ],
        ["of an odd name", [text("__proto__", "x")], /^PARAM_UNKNOWN __proto__: no field/],
        ["of no name", [text("", "x")], /^PARAM_UNKNOWN : no field ""/],
        ["of a bad number", [text("count", "1x")], 'PARAM_INVALID count: "1x" is not an int64'],
        ["of text that is no UTF-8", [text("parent", PNG)], "PARAM_INVALID parent: the value is not UTF-8"],
        [
          "of text in another charset",
          [text("parent", "x", "text/plain; charset=latin1")],
          'PARAM_INVALID parent: a part of type "text/plain" fills bytes or an HttpBody, not a string',
        ],
        [
          "of a field given twice",
          [text("parent", "x"), text("parent", "x")],
          'PARAM_INVALID parent: "parent" is not repeated, but is given twice',
        ],
        [
          "of a file given twice",
          [file("file", "x"), file("file", "x")],
          'PARAM_INVALID file: "file" is not repeated, but is given twice',
        ],
        [
          "of a message given twice",
          [json("book", "{}"), json("book", "{}")],
          'PARAM_INVALID book: "book" is not repeated, but is given twice',
        ],
        [
          "of a message and a field in it",
          [json("book", "{}"), text("book.title", "x")],
          'PARAM_INVALID book.title: "book" is given as a whole by another part',
        ],
        [
          "of a field and the message around it",
          [text("book.title", "x"), json("book", "{}")],
          'PARAM_INVALID book: "book" is not repeated, but is given twice',
        ],
        [
          "of a key given twice",
          [text("labels[a]", "1"), text("labels[a]", "2")],
          "PARAM_INVALID labels[a]: the key is given twice",
        ],
        [
          "of a map without a key",
          [json("labels", "{}")],
          "PARAM_INVALID labels: a map is given as name[key]=value",
        ],
        [
          "of a bad key",
          [json("book_map[x]", "{}")],
          'PARAM_INVALID book_map[x]: the key "x" is not an int32',
        ],
        [
          "of a file for a string",
          [file("parent", "x")],
          'PARAM_INVALID parent: a part of type "application/octet-stream" fills bytes or an HttpBody, not a string',
        ],
        [
          "of a file for a message",
          [file("book", PNG, "image/png")],
          'PARAM_INVALID book: a part of type "image/png" fills bytes or an HttpBody, not a form.Book',
        ],
        [
          "of text for a message",
          [text("book", "{}")],
          "PARAM_INVALID book: a form.Book is given as a part of type application/json",
        ],
        ["of the inside of an HttpBody", [text("file.data", "x")], /^PARAM_INVALID file.data: /],
        [
          "of a oneof given twice",
          [text("by_name", "x"), file("by_data", "y")],
          'PARAM_INVALID by_data: the oneof "choice" already holds "by_name"',
        ],
        [
          "of a oneof given twice by JSON",
          [file("by_data", "y"), json("by_author", "{}")],
          'PARAM_INVALID by_author: the oneof "choice" already holds "by_data"',
        ],
        [
          "of a oneof entered twice",
          [file("by_data", "y"), text("by_author.name", "x")],
          'PARAM_INVALID by_author.name: the oneof "choice" already holds "by_data"',
        ],
        [
          "of JSON that does not fit",
          [json("book", '{"lead":{"name":3}}')],
          /^JSON_INVALID book\/lead\/name: expected .*found 3 \(line 1, column 17\)$/,
        ],
        [
          "of JSON of another kind",
          [json("book", "[]")],
          /^JSON_INVALID book: expected an object \(form.Book\), found a/,
        ],
        [
          "of an item that does not fit",
          [json("numbers", '[1,"x"]')],
          /^JSON_INVALID numbers\/1: expected an int32, found "x"/,
        ],
        ["of JSON with an unknown field", [json("book", '{"titel":1}')], /^JSON_UNKNOWN_FIELD book\/titel: /],
        ["of JSON cut short", [json("book", '{"title":')], /^JSON_INVALID book/],
        ["of empty JSON", [json("book", "")], /^JSON_INVALID book/],
        ["of JSON with something behind it", [json("book", "{} {}")], /^JSON_INVALID book/],
        [
          "of too deep a name",
          [text(Array.from({ length: 200 }, () => "book").join("."), "x")],
          /levels of nesting/,
        ],
      ];
    for (const [title, form, what] of refusals) {
      it(`is refused because ${title}`, () => {
        const told = refused(whole, form);
        if (typeof what === "string") assert.equal(told, what);
        else assert.match(told, what);
      });
    }

    it("is refused where the route takes no body", () =>
      assert.equal(refused({ input }, []), "BODY_NOT_ALLOWED this route takes no request body"));

    it("passes over unknown names where the route does, or reports them", () => {
      const form = [file("nope", PNG), json("book", '{"title":"t","x":{"y":1}}'), text("book.no", "x")];
      const rest = form.slice(0, 2);
      assert.deepEqual(assembled(whole, rest, {}, { unknownFields: "ignore" }), { book: { title: "t" } });
      const transcoder = subject.compile(whole, { unknownFields: "report" }, registry);
      assert.deepEqual([...assemble(transcoder, { form: rest }).unknownFields].sort(), ["book/x", "nope"]);
    });
  });

  describe("a multipart form and the path", () => {
    const variables = ["parent", "book.name", "book.lead.name"];
    const words: BindingWords = { input, body: "*", variables };
    const captures = ["p", "n", "l"];

    const accepted: readonly (readonly [title: string, form: readonly FormPart[], message: unknown])[] = [
      ["of an empty form", [], { parent: "p", book: { name: "n", lead: { name: "l" } } }],
      [
        "beside text",
        [text("book.title", "t"), text("book.lead.name", "l")],
        { parent: "p", book: { title: "t", name: "n", lead: { name: "l" } } },
      ],
      [
        "within JSON",
        [json("book", '{"title":"t","name":"n"}')],
        { parent: "p", book: { title: "t", name: "n", lead: { name: "l" } } },
      ],
      [
        "within JSON that is deeper",
        [json("book.lead", '{"name":"l","next":{"name":"m"}}')],
        { parent: "p", book: { name: "n", lead: { name: "l", next: { name: "m" } } } },
      ],
      ["within null", [json("book", "null")], { parent: "p", book: { name: "n", lead: { name: "l" } } }],
      [
        "within JSON with nulls",
        [json("book", '{"name":null,"lead":null}')],
        { parent: "p", book: { name: "n", lead: { name: "l" } } },
      ],
    ];
    for (const [title, form, message] of accepted) {
      it(`join ${title}`, () => assert.deepEqual(assembled(words, form, { captures }), message));
    }

    const refusals: readonly (readonly [title: string, form: readonly FormPart[], what: RegExp])[] = [
      ["text", [text("parent", "q")], /^PATH_CONFLICT parent: the path says "p"/],
      ["nested text", [text("book.lead.name", "q")], /^PATH_CONFLICT book.lead.name: the path says "l"/],
      ["JSON", [json("book", '{"name":"q"}')], /^PATH_CONFLICT book.name: the path says "n"/],
      [
        "nested JSON",
        [json("book", '{"lead":{"name":""}}')],
        /^PATH_CONFLICT book.lead.name: the path says "l"/,
      ],
      ["JSON of a scalar", [json("parent", '"q"')], /^PATH_CONFLICT parent: the path says "p"/],
    ];
    for (const [title, form, what] of refusals) {
      it(`conflict over ${title}`, () => assert.match(refused(words, form, { captures }), what));
    }

    it("never share a message with an earlier request's captures", () => {
      const transcoder = subject.compile(words, {}, registry);
      const form = [json("book", '{"title":"t"}')];
      const first = assemble(transcoder, { form, captures: ["1", "2", "3"] }).message;
      const again = assemble(transcoder, { form, captures }).message;
      assert.notDeepEqual(first, again);
      assert.deepEqual(assemble(transcoder, { form, captures: ["1", "2", "3"] }).message, first);
      assert.deepEqual(assembled(words, form), { book: { title: "t" } }, "later messages have no captures");
    });

    it("take no query, as the body is everything", () =>
      assert.match(refused(words, [], { captures, query: "deep=true" }), /^PARAM_UNKNOWN deep/));

    it("require what is required", () => {
      const holder: BindingWords = { input: messageOf(registry, "form.Holder"), body: "*" };
      assert.deepEqual(assembled(holder, [text("old.id", "1")]), { old: { id: 1 } });
      assert.equal(
        refused(holder, [text("old.note", "x")]),
        "JSON_INVALID old.id: the required field is not set",
      );
      assert.match(refused(holder, [json("old", "{}")]), /^JSON_INVALID/);
    });
  });

  describe("a multipart form for one field", () => {
    const book: BindingWords = { input, body: "book" };
    const rows: readonly (readonly [
      title: string,
      body: string,
      form: readonly FormPart[],
      message: unknown,
    ])[] = [
      [
        "names the fields of a message",
        "book",
        [text("title", "t"), file("cover", "a", "a/a")],
        { book: { title: "t", cover: { contentType: "a/a", data: "YQ==" } } },
      ],
      [
        "may name the message before them",
        "book",
        [text("book.title", "t"), text("page_count", "1")],
        { book: { title: "t", pageCount: 1 } },
      ],
      ["may give the message as JSON", "book", [json("book", '{"title":"t"}')], { book: { title: "t" } }],
      ["without parts is the message, empty", "book", [], { book: {} }],
      ["gives bytes a file", "data", [file("data", PNG)], { data: PNG_BASE64 }],
      ["gives a scalar text", "count", [text("count", "3")], { count: "3" }],
      [
        "gives a list its elements",
        "books",
        [json("books", '{"title":"a"}'), json("books", "[{}]")],
        { books: [{ title: "a" }, {}] },
      ],
      ["gives a map its entries", "labels", [text("labels[a]", "b")], { labels: { a: "b" } }],
      ["gives a Struct as JSON", "extra", [json("extra", '{"a":[]}')], { extra: { a: [] } }],
    ];
    for (const [title, body, form, message] of rows) {
      it(title, () => assert.deepEqual(assembled({ input, body }, form), message));
    }

    it("leaves the other fields to the query", () => {
      assert.deepEqual(assembled(book, [text("title", "t")], { query: "parent=p" }), {
        parent: "p",
        book: { title: "t" },
      });
      assert.match(
        refused(book, [text("parent", "p")]),
        /^PARAM_UNKNOWN parent: no field "parent" in form.Book/,
      );
      assert.equal(
        refused({ input, body: "data" }, [text("parent", "p")]),
        'PARAM_INVALID parent: the body is "data" alone; other fields go into the query',
      );
    });

    it("fills the mask of a PATCH with what the parts give", () => {
      const words: BindingWords = { input, body: "book", httpMethod: "PATCH", variables: ["book.name"] };
      const form = [
        text("title", ""),
        json("lead", '{"name":"x","next":{"born":null},"photo":null}'),
        json("tags", "[]"),
        file("cover", "a", "a/a"),
      ];
      assert.deepEqual(assembled(words, form, { captures: ["n"] }), {
        book: { name: "n", lead: { name: "x", next: {} }, cover: { contentType: "a/a", data: "YQ==" } },
        mask: "cover,lead.name,lead.next.born,lead.photo,tags,title",
      });
      const whole = [json("book", '{"name":"n","title":"t"}')];
      assert.deepEqual(assembled(words, whole, { captures: ["n"] }), {
        book: { name: "n", title: "t" },
        mask: "title",
      });
      const masked = assembled(words, [text("title", "t")], { captures: ["n"], query: "mask=tags" });
      assert.deepEqual(masked, { book: { name: "n", title: "t" }, mask: "tags" });
    });
  });

  describe("a file that is streamed", () => {
    const rows: readonly (readonly [
      name: string,
      before: readonly string[],
      expected: StreamedFile | undefined,
    ])[] = [
      ["data", ["parent", "book.title"], "joined"],
      ["file", [], "joined"],
      ["book.lead.photo", ["book.title"], "joined"],
      ["wrapped", [], "joined"],
      ["by_data", ["parent"], "joined"],
      ["byData", ["parent", "byName"], "apart"],
      ["by_data", ["by_author.name"], "apart"],
      ["by_author.photo", ["by_author.name"], "joined"],
      ["by_author.photo", ["by_name"], "apart"],
      ["parent", [], undefined],
      ["book", [], undefined],
      ["nope", [], undefined],
      ["__proto__", [], undefined],
    ];
    for (const [name, before, expected] of rows) {
      it(`as "${name}" after [${before.join()}] is ${expected ?? "none"}`, () =>
        assert.equal(subject.compile(whole, {}, registry).streamedFile(name, before), expected));
    }

    it("stands apart from a path that sets another member of its oneof", () => {
      const words: BindingWords = { input, body: "*", variables: ["by_author.name"] };
      const transcoder = subject.compile(words, {}, registry);
      assert.equal(transcoder.streamedFile("by_data", []), "apart");
      assert.equal(transcoder.streamedFile("by_author.photo", []), "joined");
      assert.equal(transcoder.streamedFile("data", []), "joined");
    });

    it("is named from within the body's field", () => {
      const transcoder = subject.compile({ input, body: "book" }, {}, registry);
      assert.equal(transcoder.streamedFile("cover", []), "joined");
      assert.equal(transcoder.streamedFile("book.cover", []), "joined");
      assert.equal(transcoder.streamedFile("data", []), undefined);
    });
  });
}
