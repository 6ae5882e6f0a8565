/** The health of an upstream's endpoints as lines of the log. */
import type { Logger } from "../telemetry/index.ts";
import type { EjectionReason, HealthObserver } from "../upstream/index.ts";

/** Writes what becomes of endpoints of the upstream to `log`. */
export function healthLog(log: Logger, upstream: string): HealthObserver {
  return {
    onEjected: (endpoint, reason, forMs) =>
      log.warn({ upstream, endpoint, reason, forMs: Math.round(forMs) }, `endpoint ejected: ${WHY[reason]}`),
    onReturned: (endpoint) => log.info({ upstream, endpoint }, "endpoint back from ejection"),
    onHealth: (endpoint, health, why) => {
      if (health === "serving") log.info({ upstream, endpoint }, "endpoint serving again");
      else log.warn({ upstream, endpoint, why }, "endpoint not serving");
    },
    onUnsupported: (endpoint) =>
      log.warn(
        { upstream, endpoint },
        "upstream has no health service: its endpoints count as serving (healthCheck)",
      ),
    onPanic: (state, available, total) => {
      const fields = { upstream, available, total };
      if (state === "begins") log.warn(fields, "too few endpoints are healthy: calls go to all of them");
      else log.info(fields, "enough endpoints are healthy: calls go to those alone");
    },
  };
}

const WHY: Readonly<Record<EjectionReason, string>> = {
  failures: "its calls fail",
  latency: "it is slower than the others",
};
