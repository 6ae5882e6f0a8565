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

/** What of a listener decides which engines can serve it. */
export type EngineDemands = Pick<ListenerConfig, "limits" | "tls" | "http2" | "proxyProtocol">;

/** The settings of a listener that only the engine `node` can hold; empty where either serves. */
export function needsOfNode(listener: EngineDemands): readonly NodeNeed[] {
  return [...needsOfLimits(listener), ...needsOfConnections(listener)];
}

function needsOfConnections({ tls, http2, proxyProtocol }: EngineDemands): readonly NodeNeed[] {
  const needs: NodeNeed[] = [];
  if (http2 === "on") needs.push({ path: ["http2"], why: "uWebSockets.js speaks HTTP/1.1 alone" });
  if (proxyProtocol !== "none") {
    const why = "uWebSockets.js takes no PROXY header before TLS, none of version 1, and cannot demand one";
    needs.push({ path: ["proxyProtocol"], why });
  }
  if (tls === undefined) return needs;
  if (tls.minVersion !== "TLSv1.2") {
    needs.push({ path: ["tls", "minVersion"], why: "uWebSockets.js has TLSv1.2, fixed" });
  }
  if (tls.ciphers?.split(":").some((name) => name.startsWith("TLS_")) === true) {
    const why = "uWebSockets.js cannot choose among those of TLSv1.3";
    needs.push({ path: ["tls", "ciphers"], why });
  }
  if (tls.clientCertificates !== undefined) {
    const why = "uWebSockets.js does not tell who the client is";
    needs.push({ path: ["tls", "clientCertificates"], why });
  }
  return needs;
}

function needsOfLimits({ limits }: EngineDemands): readonly NodeNeed[] {
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
  listeners: readonly (EngineDemands & Pick<ListenerConfig, "engine">)[],
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
