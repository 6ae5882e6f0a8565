/**
 * CPU per message of the gateway process in a long server stream: `npm run bench:stream [-- messages]` (Linux: it reads
 * /proc). The upstream sends one small event again and again, as fast as it is read; this process reads the reply to its
 * end and counts the events. Every variant (engine, form) takes its turn, three times; the best turn counts.
 */
import { connect } from "node:net";
import { forkNodeUpstream } from "../node-upstream.ts";
import { cpuMs, rssMb } from "../process-figures.ts";
import type { ServerProcess } from "../server-process.ts";
import { type SluiceVariant, startSluice } from "../sluice-process.ts";

const TURNS = 3;
const ENGINES = ["uws", "node"] as const;
const VARIANTS: readonly (SluiceVariant & { readonly accept: string })[] = ENGINES.flatMap((engine) =>
  ["application/x-ndjson", "application/json", "text/event-stream"].map((accept) => ({
    engine,
    accept,
    client: "http2",
  })),
);

const WORD = Buffer.from('"deleted"');

/** Reads one stream to the end of its connection; gives how many events came, and how many reads it took. */
function read(
  port: number,
  accept: string,
  messages: number,
): Promise<{ readonly events: number; readonly reads: number }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(
        `GET /v1/shelves/1/books:watch?limit=${messages} HTTP/1.1\r\nhost: a\r\naccept: ${accept}\r\nconnection: close\r\n\r\n`,
      );
    });
    let events = 0;
    let reads = 0;
    let tail = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      reads += 1;
      const text = Buffer.concat([tail, chunk]);
      let at = text.indexOf(WORD);
      for (; at >= 0; at = text.indexOf(WORD, at + WORD.length)) events += 1;
      tail = text.subarray(Math.max(0, text.length - WORD.length + 1));
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve({ events, reads }));
  });
}

async function measure(gateway: ServerProcess, accept: string, messages: number): Promise<number> {
  const before = cpuMs(gateway.pid);
  const { events } = await read(gateway.port, accept, messages);
  // Cut chunks can hide an event from the count, but a broken stream loses far more than these.
  if (events < messages * 0.99) throw new Error(`${accept}: only ${events} of ${messages} events came`);
  return ((cpuMs(gateway.pid) - before) * 1000) / messages;
}

const [messages = 1_000_000] = process.argv.slice(2).map(Number);
const upstream = await forkNodeUpstream();
console.log(`CPU of the gateway process per message, µs; streams of ${messages} messages`);
for (const variant of VARIANTS) {
  let best = Number.POSITIVE_INFINITY;
  let memory = 0;
  const gateway = await startSluice(variant, upstream.port);
  for (let turn = 0; turn < TURNS; turn++) {
    best = Math.min(best, await measure(gateway, variant.accept, messages));
    memory = Math.max(memory, rssMb(gateway.pid));
  }
  await gateway.stop();
  const name = `${variant.engine} ${variant.accept}`;
  console.log(`${name.padEnd(30)} ${best.toFixed(2).padStart(6)}   RSS ${memory.toFixed(0)} MB`);
}
upstream.child.kill();
