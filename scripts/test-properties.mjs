// `npm run test:properties -- --rounds N`: runs every test file with property tests N times (10), each time with cases of
// another seed, and prints the seeds; the first round that fails is the last. `SLUICE_TEST_SEED=S npm run test:only -- FILE`
// runs one of them again.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "10" }, seed: { type: "string" } },
});
const rounds = Number(values.rounds);
const first = Number(values.seed ?? Date.now() % 1_000_000_000);

const files = readdirSync("test", { recursive: true })
  .map((name) => join("test", name))
  .filter((name) => name.endsWith(".test.ts") && usesProperties(name));
for (let round = 0; round < rounds; round++) {
  const seed = first + round;
  console.log(`round ${round + 1} of ${rounds}: seed ${seed}, ${files.length} files`);
  const { status, stdout } = spawnSync(process.execPath, ["scripts/run-tests.mjs", ...files], {
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1e9,
    env: { ...process.env, SLUICE_TEST_SEED: String(seed) },
  });
  if (status !== 0) {
    process.stdout.write(stdout);
    console.error(`seed ${seed} fails`);
    process.exit(status ?? 1);
  }
}

/** Directly or through a file that they import, as contract suites do. */
function usesProperties(file, seen = new Set()) {
  if (seen.has(file) || !file.startsWith("test")) return false;
  seen.add(file);
  const source = readFileSync(file, "utf8");
  if (source.includes('from "fast-check"')) return true;
  const imports = [...source.matchAll(/from "(\.[^"]+\.ts)"/gu)].map(([, path]) => join(file, "..", path));
  return imports.some((path) => usesProperties(path, seen));
}
