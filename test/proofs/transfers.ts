/** A gigabyte each way: the same bytes at both ends, and memory that does not grow with them. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpuMs } from "../../bench/process-figures.ts";
import { BLOCK_BYTES, blankBlock, stamped } from "./blob.ts";
import { type Figure, growth, holds, told } from "./figures.ts";
import { MemoryWatch } from "./memory.ts";
import { drained, get, replyTo, request, type Stage } from "./stage.ts";

const TOTAL_BYTES = 2 ** 30;
const BLOCKS: number = TOTAL_BYTES / BLOCK_BYTES;
/** The goal for how much the gateway may grow. */
const GROWTH_MB = 64;

/** A streamed download. */
export async function proveDownload(stage: Stage): Promise<readonly Figure[]> {
  return measured(stage, "1 GB download", async (call) => {
    const hash = createHash("sha256");
    let bytes = 0;
    await drained(await get(stage, `/v1/blob:stream?chunks=${BLOCKS}`, call), (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    return { sha256: hash.digest("hex"), bytes };
  });
}

/** A streamed upload. */
export async function proveUpload(stage: Stage): Promise<readonly Figure[]> {
  return measured(stage, "1 GB upload", async (call) => {
    const hash = createHash("sha256");
    const sent = request(stage, "POST", "/v1/blob:stream", call, {
      "content-type": "image/x-proof",
      "content-length": String(TOTAL_BYTES),
    });
    const reply = replyTo(sent);
    const blank = blankBlock();
    for (let index = 0; index < BLOCKS; index++) {
      const block = stamped(blank, index);
      hash.update(block);
      if (!sent.write(block)) await Promise.race([once(sent, "drain"), reply]);
    }
    sent.end();
    await drained(await reply);
    return { sha256: hash.digest("hex"), bytes: TOTAL_BYTES };
  });
}

async function measured(
  stage: Stage,
  what: string,
  transfer: (call: string) => Promise<{ readonly sha256: string; readonly bytes: number }>,
): Promise<readonly Figure[]> {
  const { engine, pid, upstream } = stage;
  const call = `${what} ${engine}`.replaceAll(" ", "-");
  const memory = new MemoryWatch(pid);
  const cpuBefore = cpuMs(pid);
  const startedAt = performance.now();
  const { sha256, bytes } = await transfer(call);
  const seconds = (performance.now() - startedAt) / 1000;
  const grownMb = memory.stop();
  const report = await upstream.report(call);
  return [
    holds(`${what}: all bytes`, engine, bytes === TOTAL_BYTES, String(bytes)),
    holds(`${what}: SHA-256 equal at both ends`, engine, report.sha256 === sha256),
    growth(`${what}: growth of the gateway`, engine, grownMb, GROWTH_MB, "MB"),
    told(`${what}: CPU of the gateway`, engine, (cpuMs(pid) - cpuBefore) / 1000, "s"),
    told(`${what}: speed`, engine, TOTAL_BYTES / 2 ** 20 / seconds, "MB/s"),
  ];
}
