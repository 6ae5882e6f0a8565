/** What is done about endpoints of an upstream that are ill: `healthCheck` and `outlierEjection`. */
import type * as z from "zod";
import { choice, duration, integer, parsePlainText, section, switchable, text } from "./fields.ts";
import type { Reading } from "./reading.ts";

/** How the health service of each endpoint is asked. */
export interface HealthCheckConfig {
  /** "" is the server as a whole. */
  readonly service: string;
  readonly mode: "watch" | "check";
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failed checks in a row. */
  readonly unhealthyAfter: number;
  /** Good checks in a row. */
  readonly healthyAfter: number;
}

/** When an endpoint is taken out because of how its calls end. */
export interface EjectionConfig {
  /** Infinity is never. */
  readonly consecutiveFailures: number;
  /** Infinity is never. */
  readonly latencyFactor: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxEjectedPercent: number;
}

/** Both, and when neither counts. */
export interface UpstreamHealthConfig {
  /** Undefined where endpoints are not asked. */
  readonly check: HealthCheckConfig | undefined;
  /** Undefined where none is ejected. */
  readonly ejection: EjectionConfig | undefined;
  readonly panicThresholdPercent: number;
}

/** The key `outlierEjection` as read. */
export type OutlierEjectionText = EjectionConfig & { readonly panicThresholdPercent: number };

/** Where `outlierEjection: false` names none. */
const PANIC_THRESHOLD_PERCENT = 50;

/** The key `healthCheck`. */
export function healthCheckSection(): z.ZodType<HealthCheckConfig | undefined> {
  const keys = section("How the health service of each endpoint is asked.", {
    service: text(
      "service",
      "The service whose health is asked for; empty is the server as a whole.",
      parseServiceName,
    ).prefault(""),
    mode: choice(
      "`Watch`, where the server tells of changes itself, or a `Check` now and then. Without Watch in the server it is Check; with neither, its endpoints count as serving.",
      ["watch", "check"],
    ).prefault("watch"),
    interval: duration(
      "The pause between checks, and the longest before a watch that ended is opened again.",
      {
        min: "100ms",
      },
    ).prefault("10s"),
    timeout: duration("How long a check, or the first answer of a watch, may take.", {
      min: "10ms",
    }).prefault("1s"),
    unhealthyAfter: integer(
      "Checks without an answer, in a row, that take an endpoint out; its word that it does not serve does so at once.",
      1,
      100,
    ).prefault(2),
    healthyAfter: integer(
      "Checks answered well, in a row, that bring it back; a watch is believed at once.",
      1,
      100,
    ).prefault(1),
  }).transform(({ interval, timeout, ...rest }) => ({ ...rest, intervalMs: interval, timeoutMs: timeout }));
  return switchable(
    "Asks each endpoint's `grpc.health.v1.Health`; one that does not serve gets no calls: `true`, `false`, or a mapping. Not with `client: grpc-js`.",
    keys,
  ).prefault(false);
}

/** The key `outlierEjection`. */
export function outlierEjectionSection(): z.ZodType<OutlierEjectionText | undefined> {
  const keys = section(
    "When an endpoint is taken out, and for how long.",
    {
      consecutiveFailures: integer(
        "Calls in a row that failed by the endpoint's fault (UNKNOWN, INTERNAL, UNAVAILABLE, DATA_LOSS, no answer within the deadline, a connection lost, no gRPC); 0 is never.",
        0,
        10_000,
      )
        .transform(orNever)
        .prefault(5),
      latencyFactor: integer(
        "How many times the median of the other endpoints the time to its replies is; 0 is never.",
        0,
        10_000,
      )
        .transform(orNever)
        .prefault(5),
      baseEjection: duration(
        "How long the first ejection lasts, and the least; each further one is twice as long.",
        { min: "10ms", max: "24h" },
      ).prefault("5s"),
      maxEjection: duration("How long an ejection lasts at most.", { min: "10ms", max: "24h" }).prefault(
        "5m",
      ),
      maxEjected: integer(
        "How many percent of the endpoints may be out at once; one of several may, unless this is 0. A single endpoint is never ejected.",
        0,
        100,
      ).prefault(50),
      panicThreshold: integer(
        "With fewer percent of the endpoints available, health checks included, calls go to all of them; 0 is never.",
        0,
        100,
      ).prefault(PANIC_THRESHOLD_PERCENT),
    },
    (value, fail) => {
      const { baseEjection, maxEjection } = value;
      if (typeof baseEjection !== "number" || typeof maxEjection !== "number") return;
      if (maxEjection >= baseEjection) return;
      fail("is shorter than baseEjection", "make it as long, or longer", "maxEjection");
    },
  ).transform((keys) => ({
    consecutiveFailures: keys.consecutiveFailures,
    latencyFactor: keys.latencyFactor,
    baseEjectionMs: keys.baseEjection,
    maxEjectionMs: keys.maxEjection,
    maxEjectedPercent: keys.maxEjected,
    panicThresholdPercent: keys.panicThreshold,
  }));
  return switchable(
    "Takes endpoints out whose calls fail, or are slow, where those of others do not: `true`, `false`, or a mapping. `client: grpc-js` does without.",
    keys,
  ).prefault({});
}

/** Both keys together. */
export function upstreamHealth(
  check: HealthCheckConfig | undefined,
  outliers: OutlierEjectionText | undefined,
): UpstreamHealthConfig {
  if (outliers === undefined) {
    return { check, ejection: undefined, panicThresholdPercent: PANIC_THRESHOLD_PERCENT };
  }
  const { panicThresholdPercent, ...ejection } = outliers;
  return { check, ejection, panicThresholdPercent };
}

function orNever(count: number): number {
  return count === 0 ? Number.POSITIVE_INFINITY : count;
}

function parseServiceName(value: unknown): Reading<string> {
  return value === "" ? { value } : parsePlainText(value);
}
