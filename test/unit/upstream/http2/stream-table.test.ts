import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StreamTable } from "../../../../src/upstream/clients/http2/stream-table.ts";

test("the table is a map of odd numbers, whatever comes and goes, the oldest first", () => {
  // Steps of 1 open streams; steps beyond jump ahead, so that old streams meet new ones in the same slots.
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ open: fc.integer({ min: 1, max: 70 }) }) },
    { weight: 5, arbitrary: fc.record({ close: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new StreamTable<{ readonly streamId: number }>();
      const model = new Map<number, { readonly streamId: number }>();
      let streamId = -1;
      for (const each of steps) {
        if ("open" in each) {
          streamId += 2 * each.open;
          const stream = { streamId };
          table.add(stream);
          model.set(streamId, stream);
        } else {
          const open = [...model.keys()];
          const closed = open[each.close % Math.max(1, open.length)] ?? 1;
          assert.equal(table.remove(closed), model.delete(closed));
        }
        assert.equal(table.size, model.size);
      }
      assert.deepEqual(table.list(), [...model.values()]);
      for (let id = 1; id <= streamId; id += 2) assert.equal(table.get(id), model.get(id));
    }),
    { numRuns: 300 },
  );
});
