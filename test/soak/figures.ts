/** What a gateway process holds: memory, open files, and what its own metrics count. */
import { readdirSync } from "node:fs";
import { rssMb } from "../../bench/process-figures.ts";

/** What must be nothing once nobody asks for anything. */
const IDLE_GAUGES: readonly string[] = [
  "sluice_requests_in_flight",
  "sluice_upstream_calls_in_flight",
  "sluice_upstream_streams",
  "sluice_upstream_pending_calls",
  "sluice_upstream_pending_bytes",
];
const TIMERS = 'nodejs_active_resources{type="Timeout"}';

/** One look. */
export interface Figures {
  readonly rssMb: number;
  readonly openFiles: number;
  readonly timers: number;
  /** The gauges that are not zero, and what they count. */
  readonly busy: Readonly<Record<string, number>>;
}

/** Looks at the process `pid`, whose admin listener is at `adminUrl`. */
export async function look(pid: number, adminUrl: string): Promise<Figures> {
  const text = await (await fetch(`${adminUrl}/metrics`, { headers: { connection: "close" } })).text();
  const busy: Record<string, number> = {};
  let timers = 0;
  for (const line of text.split("\n")) {
    const space = line.lastIndexOf(" ");
    const name = line.slice(0, space);
    const value = Number(line.slice(space + 1));
    if (name === TIMERS) timers = value;
    else if (value !== 0 && IDLE_GAUGES.includes(name.replace(/\{.*/, ""))) busy[name] = value;
  }
  return { rssMb: rssMb(pid), openFiles: readdirSync(`/proc/${pid}/fd`).length, timers, busy };
}
