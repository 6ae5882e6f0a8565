/**
 * What a second worker is worth: `npm run bench:workers [-- requests [connections [turns [engine]]]]` (Linux: it reads
 * /proc). The built dist/ serves the library's descriptor set with one process and with two workers, in front of an upstream that answers every
 * call with one fixed message, on both engines, in turns.
 *
 * The load and the upstream need cores, too. On a machine that has none to spare for them, the rate shows how much is left
 * for the gateway rather than how it scales, so two figures are told:
 *
 * - **by CPU**: as many requests as one process answers in its CPU time, over the CPU time in which the *busiest* worker
 *   answers its part of as many. That is the gain where each worker has a core to itself. It counts what the second worker
 *   costs in caches and in uneven shares of the connections; what the primary uses is told beside it.
 * - **by the clock**: the rates as they were, on this machine with everything on it.
 */
import { availableParallelism } from "node:os";
import { forkLoad } from "../load/generator-process.ts";
import { forkNodeUpstream } from "../node-upstream.ts";
import { childrenOf, cpuMs } from "../process-figures.ts";
import type { ServerProcess } from "../server-process.ts";
import { startSluice } from "../sluice-process.ts";

const WORKLOADS = [
  { name: "small GET", path: "/v1/shelves/1", share: 1 },
  { name: "GET, 50 kB reply", path: "/v1/shelves/1/books", share: 0.2 },
];
const ENGINES = ["uws", "node"] as const;

/** One turn. Times are CPU µs per request of all that were sent. */
interface Sample {
  /** Of the process that was busiest with them. */
  readonly busiest: number;
  /** Of all processes of the gateway. */
  readonly total: number;
  /** Of the process that leads; 0 where there is one only. */
  readonly primary: number;
  readonly perSecond: number;
}

async function measure(
  gateway: ServerProcess,
  path: string,
  requests: number,
  connections: number,
): Promise<Sample> {
  const request = Buffer.from(
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench\r\naccept: */*\r\n\r\n`,
  );
  const send = (count: number): ReturnType<typeof forkLoad> =>
    forkLoad(gateway.port, request, { kind: "requests", connections, requests: count });
  const workers = childrenOf(gateway.pid);
  // Each process has to compile its hot code for itself.
  await send(requests * Math.max(1, workers.length));
  const all = [gateway.pid, ...workers];
  const before = all.map(cpuMs);
  const { perSecond } = await send(requests);
  const used = all.map((pid, i) => ((cpuMs(pid) - (before[i] ?? 0)) * 1000) / requests);
  const [first = 0, ...ofWorkers] = used;
  return {
    busiest: Math.max(...(workers.length === 0 ? [first] : ofWorkers)),
    total: used.reduce((sum, each) => sum + each, 0),
    primary: workers.length === 0 ? 0 : first,
    perSecond,
  };
}

/** The turn in which least was lost to whatever else the machine did. */
function best(samples: readonly Sample[]): Sample {
  const [first, ...others] = samples;
  if (first === undefined) throw new Error("nothing was measured");
  return others.reduce((least, sample) => (sample.busiest < least.busiest ? sample : least), first);
}

async function main(): Promise<void> {
  const [requests = 20_000, connections = 128, turns = 3] = process.argv.slice(2, 5).map(Number);
  const engines = ENGINES.filter((engine) => (process.argv[5] ?? engine) === engine);
  const upstream = await forkNodeUpstream();
  const samples = new Map<string, Sample[]>();
  try {
    for (let turn = 0; turn < turns; turn++) {
      for (const engine of engines) {
        for (const workers of [1, 2]) {
          const gateway = await startSluice({ engine, client: "http2" }, upstream.port, workers);
          try {
            for (const { name, path, share } of WORKLOADS) {
              const key = `${engine} ${name} ${workers}`;
              const sample = await measure(gateway, path, requests * share, connections);
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
    `CPU µs a request, best of ${turns} turns; ${requests} requests (50 kB: a fifth) over ${connections} connections; ${cores} cores`,
  );
  report(samples, engines);
}

function report(
  samples: ReadonlyMap<string, readonly Sample[]>,
  engines: readonly (typeof ENGINES)[number][],
): void {
  const row = (title: string, values: readonly string[]): void =>
    console.log(title.padEnd(24) + values.map((value) => value.padStart(13)).join(""));
  row("", ["one process", "two, all", "busiest", "primary", "gain by CPU", "by the clock"]);
  for (const engine of engines) {
    for (const { name } of WORKLOADS) {
      const one = best(samples.get(`${engine} ${name} 1`) ?? []);
      const two = best(samples.get(`${engine} ${name} 2`) ?? []);
      row(`${engine}, ${name}`, [
        one.total.toFixed(1),
        two.total.toFixed(1),
        two.busiest.toFixed(1),
        two.primary.toFixed(2),
        `${(one.busiest / two.busiest).toFixed(2)}x`,
        `${(two.perSecond / one.perSecond).toFixed(2)}x`,
      ]);
    }
  }
}

await main();
