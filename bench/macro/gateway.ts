/**
 * CPU per request of the gateway process, whole: `npm run bench:gateway [-- requests [connections]]` (Linux: it reads
 * /proc). The built dist/ serves the library's descriptor set in front of an upstream that answers every call with one
 * fixed message, both in processes of their own; this process is the client. Every variant (engine, gRPC client) takes
 * its turn, three times, so that a busy machine is unkind to all alike; the best turn counts.
 */
import { generateLoad } from "../load/generator.ts";
import { requestBytes } from "../load/request-bytes.ts";
import { forkNodeUpstream } from "../node-upstream.ts";
import { cpuMs, rssMb } from "../process-figures.ts";
import type { ServerProcess } from "../server-process.ts";
import { type SluiceVariant, startSluice } from "../sluice-process.ts";

const TURNS = 3;
const WORKLOADS = [
  { name: "small GET", path: "/v1/shelves/1", share: 1 },
  { name: "GET, 0.4 kB reply", path: "/v1/shelves/1/books/frankenstein", share: 1 },
  { name: "GET, 50 kB reply", path: "/v1/shelves/1/books", share: 0.1 },
];
const VARIANTS: readonly SluiceVariant[] = [
  { engine: "uws", client: "http2" },
  { engine: "uws", client: "grpc-js" },
  { engine: "node", client: "http2" },
  { engine: "node", client: "grpc-js" },
];

async function measure(
  gateway: ServerProcess,
  path: string,
  requests: number,
  connections: number,
): Promise<number> {
  const request = requestBytes({ method: "GET", path: path });
  const load = (count: number): Promise<unknown> =>
    generateLoad(gateway.port, request, { kind: "requests", connections, requests: count });
  await load(Math.ceil(requests / 4));
  const before = cpuMs(gateway.pid);
  await load(requests);
  return ((cpuMs(gateway.pid) - before) * 1000) / requests;
}

async function main(): Promise<void> {
  const [requests = 20_000, connections = 16] = process.argv.slice(2).map(Number);
  const upstream = await forkNodeUpstream();
  console.log(
    `CPU of the gateway process per request, µs; ${requests} requests over ${connections} connections`,
  );
  const best = new Map<string, number>();
  const memory = new Map<string, number>();
  for (let turn = 0; turn < TURNS; turn++) {
    for (const variant of VARIANTS) {
      const gateway = await startSluice(variant, upstream.port);
      for (const { name, path, share } of WORKLOADS) {
        const key = `${name} ${variant.engine} ${variant.client}`;
        const cost = await measure(gateway, path, requests * share, connections);
        best.set(key, Math.min(best.get(key) ?? Number.POSITIVE_INFINITY, cost));
      }
      memory.set(`${variant.engine} ${variant.client}`, rssMb(gateway.pid));
      await gateway.stop();
    }
  }
  upstream.child.kill();
  const columns = VARIANTS.map(({ engine, client }) => `${engine} ${client}`);
  const row = (title: string, values: readonly string[]): void => {
    console.log(title.padEnd(20) + values.map((value) => value.padStart(14)).join(""));
  };
  row("", columns);
  for (const { name } of WORKLOADS) {
    row(
      name,
      columns.map((column) => (best.get(`${name} ${column}`) ?? Number.NaN).toFixed(1)),
    );
  }
  row(
    "RSS after, MB",
    columns.map((column) => (memory.get(column) ?? Number.NaN).toFixed(0)),
  );
}

await main();
