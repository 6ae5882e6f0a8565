// Compiles src/ to dist/. The output is what ships and what the end-to-end tests run.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
const tsc = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  stdio: "inherit",
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
// What is read at run time, not compiled.
copyFileSync("src/demo/home-page.html", "dist/demo/home-page.html");
copyFileSync("src/admin/overview.html", "dist/admin/overview.html");
// npm makes a package's commands executable when it installs it; `npx sluice` in this folder runs the file as it is.
chmodSync("dist/main.js", 0o755);
