/** From the addon, if one loads, to an engine. */
import type { HttpEngine } from "../../engine.ts";
import { loadAddon } from "./load-addon.ts";
import { engineOn, type PortSharing } from "./uws-engine.ts";

/** An engine and the version of its addon, or why there is none. */
export type UwsEngineLoad =
  | { readonly engine: HttpEngine; readonly version: string }
  | { readonly engine: undefined; readonly reason: string };

/**
 * Loads the addon and makes an engine on it; the result says why not where that fails.
 *
 * @param maxHeaderBytes the longest head that any listener of the process accepts. The addon buffers up to twice as
 * much, so that a head that is too long can be answered; the limit of a listener is checked per request. Only the first
 * load in a process counts.
 */
export function loadUwsEngine(maxHeaderBytes: number, sharing: PortSharing = "exclusive"): UwsEngineLoad {
  const load = loadAddon(maxHeaderBytes * 2);
  if (load.addon === undefined) return { engine: undefined, reason: load.reason };
  return { engine: engineOn(load.addon, sharing), version: load.version };
}
