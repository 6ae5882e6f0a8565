/** How many processes serve: the top-level key `workers`. */
import type * as z from "zod";
import { scalar } from "./fields.ts";
import { complain, show } from "./reading.ts";

/** A number of processes, or `auto` for as many as there are cores to run on. */
export type WorkersConfig = "auto" | number;

const MOST = 256;
const HINT = `write auto, or a number from 1 to ${MOST}`;

/** The key's schema. */
export function workersField(): z.ZodType<WorkersConfig> {
  const description =
    "How many processes serve. 1 is one process that does everything; more are led by one that serves nothing itself (docs/workers.md); `auto` is one for each core.";
  const json = {
    anyOf: [
      { type: "integer", minimum: 1, maximum: MOST },
      { type: "string", pattern: "^auto$|\\$\\{" },
    ],
  };
  return scalar<WorkersConfig>(`auto | integer, 1 to ${MOST}`, description, json, (value) => {
    if (value === "auto") return { value };
    // The environment and the command line give text.
    const number = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number)) {
      return complain(`${show(value)} is not a number of processes`, HINT);
    }
    return number >= 1 && number <= MOST ? { value: number } : complain(`${number} is out of range`, HINT);
  });
}
