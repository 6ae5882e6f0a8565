import type { HttpEngine } from "../../engine.ts";
import { loadAddon } from "./load-addon.ts";
import { engineOn, type PortSharing } from "./uws-engine.ts";

export type { PortSharing } from "./uws-engine.ts";

/** An engine and the version of its addon, or why there is none. */
export type UwsEngineLoad =
  | { readonly engine: HttpEngine; readonly version: string }
  | { readonly engine: undefined; readonly reason: string };

/** The default for the longest `maxHeaderBytes` among the listeners of the process. */
const DEFAULT_MAX_HEADER_BYTES = 32 * 1024;

/**
 * Loads the addon and makes an engine on it; the result says why not where that fails.
 *
 * @param maxHeaderBytes the longest head that any listener of the process accepts. The addon buffers up to twice as
 * much, so that a head that is too long can be answered; the limit of a listener is checked per request. Only the first
 * load in a process counts.
 */
export function loadUwsEngine(
  maxHeaderBytes: number = DEFAULT_MAX_HEADER_BYTES,
  sharing: PortSharing = "exclusive",
): UwsEngineLoad {
  const load = loadAddon(maxHeaderBytes * 2);
  if (load.addon === undefined) return { engine: undefined, reason: load.reason };
  return { engine: engineOn(load.addon, sharing), version: load.version };
}

/** As {@link loadUwsEngine}. @throws {Error} with the reason if no addon loads. */
export function createUwsEngine(maxHeaderBytes: number = DEFAULT_MAX_HEADER_BYTES): HttpEngine {
  const load = loadUwsEngine(maxHeaderBytes);
  if (load.engine === undefined) throw new Error(`no uWebSockets.js addon: ${load.reason}`);
  return load.engine;
}
