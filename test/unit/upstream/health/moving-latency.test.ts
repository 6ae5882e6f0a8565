import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MovingLatency, medianOfOthers } from "../../../../src/upstream/health/moving-latency.ts";

function times(count: number, ms: number): readonly number[] {
  return Array.from({ length: count }, () => ms);
}

function latencyOf(samples: readonly number[]): number {
  const latency = new MovingLatency();
  for (const ms of samples) latency.add(ms);
  return latency.typicalMs;
}

describe("a moving latency", () => {
  test("without a sample is 0", () => assert.equal(latencyOf([]), 0));

  test("of equal samples is that sample", () => {
    assert.ok(Math.abs(latencyOf(times(100, 7)) - 7) < 1e-9);
  });

  test("of few samples is their geometric mean", () => {
    assert.ok(Math.abs(latencyOf([1, 10, 100]) - 10) < 1e-9);
  });

  test("is not carried away by one call of an hour", () => {
    assert.ok(latencyOf([...times(50, 2), 3_600_000]) < 4);
  });

  test("follows a lasting change within some hundred calls", () => {
    const typical = latencyOf([...times(1000, 1), ...times(150, 100)]);
    assert.ok(typical > 90, String(typical));
  });

  test("takes a sample of 0 for very fast", () => {
    assert.ok(latencyOf([0, 0]) > 0);
    assert.ok(latencyOf([0, 0]) < 0.1);
  });

  test("begins again after clear", () => {
    const latency = new MovingLatency();
    latency.add(1000);
    latency.clear();
    assert.equal(latency.samples, 0);
    latency.add(3);
    assert.ok(Math.abs(latency.typicalMs - 3) < 1e-9);
  });
});

describe("the median of the others", () => {
  test("is none for a single endpoint", () => assert.equal(medianOfOthers([5], 5), undefined));

  test("is that of the list without one of its entries", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 2, maxLength: 12 }), fc.nat(), (values, pick) => {
        const sorted = values.toSorted((a, b) => a - b);
        const index = pick % sorted.length;
        const others = sorted.toSpliced(index, 1);
        assert.equal(medianOfOthers(sorted, sorted[index] ?? -1), others[others.length >> 1]);
      }),
    );
  });
});
