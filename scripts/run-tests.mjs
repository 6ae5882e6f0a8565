// Compiles src/ and test/ to .cache/tests and runs the test files with Node's own runner (Node 20 neither strips types
// nor expands globs). Arguments: folders or files to run instead of all of test/, and flags for `node --test`. All of test/
// is without what takes its time and has a command of its own: `npm run test:faults`, `npm run conformance`.
// End-to-end tests start dist/, so run `npm run build` before them.
// A file that hangs fails after three minutes.
import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { PAGES } from "./pages.mjs";

const args = process.argv.slice(2);
const flags = args.filter((argument) => argument.startsWith("--"));
const roots = args.filter((argument) => !argument.startsWith("--"));

run(["node_modules/typescript/bin/tsc", "-p", "tsconfig.test.json"]);
for (const page of PAGES) copyFileSync(page, join(".cache/tests", page));
const files = (roots.length > 0 ? roots.flatMap(listTests) : listTests("test").filter(isQuick)).sort();
// Node would leave one core to itself; but much of a test is waiting, for sockets and for processes.
run([
  "--enable-source-maps",
  "--import=./.cache/tests/test/support/property-seed.js",
  "--test",
  `--test-concurrency=${availableParallelism() + 1}`,
  "--test-timeout=180000",
  "--test-reporter=spec",
  ...flags,
  ...files,
]);

function run(nodeArguments) {
  const { status } = spawnSync(process.execPath, nodeArguments, { stdio: "inherit" });
  if (status !== 0 && process.env.SLUICE_TESTS_KEEP_GOING !== "1") process.exit(status ?? 1);
}

function isQuick(file) {
  return !file.includes(join("e2e", "faults")) && !file.includes(join("test", "conformance"));
}

function listTests(path) {
  const sources = statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true }).map((name) => join(path, name));
  return sources
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(".cache/tests", name.replace(/\.ts$/, ".js")));
}
