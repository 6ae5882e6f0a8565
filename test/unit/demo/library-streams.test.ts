import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "../../../src/status/index.ts";
import { startDemo } from "./demo-harness.ts";

describe("a watch", () => {
  it("sends the books of the shelf, then changes on it, and ends at its limit", async (context) => {
    const { client } = await startDemo(context);
    const hamlet = "shelves/2/books/hamlet";
    const changes = async () => {
      await client.unary("deleteBook", { name: "shelves/1/books/moby-dick" });
      await client.unary("createBook", { parent: "shelves/2", bookId: "faust", book: { title: "Faust" } });
      await client.unary("updateBook", {
        book: { name: hamlet, rating: 1 },
        updateMask: { paths: ["rating"] },
      });
      await client.unary("moveBook", { name: hamlet, destination: "shelves/3" });
    };
    let changed: Promise<void> | undefined;
    const { code, replies } = await client.call("watchBooks", [{ parent: "shelves/2", limit: 6 }], {
      onReply: (position) => {
        if (position === 2) changed = changes();
      },
    });
    await changed;
    assert.equal(code, Code.OK);
    assert.deepEqual(
      replies.map(({ event, revision }) => [
        event.case,
        typeof event.value === "string" ? event.value : event.value?.name,
        revision,
      ]),
      [
        ["current", "shelves/2/books/hamlet", 5n],
        ["current", "shelves/2/books/iliad", 6n],
        ["current", "shelves/2/books/sonnets", 7n],
        ["created", "shelves/2/books/faust", 12n],
        ["updated", hamlet, 13n],
        ["deleted", hamlet, 14n],
      ],
    );
  });

  it("is resumed behind a revision, in the middle of the books or later", async (context) => {
    const { client } = await startDemo(context);
    const watch = async (afterRevision: bigint, limit: number) => {
      const { replies } = await client.call("watchBooks", [{ parent: "shelves/2", afterRevision, limit }]);
      return replies.map(({ event, revision }) => [
        event.case,
        typeof event.value === "string" ? event.value : event.value?.title,
        revision,
      ]);
    };
    assert.deepEqual(await watch(5n, 2), [
      ["created", "The Iliad", 6n],
      ["created", "Sonnets", 7n],
    ]);
    await client.unary("deleteBook", { name: "shelves/2/books/hamlet" });
    await client.unary("createBook", { parent: "shelves/2", bookId: "faust", book: { title: "Faust" } });
    assert.deepEqual(await watch(10n, 2), [
      ["deleted", "shelves/2/books/hamlet", 11n],
      ["created", "Faust", 12n],
    ]);
  });

  it("cannot be resumed where the library has not been", async (context) => {
    const { client } = await startDemo(context);
    const { code, message, replies } = await client.call("watchBooks", [
      { parent: "shelves/2", afterRevision: 11n },
    ]);
    assert.deepEqual([code, replies.length], [Code.OUT_OF_RANGE, 0]);
    assert.equal(message, "after_revision: 11 is not reached; watch from the start");
  });

  it("over all shelves sends all books", async (context) => {
    const { client } = await startDemo(context);
    const { replies } = await client.call("watchBooks", [{ parent: "shelves/-", limit: 10 }]);
    assert.equal(new Set(replies.map(({ event }) => event.value)).size, 10);
  });

  it("without a limit goes on until it is cancelled", async (context) => {
    const { client } = await startDemo(context);
    const { code, replies } = await client.call("watchBooks", [{ parent: "shelves/1" }], { cancelAfter: 4 });
    assert.deepEqual([code, replies.length], [Code.CANCELLED, 4]);
  });

  it("ends when the upstream closes", async (context) => {
    const { client, upstream } = await startDemo(context);
    let closed: Promise<void> | undefined;
    const { code } = await client.call("watchBooks", [{ parent: "shelves/1" }], {
      onReply: (position) => {
        if (position === 3) closed = upstream.close();
      },
    });
    await closed;
    assert.notEqual(code, Code.OK);
  });

  it("fails before it starts where the request is faulty", async (context) => {
    const { client } = await startDemo(context);
    assert.equal((await client.call("watchBooks", [{ parent: "shelves/9" }])).code, Code.NOT_FOUND);
    assert.equal((await client.call("watchBooks", [{ parent: "x" }])).code, Code.INVALID_ARGUMENT);
    const negative = await client.call("watchBooks", [{ parent: "shelves/1", limit: -1 }]);
    assert.deepEqual([negative.code, negative.replies.length], [Code.INVALID_ARGUMENT, 0]);
    const before = await client.call("watchBooks", [{ parent: "shelves/1", afterRevision: -1n }]);
    assert.deepEqual(
      [before.code, before.message],
      [Code.INVALID_ARGUMENT, "after_revision: -1 is negative"],
    );
  });
});

describe("an import", () => {
  it("takes the good books and tells of the others by position", async (context) => {
    const { client } = await startDemo(context);
    const [reply] = (
      await client.call("importBooks", [
        { parent: "shelves/3", book: { title: "First" } },
        { book: { title: "Second", isbn: "123" } },
        { book: { title: "Third" } },
        {},
      ])
    ).replies;
    assert.equal(reply?.names.length, 2);
    assert.deepEqual(Object.keys(reply?.faults ?? {}), ["1", "3"]);
    assert.match(reply?.faults[1] ?? "", /^book\.isbn: "123"/);
    assert.equal((await client.unary("getBook", { name: reply?.names[1] ?? "" })).title, "Third");
  });

  it("needs a message, and a shelf in the first one", async (context) => {
    const { client } = await startDemo(context);
    assert.equal((await client.call("importBooks", [])).code, Code.INVALID_ARGUMENT);
    assert.equal((await client.call("importBooks", [{ book: { title: "A" } }])).code, Code.INVALID_ARGUMENT);
    assert.equal((await client.call("importBooks", [{ parent: "shelves/9" }])).code, Code.NOT_FOUND);
  });

  it("has an end", async (context) => {
    const { client } = await startDemo(context);
    const requests = Array.from({ length: 1001 }, () => ({ parent: "shelves/3" }));
    assert.equal((await client.call("importBooks", requests)).code, Code.RESOURCE_EXHAUSTED);
  });
});

it("the librarian answers every message in its turn", async (context) => {
  const { client } = await startDemo(context);
  const { code, replies } = await client.call("chat", [{ text: "whale" }, { text: "" }, { text: "newton" }]);
  assert.equal(code, Code.OK);
  assert.deepEqual(
    replies.map(({ turn, text, books }) => [turn, text, books]),
    [
      [1, "You may like Moby-Dick.", ["shelves/1/books/moby-dick"]],
      [2, "I know of nothing like that.", []],
      [3, "You may like Philosophiæ Naturalis Principia Mathematica.", ["shelves/3/books/principia"]],
    ],
  );
});
