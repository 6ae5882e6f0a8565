/** `npm run conformance`: the official suite over the codec. Exits with 0 only if it ran and nothing failed. */
import { findRunner, runConformance } from "./runner.ts";

const runner = findRunner();
if ("unavailable" in runner) {
  console.error(`conformance: cannot run: ${runner.unavailable}`);
  process.exitCode = 2;
} else {
  const { counts, exitCode, output } = runConformance(
    runner.command,
    ".cache/tests/test/conformance/testee.js",
  );
  console.log(output);
  console.log(
    `conformance: ${counts.passed} passed, ${counts.unexpectedFailures} failed, ` +
      `${counts.skipped} skipped (no JSON on either side)`,
  );
  process.exitCode = exitCode ?? 1;
}
