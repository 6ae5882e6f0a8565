// Bundles src/ to dist/: what ships and what the end-to-end tests run. One bundle instead of some 650 modules halves the
// CPU time of a start and saves 14 MB of memory at rest (docs/architecture.md, "Libraries"). Nothing is minified, so that
// the stack traces of a log can be read. Types are checked by `npm run types`.
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { PAGES } from "./pages.mjs";

const OUT = "dist";
const { optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8"));

rmSync(OUT, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ["src/main.ts"],
  outdir: OUT,
  bundle: true,
  // What is imported only when it is needed stays a file of its own.
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // Native addons cannot be bundled.
  external: Object.keys(optionalDependencies),
  // CommonJS packages ask for Node's own modules by `require`.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  metafile: true,
  logLevel: "warning",
});
writeFileSync(join(OUT, "THIRD-PARTY-LICENSES.txt"), licensesOf(Object.keys(metafile.inputs)));
for (const page of PAGES) copyFileSync(page, join(OUT, basename(page)));
// npm makes a package's commands executable when it installs it; `npx sluice` in this folder runs the file as it is.
chmodSync(join(OUT, "main.js"), 0o755);

/** The licence of every package that a file of the bundle comes from: most ask that it goes wherever the code goes. */
function licensesOf(files) {
  const folders = new Set(files.map(packageFolder).filter((folder) => folder !== undefined));
  return [...folders]
    .sort((a, b) => a.localeCompare(b))
    .map(licenseOf)
    .join("\n\n");
}

/** `node_modules/@scope/name`, or undefined of a file of ours. */
function packageFolder(file) {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  const whole = texts.map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version} (${license})`, "=".repeat(78), ...whole].join("\n");
}
