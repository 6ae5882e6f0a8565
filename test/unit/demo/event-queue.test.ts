import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventQueue } from "../../../src/demo/event-queue.ts";
import { Code } from "../../../src/status/index.ts";

describe("EventQueue", () => {
  it("hands events out in order, whether they wait or are waited for, until it ends", async () => {
    const queue = new EventQueue<number>(2);
    const got = collect(queue);
    queue.push(1);
    queue.push(2);
    await Promise.resolve();
    queue.end();
    queue.push(3);
    assert.deepEqual(await got, [1, 2]);
    const later = new EventQueue<number>(1);
    later.push(1);
    later.end();
    assert.deepEqual(await collect(later), [1]);
  });

  it("fails for good once the reader was too slow", async () => {
    const queue = new EventQueue<number>(1);
    queue.push(1);
    queue.push(2);
    queue.push(3);
    queue.end();
    await assert.rejects(collect(queue), { code: Code.RESOURCE_EXHAUSTED });
    await assert.rejects(collect(queue), { code: Code.RESOURCE_EXHAUSTED });
  });

  it("stops when it is aborted, whether it waits or not", async () => {
    const controller = new AbortController();
    const waiting = collect(new EventQueue<number>(1), controller.signal);
    controller.abort();
    assert.deepEqual(await waiting, []);
    const full = new EventQueue<number>(1);
    full.push(1);
    assert.deepEqual(await collect(full, controller.signal), []);
  });
});

async function collect<T>(queue: EventQueue<T>, signal = new AbortController().signal): Promise<T[]> {
  const events: T[] = [];
  for await (const event of queue.events(signal)) events.push(event);
  return events;
}
