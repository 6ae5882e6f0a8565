import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Pieces } from "../../../src/http/pieces.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";

/** Sizes around those at which pieces are joined, and blocks are full. */
const SIZE = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(2047, 2048, 2049, 16_384, 20_000));
const WAY = fc.constantFrom("push", "pushLent", "push", "pushLent", "next", "take", "takeInto", "takeAll");

describe("pieces", () => {
  test("leave as the bytes that came, whatever was joined", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ way: WAY, size: SIZE }), { maxLength: 60 }), (steps) => {
        const pieces = new Pieces();
        const taken: { readonly bytes: Uint8Array; readonly expected: Buffer }[] = [];
        let pushed = 0;
        let left = 0;
        for (const { way, size } of steps) {
          if (way === "push") {
            pieces.push(counted(pushed, size));
            pushed += size;
          } else if (way === "pushLent") {
            const lent = counted(pushed, size);
            pieces.pushLent(lent, (bytes) => Buffer.from(bytes));
            lent.fill("#");
            pushed += size;
          } else if (way === "next") {
            const bytes = pieces.next() ?? Buffer.alloc(0);
            taken.push({ bytes, expected: counted(left, bytes.length) });
            left += bytes.length;
          } else {
            const count = way === "takeAll" ? pushed - left : Math.min(size, pushed - left);
            const into = Buffer.alloc(way === "takeInto" ? count : 0);
            if (way === "takeInto") pieces.takeInto(into);
            const bytes = way === "takeInto" ? into : way === "take" ? pieces.take(count) : pieces.takeAll();
            taken.push({ bytes, expected: counted(left, count) });
            left += count;
          }
          assert.equal(pieces.byteLength, pushed - left);
        }
        // Only now: what came later must not have changed what had left.
        for (const { bytes, expected } of taken) assert.ok(expected.equals(bytes));
      }),
    );
  });

  test("of one byte each cost little more than their bytes", async () => {
    const pieces = new Pieces();
    const before = await keptBytes();
    for (let count = 0; count < 2 ** 20; count++) pieces.push(Buffer.alloc(1, count));
    const keptMb = ((await keptBytes()) - before) / 2 ** 20;
    assert.equal(pieces.byteLength, 2 ** 20);
    assert.ok(keptMb < 4, `${keptMb} MB are kept`);
  });
});

/** The bytes of an endless stream, from `start` on. */
function counted(start: number, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, index) => (start + index) * 31));
}

async function keptBytes(): Promise<number> {
  await collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
