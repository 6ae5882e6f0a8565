/** Idle connections: what ten thousand of them cost. They need as many file descriptors, here and in the gateway. */
import { measureIdleConnections } from "../support/idle-connections.ts";
import { type Figure, growth, holds, told } from "./figures.ts";
import type { Stage } from "./stage.ts";

const CONNECTIONS = 10_000;
const GOAL_KB = 20;

/** Opens them, reads the gateway's memory, and asks each once more. */
export async function proveIdleConnections(stage: Stage): Promise<readonly Figure[]> {
  const { engine } = stage;
  const { open, answered, kbEach } = await measureIdleConnections(stage, CONNECTIONS);
  const what = `memory of an idle connection, of ${CONNECTIONS}`;
  return [
    // The goal is for the fast engine; that of Node keeps a socket, a parser and its buffers for each.
    engine === "uws" ? growth(what, engine, kbEach, GOAL_KB, "kB") : told(what, engine, kbEach, "kB"),
    holds("all are open at once", engine, open === CONNECTIONS, `${open}`),
    holds("each answers once more", engine, answered === CONNECTIONS, `${answered}`),
  ];
}
