/** Measures one workload on one server: CPU of its process by the kernel's account, rate and latency by the load's. */

import type { LoadResult } from "../load/generator.ts";
import { forkLoad } from "../load/generator-process.ts";
import { requestBytes } from "../load/request-bytes.ts";
import { runWrk } from "../load/wrk.ts";
import { cpuMs, inAll, rssMb } from "../process-figures.ts";
import type { ServerProcess } from "../server-process.ts";
import type { Workload } from "./workloads.ts";

/** What one run gave. Costs and rates are per message where a workload's replies have several. */
export interface Sample {
  readonly cpuUs: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The most that was seen while it ran. */
  readonly rssMb: number;
  /** What the load generator added to paced latencies at most, p99. */
  readonly ownDelayP99Ms: number;
}

/** How to measure. */
export interface MeasureOptions {
  readonly seconds: number;
  readonly useWrk: boolean;
  /** A file with the body of each workload that has one, by the workload's name. */
  readonly bodyFiles: ReadonlyMap<string, string>;
}

const PACED_SHARE = 0.7;
const PACED_WARM_UP_SECONDS = 1;
const RSS_INTERVAL_MS = 100;

/** @throws {Error} if a request fails. */
export async function measure(
  server: ServerProcess,
  workload: Workload,
  options: MeasureOptions,
): Promise<Sample> {
  await warmUp(server, workload);
  const run = await prepareRun(server, workload, options);
  let mostMb = 0;
  const sampler = setInterval(() => {
    mostMb = Math.max(mostMb, server.hasEnded ? 0 : inAll(server.pid, rssMb));
  }, RSS_INTERVAL_MS);
  try {
    const before = inAll(server.pid, cpuMs);
    const result = await run();
    const usedMs = inAll(server.pid, cpuMs) - before;
    if (result.requests === 0) throw new Error("no request was answered");
    const { messages } = workload;
    return {
      cpuUs: (usedMs * 1000) / (result.requests * messages),
      perSecond: result.perSecond * messages,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      rssMb: Math.max(mostMb, inAll(server.pid, rssMb)),
      ownDelayP99Ms: result.ownDelayP99Ms,
    };
  } finally {
    clearInterval(sampler);
  }
}

async function warmUp(server: ServerProcess, workload: Workload): Promise<void> {
  const requests = workload.warmUpRequests;
  if (requests === 0) return;
  const connections = Math.min(workload.connections, requests);
  await forkLoad(server.port, requestBytes(workload), { kind: "requests", connections, requests });
}

/** Chooses what makes the load; finds the rate of a paced one. */
async function prepareRun(
  server: ServerProcess,
  workload: Workload,
  options: MeasureOptions,
): Promise<() => Promise<LoadResult>> {
  const { load, connections } = workload;
  const { seconds } = options;
  const request = requestBytes(workload);
  if (load === "paced" || (load !== "seconds" && "perSecond" in load)) {
    const perSecond = load === "paced" ? await paceOf(server, workload, seconds) : load.perSecond;
    const paced = {
      kind: "paced",
      connections,
      perSecond,
      seconds,
      warmUpSeconds: PACED_WARM_UP_SECONDS,
    } as const;
    return () => forkLoad(server.port, request, paced);
  }
  if (load !== "seconds") {
    return () => forkLoad(server.port, request, { kind: "requests", connections, requests: load.requests });
  }
  if (!options.useWrk) return () => forkLoad(server.port, request, { kind: "seconds", connections, seconds });
  const url = `http://127.0.0.1:${server.port}${workload.path}`;
  const bodyFile = options.bodyFiles.get(workload.name);
  return () => runWrk({ method: workload.method, url, bodyFile }, connections, seconds);
}

/** A share of the rate that the server takes at most. */
async function paceOf(server: ServerProcess, workload: Workload, seconds: number): Promise<number> {
  const { connections } = workload;
  const fastest = await forkLoad(server.port, requestBytes(workload), {
    kind: "seconds",
    connections,
    seconds,
  });
  return fastest.perSecond * PACED_SHARE;
}
