import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
} from "../../../src/gen/google/rpc/error_details_pb.ts";
import {
  type CreateBookRequestSchema,
  Genre,
  type ListBooksRequestSchema,
  type UpdateBookRequestSchema,
} from "../../../src/gen/library/v1/library_pb.ts";
import { Code } from "../../../src/status/index.ts";
import type { Outcome } from "../../support/grpc-client.ts";
import { START_MS, startDemo } from "./demo-harness.ts";

const FRANKENSTEIN = "shelves/1/books/frankenstein";
// Enums of proto3 are open: the wire may carry any number, though the type has only the known ones.
const UNKNOWN_GENRE = 99 as Genre;

describe("shelves", () => {
  it("are listed in order, with the number of their books and of each genre", async (context) => {
    const { client } = await startDemo(context);
    const { shelves } = await client.unary("listShelves", {});
    assert.deepEqual(
      shelves.map(({ name, displayName, bookCount, genreCounts }) => [
        name,
        displayName,
        bookCount,
        genreCounts,
      ]),
      [
        ["shelves/1", "Novels", 4, { NOVEL: 4 }],
        ["shelves/2", "Poems and plays", 3, { DRAMA: 1, POETRY: 2 }],
        ["shelves/3", "Science and essays", 3, { SCIENCE: 2, ESSAY: 1 }],
      ],
    );
  });

  it("can be had one by one, and what is missing is named in ResourceInfo", async (context) => {
    const { client } = await startDemo(context);
    assert.equal((await client.unary("getShelf", { name: "shelves/2" })).bookCount, 3);
    const missing = await client.call("getShelf", [{ name: "shelves/9" }]);
    assert.equal(missing.code, Code.NOT_FOUND);
    const [info] = missing.details;
    assert.ok(info && isMessage(info, ResourceInfoSchema));
    assert.deepEqual([info.resourceType, info.resourceName], ["library.v1.Shelf", "shelves/9"]);
  });
});

describe("a book", () => {
  it("comes with every kind of field, a 64-bit number beyond 2^53 among them", async (context) => {
    const { client } = await startDemo(context);
    const book = await client.unary("getBook", { name: FRANKENSTEIN });
    assert.equal(book.accessionNumber, 9007199254740993n);
    assert.equal(book.subtitle, "The Modern Prometheus");
    assert.deepEqual(book.labels, { century: "19", language: "en" });
    assert.deepEqual(book.attributes, { publisher: "Lackington", volumes: 3, illustrated: false });
    assert.equal(book.holding.case, "print");
    assert.equal(book.coverDigest.length, 32);
    assert.equal(book.createTime && timestampDate(book.createTime).getTime(), START_MS);
    assert.match(book.etag, /^[0-9a-f]{16}$/);
  });

  const names: [name: string, code: number][] = [
    ["shelves/1/books/nothing", Code.NOT_FOUND],
    ["shelves/9/books/frankenstein", Code.NOT_FOUND],
    ["", Code.INVALID_ARGUMENT],
    ["shelves/1", Code.INVALID_ARGUMENT],
    ["shelves/1/books/", Code.INVALID_ARGUMENT],
    ["shelves/1/books/a/b", Code.INVALID_ARGUMENT],
    ["shelves/1/books/../hamlet", Code.INVALID_ARGUMENT],
    ["shelves/-/books/frankenstein", Code.INVALID_ARGUMENT],
    ["x".repeat(100_000), Code.INVALID_ARGUMENT],
  ];
  for (const [name, code] of names) {
    it(`named ${JSON.stringify(name.slice(0, 40))} is refused with code ${code}`, async (context) => {
      const { client } = await startDemo(context);
      const outcome = await client.call("getBook", [{ name }]);
      assert.equal(outcome.code, code);
      assert.ok(outcome.message.length < 200, "a long name does not grow the headers");
    });
  }
});

