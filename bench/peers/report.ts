/** Prints a run as tables. */
import { OWN_NAME } from "./contestants.ts";
import type { Verdict } from "./goals.ts";
import type { Results, Summary } from "./results.ts";
import { isPaced, type Workload } from "./workloads.ts";

const NAME_WIDTH = 16;
const COLUMN_WIDTH = 12;

/** A table per workload: each contestant, and how many times Sluice's CPU it took. */
export function printWorkload(workload: Workload, contestants: readonly string[], results: Results): void {
  const unit = workload.messages > 1 ? "message" : "request";
  const own = results.summary(OWN_NAME, workload.name);
  console.log(`\n${workload.title}`);
  printRow("", [`CPU µs/${unit}`, "x sluice's", `${unit}s/s`, "p50 ms", "p99 ms", "RSS MB"]);
  for (const name of contestants) {
    const summary = results.summary(name, workload.name);
    if (summary !== undefined) printRow(name, cells(summary, own, workload));
    const failure = results.failure(name, workload.name);
    if (failure !== undefined) console.log(`${name.padEnd(NAME_WIDTH)}  ${failure}`);
  }
}

/** Resident memory before the first request. */
export function printIdle(contestants: readonly string[], results: Results): void {
  console.log("\nRSS, idle");
  for (const name of contestants) {
    const mb = results.idleMb(name);
    if (mb !== undefined) printRow(name, [`${mb.toFixed(0)} MB`]);
  }
}

/** What became of the goals. */
export function printVerdicts(verdicts: readonly Verdict[]): void {
  const width = Math.max(...verdicts.map(({ goal }) => goal.length)) + 2;
  console.log("\nGoals");
  for (const { goal, measured, isMet } of verdicts) {
    const mark = isMet === undefined ? "-" : isMet ? "met" : "NOT MET";
    console.log(`${goal.padEnd(width)}${mark.padEnd(9)}${measured}`);
  }
}

function cells(summary: Summary, own: Summary | undefined, workload: Workload): readonly string[] {
  const { cpuUs, perSecond, p50Ms, p99Ms, rssMb, ownDelayP99Ms } = summary;
  const delay = isPaced(workload) ? [`generator's own delay, p99: ${ownDelayP99Ms.toFixed(2)} ms`] : [];
  return [
    cpuUs.toFixed(cpuUs < 10 ? 2 : 1),
    own === undefined ? "-" : (cpuUs / own.cpuUs).toFixed(2),
    Math.round(perSecond).toLocaleString("en"),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    rssMb.toFixed(0),
    ...delay,
  ];
}

function printRow(title: string, values: readonly string[]): void {
  console.log(title.padEnd(NAME_WIDTH) + values.map((value) => `  ${value.padStart(COLUMN_WIDTH)}`).join(""));
}
