// Writes config/sluice.schema.json and docs/configuration.md from the schema in src/config. Compiles to a folder of its
// own, so that it can run beside a build; a test fails when the two files lag behind.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const out = ".cache/generate-config";
const tsc = "node_modules/typescript/bin/tsc";
const compiled = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", out], {
  stdio: "inherit",
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

const { configJsonSchema, configReference } = await import(
  pathToFileURL(resolve(out, "config/index.js")).href
);
mkdirSync("docs", { recursive: true });
writeFileSync("config/sluice.schema.json", `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
writeFileSync("docs/configuration.md", configReference());
