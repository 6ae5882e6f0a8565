import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findRunner, runConformance } from "./runner.ts";
import { SUBJECTS } from "./subjects.ts";

/** Every test of runner 33.2 that has JSON on one side, to edition 2023; a change means that the runner changed. */
const JSON_TESTS = 2762;

const runner = findRunner();
const options = "unavailable" in runner ? { skip: runner.unavailable } : {};

describe("every required and recommended JSON test of the official suite passes", options, () => {
  for (const { name, testee } of SUBJECTS) {
    test(`for the ${name}`, (t) => {
      assert.ok("command" in runner);
      const { counts, exitCode, output } = runConformance(runner.command, testee);
      t.diagnostic(
        `${counts.passed} passed, ${counts.unexpectedFailures} failed, ${counts.skipped} skipped (no JSON)`,
      );
      assert.equal(counts.unexpectedFailures, 0, output);
      assert.equal(counts.expectedFailures, 0);
      assert.equal(counts.passed, JSON_TESTS);
      assert.equal(exitCode, 0);
    });
  }
});
