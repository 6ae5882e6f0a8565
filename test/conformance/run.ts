/**
 * `npm run conformance`: the official suite over the codec alone, and over HTTP through the built gateway. Exits with 0
 * only if both ran and nothing failed.
 */
import { findRunner, runConformance } from "./runner.ts";
import { SUBJECTS } from "./subjects.ts";

const runner = findRunner();
if ("unavailable" in runner) {
  console.error(`conformance: cannot run: ${runner.unavailable}`);
  process.exitCode = 2;
} else {
  for (const { name, testee } of SUBJECTS) {
    const { counts, exitCode, output } = runConformance(runner.command, testee);
    if (exitCode !== 0) console.log(output);
    console.log(
      `conformance, ${name}: ${counts.passed} passed, ${counts.unexpectedFailures} failed, ` +
        `${counts.skipped} skipped (no JSON on either side)`,
    );
    if (exitCode !== 0) process.exitCode = 1;
  }
}
