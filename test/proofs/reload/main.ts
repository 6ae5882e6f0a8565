/**
 * `npm run proof:reload [-- big]`: a hundred reloads in a row under load, on both engines, in figures. `big` adds an upstream
 * whose schema has 2,000 methods. Prints the figures, and ends with 1 if one misses its goal.
 *
 * The latency step is told twice: as clients measure it, which on a busy machine is mostly the machine, and as the
 * longest turn of the gateway's event loop by its own processor time, before and during the reloads.
 */
import { setTimeout as pause } from "node:timers/promises";
import { startEchoServer } from "../../support/echo-server.ts";
import { descriptorPath, ENGINES } from "../../support/gateway-suite.ts";
import { LiveGateway } from "../../support/live-gateway.ts";
import { alternatingConfigs, RELOADS } from "../../support/reload-configs.ts";
import { type LoadFigures, SteadyLoad } from "../../support/steady-load.ts";
import { atMost, type Figure, growth, holds, table, told } from "../figures.ts";
import { bigDescriptorSet } from "./big-schema.ts";

const CONNECTIONS = 16;
const THINK_MS = 2;
const STEP_GOAL_MS = 5;
const GROWTH_GOAL_MIB = 1;
const QUIET_MS = 3000;
/** By then what the last reload has retired is gone. */
const SETTLE_MS = 500;

const isBig = process.argv.includes("big");
const echo = await startEchoServer();
const figures: Figure[] = [];
for (const engine of ENGINES) figures.push(...(await prove(engine)));
await echo.close();
console.log(table(figures));
const missed = figures.filter(({ isMet }) => !isMet).length;
if (missed > 0) console.log(`\n${missed} of ${figures.length} figures miss their goal`);
process.exitCode = missed === 0 ? 0 : 1;

async function prove(engine: string): Promise<readonly Figure[]> {
  const big = { big: { address: echo.address, autoMapping: true, schema: { descriptors: ["big.binpb"] } } };
  const [even, odd] = alternatingConfigs(engine, echo.address, descriptorPath(), isBig ? big : {});
  const live = await LiveGateway.start(even, isBig ? { "big.binpb": bigDescriptorSet() } : {});
  const load = new SteadyLoad({
    url: live.gateway.url(),
    path: "/v1/echo?string_value=x",
    connections: CONNECTIONS,
    thinkMs: THINK_MS,
  });
  try {
    load.start();
    await pause(QUIET_MS);
    load.take();
    await live.probe();
    await pause(QUIET_MS);
    const before = load.take();
    const quiet = await live.probe();
    // The first reloads run code that has not been compiled yet.
    await reload(live, [even, odd], 10);
    const first = load.take();
    await pause(SETTLE_MS);
    const afterTen = await live.probe();
    load.take();
    const startedAt = performance.now();
    await reload(live, [even, odd], RELOADS - 10);
    const tookMs = performance.now() - startedAt;
    const during = load.take();
    await pause(SETTLE_MS);
    const afterAll = await live.probe();
    const failures = [before, first, during].flatMap((each) => Object.entries(each.failures));
    // V8 goes on compiling what runs often, for some hundred reloads.
    const codeGrowth = afterAll.codeBytes - afterTen.codeBytes;
    const heapGrowth = afterAll.heapBytes - afterTen.heapBytes;
    const mebibytes = (bytes: number): number => bytes / 2 ** 20;
    return [
      holds("no request failed", engine, failures.length === 0, JSON.stringify(failures)),
      told("requests during reloads 11 to 100", engine, during.requests, ""),
      told("time for these", engine, tookMs, "ms"),
      ...latencies("before", engine, before),
      ...latencies("during", engine, during),
      told("longest turn of the loop before", engine, quiet.busyMs, "ms"),
      told("longest turn during the first 10", engine, afterTen.busyMs, "ms"),
      told("longest turn during the others", engine, afterAll.busyMs, "ms"),
      atMost("step of that", engine, Math.max(0, afterAll.busyMs - quiet.busyMs), STEP_GOAL_MS, "ms"),
      told("heap after 10", engine, mebibytes(afterTen.heapBytes), "MiB"),
      told("growth of the heap from 10 to 100", engine, mebibytes(heapGrowth), "MiB"),
      told("of that, compiled code", engine, mebibytes(codeGrowth), "MiB"),
      growth("all else", engine, mebibytes(heapGrowth - codeGrowth), GROWTH_GOAL_MIB, "MiB"),
    ];
  } finally {
    await load.stop();
    await live.stop();
  }
}

async function reload(
  live: LiveGateway,
  configs: readonly Readonly<Record<string, unknown>>[],
  times: number,
): Promise<void> {
  for (let i = 1; i <= times; i++) {
    await live.write(configs[i % configs.length] ?? {});
    const { status, body } = await live.reload();
    if (status !== 200) throw new Error(JSON.stringify(body));
  }
}

function latencies(when: string, engine: string, { medianMs, p99Ms, maxMs }: LoadFigures): readonly Figure[] {
  return [
    told(`latency ${when}, median`, engine, medianMs, "ms"),
    told(`latency ${when}, p99`, engine, p99Ms, "ms"),
    told(`latency ${when}, longest`, engine, maxMs, "ms"),
  ];
}
