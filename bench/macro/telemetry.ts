/**
 * What access log and tracing cost: CPU per request of the gateway process, by what is switched on (Linux: it reads /proc).
 * `npm run bench:telemetry [-- --requests N] [--build FOLDER]`; a folder holds another build (in its `dist`), which runs with
 * both off. Every variant takes its turn, several times, so that a busy machine is unkind to all alike; the best turn counts.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { generateLoad } from "../load/generator.ts";
import { requestBytes } from "../load/request-bytes.ts";
import { forkNodeUpstream } from "../node-upstream.ts";
import { cpuMs, rssMb } from "../process-figures.ts";
import { type SluiceVariant, startSluice } from "../sluice-process.ts";

const TURNS = 3;
const CONNECTIONS = 16;
const PATH = "/v1/shelves/1/books/frankenstein";
const REQUEST: Buffer = requestBytes({ method: "GET", path: PATH });

interface Figures {
  cpuUs: number;
  idleMb: number;
  loadedMb: number;
}

/** A collector that takes everything and reads nothing of it. */
async function startSink(): Promise<{ endpoint: string; close: () => void }> {
  const server = createServer((request, reply) => {
    request.resume().on("end", () => reply.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server that listens has such an address.
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, close: () => server.close() };
}

function variants(endpoint: string, build: string | undefined): ReadonlyMap<string, SluiceVariant> {
  const plain = { engine: "uws", client: "http2" } as const;
  const traced = (ratio: number): SluiceVariant => ({
    ...plain,
    config: { tracing: { enabled: true, exporter: { endpoint, interval: "100ms" }, sampling: { ratio } } },
  });
  const file = join(tmpdir(), `sluice-bench-${process.pid}.log`);
  const logged = (format: string): SluiceVariant => ({ ...plain, config: { accessLog: { file, format } } });
  return new Map([
    ...(build === undefined ? [] : [["the other build, both off", { ...plain, build }] as const]),
    ["both off", plain],
    ["access log, JSON to standard output", { ...plain, config: { accessLog: {} } }],
    ...(build === undefined
      ? []
      : [["the other build, the same", { ...plain, build, config: { accessLog: {} } }] as const]),
    ["access log, JSON to a file", logged("json")],
    ["access log, template to a file", logged("{time} {peer} {method} {path} {status} {durationMs}ms")],
    ["tracing 1 %", traced(0.01)],
    ["tracing 100 %", traced(1)],
  ]);
}

async function measure(variant: SluiceVariant, upstreamPort: number, requests: number): Promise<Figures> {
  const gateway = await startSluice(variant, upstreamPort);
  try {
    const idleMb = rssMb(gateway.pid);
    const load = (count: number): Promise<unknown> =>
      generateLoad(gateway.port, REQUEST, { kind: "requests", connections: CONNECTIONS, requests: count });
    await load(Math.ceil(requests / 2));
    const before = cpuMs(gateway.pid);
    await load(requests);
    const cpuUs = ((cpuMs(gateway.pid) - before) * 1000) / requests;
    return { cpuUs, idleMb, loadedMb: rssMb(gateway.pid) };
  } finally {
    await gateway.stop();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { requests: { type: "string" }, build: { type: "string" } } });
  const requests = Number(values.requests ?? 20_000);
  const upstream = await forkNodeUpstream();
  const sink = await startSink();
  const best = new Map<string, Figures>();
  const all = variants(sink.endpoint, values.build);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [name, variant] of all) {
      const found = await measure(variant, upstream.port, requests);
      const known = best.get(name) ?? found;
      best.set(name, {
        cpuUs: Math.min(known.cpuUs, found.cpuUs),
        idleMb: Math.min(known.idleMb, found.idleMb),
        loadedMb: Math.min(known.loadedMb, found.loadedMb),
      });
    }
  }
  upstream.child.kill();
  sink.close();
  console.log(`GET ${PATH}, ${requests} requests over ${CONNECTIONS} connections, best of ${TURNS}`);
  console.log(`${"".padEnd(38)}${"CPU µs".padStart(8)}${"idle MB".padStart(9)}${"after, MB".padStart(11)}`);
  for (const [name, { cpuUs, idleMb, loadedMb }] of best) {
    const cells = [
      cpuUs.toFixed(1).padStart(8),
      idleMb.toFixed(0).padStart(9),
      loadedMb.toFixed(0).padStart(11),
    ];
    console.log(name.padEnd(38) + cells.join(""));
  }
}

await main();
