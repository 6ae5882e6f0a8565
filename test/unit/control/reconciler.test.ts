import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Problem } from "../../../src/status/index.ts";
import { AWAY, Bench, echo, library, settle, upstreams } from "./reconciler-bench.ts";

const PROBLEM: Problem = { severity: "warning", where: "api.binpb", what: "is odd", hint: "look at it" };

describe("the first snapshot", () => {
  test("waits for the first try of every upstream and is published once", async () => {
    const bench = new Bench();
    const started = bench.apply(upstreams(["a", "b"]));
    await settle();
    bench.source("a").now.succeed(echo());
    await settle();
    assert.equal(bench.published.length, 0);
    bench.source("b").now.succeed(echo());
    await started;
    assert.deepEqual(bench.known, [["a", "b"]]);
    assert.deepEqual(
      bench.published.map(({ revision }) => revision),
      [1],
    );
    assert.deepEqual(bench.reconciler.known, ["a", "b"]);
    assert.deepEqual(bench.reconciler.pending, []);
    await bench.reconciler.stop();
  });

  test("waits until the upstreams whose schemas it has are warm, and for no other", async () => {
    const bench = new Bench();
    let warm: () => void = () => undefined;
    bench.warmUps.a = new Promise((resolve) => {
      warm = resolve;
    });
    bench.warmUps.away = new Promise(() => undefined);
    const started = bench.apply(upstreams(["a", "b", "away"]));
    await settle();
    bench.source("a").now.succeed(echo());
    bench.source("b").now.succeed(echo());
    bench.source("away").now.fail(AWAY);
    await settle();
    assert.equal(bench.published.length, 0);
    assert.deepEqual(bench.reconciler.pending, ["a", "b", "away"]);
    warm();
    await started;
    assert.deepEqual(bench.known, [["a", "b"]]);
    assert.deepEqual(bench.published[0]?.pendingUpstreams, ["away"]);
    await bench.reconciler.stop();
  });

  test("comes without an upstream that is away, which is pending", async () => {
    const bench = new Bench();
    const started = bench.apply(upstreams(["a", "b"]));
    await settle();
    bench.source("a").now.succeed(echo());
    bench.source("b").now.fail(AWAY);
    await started;
    assert.deepEqual(bench.known, [["a"]]);
    assert.deepEqual(bench.published[0]?.pendingUpstreams, ["b"]);
    assert.deepEqual(bench.said("schema not loaded; trying again"), [
      { upstream: "b", cause: "nobody is at home" },
    ]);
    await bench.reconciler.stop();
  });

  test("does not wait longer than its patience for an upstream that hangs", async () => {
    const bench = new Bench({ patienceMs: () => 1234 });
    const started = bench.apply(upstreams(["a", "hanging"]));
    await settle();
    bench.source("a").now.succeed(echo());
    await settle();
    assert.deepEqual(bench.retries, [1234]);
    bench.pauses.find(({ ms }) => ms === 1234)?.end();
    await started;
    assert.deepEqual(bench.known, [["a"]]);
    bench.source("hanging").now.succeed(echo());
    await settle();
    assert.deepEqual(bench.known.at(-1), ["a", "hanging"], "what comes later is published when it comes");
    assert.deepEqual(
      bench.published.map(({ revision }) => revision),
      [1, 2],
    );
    await bench.reconciler.stop();
  });
});

