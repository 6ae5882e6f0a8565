/**
 * Upstreams that say nothing: stopped, cut off without a word, or slow. Of the http2 client alone: grpc-js knows neither
 * doubt nor ejection, and goes on calling them until its keepalive ends.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startTcpMiddle } from "../../support/tcp-middle.ts";
import { ROUNDS, Scene } from "./scene.ts";

/** Requests of each method under way at any moment. */
const UNDER_WAY = 8;

/** Returns from ejection within 200 requests, on a machine that is slow. */
const MOST_TRIALS = 4;

/** Long for a call that takes a millisecond, also on a busy machine. */
const DEADLINE = "1500ms";

describe("upstreams that fall silent", { timeout: 120_000 * ROUNDS }, () => {
  for (const [how, outlierEjection] of [
    ["by the PING of the first deadline", false],
    ["by that and ejection", { baseEjection: "1s" }],
  ] as const) {
    test(`SIGSTOP of one of two fails what was under way on it, found out ${how}`, async () => {
      await Scene.run(async (scene) => {
        const [stopped, other] = await scene.replicas(2);
        assert.ok(stopped !== undefined && other !== undefined);
        const load = await scene.start([stopped.address, other.address], {
          deadline: DEADLINE,
          outlierEjection,
        });
        for (let round = 0; round < ROUNDS; round++) {
          load.start(UNDER_WAY);
          const from = stopped.begun;
          await scene.until(() => stopped.begun > from + 20);
          const failedBefore = load.failures;
          stopped.signal("SIGSTOP");
          await scene.until(() => load.failures > failedBefore);
          // Whoever hangs does so at most once: until its own deadline.
          await load.settled();
          const failed = load.failures;
          assert.ok(failed - failedBefore <= UNDER_WAY * 2, `${failed - failedBefore} failed`);
          await load.next(200);
          // An ejection that is over lets one call at a time through, to see.
          const trials = outlierEjection === false ? 0 : MOST_TRIALS;
          const after = load.failures - failed;
          assert.ok(after <= trials, `all goes to the other one, but ${after} failed`);
          const { begun } = stopped;
          stopped.signal("SIGCONT");
          await scene.until(() => stopped.begun > begun + 20);
          await load.stop();
        }
        assertOnlyDeadlines(scene);
      });
    });
  }

  test("half-open TCP fails what was under way, then there is another connection", async () => {
    await Scene.run(async (scene) => {
      const upstream = await scene.upstream();
      const middle = await startTcpMiddle(upstream.address);
      scene.onClose(() => middle.close());
      const load = await scene.start([middle.address], { deadline: DEADLINE });
      load.start(UNDER_WAY);
      for (let round = 0; round < ROUNDS; round++) {
        await load.next(100);
        const failedBefore = load.failures;
        const { accepted } = middle;
        middle.freeze();
        await scene.until(() => load.failures > failedBefore);
        await load.settled();
        const failed = load.failures;
        assert.ok(failed - failedBefore <= UNDER_WAY * 2, `${failed - failedBefore} failed`);
        await load.next(200);
        assert.equal(load.failures, failed);
        assert.equal(middle.accepted, accepted + 1, "one connection more");
      }
      await load.stop();
      assertOnlyDeadlines(scene);
    });
  });

  for (const outlierEjection of [false, {}]) {
    const ejection = outlierEjection === false ? "without" : "with";
    test(`one of three slow, ${ejection} ejection: it gets the fewest calls, and none fails`, async () => {
      await Scene.run(async (scene) => {
        const slow = await scene.upstream({ delayMs: 200 });
        const [a, b] = await scene.replicas(2);
        assert.ok(a !== undefined && b !== undefined);
        const load = await scene.start([slow.address, a.address, b.address], { outlierEjection });
        load.start(UNDER_WAY);
        await load.next(500);
        await load.stop();
        assert.ok(slow.begun * 2 < Math.min(a.begun, b.begun), `${slow.begun}, ${a.begun}, ${b.begun}`);
        for (const method of ["GET", "POST"] as const) {
          const { requests, ...harm } = load.tally(method, scene.upstreams);
          assert.ok(requests > 0);
          assert.deepEqual(harm, { failed: {}, repeated: 0, lost: 0 }, method);
        }
      });
    });
  }
});

/** Nothing but deadlines passed, and nothing was done twice. */
function assertOnlyDeadlines({ load, upstreams }: Scene): void {
  for (const method of ["GET", "POST"] as const) {
    const { failed, repeated, lost } = load.tally(method, upstreams);
    const { "504 DEADLINE": _, ...others } = failed;
    assert.deepEqual([others, repeated, lost], [{}, 0, 0], method);
  }
}
