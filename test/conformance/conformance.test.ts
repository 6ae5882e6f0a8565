import assert from "node:assert/strict";
import { test } from "node:test";
import { findRunner, runConformance } from "./runner.ts";

/** Every test of runner 33.2 that has JSON on one side, to edition 2023; a change means that the runner changed. */
const JSON_TESTS = 2762;

const runner = findRunner();
const options = "unavailable" in runner ? { skip: runner.unavailable } : {};

test("the codec passes every required and recommended JSON test of the official suite", options, (t) => {
  assert.ok("command" in runner);
  const { counts, exitCode, output } = runConformance(
    runner.command,
    ".cache/tests/test/conformance/testee.js",
  );
  t.diagnostic(
    `${counts.passed} passed, ${counts.unexpectedFailures} failed, ${counts.skipped} skipped (no JSON)`,
  );
  assert.equal(counts.unexpectedFailures, 0, output);
  assert.equal(counts.expectedFailures, 0);
  assert.equal(counts.passed, JSON_TESTS);
  assert.equal(exitCode, 0);
});
