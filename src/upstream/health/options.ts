/** What a channel does about endpoints that are ill: asking them, watching their calls, and when to do neither. */

/** How the health service of each endpoint is asked. Source: grpc/health/v1/health.proto. */
export interface HealthCheckOptions {
  /** The service whose health is asked for; "" is the server as a whole. */
  readonly service: string;
  /** `watch` falls back to `check` where the server has no Watch. */
  readonly mode: "watch" | "check";
  /** Milliseconds between two checks, and at most between two attempts to watch. */
  readonly intervalMs: number;
  /** Milliseconds for one check, and for the first word of a watch. */
  readonly timeoutMs: number;
  /** Checks without an answer, in a row, after which an endpoint is out; "not serving" counts at once. */
  readonly unhealthyAfter: number;
  /** Checks answered with "serving", in a row, after which it is in again; a watch is believed at once. */
  readonly healthyAfter: number;
}

/** When an endpoint is taken out because of how its calls end, and for how long. */
export interface EjectionOptions {
  /** Failed calls in a row; Infinity: never. */
  readonly consecutiveFailures: number;
  /** How many times the median of the others its latency must be; Infinity: never. */
  readonly latencyFactor: number;
  /** The first ejection; each further one is twice as long. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** How many of the endpoints may be out at once; one may where there are two or more, unless this is 0. */
  readonly maxEjectedPercent: number;
}

/** All of it. */
export interface HealthOptions {
  /** Undefined: endpoints are not asked. */
  readonly check: HealthCheckOptions | undefined;
  /** Undefined: no endpoint is ejected. */
  readonly ejection: EjectionOptions | undefined;
  /** With fewer available endpoints than this, calls go to all of them; 0: never. */
  readonly panicThresholdPercent: number;
}
