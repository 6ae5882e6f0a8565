/**
 * Closed load by wrk, which costs less CPU than a generator in Node, so that a small machine shows more of the server.
 * https://github.com/wg/wrk
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { LoadResult } from "./generator.ts";

const SCRIPT = "bench/load/wrk.lua";
/** Slower replies count as errors. */
const TIMEOUT = "60s";

const run = promisify(execFile);

/** What wrk sends. */
export interface WrkRequest {
  readonly method: string;
  readonly url: string;
  /** A file with the body; no body otherwise. */
  readonly bodyFile?: string | undefined;
}

/** The version of the wrk that is installed, or undefined. */
export async function findWrk(): Promise<string | undefined> {
  try {
    // It tells its version with its usage, and fails.
    await run("wrk", ["--version"]);
  } catch (error) {
    if (typeof error === "object" && error !== null && "stdout" in error) {
      return /^wrk (\S+)/.exec(String(error.stdout))?.[1];
    }
  }
  return undefined;
}

/** Keeps `connections` busy for `seconds`. @throws {Error} if any request fails. */
export async function runWrk(request: WrkRequest, connections: number, seconds: number): Promise<LoadResult> {
  const { method, url, bodyFile } = request;
  const { stdout } = await run("wrk", [
    `-t1`,
    `-c${connections}`,
    `-d${seconds}s`,
    `--timeout=${TIMEOUT}`,
    "-s",
    SCRIPT,
    url,
    "--",
    method,
    bodyFile ?? "-",
  ]);
  // The last line is what wrk.lua prints: an object of numbers.
  const figures = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Readonly<Record<string, number>>;
  const { requests = 0, durationUs = 1, p50Us = 0, p99Us = 0, errors = 0 } = figures;
  if (errors > 0) throw new Error(`${errors} of ${requests} requests failed`);
  return {
    requests,
    perSecond: (requests * 1e6) / durationUs,
    p50Ms: p50Us / 1000,
    p99Ms: p99Us / 1000,
    ownDelayP99Ms: 0,
  };
}