describe("a list of books", () => {
  it("comes in pages that together hold every book once", async (context) => {
    const { client } = await startDemo(context);
    const names: string[] = [];
    let pageToken = "";
    do {
      const page = await client.unary("listBooks", { parent: "shelves/-", pageSize: 3, pageToken });
      assert.equal(page.totalSize, 10);
      assert.ok(page.books.length <= 3);
      names.push(...page.books.map((book) => book.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.equal(names.length, 10);
    assert.deepEqual(names, [...new Set(names)].sort());
  });

  it("goes on after a book that was removed between two pages", async (context) => {
    const { client } = await startDemo(context);
    const first = await client.unary("listBooks", { parent: "shelves/1", pageSize: 2 });
    await client.unary("deleteBook", { name: first.books[1]?.name ?? "" });
    const second = await client.unary("listBooks", {
      parent: "shelves/1",
      pageSize: 2,
      pageToken: first.nextPageToken,
    });
    assert.deepEqual(
      second.books.map((book) => book.title),
      ["Moby-Dick", "Pride and Prejudice"],
    );
    assert.equal(second.nextPageToken, "");
  });

  it("can be filtered", async (context) => {
    const { client } = await startDemo(context);
    const filter = 'page_count>=400 AND author:"a" AND labels.century=19';
    const { books, totalSize } = await client.unary("listBooks", { parent: "shelves/-", filter });
    assert.equal(totalSize, books.length);
    assert.deepEqual(
      books.map((book) => book.title),
      ["Moby-Dick", "Pride and Prejudice", "On the Origin of Species"],
    );
  });

  const faults: [title: string, request: MessageInitShape<typeof ListBooksRequestSchema>, field: string][] = [
    ["a negative page size", { parent: "shelves/1", pageSize: -1 }, "page_size"],
    ["a token that was made up", { parent: "shelves/1", pageToken: "c2hlbHZlcw" }, "page_token"],
    ["a token that is no base64", { parent: "shelves/1", pageToken: "\u{1F4DA} %%" }, "page_token"],
    ["an endless token", { parent: "shelves/1", pageToken: "A".repeat(100_000) }, "page_token"],
    ["a filter that does not parse", { parent: "shelves/1", filter: "genre=" }, "filter"],
    ["a book for a parent", { parent: FRANKENSTEIN }, "parent"],
  ];
  for (const [title, request, field] of faults) {
    it(`refuses ${title}, naming ${field}`, async (context) => {
      const { client } = await startDemo(context);
      assertViolations(await client.call("listBooks", [request]), [field]);
    });
  }

  it("refuses a token of another list", async (context) => {
    const { client } = await startDemo(context);
    const { nextPageToken: pageToken } = await client.unary("listBooks", {
      parent: "shelves/1",
      pageSize: 1,
    });
    assertViolations(await client.call("listBooks", [{ parent: "shelves/2", pageToken }]), ["page_token"]);
    const filtered = { parent: "shelves/1", filter: "page_count>1", pageToken };
    assertViolations(await client.call("listBooks", [filtered]), ["page_token"]);
  });
});

describe("a new book", () => {
  const emma: MessageInitShape<typeof CreateBookRequestSchema> = {
    parent: "shelves/1",
    bookId: "emma",
    book: { title: "Emma", genre: Genre.NOVEL, isbn: "978-0-14-143958-7" },
  };

  it("gets its name from parent and id, whatever name the body has", async (context) => {
    const { client } = await startDemo(context);
    const book = { ...emma.book, name: "shelves/3/books/else", etag: "x" };
    const created = await client.unary("createBook", { ...emma, book });
    assert.equal(created.name, "shelves/1/books/emma");
    assert.deepEqual(await client.unary("getBook", { name: created.name }), created);
  });

  it("gets an id of the server's if none is given", async (context) => {
    const { client } = await startDemo(context);
    const created = await client.unary("createBook", { ...emma, bookId: "" });
    assert.match(created.name, /^shelves\/1\/books\/id-\d+$/);
  });

  it("is not kept if it was to be validated only", async (context) => {
    const { client } = await startDemo(context);
    const preview = await client.unary("createBook", { ...emma, validateOnly: true });
    assert.equal(preview.name, "shelves/1/books/emma");
    assert.equal((await client.call("getBook", [{ name: preview.name }])).code, Code.NOT_FOUND);
  });

  it("does not replace another one", async (context) => {
    const { client } = await startDemo(context);
    const outcome = await client.call("createBook", [{ ...emma, bookId: "frankenstein" }]);
    assert.equal(outcome.code, Code.ALREADY_EXISTS);
    assert.ok(outcome.details[0] && isMessage(outcome.details[0], ResourceInfoSchema));
  });

  it("with a wrong ISBN is refused with BadRequest and ErrorInfo", async (context) => {
    const { client } = await startDemo(context);
    const outcome = await client.call("createBook", [
      { ...emma, book: { ...emma.book, isbn: "9780141439519" } },
    ]);
    assertViolations(outcome, ["book.isbn"]);
    const info = outcome.details[1];
    assert.ok(info && isMessage(info, ErrorInfoSchema));
    assert.deepEqual([info.reason, info.domain], ["ISBN_INVALID", "library.example.com"]);
    assert.match(outcome.message, /"9780141439519"/);
  });

  it("is told all of its faults at once", async (context) => {
    const { client } = await startDemo(context);
    const book = {
      isbn: "1",
      genre: UNKNOWN_GENRE,
      pageCount: -1,
      rating: Number.NaN,
      authors: [{}],
      readingTime: { nanos: -1 },
    };
    assertViolations(await client.call("createBook", [{ ...emma, book }]), [
      "book.title",
      "book.isbn",
      "book.genre",
      "book.page_count",
      "book.rating",
      "book.reading_time",
      "book.authors[0].display_name",
    ]);
  });

  const faults: [title: string, request: MessageInitShape<typeof CreateBookRequestSchema>, field: string][] =
    [
      ["no book", { parent: "shelves/1" }, "book"],
      ["an id with a slash", { ...emma, bookId: "a/b" }, "book_id"],
      ["an id that is too long", { ...emma, bookId: "a".repeat(64) }, "book_id"],
      ["a parent that stands for all", { ...emma, parent: "shelves/-" }, "parent"],
      ["a book without end", { ...emma, book: { title: "A", labels: { a: "x".repeat(70_000) } } }, "book"],
    ];
  for (const [title, request, field] of faults) {
    it(`is refused for ${title}, naming ${field}`, async (context) => {
      const { client } = await startDemo(context);
      assertViolations(await client.call("createBook", [request]), [field]);
    });
  }

  it("needs a shelf", async (context) => {
    const { client } = await startDemo(context);
    assert.equal((await client.call("createBook", [{ ...emma, parent: "shelves/9" }])).code, Code.NOT_FOUND);
  });
});

describe("an update", () => {
  it("changes the fields of the mask and no others", async (context) => {
    const { client, clock } = await startDemo(context);
    const before = await client.unary("getBook", { name: FRANKENSTEIN });
    clock.nowMs += 1000;
    const after = await client.unary("updateBook", {
      book: { name: FRANKENSTEIN, title: "ignored", rating: 3, labels: { new: "yes" } },
      updateMask: {
        paths: ["rating", "labels", "subtitle", "holding", "print.shelfmark"].filter((p) => p !== "holding"),
      },
    });
    assert.equal(after.title, "Frankenstein");
    assert.equal(after.rating, 3);
    assert.deepEqual(after.labels, { new: "yes" });
    assert.equal(after.subtitle, undefined, "named in the mask, absent in the book: cleared");
    assert.deepEqual(
      after.holding.case === "print" && [after.holding.value.shelfmark, after.holding.value.weightGrams],
      ["", 310],
    );
    assert.deepEqual(after.createTime, before.createTime);
    assert.equal(after.updateTime && timestampDate(after.updateTime).getTime(), START_MS + 1000);
    assert.notEqual(after.etag, before.etag);
    assert.deepEqual(await client.unary("getBook", { name: FRANKENSTEIN }), after);
  });

  it("with * takes a book that was read, changed and sent back, output fields and all", async (context) => {
    const { client } = await startDemo(context);
    const book = await client.unary("getBook", { name: FRANKENSTEIN });
    book.title = "Frankenstein (1818)";
    book.coverDigest = new Uint8Array(3);
    const updated = await client.unary("updateBook", { book, updateMask: { paths: ["*"] } });
    assert.equal(updated.title, "Frankenstein (1818)");
    assert.equal(updated.coverDigest.length, 32);
  });

  it("against an old etag is ABORTED", async (context) => {
    const { client } = await startDemo(context);
    const { etag } = await client.unary("getBook", { name: FRANKENSTEIN });
    const change = { book: { name: FRANKENSTEIN, title: "A", etag }, updateMask: { paths: ["title"] } };
    await client.unary("updateBook", change);
    const second = await client.call("updateBook", [change]);
    assert.equal(second.code, Code.ABORTED);
    assert.ok(second.details[0] && isMessage(second.details[0], ErrorInfoSchema));
    assert.equal(second.details[0].reason, "ETAG_MISMATCH");
  });

  const book = { name: FRANKENSTEIN, title: "A" };
  const faults: [title: string, request: MessageInitShape<typeof UpdateBookRequestSchema>, field: string][] =
    [
      ["no mask", { book }, "update_mask"],
      ["an empty mask", { book, updateMask: { paths: [] } }, "update_mask"],
      ["an unknown field", { book, updateMask: { paths: ["pages"] } }, "update_mask"],
      ["a field by its JSON name", { book, updateMask: { paths: ["pageCount"] } }, "update_mask"],
      ["a path into a map", { book, updateMask: { paths: ["labels.century"] } }, "update_mask"],
      ["a path into a list", { book, updateMask: { paths: ["authors.display_name"] } }, "update_mask"],
      ["* beside another path", { book, updateMask: { paths: ["*", "title"] } }, "update_mask"],
      ["a path without end", { book, updateMask: { paths: ["print.".repeat(10_000)] } }, "update_mask"],
      ["no book", { updateMask: { paths: ["title"] } }, "book"],
      ["a book without name", { book: { title: "A" }, updateMask: { paths: ["title"] } }, "book.name"],
      [
        "a title taken away",
        { book: { name: FRANKENSTEIN }, updateMask: { paths: ["title"] } },
        "book.title",
      ],
      [
        "an etag that is none",
        { book: { ...book, etag: "x".repeat(9999) }, updateMask: { paths: ["title"] } },
        "book.etag",
      ],
    ];
  for (const [title, request, field] of faults) {
    it(`is refused for ${title}, naming ${field}`, async (context) => {
      const { client } = await startDemo(context);
      assertViolations(await client.call("updateBook", [request]), [field]);
      assert.equal((await client.unary("getBook", { name: FRANKENSTEIN })).title, "Frankenstein");
    });
  }
});

describe("removing and moving", () => {
  it("removes a book once", async (context) => {
    const { client } = await startDemo(context);
    assert.equal((await client.call("deleteBook", [{ name: FRANKENSTEIN, etag: "old" }])).code, Code.ABORTED);
    await client.unary("deleteBook", { name: FRANKENSTEIN });
    assert.equal((await client.call("deleteBook", [{ name: FRANKENSTEIN }])).code, Code.NOT_FOUND);
  });

  it("moves a book to the shelf that is named, with its cover", async (context) => {
    const { client } = await startDemo(context);
    const image = { contentType: "image/gif", data: Buffer.from("GIF89a") };
    await client.unary("uploadCover", { name: FRANKENSTEIN, image });
    const moved = await client.unary("moveBook", { name: FRANKENSTEIN, destination: "shelves/3" });
    assert.equal(moved.name, "shelves/3/books/frankenstein");
    assert.equal((await client.unary("getCover", { name: moved.name })).contentType, "image/gif");
    assert.equal((await client.call("getBook", [{ name: FRANKENSTEIN }])).code, Code.NOT_FOUND);
  });

  it("moves to no shelf that does not exist, and over no other book", async (context) => {
    const { client } = await startDemo(context);
    const lost = await client.call("moveBook", [{ name: FRANKENSTEIN, destination: "shelves/9" }]);
    assert.equal(lost.code, Code.NOT_FOUND);
    const same = await client.call("moveBook", [{ name: FRANKENSTEIN, destination: "shelves/1" }]);
    assert.equal(same.code, Code.ALREADY_EXISTS);
    assertViolations(await client.call("moveBook", [{ name: FRANKENSTEIN }]), ["destination"]);
  });
});

function assertViolations(outcome: Outcome<unknown>, fields: readonly string[]): void {
  assert.equal(outcome.code, Code.INVALID_ARGUMENT, outcome.message);
  const [badRequest] = outcome.details;
  assert.ok(badRequest && isMessage(badRequest, BadRequestSchema));
  assert.deepEqual(
    badRequest.fieldViolations.map((violation) => violation.field),
    fields,
  );
  assert.ok(badRequest.fieldViolations.every((violation) => violation.description !== ""));
}
