/** Thousands of clients that watch events and hardly read: what each of them costs. */
import { connect, type Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { rssMb } from "../../bench/process-figures.ts";
import { type Figure, growth, holds } from "./figures.ts";
import { MemoryWatch } from "./memory.ts";
import type { Stage } from "./stage.ts";

const CLIENTS = 2000;
const CLIENT_KB = 64;
/** Clients of streams that never pause; each fills the buffers of its socket, which the kernel has a limit for. */
const FLOODED_CLIENTS = 100;
/** A stream may hold a window of 512 KiB in the gateway; the rest is what any busy gateway grows by. */
const FLOODED_CLIENT_KB = 1024;
const SETTLE_MS = 6000;
/** Connections opened at once. */
const BATCH = 100;

/** Clients that take one event and then no more, of an upstream that sends one a second to each. */
export async function proveManyEvents(stage: Stage): Promise<readonly Figure[]> {
  const { engine, pid } = stage;
  const memory = new MemoryWatch(pid);
  const sockets = await watchers(stage, CLIENTS, "/v1/hang:stream");
  await after(SETTLE_MS);
  const peakKb = (memory.stop() * 1024) / CLIENTS;
  const gone = sockets.filter(({ destroyed }) => destroyed).length;
  const read = await Promise.all(sockets.map(readOn));
  for (const socket of sockets) socket.destroy();
  return [
    growth("2,000 slow SSE clients: each, at the peak", engine, peakKb, CLIENT_KB, "kB"),
    holds("2,000 slow SSE clients: all are still served", engine, gone === 0, `${gone} are gone`),
    holds(
      "2,000 slow SSE clients: and get what they missed",
      engine,
      read.every((events) => events >= 3),
    ),
  ];
}

/** Clients that take one event and then no more, of an upstream that sends as many as it may. */
export async function proveFloodedEvents(stage: Stage): Promise<readonly Figure[]> {
  const { engine, pid } = stage;
  const before = rssMb(pid);
  const memory = new MemoryWatch(pid);
  const sockets = await watchers(stage, FLOODED_CLIENTS, "/v1/hang:stream?to=1");
  await after(SETTLE_MS);
  const peakKb = (memory.stop() * 1024) / FLOODED_CLIENTS;
  const restKb = ((rssMb(pid) - before) * 1024) / FLOODED_CLIENTS;
  for (const socket of sockets) socket.destroy();
  return [
    growth("100 SSE clients behind: each, at the peak", engine, peakKb, FLOODED_CLIENT_KB, "kB"),
    growth("100 SSE clients behind: each, at rest", engine, restKb, FLOODED_CLIENT_KB, "kB"),
  ];
}

/** Clients that have got their first event, and have stopped. */
async function watchers(stage: Stage, count: number, target: string): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - sockets.length) }, () =>
      watcher(stage, target),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

function watcher({ port }: Stage, target: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET ${target} HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n`);
    let text = "";
    socket.on("error", reject);
    socket.on("data", function read(chunk: Buffer) {
      text += chunk.toString("latin1");
      if (!text.includes("data: ")) return;
      socket.off("data", read);
      socket.pause();
      resolve(socket);
    });
    socket.on("close", () => reject(new Error(`closed: ${text.slice(0, 200)}`)));
  });
}

/** How many events have come since it stopped; three are enough. */
function readOn(socket: Socket): Promise<number> {
  return new Promise((resolve) => {
    let events = 0;
    socket.on("close", () => resolve(events));
    socket.on("data", (chunk: Buffer) => {
      events += chunk.toString("latin1").split("data: ").length - 1;
      if (events >= 3) resolve(events);
    });
    socket.resume();
  });
}
