/**
 * The grpc-go server of the channel contract: test/interop/grpc-go, built where Go is installed and its modules can be had.
 *
 * A cold build takes some 20 s on two cores (downloads 20 MB of modules), one with Go's cache filled less than a second.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { ContractServer } from "./servers.ts";

const SOURCE = "test/interop/grpc-go";
const FOLDER = ".cache/interop";
const BUILD_TIMEOUT_MS = 90_000;

/** The server's binary, or why there is none. */
export type GoBuild = { readonly binary: string } | { readonly unavailable: string };

/** Builds the server. Never rejects: without Go there is nothing to test. */
export async function buildGoServer(): Promise<GoBuild> {
  mkdirSync(FOLDER, { recursive: true });
  const binary = resolve(FOLDER, "grpc-go-server");
  // Written aside, so that a test run beside this one never starts half a file.
  const output = `${binary}.${process.pid}`;
  try {
    await promisify(execFile)("go", ["build", "-mod=readonly", "-trimpath", "-o", output, "."], {
      cwd: SOURCE,
      timeout: BUILD_TIMEOUT_MS,
      env: { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOWORK: "off", GOFLAGS: "" },
    });
  } catch (error) {
    return { unavailable: reasonOf(error) };
  }
  renameSync(output, binary);
  return { binary };
}

/** Starts a server; `flags` are those of main.go. It ends with this process, whatever becomes of it. */
export async function startGoServer(
  binary: string,
  flags: readonly string[] = [],
): Promise<ContractServer & { readonly pid: number }> {
  const child = spawn(binary, flags, { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  const [address] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    closed.then(() => Promise.reject(new Error(`the grpc-go server ended with ${child.exitCode}`))),
  ]);
  return {
    address: String(address),
    pid: child.pid ?? 0,
    close: async () => {
      child.stdin.end();
      await closed;
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ENOENT") return "Go is not installed";
  if ("killed" in error && error.killed === true) return `go build took longer than ${BUILD_TIMEOUT_MS} ms`;
  const output = "stderr" in error ? String(error.stderr) : error.message;
  return `the grpc-go server cannot be built: ${output.trim().split("\n").at(-1) ?? ""}`;
}