describe("an upstream that is away", () => {
  test("is tried again with growing pauses, up to ten seconds", async () => {
    const bench = new Bench();
    const started = bench.apply(upstreams(["a"]));
    await settle();
    bench.source("a").now.fail(AWAY);
    await started;
    await settle();
    for (let i = 0; i < 8; i++) {
      await bench.wake();
      bench.source("a").now.fail(AWAY);
      await settle();
    }
    const pauses = bench.retries;
    const whole = [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000];
    assert.deepEqual(
      pauses,
      whole.map((ms) => ms * 0.75),
      "half of it random, here in the middle",
    );
    assert.equal(bench.published.length, 1, "nothing new, nothing published");
    await bench.reconciler.stop();
  });

  for (const [random, factor] of [
    [0, 0.5],
    [0.999, 0.9995],
  ] as const) {
    test(`waits ${factor} of the pause where chance says ${random}`, async () => {
      const bench = new Bench({ random: () => random });
      const started = bench.apply(upstreams(["a"]));
      await settle();
      bench.source("a").now.fail(AWAY);
      await started;
      await settle();
      assert.deepEqual(bench.retries, [200 * factor]);
      await bench.reconciler.stop();
    });
  }

  test("is published when its schema comes, and not tried any more", async () => {
    const bench = new Bench();
    const started = bench.apply(upstreams(["a", "b"]));
    await settle();
    bench.source("a").now.succeed(echo());
    bench.source("b").now.fail(AWAY);
    await started;
    await settle();
    await bench.wake();
    bench.source("b").now.succeed(echo());
    await settle();
    assert.deepEqual(bench.known, [["a"], ["a", "b"]]);
    assert.deepEqual(
      bench.published.map(({ pendingUpstreams }) => pendingUpstreams),
      [["b"], []],
    );
    assert.equal(bench.retries.length, 1);
    assert.equal(bench.source("a").tries.length, 1, "those that are known are left alone");
    assert.equal(bench.source("b").tries.length, 2);
    await bench.reconciler.stop();
  });

  test("is tried again after a fault that is not a status", async () => {
    const bench = new Bench();
    const started = bench.apply(upstreams(["a"]));
    await settle();
    bench.source("a").now.fail(new TypeError("boom"));
    await started;
    await settle();
    assert.equal(bench.retries.length, 1);
    assert.match(String(bench.said("schema not loaded; trying again")[0]?.cause), /boom/);
    await bench.reconciler.stop();
  });
});

describe("an upstream whose sources hold nothing usable", () => {
  test("is neither known nor pending: trying again would not help", async () => {
    const bench = new Bench();
    const started = bench.apply(upstreams(["a"]));
    await settle();
    bench.source("a").now.succeed({ files: [], problems: [PROBLEM] });
    await started;
    await settle();
    assert.deepEqual(bench.reconciler.known, []);
    assert.deepEqual(bench.reconciler.pending, []);
    assert.equal(bench.retries.length, 0);
    assert.equal(bench.lines.filter(({ level }) => level === "error").length, 1);
    assert.deepEqual(bench.reconciler.problems[0], PROBLEM);
    await bench.reconciler.stop();
  });
});

describe("problems", () => {
  test("of sources and of rules are told once, however often a snapshot is made", async () => {
    const bench = new Bench();
    bench.compileProblems = [{ severity: "error", where: "x.yaml:1:1", what: "bad rule", hint: "mend it" }];
    const started = bench.apply(upstreams(["a", "b"]));
    await settle();
    bench.source("a").now.succeed(echo([PROBLEM]));
    bench.source("b").now.fail(AWAY);
    await started;
    await settle();
    await bench.wake();
    bench.source("b").now.succeed(library());
    await settle();
    assert.equal(bench.published.length, 2);
    // Both have a book at one path.
    const told = bench.lines.filter(
      ({ text, fields }) => text === "problem" && !String(fields.problem).includes("has the shape of"),
    );
    assert.deepEqual(
      told.map(({ level, fields }) => `${level} ${String(fields.problem)}`),
      ["warn api.binpb: is odd (look at it)", "error x.yaml:1:1: bad rule (mend it)"],
    );
    await bench.reconciler.stop();
  });
});

describe("stop", () => {
  test("ends a pause", async () => {
    const bench = new Bench();
    const started = bench.apply(upstreams(["a"]));
    await settle();
    bench.source("a").now.fail(AWAY);
    await started;
    await settle();
    await bench.reconciler.stop();
    assert.equal(bench.source("a").tries.length, 1);
  });

  test("ends a try, without a word about its failure", async () => {
    const bench = new Bench();
    const started = bench.apply(upstreams(["a"]));
    await settle();
    bench.source("a").now.fail(AWAY);
    await started;
    await settle();
    await bench.wake();
    const told = bench.lines.length;
    await bench.reconciler.stop();
    assert.equal(bench.source("a").now.signal.aborted, true);
    assert.equal(bench.lines.length, told);
    assert.equal(bench.published.length, 1);
  });
});
