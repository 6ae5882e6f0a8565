/** The engine on uWebSockets.js for whoever cannot do without. */
import { loadUwsEngine } from "../../src/http/engines/uws/index.ts";
import type { HttpEngine } from "../../src/http/index.ts";
import { TEST_LIMITS } from "./listening.ts";

/** @throws {Error} with the reason if no addon loads. */
export function uwsEngine(): HttpEngine {
  const load = loadUwsEngine(TEST_LIMITS.maxHeaderBytes);
  if (load.engine === undefined) throw new Error(`no uWebSockets.js addon: ${load.reason}`);
  return load.engine;
}
