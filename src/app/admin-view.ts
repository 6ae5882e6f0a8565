/**
 * What the admin listener shows of a running gateway, and what `/readyz` says.
 */
import type { AdminView, Readiness, ReadinessCheck } from "../admin/index.ts";
import { maskedConfig } from "../config/index.ts";
import { routeRows, schemaStatuses } from "../control/index.ts";
import type { Gateway } from "../gateway/index.ts";
import type { Logger, LogLevel, Meters } from "../telemetry/index.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Followers } from "./followers.ts";
import { upstreamRows } from "./upstream-rows.ts";

/** How far the process has got; shared with the readiness probe. */
export interface Lifecycle {
  phase: "running" | "draining";
}

/** What the admin listener's pages are made of. */
export interface Administered {
  readonly control: ControlPlane;
  readonly gateway: Gateway;
  readonly meters: Meters;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** The processes that serve in place of this one, if there are any. */
  readonly followers: Followers | undefined;
}

/** Everything is read when it is asked for. */
export function adminView({ control, gateway, meters, lifecycle, log, followers }: Administered): AdminView {
  const { reconciler, reloads } = control;
  return {
    readiness: () => {
      const own = readinessOf(control, lifecycle);
      return followers === undefined ? own : followers.readiness(own);
    },
    routes: () => routeRows(gateway.snapshot),
    schemas: () => schemaStatuses(reconciler),
    upstreams: () => followers?.upstreams() ?? upstreamRows(control.channels),
    config: () => maskedConfig(control.config),
    reload: () => reloads.reload("request"),
    confirmSchema: (upstream, digest) => reconciler.confirm(upstream, digest),
    metrics: async () => {
      const own = await meters.render();
      const body = followers === undefined ? own : await followers.metrics(own);
      return { contentType: meters.contentType, body };
    },
    // The log was made with one of them, and only setLogLevel changes it.
    logLevel: () => log.level as LogLevel,
    setLogLevel: (level) => {
      log.level = level;
      followers?.logLevelChanged(level);
    },
  };
}

/** Whether `/readyz` answers 200, and why not. */
export function readinessOf({ config, reconciler }: ControlPlane, { phase }: Lifecycle): Readiness {
  const { known, pending } = reconciler;
  const checks = [
    { name: "process", ok: phase === "running", detail: phase },
    ...config.upstreams.map(({ name }) => schemaCheck(name, known, pending)),
  ];
  if (phase === "draining") return { ready: false, detail: "draining", checks };
  const isReady = {
    none: true,
    first: known.length > 0,
    all: known.length === config.upstreams.length,
  }[config.readiness.require];
  if (isReady) return { ready: true, detail: "ready", checks };
  const detail =
    pending.length > 0 ? `waiting for the schema of: ${pending.join(", ")}` : "no usable schema; see the log";
  return { ready: false, detail, checks };
}

function schemaCheck(upstream: string, known: readonly string[], pending: readonly string[]): ReadinessCheck {
  const ok = known.includes(upstream);
  const other = pending.includes(upstream) ? "waiting for it" : "unusable; see the log";
  return { name: `schema of ${upstream}`, ok, detail: ok ? "loaded" : other };
}
