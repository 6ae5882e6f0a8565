// Writes config/sluice.schema.json and docs/configuration.md from the schema in src/config; a test fails when the two files
// lag behind.
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const bundle = ".cache/generate-config/config.mjs";
await build({
  entryPoints: ["src/config/index.ts"],
  outfile: bundle,
  bundle: true,
  packages: "external",
  format: "esm",
  platform: "node",
  logLevel: "warning",
});
const { configJsonSchema, configReference } = await import(pathToFileURL(resolve(bundle)).href);
mkdirSync("docs", { recursive: true });
writeFileSync("config/sluice.schema.json", `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
writeFileSync("docs/configuration.md", configReference());
