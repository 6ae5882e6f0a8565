/**
 * What a second worker is worth: `npm run bench:workers [-- perSecond [turns [engine]]]` (Linux: it reads /proc). The built
 * dist/ serves the library's descriptor set with one process and with two workers, in front of an upstream that answers
 * every call with one fixed message, in turns.
 *
 * The load and the upstream need cores, too. On a machine that has none to spare for them, the rate shows how much is left
 * for the gateway rather than how it scales, so two figures are told:
 *
 * - **by CPU**: one process gets `perSecond` requests and connections of its own, two workers twice as many of both, so that
 *   each has as much to do as the one. The gain is twice the CPU time of the one over that of the *busiest* worker: what they
 *   serve where each has a core to itself. It counts what sharing costs in caches and in uneven shares of the connections;
 *   what the primary uses is told beside it. (Under a load without pauses a worker that waits for the generator does less in
 *   each turn of its event loop, and so pays more for each request: that would be charged to the second worker.)
 * - **by the clock**: the rates under a load without pauses, on this machine with everything on it.
 */
import { availableParallelism } from "node:os";
import type { Load, LoadResult } from "../load/generator.ts";
import { forkLoad } from "../load/generator-process.ts";
import { type BenchRequest, requestBytes } from "../load/request-bytes.ts";
import { forkNodeUpstream } from "../node-upstream.ts";
import { childrenOf, cpuMs } from "../process-figures.ts";
import type { ServerProcess } from "../server-process.ts";
import { startSluice } from "../sluice-process.ts";

/** Connections for each process that serves. */
const CONNECTIONS = 64;
/** Each process has to compile its hot code for itself. */
const WARM_UP_REQUESTS = 5000;
const PACED_SECONDS = 10;
const CLOSED_SECONDS = 3;
/** A book of some 100 kB: a request that is much work for the gateway and little for its neighbours. */
const LONG_BOOK = JSON.stringify({
  title: "The annotated edition",
  authors: Array.from({ length: 1500 }, (_, index) => ({
    displayName: `Contributor number ${index}`,
    birthYear: 1500 + (index % 500),
  })),
  labels: Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`label-${index}`, `value ${index}`])),
});
const WORKLOADS: readonly Workload[] = [
  { name: "small GET", method: "GET", path: "/v1/shelves/1", share: 1 },
  { name: "GET, 50 kB reply", method: "GET", path: "/v1/shelves/1/books", share: 0.2 },
  { name: "POST, 100 kB of JSON", method: "POST", path: "/v1/shelves/1/books", body: LONG_BOOK, share: 0.05 },
];
const ENGINES = ["uws", "node"] as const;

interface Workload extends BenchRequest {
  readonly name: string;
  /** Its rate, where `perSecond` is 1. */
  readonly share: number;
}

/** One turn. Times are CPU µs for each request that a process was to get. */
interface Sample {
  /** Of the process that was busiest with them. */
  readonly busiest: number;
  /** Of the process that leads; 0 where there is one only. */
  readonly primary: number;
  /** Under a load without pauses. */
  readonly perSecond: number;
}

async function measure(gateway: ServerProcess, workload: Workload, perProcess: number): Promise<Sample> {
  const { share } = workload;
  const request = requestBytes(workload);
  const send = (load: Load): Promise<LoadResult> => forkLoad(gateway.port, request, load);
  const workers = childrenOf(gateway.pid);
  const serving = Math.max(1, workers.length);
  const connections = CONNECTIONS * serving;
  await send({ kind: "requests", connections, requests: Math.ceil(WARM_UP_REQUESTS * share) * serving });
  const all = [gateway.pid, ...workers];
  const before = all.map(cpuMs);
  const perSecond = perProcess * share * serving;
  const paced = await send({
    kind: "paced",
    connections,
    seconds: PACED_SECONDS,
    perSecond,
    warmUpSeconds: 0,
  });
  const perWorker = paced.requests / serving;
  const used = all.map((pid, i) => ((cpuMs(pid) - (before[i] ?? 0)) * 1000) / perWorker);
  const [first = 0, ...ofWorkers] = used;
  const closed = await send({ kind: "seconds", connections, seconds: CLOSED_SECONDS });
  return {
    busiest: workers.length === 0 ? first : Math.max(...ofWorkers),
    primary: workers.length === 0 ? 0 : first,
    perSecond: closed.perSecond,
  };
}

/** The turn in which least was lost to whatever else the machine did. */
function best(samples: readonly Sample[] = []): Sample {
  const [first, ...others] = samples;
  if (first === undefined) throw new Error("nothing was measured");
  return others.reduce((least, sample) => (sample.busiest < least.busiest ? sample : least), first);
}

async function main(): Promise<void> {
  const [perProcess = 1000, turns = 3] = process.argv.slice(2, 4).map(Number);
  const engines = ENGINES.filter((engine) => (process.argv[4] ?? engine) === engine);
  const upstream = await forkNodeUpstream();
  const samples = new Map<string, Sample[]>();
  try {
    for (let turn = 0; turn < turns; turn++) {
      for (const engine of engines) {
        for (const workers of [1, 2]) {
          const gateway = await startSluice({ engine, client: "http2" }, upstream.port, workers);
          try {
            for (const workload of WORKLOADS) {
              const key = `${engine} ${workload.name} ${workers}`;
              const sample = await measure(gateway, workload, perProcess);
              samples.set(key, [...(samples.get(key) ?? []), sample]);
            }
          } finally {
            await gateway.stop();
          }
        }
      }
    }
  } finally {
    upstream.child.kill();
  }
  const cores = availableParallelism();
  console.log(
    `CPU µs a request at ${perProcess}/s (50 kB: a fifth, 100 kB: a twentieth) for each process that serves; best of ${turns} turns, ${cores} cores`,
  );
  report(samples, engines);
}

function report(
  samples: ReadonlyMap<string, readonly Sample[]>,
  engines: readonly (typeof ENGINES)[number][],
): void {
  const row = (title: string, values: readonly string[]): void =>
    console.log(title.padEnd(24) + values.map((value) => value.padStart(14)).join(""));
  row("", ["one process", "busiest of 2", "primary", "gain by CPU", "by the clock"]);
  for (const engine of engines) {
    for (const { name } of WORKLOADS) {
      const one = best(samples.get(`${engine} ${name} 1`));
      const two = best(samples.get(`${engine} ${name} 2`));
      row(`${engine}, ${name}`, [
        one.busiest.toFixed(1),
        two.busiest.toFixed(1),
        two.primary.toFixed(2),
        `${((2 * one.busiest) / two.busiest).toFixed(2)}x`,
        `${(two.perSecond / one.perSecond).toFixed(2)}x`,
      ]);
    }
  }
}

await main();
