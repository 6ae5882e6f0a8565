/**
 * What a listener may ask for that only one engine has. The engine `uws` is refused such a listener, and `auto` takes
 * `node` for it; nothing that is configured is silently left out.
 */
import type { Fault } from "./faults.ts";
import { DEFAULT_HEAD_TIMEOUT_MS, DEFAULT_MAX_HEADERS } from "./listener-limits.ts";
import type { ConfigPath, ListenerConfig } from "./types.ts";

/** A setting that the engine `uws` cannot hold. */
export interface NodeNeed {
  /** Below the listener: `["limits", "maxHeaders"]`. */
  readonly path: ConfigPath;
  /** A clause that follows the setting's path: what uws does instead. */
  readonly why: string;
}

/** The settings of a listener that only the engine `node` can hold; empty where either serves. */
export function needsOfNode({ limits }: Pick<ListenerConfig, "limits">): readonly NodeNeed[] {
  const needs: NodeNeed[] = [];
  if (limits.maxHeaders > DEFAULT_MAX_HEADERS) {
    const why = `uWebSockets.js takes at most ${DEFAULT_MAX_HEADERS} fields`;
    needs.push({ path: ["limits", "maxHeaders"], why });
  }
  if (limits.headTimeoutMs !== DEFAULT_HEAD_TIMEOUT_MS) {
    needs.push({ path: ["limits", "headTimeout"], why: "uWebSockets.js has 10s, fixed" });
  }
  if (limits.requestsPerConnection !== Number.POSITIVE_INFINITY) {
    const why = "uWebSockets.js does not tell which connection a request came on";
    needs.push({ path: ["limits", "requestsPerConnection"], why });
  }
  return needs;
}

/** Refuses what listeners with `engine: uws` ask for in vain. */
export function checkEngines(
  listeners: readonly Pick<ListenerConfig, "engine" | "limits">[],
): readonly Fault[] {
  return listeners.flatMap((listener, i) => {
    if (listener.engine !== "uws") return [];
    return needsOfNode(listener).map(({ path, why }) => ({
      path: ["listeners", i, ...path],
      what: `cannot be had with engine: uws; ${why}`,
      hint: "leave the key away, or write engine: node",
    }));
  });
}
