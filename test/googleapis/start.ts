/** How long a fresh `sluice serve` over the set takes to be ready, and what it weighs. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Report } from "./report.ts";

const READY_GOAL_MS = 2000;
const MEMORY_GOAL_MB = 350;
const GIVE_UP_MS = 60_000;
/** How long the process is left alone before its settled memory is read. */
const SETTLE_MS = 2000;
/** The best of several: the figure is about the product, not about what else the machine does. */
const RUNS = 3;

interface Start {
  readonly readyMs: number;
  readonly peakMb: number | undefined;
  readonly settledMb: number | undefined;
}

/** Measures and reports. @throws {Error} if the gateway does not get ready. */
export async function measureStart(set: string, report: Report): Promise<void> {
  report.heading(`sluice serve, from process start to /readyz (best of ${RUNS})`);
  const starts: Start[] = [];
  for (let i = 0; i < RUNS; i++) starts.push(await start(set));
  const [best] = starts.toSorted((a, b) => a.readyMs - b.readyMs);
  if (best === undefined) return;
  report.figure("all runs", starts.map(({ readyMs }) => `${readyMs.toFixed(0)} ms`).join(", "));
  report.measured("ready to serve", best.readyMs, "ms", READY_GOAL_MS);
  if (best.peakMb === undefined || best.settledMb === undefined) {
    report.figure("memory", "not measured: there is no /proc here");
    return;
  }
  report.measured("peak RSS", best.peakMb, "MB", MEMORY_GOAL_MB);
  report.figure(`RSS ${SETTLE_MS / 1000} s later`, `${best.settledMb.toFixed(0)} MB`);
}

async function start(set: string): Promise<Start> {
  const [listen, admin] = [await freePort(), await freePort()];
  const address = (port: number): string => `127.0.0.1:${port}`;
  // Nobody listens at the upstream's address: nothing is asked of it.
  const flags = { upstream: address(9), descriptors: set, listen: address(listen), admin: address(admin) };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["dist/main.js", "serve", ...args], { stdio: "ignore" });
  const exited = once(child, "exit");
  try {
    while (!(await isReady(admin))) {
      if (child.exitCode !== null) throw new Error(`sluice serve ended with ${child.exitCode}`);
      if (performance.now() - startedAt > GIVE_UP_MS) throw new Error("sluice serve does not get ready");
      await pause(10);
    }
    const readyMs = performance.now() - startedAt;
    const peakMb = memoryOf(child.pid, "VmHWM");
    await pause(SETTLE_MS);
    return { readyMs, peakMb, settledMb: memoryOf(child.pid, "VmRSS") };
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path: "/readyz" }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("error", () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server that listens has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** In MB, from Linux's /proc; undefined elsewhere. */
function memoryOf(pid: number | undefined, field: "VmHWM" | "VmRSS"): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kilobytes = new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1];
    return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}
