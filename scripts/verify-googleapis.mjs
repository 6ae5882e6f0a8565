// `npm run verify:googleapis`: proves the product on all of Google's public APIs. Fetches their protos and buf with npm
// into .cache/googleapis (once; about 180 MB), compiles them, and runs test/googleapis/verify.ts over the result.
// Not part of `npm test`: it needs the npm registry and about a minute. Arguments are those of verify.ts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";

const FOLDER = ".cache/googleapis";
const PACKAGES = ["google-proto-files@6.0.1", "@bufbuild/buf@1.75.0"];
const PROTOS = `${FOLDER}/node_modules/google-proto-files`;
// Tests of protobuf itself, of which the package has only a part: they do not compile.
const NO_API = ["google/protobuf/compiler/ruby", "google/protobuf/util"];
const SET = `${FOLDER}/all.binpb`;
const STAMP = `${FOLDER}/all.json`;

const wanted = JSON.stringify({ packages: PACKAGES, without: NO_API });
if (!existsSync(SET) || !existsSync(STAMP) || readFileSync(STAMP, "utf8") !== wanted) compileProtos();
console.log(`${SET}: ${(statSync(SET).size / 1e6).toFixed(1)} MB, from ${PACKAGES.join(" with ")}`);

run("the build", ["scripts/build.mjs"]);
run("the compilation of the tests", ["node_modules/typescript/bin/tsc", "-p", "tsconfig.test.json"]);
const verify = ["--enable-source-maps", ".cache/tests/test/googleapis/verify.js", SET];
const { status } = spawnSync(process.execPath, [...verify, ...process.argv.slice(2)], { stdio: "inherit" });
process.exit(status ?? 1);

function compileProtos() {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/package.json`, '{ "private": true }\n');
  console.log(`fetching ${PACKAGES.join(" and ")} into ${FOLDER}`);
  const install = [
    "install",
    "--prefix",
    FOLDER,
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--loglevel=error",
  ];
  if (spawnSync("npm", [...install, ...PACKAGES], { stdio: "inherit" }).status !== 0) {
    fail("npm could not fetch them; this command needs a registry that has both, or a filled cache folder");
  }
  console.log("compiling with buf");
  const buf = `${FOLDER}/node_modules/.bin/buf`;
  const without = NO_API.flatMap((folder) => ["--exclude-path", `${PROTOS}/${folder}`]);
  // Written aside, so that an interrupted run leaves no half of a set behind; buf goes by the ending.
  const output = `${FOLDER}/unfinished.binpb`;
  const build = [
    "build",
    PROTOS,
    "--as-file-descriptor-set",
    "--exclude-source-info",
    ...without,
    "-o",
    output,
  ];
  if (spawnSync(buf, build, { stdio: "inherit" }).status !== 0) fail("buf could not compile the protos");
  renameSync(output, SET);
  writeFileSync(STAMP, wanted);
}

function run(what, nodeArguments) {
  if (spawnSync(process.execPath, nodeArguments, { stdio: "inherit" }).status !== 0) fail(`${what} failed`);
}

function fail(why) {
  console.error(`verify:googleapis: ${why}`);
  process.exit(1);
}
