/** Measures one workload on one server: CPU of its process by the kernel's account, rate and latency by the load's. */

import type { LoadResult } from "../load/generator.ts";
import { forkLoad } from "../load/generator-process.ts";
import { runWrk } from "../load/wrk.ts";
import { cpuMs, rssMb } from "../process-figures.ts";
import type { ServerProcess } from "../server-process.ts";
import { requestBytes, type Workload } from "./workloads.ts";

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

const WARM_UP_SECONDS = 1;
/** Of a load that is counted in requests. */
const WARM_UP_SHARE = 0.1;
const PACED_SHARE = 0.7;
const RSS_INTERVAL_MS = 100;

type Run = (part: "warm-up" | "whole") => Promise<LoadResult | undefined>;

/** @throws {Error} if a request fails. */
export async function measure(
  server: ServerProcess,
  workload: Workload,
  options: MeasureOptions,
): Promise<Sample> {
  const run = await prepareRun(server, workload, options);
  await run("warm-up");
  let mostMb = 0;
  const sampler = setInterval(() => {
    mostMb = Math.max(mostMb, server.hasEnded ? 0 : rssMb(server.pid));
  }, RSS_INTERVAL_MS);
  try {
    const before = cpuMs(server.pid);
    const result = await run("whole");
    const usedMs = cpuMs(server.pid) - before;
    if (result === undefined || result.requests === 0) throw new Error("no request was answered");
    const { messages } = workload;
    return {
      cpuUs: (usedMs * 1000) / (result.requests * messages),
      perSecond: result.perSecond * messages,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      rssMb: Math.max(mostMb, rssMb(server.pid)),
      ownDelayP99Ms: result.ownDelayP99Ms,
    };
  } finally {
    clearInterval(sampler);
  }
}

/** Chooses what makes the load. */
async function prepareRun(server: ServerProcess, workload: Workload, options: MeasureOptions): Promise<Run> {
  const { load, connections } = workload;
  const request = requestBytes(workload);
  if (load === "paced") {
    const fastest = { kind: "seconds", connections, seconds: options.seconds } as const;
    await forkLoad(server.port, request, { ...fastest, seconds: WARM_UP_SECONDS });
    const { perSecond } = await forkLoad(server.port, request, fastest);
    const paced = {
      kind: "paced",
      connections,
      perSecond: perSecond * PACED_SHARE,
      seconds: options.seconds,
    } as const;
    return async (part) => (part === "whole" ? await forkLoad(server.port, request, paced) : undefined);
  }
  if (load === "seconds") {
    const secondsOf = (part: "warm-up" | "whole"): number =>
      part === "whole" ? options.seconds : WARM_UP_SECONDS;
    if (!options.useWrk) {
      return (part) =>
        forkLoad(server.port, request, { kind: "seconds", connections, seconds: secondsOf(part) });
    }
    const url = `http://127.0.0.1:${server.port}${workload.path}`;
    const bodyFile = options.bodyFiles.get(workload.name);
    return (part) => runWrk({ method: workload.method, url, bodyFile }, connections, secondsOf(part));
  }
  return async (part) => {
    const requests = Math.floor(load.requests * (part === "whole" ? 1 : WARM_UP_SHARE));
    if (requests === 0) return undefined;
    const fewer = Math.min(connections, requests);
    return await forkLoad(server.port, request, { kind: "requests", connections: fewer, requests });
  };
}
