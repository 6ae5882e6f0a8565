import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { RetryBudget } from "../../../../src/upstream/retry/retry-budget.ts";

/** A budget on a clock of its own. */
function budgetOf(percent: number, minPerSecond: number) {
  const clock = { now: 0 };
  const budget = new RetryBudget({ percent, minPerSecond }, () => clock.now);
  const payIn = (calls: number): void => {
    for (let i = 0; i < calls; i++) budget.payIn();
  };
  const takeAll = (most = 1_000_000): number => {
    let taken = 0;
    while (taken < most && budget.take()) taken++;
    return taken;
  };
  return { clock, budget, payIn, takeAll };
}

describe("a retry budget", () => {
  test("gives a share of the calls", () => {
    const { payIn, takeAll } = budgetOf(20, 0);
    assert.equal(takeAll(), 0);
    payIn(200);
    assert.equal(takeAll(), 40);
    payIn(4);
    assert.equal(takeAll(), 0);
    payIn(1);
    assert.equal(takeAll(), 1, "five times a fifth is one");
  });

  test("gives ten seconds' worth of its floor at the start, and the floor from then on", () => {
    const { clock, takeAll } = budgetOf(0, 10);
    assert.equal(takeAll(), 100);
    let taken = 0;
    for (let i = 0; i < 100; i++) {
      clock.now += 100;
      taken += takeAll();
    }
    assert.ok(taken >= 98 && taken <= 100, `${taken} in ten seconds`);
  });

  test("gives nothing where both are 0", () => {
    const { clock, payIn, takeAll } = budgetOf(0, 0);
    payIn(1000);
    clock.now += 60_000;
    assert.equal(takeAll(), 0);
  });

  test("lets the calls of a long time count for some ten seconds", () => {
    const { clock, budget, payIn, takeAll } = budgetOf(20, 0);
    payIn(5);
    budget.take();
    for (let second = 0; second < 600; second++) {
      clock.now += 1000;
      payIn(100);
    }
    assert.equal(takeAll(), 200);
  });

  test("loses what is not used", () => {
    const { clock, payIn, takeAll } = budgetOf(100, 0);
    payIn(1000);
    assert.equal(takeAll(1), 1);
    clock.now += 10_000;
    assert.equal(takeAll(), Math.floor(999 / Math.E));
    clock.now += 1_000_000_000;
    assert.equal(takeAll(), 0);
  });

  test("never gives more than what was paid, however calls, time and failures mix", () => {
    const step = fc.oneof(
      fc.record({ calls: fc.integer({ min: 0, max: 500 }) }),
      fc.record({ ms: fc.double({ min: 0, max: 20_000, noNaN: true }) }),
      fc.record({ takes: fc.integer({ min: 1, max: 500 }) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 50 }),
        (steps, percent, floor) => {
          const { clock, payIn, takeAll } = budgetOf(percent, floor);
          let [paid, taken] = [floor * 10, 0];
          for (const each of steps) {
            if ("calls" in each) {
              payIn(each.calls);
              paid += (each.calls * percent) / 100;
            } else if ("ms" in each) {
              clock.now += each.ms;
              paid += (each.ms * floor) / 1000;
            } else {
              taken += takeAll(each.takes);
            }
            assert.ok(taken <= paid + 1e-3, `${taken} of ${paid}`);
          }
        },
      ),
    );
  });
});
