/**
 * Somebody stops reading for longer than the timeouts that HTTP servers have: the other side is held, what is on the way is
 * bounded, and in the end everything has come.
 */
import { createHash } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import { bytesInSockets } from "../support/socket-buffers.ts";
import { BLOCK_BYTES, blankBlock, stamped } from "./blob.ts";
import { atMost, type Figure, holds, told } from "./figures.ts";
import { drained, get, replyTo, request, type Stage } from "./stage.ts";

/** uWebSockets.js would close a connection that stands still for 10 s. */
const STOP_MS = 12_000;
const BLOCKS = 512;
const TOTAL_BYTES: number = BLOCKS * BLOCK_BYTES;
/** Read before the stop, so that windows have grown. */
const READ_BYTES: number = 8 * 2 ** 20;
/** What may be in windows and queues, of the gateway and of both ends. How much Linux takes into sockets is its affair. */
const ON_THE_WAY_MB = 16;
const MB = 2 ** 20;

/** A client that stops reading a download. */
export async function proveStoppedReader(stage: Stage): Promise<readonly Figure[]> {
  const { engine, upstream } = stage;
  const call = `stopped-reader-${engine}`;
  const reply = await get(stage, `/v1/blob:stream?chunks=${BLOCKS}`, call);
  const hash = createHash("sha256");
  let bytes = 0;
  const stopped = new Promise<void>((resolve) => {
    reply.on("data", function read(chunk: Buffer) {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes < READ_BYTES) return;
      reply.off("data", read);
      reply.pause();
      resolve();
    });
  });
  await stopped;
  const [soon, late] = await twice(async () => (await upstream.report(call)).sentBytes);
  const inSocketsMb = bytesInSockets([stage.port, upstream.port]) / MB;
  const onTheWayMb = beyond(inSocketsMb, late - bytes);
  const rest = drained(reply, (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  reply.resume();
  await rest;
  const { sha256 } = await upstream.report(call);
  return [
    holds(
      "reader stopped 12 s: the upstream is held",
      engine,
      soon === late,
      `${(late - soon) / MB} MB more`,
    ),
    atMost("reader stopped 12 s: sent and not read", engine, onTheWayMb, ON_THE_WAY_MB, "MB"),
    told("reader stopped 12 s: besides, in sockets", engine, inSocketsMb, "MB"),
    holds("reader stopped 12 s: then all of it", engine, bytes === TOTAL_BYTES, `${bytes} bytes`),
    holds("reader stopped 12 s: SHA-256 equal", engine, sha256 === hash.digest("hex")),
  ];
}

/** An upstream that does not read an upload. */
export async function proveStoppedUpstream(stage: Stage): Promise<readonly Figure[]> {
  const { engine, upstream } = stage;
  const call = `stopped-upstream-${engine}`;
  const sent = request(stage, "POST", "/v1/blob:stream", call, {
    "content-type": "image/x-proof",
    "content-length": String(TOTAL_BYTES),
    "x-proof-held": "1",
  });
  const reply = replyTo(sent);
  const hash = createHash("sha256");
  const blank = blankBlock();
  let leftBytes = 0;
  let index = 0;
  const writeNext = (): void => {
    if (index === BLOCKS) {
      sent.end();
      return;
    }
    const block = stamped(blank, index++);
    hash.update(block);
    sent.write(block, () => {
      leftBytes += block.length;
      writeNext();
    });
  };
  writeNext();
  const [soon, late] = await Promise.race([
    twice(async () => leftBytes),
    reply.then(() => Promise.reject(new Error("a reply before the upstream has read"))),
  ]);
  const inSocketsMb = bytesInSockets([stage.port, upstream.port]) / MB;
  upstream.release(call);
  await drained(await reply);
  const { sha256 } = await upstream.report(call);
  return [
    holds(
      "upstream stopped 12 s: the client is held",
      engine,
      soon === late,
      `${(late - soon) / MB} MB more`,
    ),
    atMost("upstream stopped 12 s: left the client", engine, beyond(inSocketsMb, late), ON_THE_WAY_MB, "MB"),
    told("upstream stopped 12 s: besides, in sockets", engine, inSocketsMb, "MB"),
    holds("upstream stopped 12 s: SHA-256 equal", engine, sha256 === hash.digest("hex")),
  ];
}

/** What is on the way besides what sockets hold, in MB; blocks count once they are sent whole, so it may be nothing. */
function beyond(inSocketsMb: number, bytes: number): number {
  return Math.max(bytes / MB - inSocketsMb, 0);
}

/** A reading once things have come to rest, and one at the end of the stop. */
async function twice(read: () => Promise<number>): Promise<readonly [soon: number, late: number]> {
  await after(STOP_MS / 3);
  const soon = await read();
  await after((STOP_MS * 2) / 3);
  return [soon, await read()];
}
