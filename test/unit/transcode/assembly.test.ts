/** What the compiled codec makes of a request on the wire, byte for byte, and what it does for hostile ones. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCompiledFactory, type Transcoder } from "../../../src/transcode/index.ts";
import {
  assemble,
  type BindingWords,
  type RequestWords,
  refusal,
  refusalText,
  subjectOf,
  textOf,
} from "../../contract/transcoder/codec.ts";
import { messageOf, registryOf } from "../../contract/transcoder/schema.ts";

type Rendered = ReturnType<Transcoder["render"]>;

const registry = registryOf({
  "wire.Book": {
    fields: { name: "string", title: "string", author: "{name: string, born: int32}", next: "wire.Book" },
  },
  "wire.Request": {
    fields: {
      book: "wire.Book",
      parent: "string",
      counts: "repeated int32",
      mask: "google.protobuf.FieldMask",
      text: "oneof kind: string",
      number: "oneof kind: int32",
      part: "oneof kind: wire.Book",
    },
  },
  "old.Request": {
    syntax: "proto2",
    fields: {
      id: "required int32",
      part: "optional group{name: required string, note: optional string}",
      more: "optional string",
    },
  },
});
const Request = messageOf(registry, "wire.Request");
const Old = messageOf(registry, "old.Request");
const { compile } = subjectOf(createCompiledFactory(), {});

function wireOf(words: Partial<BindingWords>, request: RequestWords): string {
  return Buffer.from(assemble(compile({ input: Request, ...words }, {}, registry), request).message).toString(
    "hex",
  );
}

function hex(...parts: readonly (string | readonly number[])[]): string {
  return parts.map((part) => Buffer.from(part).toString("hex")).join("");
}

describe("a request on the wire", () => {
  const inBook = { variables: ["book.name"], captures: ["n"] };

  it("has each message once, the path's fields inside of it", () => {
    const rows: readonly (readonly [body: string, json: string, wire: string])[] = [
      [
        "*",
        '{"book":{"title":"t"},"parent":"p"}',
        hex([0x0a, 6, 0x12, 1], "t", [0x0a, 1], "n", [0x12, 1], "p"),
      ],
      ["*", '{"book":{"name":"n","title":"t"}}', hex([0x0a, 6, 0x12, 1], "t", [0x0a, 1], "n")],
      ["*", '{"book":{}}', hex([0x0a, 3, 0x0a, 1], "n")],
      ["*", '{"book":null,"parent":"p"}', hex([0x12, 1], "p", [0x0a, 3, 0x0a, 1], "n")],
      ["*", "{}", hex([0x0a, 3, 0x0a, 1], "n")],
      ["book", '{"title":"t"}', hex([0x0a, 6, 0x12, 1], "t", [0x0a, 1], "n")],
      ["book", "null", hex([0x0a, 3, 0x0a, 1], "n")],
      ["book", "", hex([0x0a, 3, 0x0a, 1], "n")],
    ];
    for (const [body, json, wire] of rows) {
      const { variables, captures } = inBook;
      assert.equal(wireOf({ variables, body }, { captures, body: json }), wire, `${body} ${json}`);
    }
  });

  it("has two captures of one message in one message, however deep", () => {
    const variables = ["book.author.name", "book.author.born"];
    const author = hex([0x1a, 5, 0x0a, 1], "a", [0x10, 7]);
    assert.equal(
      wireOf({ variables, body: "*" }, { captures: ["a", "7"], body: '{"book":{"title":"t"}}' }),
      hex([0x0a, 10, 0x12, 1], "t") + author,
    );
    assert.equal(
      wireOf({ variables }, { captures: ["a", "7"], query: "book.title=t" }),
      hex([0x0a, 10, 0x12, 1], "t") + author,
    );
  });

  it("has query parameters of one message in one message, and lists of numbers packed", () => {
    assert.equal(
      wireOf({}, { query: "counts=1&book.name=n&counts=2&parent=p&book.title=t" }),
      hex([0x1a, 2, 1, 2], [0x0a, 6, 0x0a, 1], "n", [0x12, 1], "t", [0x12, 1], "p"),
    );
  });

  it("grows a length beyond one byte where a capture does it", () => {
    const title = "x".repeat(123);
    const wire = wireOf(
      { variables: ["book.name"], body: "*" },
      { captures: ["abcdef"], body: JSON.stringify({ book: { title }, parent: "p" }) },
    );
    assert.equal(wire, hex([0x0a, 0x85, 1, 0x12, 123], title, [0x0a, 6], "abcdef", [0x12, 1], "p"));
  });

  it("has groups as groups, filled by path or query", () => {
    const group = hex([0x08, 1, 0x13, 0x0a, 1], "n", [0x14]);
    assert.equal(wireOf({ input: Old }, { query: "id=1&part.name=n" }), group);
    const words = { input: Old, variables: ["part.name"], body: "*" };
    assert.equal(wireOf(words, { captures: ["n"], body: '{"id":1}' }), group);
    assert.equal(wireOf(words, { captures: ["n"], body: '{"id":1,"part":{"name":"n"}}' }), group);
  });
});

describe("required fields", () => {
  it("may come from body, query or path", () => {
    for (const [words, request] of [
      [{ variables: ["id"] }, { captures: ["7"] }],
      [{}, { query: "id=7" }],
      [{ body: "*" }, { body: '{"id":7}' }],
      [
        { body: "*", variables: ["id"] },
        { captures: ["7"], body: "{}" },
      ],
      [
        { body: "*", variables: ["id"] },
        { captures: ["7"], body: "" },
      ],
      [
        { body: "more", variables: ["id"] },
        { captures: ["7"], body: "null" },
      ],
      [{ body: "id" }, { body: "7" }],
    ] as const) {
      assert.equal(wireOf({ input: Old, ...words }, request), hex([0x08, 7]), JSON.stringify(words));
    }
  });

  it("that are missing are refused by their path", () => {
    const refused = (words: Partial<BindingWords>, request: RequestWords): string =>
      refusalText(() => wireOf({ input: Old, ...words }, request));
    assert.equal(refused({}, {}), "PARAM_INVALID id: the required field is not set");
    assert.equal(
      refused({}, { query: "id=1&part.note=n" }),
      "PARAM_INVALID part.name: the required field is not set",
    );
    assert.equal(
      refused({ body: "*", variables: ["part.note"] }, { captures: ["n"], body: '{"id":1}' }),
      "JSON_INVALID part.name: the required field is not set",
    );
    assert.match(
      refused({ body: "*", variables: ["part.note"] }, { captures: ["n"], body: '{"part":{"name":"x"}}' }),
      /^JSON_INVALID the body: old\.Request: lacks required "id" /,
    );
    assert.equal(
      refused({ body: "more" }, { body: '"m"' }),
      "JSON_INVALID id: the required field is not set",
    );
  });
});

describe("a path's conflict", () => {
  it("is told after what is wrong with body and query", () => {
    const words = { variables: ["book.name"], body: "book" };
    const refused = (body: string, query = ""): string =>
      refusalText(() => wireOf(words, { captures: ["n"], body, query }));
    assert.match(refused('{"name":"other","nope":1}'), /^JSON_UNKNOWN_FIELD \/nope/);
    assert.match(refused('{"name":"other"}', "nope=1"), /^PARAM_UNKNOWN nope/);
    assert.match(refused('{"name":"other"}'), /^PATH_CONFLICT book\.name/);
  });

  it("leaves no trace in the next request", () => {
    const transcoder = compile({ input: Request, variables: ["book.name"], body: "*" }, {}, registry);
    const send = (body: string): unknown => assemble(transcoder, { captures: ["n"], body });
    for (const body of ['{"book":{"name":"x"}}', '{"book":{"name":1}}', "[", '{"book":{"title":"t"']) {
      refusal(() => send(body));
      assert.doesNotThrow(() => send('{"book":{"name":"n"}}'));
      assert.doesNotThrow(() => send("{}"));
    }
  });
});

describe("hostile parameters", () => {
  it("in great number take linear time", () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `book${".next".repeat(i % 90)}.title=a`);
    assert.match(
      refusalText(() => wireOf({}, { query: names.join("&") })),
      /^PARAM_INVALID .* is given twice$/,
    );
    const fields = Object.fromEntries(
      Array.from({ length: 5000 }, (_, i) => [`f${i}`, `oneof o${i}: string`]),
    );
    const wide = registryOf({ "wide.Request": { fields } });
    const input = messageOf(wide, "wide.Request");
    const query = Array.from({ length: 5000 }, (_, i) => `f${i}=x`).join("&");
    const { message } = assemble(compile({ input }, {}, wide), { query });
    assert.ok(message.length > 5000 * 4);
  });
});

describe("a reply", () => {
  it("is the caller's to keep", () => {
    const transcoder = compile({ input: Request }, {}, registry);
    const render = (text: string): Rendered =>
      transcoder.render(Buffer.from(hex([0x12, text.length], text), "hex"), false);
    const first = render("first");
    render("second");
    assert.equal(textOf(first), '{"parent":"first"}');
  });

  it("of one field merges pieces, and takes the last member of a oneof", () => {
    const field = (responseBody: string, wire: string, emitDefaults = false): string =>
      textOf(
        compile({ input: Request, responseBody }, { emitDefaults }, registry).render(
          Buffer.from(wire, "hex"),
          false,
        ),
      );
    const pieces = hex([0x0a, 3, 0x0a, 1], "a", [0x12, 1], "p", [0x0a, 6, 0x12, 1], "t", [0x0a, 1], "b");
    assert.equal(field("book", pieces), '{"name":"b","title":"t"}');
    assert.equal(field("book.name", pieces), '"b"');
    assert.equal(field("book.author.born", pieces), "0");
    assert.equal(field("book.author", pieces), "{}");
    assert.equal(field("counts", hex([0x1a, 1, 1], [0x18, 2])), "[1,2]");
    const replaced = hex([0x2a, 1], "x", [0x30, 5]);
    assert.equal(field("text", replaced), '""');
    assert.equal(field("number", replaced), "5");
    assert.equal(field("part.name", hex([0x3a, 3, 0x0a, 1], "x", [0x30, 5])), '""');
    assert.equal(field("part.name", hex([0x30, 5], [0x3a, 3, 0x0a, 1], "x")), '"x"');
  });

  it("that is no message is refused, also where only a field of it is wanted", () => {
    for (const responseBody of ["book", "book.name", "text", "counts"]) {
      const transcoder = compile({ input: Request, responseBody }, {}, registry);
      for (const wire of ["0a", "0a05", "ff", "0b08"]) {
        assert.match(
          refusalText(() => transcoder.render(Buffer.from(wire, "hex"), false)),
          /^UPSTREAM_REPLY_INVALID/,
          `${responseBody} ${wire}`,
        );
      }
    }
  });
});
