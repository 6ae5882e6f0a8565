/** A stream of a million messages: complete, in order, in bounded memory. */
import { createHash } from "node:crypto";
import { cpuMs } from "../../bench/process-figures.ts";
import { type Figure, growth, holds, told } from "./figures.ts";
import { MemoryWatch } from "./memory.ts";
import { drained, get, type Stage } from "./stage.ts";

const MESSAGES = 1_000_000;
const GROWTH_MB = 64;

/** Media type, and the bytes around the messages. */
const FORMS = [
  { accept: "application/x-ndjson", before: "", after: "\n", end: "" },
  { accept: "text/event-stream", before: "data: ", after: "\n\n", end: "event: end\ndata: {}\n\n" },
] as const;

/** Reads it in each form. */
export async function proveLongStream(stage: Stage): Promise<readonly Figure[]> {
  const { engine, pid } = stage;
  const figures: Figure[] = [];
  for (const { accept, before, after, end } of FORMS) {
    const expected = createHash("sha256");
    for (let value = 1; value <= MESSAGES; value++) expected.update(`${before}{"value":${value}}${after}`);
    expected.update(end);
    const hash = createHash("sha256");
    const memory = new MemoryWatch(pid);
    const cpuBefore = cpuMs(pid);
    await drained(await get(stage, `/v1/count/${MESSAGES}`, "long", accept), (chunk) => hash.update(chunk));
    const what = `1,000,000 messages, ${accept}`;
    figures.push(
      holds(`${what}: complete and in order`, engine, hash.digest("hex") === expected.digest("hex")),
      growth(`${what}: growth of the gateway`, engine, memory.stop(), GROWTH_MB, "MB"),
      told(`${what}: CPU per message`, engine, ((cpuMs(pid) - cpuBefore) * 1000) / MESSAGES, "µs"),
    );
  }
  return figures;
}
