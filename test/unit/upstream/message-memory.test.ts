import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { LONG_MESSAGE_BYTES, MessageMemory } from "../../../src/upstream/message-memory.ts";

const MEBIBYTE = 1024 * 1024;

describe("the memory of long messages", () => {
  test("is of the length that is asked for", () => {
    const memory = new MessageMemory();
    for (const length of [LONG_MESSAGE_BYTES, 65_537, 100_000, MEBIBYTE, 1_000_003]) {
      const bytes = memory.take(length);
      assert.equal(bytes.length, length);
      assert.ok(bytes.buffer.byteLength <= length * 1.125, `${bytes.buffer.byteLength} for ${length}`);
    }
  });

  test("goes to the next message of about that length", () => {
    const memory = new MessageMemory();
    const first = memory.take(MEBIBYTE);
    memory.giveBack(first);
    assert.equal(memory.freeBytes, MEBIBYTE);
    const second = memory.take(MEBIBYTE - 50_000);
    assert.equal(second.buffer, first.buffer);
    assert.equal(second.length, MEBIBYTE - 50_000);
    assert.equal(memory.freeBytes, 0);
  });

  test("does not go to a much shorter message, nor to a longer one", () => {
    const memory = new MessageMemory();
    const first = memory.take(MEBIBYTE);
    memory.giveBack(first);
    assert.notEqual(memory.take(MEBIBYTE + 1).buffer, first.buffer);
    assert.notEqual(memory.take(MEBIBYTE / 2).buffer, first.buffer);
  });

  test("is taken back once, though it may have been lent again since", () => {
    const memory = new MessageMemory();
    const bytes = memory.take(MEBIBYTE);
    memory.giveBack(bytes);
    memory.giveBack(bytes);
    assert.equal(memory.freeBytes, MEBIBYTE);
    const next = memory.take(MEBIBYTE);
    assert.equal(next.buffer, bytes.buffer);
    memory.giveBack(bytes);
    assert.equal(memory.freeBytes, 0, "the next one has it");
    assert.notEqual(memory.take(MEBIBYTE).buffer, next.buffer);
  });

  test("is not taken from strangers", () => {
    const memory = new MessageMemory();
    memory.giveBack(Buffer.alloc(10));
    memory.giveBack(Buffer.alloc(MEBIBYTE));
    memory.giveBack(new MessageMemory().take(MEBIBYTE));
    memory.giveBack(memory.take(MEBIBYTE).subarray(10));
    assert.equal(memory.freeBytes, 0);
  });

  test("is kept up to 64 MiB", () => {
    const memory = new MessageMemory();
    const all = Array.from({ length: 80 }, () => memory.take(MEBIBYTE));
    for (const bytes of all) memory.giveBack(bytes);
    assert.equal(memory.freeBytes, 64 * MEBIBYTE);
  });

  test("is let go when it has not been needed for a second", (t) => {
    t.mock.timers.enable({ apis: ["setInterval"] });
    const memory = new MessageMemory();
    const all = Array.from({ length: 10 }, () => memory.take(MEBIBYTE));
    for (const bytes of all) memory.giveBack(bytes);
    t.mock.timers.tick(1000);
    assert.equal(memory.freeBytes, 10 * MEBIBYTE, "it has been free for less than that");
    for (let second = 0; second < 3; second++) {
      const needed = [memory.take(MEBIBYTE), memory.take(MEBIBYTE)];
      for (const bytes of needed) memory.giveBack(bytes);
      t.mock.timers.tick(1000);
      assert.equal(memory.freeBytes, 2 * MEBIBYTE, "two are in use, now and then");
    }
    t.mock.timers.tick(2000);
    assert.equal(memory.freeBytes, 0);
  });

  test("is never two messages', in whatever order it is taken and given back", () => {
    const length = fc.constantFrom(LONG_MESSAGE_BYTES, 70_000, 75_000, 2 * LONG_MESSAGE_BYTES);
    const giveBack = fc.record({ index: fc.nat(20), isAgain: fc.boolean() });
    const step = fc.oneof(length, giveBack);
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: "max" }), (steps) => {
        const memory = new MessageMemory();
        const held: { bytes: Buffer; mark: number }[] = [];
        const given: Buffer[] = [];
        for (const [mark, what] of steps.entries()) {
          if (typeof what === "number") held.push({ bytes: memory.take(what).fill(mark), mark });
          else if (what.isAgain) memory.giveBack(given[what.index % given.length] ?? Buffer.alloc(0));
          else {
            for (const { bytes } of held.splice(what.index % (held.length + 1), 1)) {
              memory.giveBack(bytes);
              given.push(bytes);
            }
          }
        }
        for (const { bytes, mark } of held) assert.ok(bytes.every((byte) => byte === mark));
      }),
      { numRuns: 200 },
    );
  });
});
