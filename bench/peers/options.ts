/** The command line of `npm run bench:peers`. */
import { parseArgs } from "node:util";
import { CONTESTANT_NAMES } from "./contestants.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

/** What to run. */
export interface Options {
  readonly contestants: readonly string[];
  readonly workloads: readonly Workload[];
  /** Of each measurement that is not counted in requests. */
  readonly seconds: number;
  readonly rounds: number;
  /** Where all samples go as JSON. */
  readonly jsonFile: string | undefined;
}

/** How it is called. */
export const USAGE: string = `npm run bench:peers -- [options]
  --peers a,b       of ${CONTESTANT_NAMES.join(", ")}
  --workloads a,b   of ${WORKLOADS.map(({ name }) => name).join(", ")}
  --seconds n       of each measurement (3)
  --rounds n        of all contestants in turn (3)
  --json FILE       every sample`;

/** Undefined if the options ask for {@link USAGE} alone. @throws {Error} that says what is wrong with an option. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peers: { type: "string", default: CONTESTANT_NAMES.join(",") },
      workloads: { type: "string", default: WORKLOADS.map(({ name }) => name).join(",") },
      seconds: { type: "string", default: "3" },
      rounds: { type: "string", default: "3" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    contestants: values.peers.split(",").map((name) => {
      if (!CONTESTANT_NAMES.includes(name)) throw new Error(`--peers: ${JSON.stringify(name)} is unknown`);
      return name;
    }),
    workloads: values.workloads.split(",").map((name) => {
      const workload = WORKLOADS.find((candidate) => candidate.name === name);
      if (workload === undefined) throw new Error(`--workloads: ${JSON.stringify(name)} is unknown`);
      return workload;
    }),
    seconds: parseCount("--seconds", values.seconds),
    rounds: parseCount("--rounds", values.rounds),
    jsonFile: values.json,
  };
}

function parseCount(option: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`${option}: ${JSON.stringify(text)} is not 1 to 9999`);
  return Number(text);
}
