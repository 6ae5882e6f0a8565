import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TranscodeOptions } from "../../../src/transcode/index.ts";
import {
  assemble,
  type BindingWords,
  type RequestWords,
  refusal,
  refusalText,
  type Subject,
} from "./codec.ts";
import { messageOf, registryOf } from "./schema.ts";

/** The cases, as tests of one codec. */
export function bindRequestCases(subject: Subject): void {
  const { compile, assembled } = subject;

  const registry = registryOf({
    "lib.Author": { fields: { name: "string", born: "google.protobuf.Timestamp" } },
    "lib.Book": {
      fields: {
        name: "string",
        title: "string",
        page_count: "int32",
        authors: "repeated lib.Author",
        lead: "lib.Author",
        labels: "map<string,string>",
        extra: "google.protobuf.Struct",
        file: "google.api.HttpBody",
      },
    },
    "lib.Request": {
      fields: {
        book: "lib.Book",
        parent: "string",
        page_size: "int32",
        kind: "enum{KIND_NONE=0,KIND_PAPER=1}",
        at: "google.protobuf.Timestamp",
        ttl: "google.protobuf.Duration",
        mask: "google.protobuf.FieldMask",
        limit: "google.protobuf.Int64Value",
        deep: "optional bool",
        token: "bytes",
        big: "uint64",
        ratio: "double",
        tags: "repeated string",
        labels: "map<string,int32>",
        nested_labels: "map<string,lib.Author>",
        filter: "google.protobuf.Value",
        options: "google.protobuf.Struct",
        list: "google.protobuf.ListValue",
        any: "google.protobuf.Any",
        by_name: "oneof by: string",
        by_author: "oneof by: lib.Author",
        null_value: "repeated google.protobuf.Value",
      },
    },
  });
  const input = messageOf(registry, "lib.Request");

  function bind(
    words: Omit<BindingWords, "input">,
    request: RequestWords,
    options: Partial<TranscodeOptions> = {},
  ): unknown {
    return assembled({ input, ...words }, request, options, registry);
  }

  function refused(
    words: Omit<BindingWords, "input">,
    request: RequestWords,
    options: Partial<TranscodeOptions> = {},
  ): string {
    return refusalText(() => bind(words, request, options));
  }

  describe("a query", () => {
    const accepted: readonly (readonly [query: string, json: unknown])[] = [
      ["", {}],
      ["&&", {}],
      ["parent=a+b%2Bc", { parent: "a b+c" }],
      ["parent=a=b", { parent: "a=b" }],
      ["par%65nt=a", { parent: "a" }],
      ["parent", {}],
      ["byName", { byName: "" }],
      ["token=", {}],
      ["book.lead.name=x&book.pageCount=1e1", { book: { lead: { name: "x" }, pageCount: 10 } }],
      ["tags=a&tags=&tags=b", { tags: ["a", "", "b"] }],
      ["deep=false", { deep: false }],
      ["kind=KIND_PAPER", { kind: "KIND_PAPER" }],
      ["kind=9", { kind: 9 }],
      ["mask=a.bC,d_e", { mask: "a.bC,dE" }],
      ["mask", { mask: "" }],
      ["limit=-9007199254740993", { limit: "-9007199254740993" }],
      ["big=18446744073709551615", { big: "18446744073709551615" }],
      ["ratio=-Infinity", { ratio: "-Infinity" }],
      ["labels[a.b[c]]=1&labels[]=2", { labels: { "": 2, "a.b[c]": 1 } }],
      ["labels[__proto__]=1", { labels: JSON.parse('{"__proto__":1}') }],
      ["filter=null", { filter: null }],
      ["filter=%5B1%2C%7B%22a%22%3A%22b%22%7D%5D", { filter: [1, { a: "b" }] }],
      ["options=%7B%22__proto__%22%3A1%7D", { options: JSON.parse('{"__proto__":1}') }],
      ["list=%5B%5D", { list: [] }],
      ["null_value=1&nullValue=%22x%22", { nullValue: [1, "x"] }],
      [
        "by_author.name=x&byAuthor.born=1970-01-01T00:00:00Z",
        { byAuthor: { name: "x", born: "1970-01-01T00:00:00Z" } },
      ],
    ];
    for (const [query, json] of accepted) {
      it(`?${query} binds`, () => assert.deepEqual(bind({}, { query }), json));
    }

    const refusals: readonly (readonly [query: string, refusal: string])[] = [
      ["page_size=x1", 'PARAM_INVALID page_size: "x1" is not an int32'],
      ["pageSize=2147483648", 'PARAM_INVALID pageSize: "2147483648" is not an int32 (out of range)'],
      ["page_size=1.5", 'PARAM_INVALID page_size: "1.5" is not an int32'],
      ["page_size=1e999999999", 'PARAM_INVALID page_size: "1e999999999" is not an int32'],
      ["page_size", 'PARAM_INVALID page_size: "" is not an int32'],
      ["deep", 'PARAM_INVALID deep: "" is not a bool (true or false)'],
      ["deep=1", 'PARAM_INVALID deep: "1" is not a bool (true or false)'],
      ["deep=True", 'PARAM_INVALID deep: "True" is not a bool (true or false)'],
      ["kind=paper", 'PARAM_INVALID kind: "paper" is not a value of the enum lib.Request.KindEnum'],
      [
        "kind=KIND_PAPR",
        'PARAM_INVALID kind: "KIND_PAPR" is not a value of the enum lib.Request.KindEnum (did you mean "KIND_PAPER"?)',
      ],
      ["token=a*", 'PARAM_INVALID token: "a*" is not bytes in base64'],
      [
        "at=2024-02-30T00:00:00Z",
        'PARAM_INVALID at: "2024-02-30T00:00:00Z" is not a timestamp (RFC 3339, such as 2024-02-29T12:30:00Z)',
      ],
      ["ttl=1h", 'PARAM_INVALID ttl: "1h" is not a duration (seconds, such as 1.5s)'],
      ["mask=a,,b", 'PARAM_INVALID mask: "a,,b" is not a field mask (paths joined by commas)'],
      ["limit=x", 'PARAM_INVALID limit: "x" is not an int64'],
      ["parent=a&parent=b", 'PARAM_INVALID parent: "parent" is not repeated, but is given twice'],
      ["page_size=1&pageSize=1", 'PARAM_INVALID pageSize: "page_size" is not repeated, but is given twice'],
      [
        "book.lead.name=a&book.lead.name=a",
        'PARAM_INVALID book.lead.name: "name" is not repeated, but is given twice',
      ],
      ["by_name=a&by_author.name=b", 'PARAM_INVALID by_author.name: the oneof "by" already holds "by_name"'],
      ["by_author.name=b&by_name=a", 'PARAM_INVALID by_name: the oneof "by" already holds "by_author"'],
      ["book=x", "PARAM_INVALID book: a message cannot be a parameter; name one of its fields"],
      ["book.authors=x", "PARAM_INVALID book.authors: a list or map of messages cannot be a parameter"],
      [
        "book.authors.name=x",
        'PARAM_INVALID book.authors.name: "book.authors" has no fields that a parameter can name',
      ],
      ["parent.x=1", 'PARAM_INVALID parent.x: "parent" has no fields that a parameter can name'],
      ["at.seconds=1", 'PARAM_INVALID at.seconds: "at" is one value, a google.protobuf.Timestamp: at=…'],
      ["any=x", "PARAM_INVALID any: an Any cannot be a parameter"],
      ["book.file=x", "PARAM_INVALID book.file: an HttpBody is filled by the body alone"],
      ["book.file.data=x", 'PARAM_INVALID book.file.data: "book.file" is filled by the body alone'],
      ["labels=x", "PARAM_INVALID labels: a map is given as name[key]=value"],
      ["labels[a]=x", 'PARAM_INVALID labels[a]: "x" is not an int32'],
      ["labels[a]=1&labels[a]=2", "PARAM_INVALID labels[a]: the key is given twice"],
      [
        "nested_labels[a]=x",
        "PARAM_INVALID nested_labels[a]: a list or map of messages cannot be a parameter",
      ],
      ["parent[a]=x", "PARAM_INVALID parent[a]: only a map takes a key in brackets"],
      [
        "options=x",
        'PARAM_INVALID options: "x" is not JSON for a google.protobuf.Struct: expected a JSON value, found "x"',
      ],
      [
        "options=%7B%22a%22:1,%22a%22:2%7D",
        'PARAM_INVALID options: "{\\"a\\":1,\\"a\\":2}" is not JSON for a google.protobuf.Struct: expected each name once, found "a" again at /a',
      ],
      [
        "options",
        'PARAM_INVALID options: "" is not JSON for a google.protobuf.Struct: expected a JSON value, found the end of the document',
      ],
      [
        "list=%7B%7D",
        'PARAM_INVALID list: "{}" is not JSON for a google.protobuf.ListValue: expected an array, found an object',
      ],
      ["parnt=a", 'PARAM_UNKNOWN parnt: no field "parnt" in lib.Request (did you mean "parent"?)'],
      ["book.titel=a", 'PARAM_UNKNOWN book.titel: no field "titel" in lib.Book (did you mean "title"?)'],
      ["=a", 'PARAM_UNKNOWN : no field "" in lib.Request'],
      ["[x]=a", 'PARAM_UNKNOWN [x]: no field "" in lib.Request'],
      ["__proto__=a", 'PARAM_UNKNOWN __proto__: no field "__proto__" in lib.Request'],
      ["parent=%zz", 'PARAM_INVALID parent: the value "%zz" is not percent-encoded UTF-8'],
      ["parent=%", 'PARAM_INVALID parent: the value "%" is not percent-encoded UTF-8'],
      ["parent=%ff", 'PARAM_INVALID parent: the value "%ff" is not percent-encoded UTF-8'],
      ["parent=%ed%a0%80", 'PARAM_INVALID parent: the value "%ed%a0%80" is not percent-encoded UTF-8'],
      ["par%ent=a", 'PARAM_INVALID par%ent: the name "par%ent" is not percent-encoded UTF-8'],
      ["parent=\u00e9", 'PARAM_INVALID parent: the character "\u00e9" must be percent-encoded'],
    ];
    for (const [query, text] of refusals) {
      it(`?${query.slice(0, 60)} is refused`, () => assert.equal(refused({}, { query }), subject.text(text)));
    }

    it("names its parameter in the violation", () => {
      assert.deepEqual(refusal(() => bind({}, { query: "page_size=x1" })).violations, [
        { field: "page_size", description: 'page_size: "x1" is not an int32' },
      ]);
    });

    it("may hold exempted names, exact or by prefix, whatever they name", () => {
      const options = { ignoredQueryParameters: ["key", "utm_*"] };
      assert.deepEqual(bind({}, { query: "key=1&utm_source=x&utm_=y&parent=a" }, options), { parent: "a" });
      assert.match(refused({}, { query: "keys=1" }, options), /^PARAM_UNKNOWN keys/);
    });

    it("may hold unknown names under ignore, and reports them under report, but wrong values never pass", () => {
      assert.deepEqual(bind({}, { query: "x=1&parent=a" }, { unknownFields: "ignore" }), { parent: "a" });
      const transcoder = compile({ input }, { unknownFields: "report" }, registry);
      assert.deepEqual(assemble(transcoder, { query: "x=1&book.y=2&parent=a" }).unknownFields, [
        "x",
        "book.y",
      ]);
      assert.match(refused({}, { query: "page_size=x" }, { unknownFields: "ignore" }), /^PARAM_INVALID/);
      assert.match(refused({}, { query: "parent.x=1" }, { unknownFields: "ignore" }), /^PARAM_INVALID/);
    });

    it("understands prettyPrint where that is on", () => {
      const on = compile({ input }, { prettyPrintParameter: true }, registry);
      assert.equal(assemble(on, { query: "prettyPrint=true" }).pretty, true);
      assert.equal(assemble(on, { query: "prettyPrint=false" }).pretty, false);
      assert.equal(assemble(on, {}).pretty, false);
      assert.match(
        refusalText(() => assemble(on, { query: "prettyPrint" })),
        /^PARAM_INVALID prettyPrint: "" is not a bool/,
      );
      assert.match(refused({}, { query: "prettyPrint=true" }), /^PARAM_UNKNOWN/);
      assert.equal(assemble(compile({ input }, { pretty: true }, registry), {}).pretty, true);
    });

    it("is bounded in parameters and in depth", () => {
      assert.match(refused({}, { query: "tags=a&".repeat(10_001) }), /more than 10000 parameters/);
      assert.match(refused({}, { query: `${"book.".repeat(5000)}x=1` }), /more than 100 levels of nesting/);
      assert.ok(refused({}, { query: `${"x".repeat(1 << 16)}=1` }).length < 1000);
    });
  });

  describe("a body", () => {
    const json = { contentType: "application/json" };

    it("is refused where the route has none", () => {
      assert.equal(refused({}, { body: "{}" }), "BODY_NOT_ALLOWED this route takes no request body");
      assert.deepEqual(bind({}, { ...json, body: "" }), {});
    });

    it("of * fills every field, and no query parameter binds", () => {
      assert.deepEqual(bind({ body: "*" }, { ...json, body: '{"parent":"a"}' }), { parent: "a" });
      assert.equal(
        refused({ body: "*" }, { body: "{}", query: "parent=a" }),
        "PARAM_UNKNOWN parent: the body fills every field here, so no query parameter binds",
      );
      const ignoring = { unknownFields: "ignore" } as const;
      assert.deepEqual(bind({ body: "*" }, { body: "{}", query: "parent=a" }, ignoring), {});
    });

    it("of a field fills that field, the query the others", () => {
      assert.deepEqual(bind({ body: "book" }, { body: '{"title":"t"}', query: "parent=a" }), {
        book: { title: "t" },
        parent: "a",
      });
      assert.deepEqual(bind({ body: "tags" }, { body: '["a","b"]' }), { tags: ["a", "b"] });
      assert.deepEqual(bind({ body: "labels" }, { body: '{"a":1}' }), { labels: { a: 1 } });
      assert.deepEqual(bind({ body: "page_size" }, { body: '"7"' }), { pageSize: 7 });
      assert.deepEqual(bind({ body: "limit" }, { body: "7" }), { limit: "7" });
      assert.deepEqual(bind({ body: "kind" }, { body: '"KIND_PAPER"' }), { kind: "KIND_PAPER" });
      assert.deepEqual(bind({ body: "filter" }, { body: "null" }), { filter: null });
      assert.deepEqual(bind({ body: "book" }, { body: "null" }), {});
      assert.equal(
        refused({ body: "book" }, { body: "{}", query: "book.title=a" }),
        'PARAM_INVALID book.title: "book" is filled by the body alone',
      );
      assert.equal(
        refused({ body: "by_name" }, { body: '"a"', query: "by_author.name=b" }),
        'PARAM_INVALID by_author.name: the oneof "by" already holds "by_name"',
      );
    });

    it("that is empty is an empty message", () => {
      assert.deepEqual(bind({ body: "*" }, {}), {});
      assert.deepEqual(bind({ body: "book" }, {}), { book: {} });
      assert.deepEqual(bind({ body: "book" }, { contentType: "text/plain" }), { book: {} });
      assert.deepEqual(bind({ body: "tags" }, {}), {});
      assert.deepEqual(bind({ body: "limit" }, {}), {});
    });

    it("is read as JSON under application/json, +json and no content type", () => {
      for (const contentType of [
        "",
        "application/json",
        "application/json; charset=utf-8",
        "application/merge-patch+json",
      ]) {
        assert.deepEqual(bind({ body: "*" }, { contentType, body: '{"parent":"a"}' }), { parent: "a" });
      }
    });

    it("of another content type or charset is refused", () => {
      for (const contentType of [
        "text/plain",
        "application/xml",
        "application/json; charset=latin1",
        "multipart/form-data",
      ]) {
        assert.match(
          refused({ body: "*" }, { contentType, body: "{}" }),
          /^MEDIA_TYPE_UNSUPPORTED content-type "/,
        );
      }
    });

    describe("sent as a form", () => {
      const form = { contentType: "application/x-www-form-urlencoded" };

      it("binds like a query, into what the body fills", () => {
        assert.deepEqual(bind({ body: "*" }, { ...form, body: "parent=a+b&tags=x&tags=y&book.title=t" }), {
          book: { title: "t" },
          parent: "a b",
          tags: ["x", "y"],
        });
        assert.deepEqual(
          bind({ body: "book" }, { ...form, body: "title=t&lead.name=%C3%A9", query: "parent=a" }),
          {
            book: { title: "t", lead: { name: "é" } },
            parent: "a",
          },
        );
      });

      it("is refused for what does not fit, and where the body is no message", () => {
        assert.equal(
          refused({ body: "*" }, { ...form, body: "page_size=x" }),
          'PARAM_INVALID page_size: "x" is not an int32',
        );
        assert.match(refused({ body: "*" }, { ...form, body: "nope=x" }), /^PARAM_UNKNOWN nope/);
        assert.match(refused({ body: "tags" }, { ...form, body: "tags=x" }), /^MEDIA_TYPE_UNSUPPORTED/);
        assert.match(refused({}, { ...form, body: "parent=x" }), /^BODY_NOT_ALLOWED/);
      });

      it("but being JSON is told so", () => {
        assert.match(
          refused({ body: "*" }, { ...form, body: '{"parent":"a"}' }),
          /looks like JSON .* content-type application\/json/,
        );
      });
    });
  });

  describe("a path capture", () => {
    const named = { variables: ["book.name"], body: "book" };

    it("fills fields of every kind that it may name, and makes their parents", () => {
      const rows: readonly (readonly [variable: string, capture: string, json: unknown])[] = [
        ["parent", "shelves/1", { parent: "shelves/1" }],
        ["parent", "", {}],
        ["by_name", "", { byName: "" }],
        ["book.lead.name", "x", { book: { lead: { name: "x" } } }],
        ["page_size", "-5", { pageSize: -5 }],
        ["big", "18446744073709551615", { big: "18446744073709551615" }],
        ["kind", "KIND_PAPER", { kind: "KIND_PAPER" }],
        ["kind", "1", { kind: "KIND_PAPER" }],
        ["deep", "false", { deep: false }],
        ["token", "-_8", { token: "+/8=" }],
        ["ratio", "NaN", { ratio: "NaN" }],
        ["at", "2024-02-29T00:00:00Z", { at: "2024-02-29T00:00:00Z" }],
        ["ttl", "1.5s", { ttl: "1.500s" }],
        ["mask", "a,b_c", { mask: "a,bC" }],
        ["limit", "0", { limit: "0" }],
      ];
      for (const [variable, capture, json] of rows) {
        assert.deepEqual(
          bind({ variables: [variable] }, { captures: [capture] }),
          json,
          `${variable}=${capture}`,
        );
      }
    });

    it("that does not fit its field is refused by name and value", () => {
      assert.equal(
        refused({ variables: ["page_size"] }, { captures: ["x"] }),
        'PARAM_INVALID page_size: "x" is not an int32',
      );
      assert.deepEqual(
        refusal(() => bind({ variables: ["book.name", "kind"] }, { captures: ["a", "z"] })).violations.map(
          ({ field }) => field,
        ),
        ["kind"],
      );
    });

    it("agrees with the body and the query, or the request is refused", () => {
      const conflict =
        'PATH_CONFLICT book.name: the path says "a", but the body or query gives another value';
      assert.deepEqual(bind(named, { captures: ["a"], body: '{"name":"a","title":"t"}' }), {
        book: { name: "a", title: "t" },
      });
      assert.deepEqual(bind(named, { captures: ["a"], body: '{"name":null}' }), { book: { name: "a" } });
      assert.deepEqual(bind(named, { captures: ["a"], body: "null" }), { book: { name: "a" } });
      assert.equal(refused(named, { captures: ["a"], body: '{"name":"b"}' }), conflict);
      assert.equal(refused(named, { captures: ["a"], body: '{"name":""}' }), conflict);
      const all = { variables: ["book.name"], body: "*" };
      assert.equal(refused(all, { captures: ["a"], body: '{"book":{"name":"b"}}' }), conflict);
      assert.deepEqual(bind(all, { captures: ["a"], body: '{"book":{"name":"a"}}' }), {
        book: { name: "a" },
      });
      const query = { variables: ["book.name"] };
      assert.equal(refused(query, { captures: ["a"], query: "book.name=b" }), conflict);
      assert.deepEqual(bind(query, { captures: ["a"], query: "book.name=a&book.title=t" }), {
        book: { name: "a", title: "t" },
      });
    });

    it("is said once: a later message of a stream has none, and may fill the field as it likes", () => {
      const all = { variables: ["book.name"], body: "*" };
      assert.deepEqual(bind(all, { captures: [], body: '{"book":{"name":"b"}}' }), { book: { name: "b" } });
      assert.deepEqual(bind(named, { captures: [], body: '{"name":"b"}' }), { book: { name: "b" } });
      assert.deepEqual(bind(named, { captures: [], body: "{}" }), { book: {} });
    });

    it("is compared by field and value, not by spelling", () => {
      const size = { variables: ["page_size"] };
      assert.deepEqual(bind(size, { captures: ["10"], query: "pageSize=1e1" }), { pageSize: 10 });
      assert.match(refused(size, { captures: ["10"], query: "pageSize=0" }), /^PATH_CONFLICT page_size/);
      assert.match(
        refused({ ...size, body: "*" }, { captures: ["10"], body: '{"pageSize":0}' }),
        /^PATH_CONFLICT/,
      );
      assert.deepEqual(bind({ ...size, body: "*" }, { captures: ["10"], body: '{"page_size":"10"}' }), {
        pageSize: 10,
      });
      const at = { variables: ["at"], body: "*" };
      assert.deepEqual(
        bind(at, { captures: ["1970-01-01T01:00:00+01:00"], body: '{"at":"1970-01-01T00:00:00Z"}' }),
        {
          at: "1970-01-01T00:00:00Z",
        },
      );
      assert.match(
        refused(at, { captures: ["1970-01-01T00:00:00Z"], body: '{"at":"1970-01-01T00:00:01Z"}' }),
        /^PATH_CONFLICT/,
      );
      assert.deepEqual(
        bind({ variables: ["token"], body: "*" }, { captures: ["-_8"], body: '{"token":"+/8="}' }),
        { token: "+/8=" },
      );
    });

    it("does not share a oneof with body or query", () => {
      assert.equal(
        refused({ variables: ["by_name"] }, { captures: ["a"], query: "by_author.name=b" }),
        'PATH_CONFLICT by_name: the path says "a", but the body or query sets another field of the same oneof',
      );
      assert.match(
        refused({ variables: ["by_author.name"], body: "*" }, { captures: ["a"], body: '{"byName":"b"}' }),
        /^PATH_CONFLICT by_author.name/,
      );
    });

    it("conflicts with a form as with JSON", () => {
      const form = { contentType: "application/x-www-form-urlencoded" };
      assert.match(refused(named, { ...form, captures: ["a"], body: "name=b" }), /^PATH_CONFLICT book.name/);
      assert.deepEqual(bind(named, { ...form, captures: ["a"], body: "name=a" }), { book: { name: "a" } });
    });
  });
}
