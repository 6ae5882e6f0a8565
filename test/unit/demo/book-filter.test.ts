import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { parseBookFilter } from "../../../src/demo/book-filter.ts";
import { isIsbn13 } from "../../../src/demo/book-rules.ts";
import { DEFAULT_SEED } from "../../../src/demo/index.ts";
import { pageTokenAfter, readPageToken } from "../../../src/demo/page-token.ts";
import { StatusFault } from "../../../src/demo/status-fault.ts";
import { BookSchema, Genre } from "../../../src/gen/library/v1/library_pb.ts";

const BOOK = create(BookSchema, {
  title: 'The "Whale"',
  authors: [{ displayName: "Herman Melville" }, { displayName: "N. N." }],
  genre: Genre.NOVEL,
  isbn: "9780199535590",
  pageCount: 635,
  labels: { language: "en" },
});

describe("parseBookFilter", () => {
  const cases: [filter: string, passes: boolean][] = [
    ["", true],
    ["   ", true],
    ["genre=NOVEL", true],
    ["genre != NOVEL", false],
    ["genre=POETRY", false],
    ["page_count=635", true],
    ["page_count!=635", false],
    ["page_count>634 AND page_count<636", true],
    ["page_count>=636", false],
    ["page_count<=-1", false],
    ['title="The \\"Whale\\""', true],
    ["title:whale", true],
    ["title=whale", false],
    ['author:"n. n."', true],
    ['author="Herman Melville"', true],
    ["author!=Somebody", true],
    ["isbn:97801", true],
    ["labels.language=en", true],
    ["labels.language!=en", false],
    ["labels.century=19", false],
    ["labels.constructor:a", false],
    ["genre=NOVEL AND title:whale AND author:nobody", false],
  ];
  for (const [filter, passes] of cases) {
    it(`${JSON.stringify(filter)} ${passes ? "passes" : "holds back"} the book`, () => {
      assert.equal(parseBookFilter(filter)(BOOK), passes);
    });
  }

  const faults: [filter: string, message: RegExp][] = [
    ["genre", /expected an operator/],
    ["genre=", /expected a value at position 6/],
    ["=NOVEL", /expected a field at position 0/],
    ["genre=NOVEL title:a", /expected AND at position 12/],
    ["genre=NOVEL AND", /expected AND|expected a field/],
    ["genre=novel", /"novel" is not a genre/],
    ["genre>NOVEL", /genre takes = and !=/],
    ["page_count=many", /"many" is not a number/],
    ["page_count:6", /page_count takes/],
    ["title<a", /takes =, != and :/],
    ['title="open', /never closed/],
    ["etag=a", /"etag" cannot be filtered/],
    ["a".repeat(1001), /longer than 1000/],
  ];
  for (const [filter, message] of faults) {
    it(`${JSON.stringify(filter.slice(0, 30))} is refused`, () => {
      assert.throws(() => parseBookFilter(filter), { name: "StatusFault", message });
    });
  }

  it("throws nothing but a StatusFault, whatever it reads", () => {
    const piece = fc.constantFrom(
      "title",
      "genre",
      "page_count",
      "=",
      ":",
      ">=",
      " AND ",
      '"',
      "\\",
      "NOVEL",
      "1",
      " ",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(piece).map((parts) => parts.join("")),
        ),
        (text) => {
          try {
            assert.equal(typeof parseBookFilter(text)(BOOK), "boolean");
          } catch (error) {
            assert.ok(error instanceof StatusFault);
          }
        },
      ),
    );
  });
});

describe("page tokens", () => {
  it("give the name back under the same parameters alone", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), fc.string(), (name, parameters, other) => {
        const token = pageTokenAfter(name, parameters);
        assert.equal(readPageToken(token, parameters), Buffer.from(name).toString());
        assert.throws(() => readPageToken(token, [...parameters, other]), StatusFault);
      }),
    );
  });

  it("are no token with anything around them", () => {
    const token = pageTokenAfter("shelves/1/books/a", ["x"]);
    for (const broken of [`${token}=`, ` ${token}`, `${token}\n`, token.slice(1), token.slice(0, -2)]) {
      if (broken === token.slice(0, -2)) assert.notEqual(readOr(broken), "shelves/1/books/a");
      else assert.throws(() => readPageToken(broken, ["x"]), StatusFault);
    }
    function readOr(text: string): string {
      try {
        return readPageToken(text, ["x"]);
      } catch {
        return "refused";
      }
    }
  });
});

describe("isIsbn13", () => {
  it("accepts every ISBN of the seed", () => {
    const isbns = DEFAULT_SEED.books.map((book) => book.isbn ?? "").filter((isbn) => isbn !== "");
    assert.ok(isbns.length > 3);
    assert.deepEqual(isbns.filter(isIsbn13), isbns);
  });

  for (const isbn of [
    "",
    "9780141439519",
    "0141439513",
    "978014143951x",
    "9770141439518",
    "9".repeat(100_000),
  ]) {
    it(`refuses ${JSON.stringify(isbn.slice(0, 20))}`, () => assert.equal(isIsbn13(isbn), false));
  }
});
