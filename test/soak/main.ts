/**
 * `npm run soak -- --minutes N`: mixed traffic on both engines while the upstream is killed, started again and stopped, and
 * the config is loaded again. Every answer is checked; in the end nothing of it may be left: no memory, stream, timer or
 * socket. Ends with 1 where an answer was wrong or something stays (Linux: it reads /proc).
 */
import { rename, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ECHO_DESCRIPTORS } from "../support/echo-server.ts";
import { GatewayProcess, temporaryFiles } from "../support/gateway-process.ts";
import { closeIdleConnections } from "../support/http-request.ts";
import { Random } from "../support/random.ts";
import { type Figures, look } from "./figures.ts";
import { Ledger } from "./ledger.ts";
import { KINDS } from "./traffic.ts";
import { SoakUpstream } from "./upstream.ts";

const CLIENTS_PER_ENGINE = 12;
/** The longest rest of a client between two requests. */
const REST_MS = 30;
const FAULT_PERIOD_MS = 8000;
const STOP_MS = 1500;
const TELL_PERIOD_MS = 10_000;
/** Compilers, caches and pools fill up in this share of the time; memory counts from then on. */
const WARM_SHARE = 0.3;
/** What the most of the second half of that may be above the most of the first, besides a tenth of it. */
const GROWTH_MB = 16;
/** How long the end may take until nothing is left: the gateway keeps idle connections that long. */
const SETTLE_MS = 15_000;

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "2" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes} is no time`);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

const upstream = await SoakUpstream.start();
const files = await temporaryFiles({ "sluice.yaml": configText(0) });
const gateway = await GatewayProcess.start(["serve", "--config", files.path("sluice.yaml")]);
const pid = gateway.child.pid ?? 0;
const ledger = new Ledger();
let reloads = 0;
const endsAt = performance.now() + minutes * 60_000;
console.log(`${minutes} minutes, seed ${seed}`);

try {
  await warmConnections();
  const before = await look(pid, gateway.adminUrl);
  const memory: number[] = [];
  await Promise.all([
    ...[0, 1].flatMap((engine) =>
      Array.from({ length: CLIENTS_PER_ENGINE }, (_, index) =>
        client(gateway.url(engine), seed + engine * 100 + index),
      ),
    ),
    disturb(),
    tell(memory),
  ]);
  closeIdleConnections();
  report(memory, before, await settled(before));
} finally {
  await gateway.stop();
  await upstream.stop();
  await files.remove();
}

/** Two configs in turn, which answer alike. */
function configText(turn: number): string {
  return JSON.stringify({
    listeners: ["uws", "node"].map((engine) => ({ address: "127.0.0.1:0", engine, idleTimeout: "5s" })),
    admin: { address: "127.0.0.1:0" },
    upstreams: {
      echo: {
        address: upstream.address,
        schema: { descriptors: [resolve(ECHO_DESCRIPTORS)] },
      },
    },
    defaults: { deadline: turn % 2 === 0 ? "15s" : "16s" },
    accessLog: { enabled: false },
  });
}

async function warmConnections(): Promise<void> {
  for (const url of [gateway.url(0), gateway.url(1)]) await (await fetch(`${url}/v1/ping`)).text();
}

/** One client: request after request, each of a random kind. */
async function client(url: string, clientSeed: number): Promise<void> {
  const random = new Random(clientSeed);
  const deck = KINDS.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
  while (performance.now() < endsAt) {
    const kind = random.pick(deck);
    await ledger.note(kind.name, () => kind.run(url, random));
    await pause(random.below(REST_MS));
  }
}

/** Something happens every few seconds, in turn. */
async function disturb(): Promise<void> {
  const faults: readonly (() => Promise<void>)[] = [
    reload,
    async () => {
      ledger.disturbed();
      await upstream.restart();
      ledger.settled();
    },
    reload,
    async () => {
      upstream.pause();
      await pause(STOP_MS);
      upstream.resume();
    },
  ];
  for (let turn = 0; performance.now() + FAULT_PERIOD_MS < endsAt; turn++) {
    await pause(FAULT_PERIOD_MS);
    await faults[turn % faults.length]?.();
  }
}

async function reload(): Promise<void> {
  reloads += 1;
  const next = files.path("next.yaml");
  await writeFile(next, configText(reloads));
  await rename(next, files.path("sluice.yaml"));
  gateway.child.kill("SIGHUP");
}

async function tell(memory: number[]): Promise<void> {
  while (performance.now() + TELL_PERIOD_MS < endsAt) {
    await pause(TELL_PERIOD_MS);
    const { rssMb, openFiles } = await look(pid, gateway.adminUrl);
    memory.push(rssMb);
    const leftS = Math.round((endsAt - performance.now()) / 1000);
    console.log(
      `${String(leftS).padStart(5)} s left: ${answered()} right, ${ledger.excused} excused, ${ledger.wrong} wrong; ${rssMb.toFixed(0)} MB, ${openFiles} files`,
    );
  }
}

/** Waits until nothing is under way and connections have been closed; the last look, whatever it shows. */
async function settled(before: Figures): Promise<Figures> {
  for (const until = performance.now() + SETTLE_MS; ; await pause(250)) {
    const now = await look(pid, gateway.adminUrl);
    const isQuiet =
      Object.keys(now.busy).length === 0 && now.openFiles <= before.openFiles && now.timers <= before.timers;
    if (isQuiet || performance.now() > until) return now;
  }
}

function report(memory: readonly number[], before: Figures, after: Figures): void {
  const warm = memory.slice(Math.floor(memory.length * WARM_SHARE));
  const half = Math.ceil(warm.length / 2);
  const early = Math.max(...warm.slice(0, half));
  const late = Math.max(...warm.slice(half));
  const limitMb = early * 1.1 + GROWTH_MB;
  for (const [kind, count] of ledger.right) console.log(`${kind.padEnd(24)} ${count}`);
  for (const line of ledger.told) console.log(`WRONG  ${line}`);
  const findings: readonly (readonly [what: string, holds: boolean, seen: string])[] = [
    [
      "no wrong answer",
      ledger.wrong === 0,
      `${ledger.wrong} wrong, ${ledger.excused} excused of ${answered()}`,
    ],
    ["every kind was asked", ledger.right.size === KINDS.length, `${ledger.right.size} of ${KINDS.length}`],
    ["flat memory", late <= limitMb, `at most ${early.toFixed(0)} MB, later ${late.toFixed(0)} MB`],
    ["no stream left", Object.keys(after.busy).length === 0, JSON.stringify(after.busy)],
    [
      "no socket left",
      after.openFiles <= before.openFiles,
      `${before.openFiles} files, then ${after.openFiles}`,
    ],
    ["no timer left", after.timers <= before.timers, `${before.timers} timers, then ${after.timers}`],
    ["nothing on standard error", gateway.stderr === "", gateway.stderr.slice(0, 500)],
    ["the gateway has not ended", gateway.child.exitCode === null, String(gateway.child.exitCode)],
  ];
  for (const [what, holds, seen] of findings) console.log(`${holds ? "ok    " : "FAILED"} ${what}: ${seen}`);
  process.exitCode = findings.every(([, holds]) => holds) ? 0 : 1;
}

function answered(): number {
  return [...ledger.right.values()].reduce((sum, count) => sum + count, 0);
}
