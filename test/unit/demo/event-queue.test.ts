import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventQueue } from "../../../src/demo/event-queue.ts";

describe("EventQueue", () => {
  it("hands events out in order, whether they wait or are waited for", async () => {
    const queue = new EventQueue<number>(2);
    const { signal } = new AbortController();
    const waiting = queue.next(signal);
    queue.push(1);
    queue.push(2);
    assert.deepEqual(await waiting, { event: 1 });
    assert.deepEqual(await queue.next(signal), { event: 2 });
  });

  it("says so for good once the reader was too slow", async () => {
    const queue = new EventQueue<number>(1);
    const { signal } = new AbortController();
    queue.push(1);
    queue.push(2);
    queue.push(3);
    assert.equal(await queue.next(signal), "overflow");
    assert.equal(await queue.next(signal), "overflow");
  });

  it("stops waiting when it is aborted", async () => {
    const queue = new EventQueue<number>(1);
    const controller = new AbortController();
    const waiting = queue.next(controller.signal);
    controller.abort();
    assert.equal(await waiting, "aborted");
  });
});
