import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { bookNameOf, ChangeLog } from "../../../src/demo/change-log.ts";
import { type BookEvent, BookSchema } from "../../../src/gen/library/v1/library_pb.ts";

const book = (name: string) => create(BookSchema, { name });
const told = (events: readonly BookEvent[] | undefined) =>
  events?.map((event) => `${event.revision} ${event.event.case} ${bookNameOf(event)}`);

describe("ChangeLog", () => {
  it("keeps the last change of each book, in order", () => {
    const log = new ChangeLog(() => 0);
    log.add({ case: "created", value: book("a") });
    log.add({ case: "created", value: book("b") });
    log.add({ case: "updated", value: book("a") });
    log.add({ case: "created", value: book("c") });
    log.add({ case: "deleted", value: "b" });
    assert.deepEqual(told(log.after(0n)), ["3 current a", "4 current c"]);
    assert.deepEqual(told(log.after(1n)), ["3 updated a", "4 created c", "5 deleted b"]);
    assert.deepEqual(told(log.after(4n)), ["5 deleted b"]);
    assert.deepEqual(told(log.after(5n)), []);
    assert.equal(log.after(6n), undefined);
  });

  it("forgets the oldest of many removals, and then knows nobody from before", () => {
    const log = new ChangeLog(() => 0);
    for (let i = 1; i <= 1002; i++) log.add({ case: "deleted", value: `book-${i}` });
    assert.equal(log.after(1n), undefined);
    assert.equal(log.after(2n)?.length, 1000);
    assert.deepEqual(told(log.after(0n)), []);
  });

  it("counts a book that came back as no removal", () => {
    const log = new ChangeLog(() => 0);
    for (let i = 1; i <= 1500; i++) {
      log.add({ case: "deleted", value: "a" });
      log.add({ case: "created", value: book("a") });
    }
    assert.deepEqual(told(log.after(1n)), ["3000 created a"]);
  });

  it("tells listeners until they leave", () => {
    const log = new ChangeLog(() => 1000);
    const heard: BookEvent[] = [];
    const leave = log.subscribe((event) => heard.push(event));
    log.add({ case: "deleted", value: "a" });
    leave();
    log.add({ case: "deleted", value: "b" });
    assert.deepEqual(told(heard), ["1 deleted a"]);
    assert.equal(heard[0]?.time?.seconds, 1n);
  });
});
