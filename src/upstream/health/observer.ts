/** Who is told of what becomes of the endpoints of an upstream. */
import type { EjectionReason } from "./outlier-member.ts";

/** Who is told of what happens to endpoints, for the log. Names are `host:port` or paths. */
export interface HealthObserver {
  /** No calls for `forMs`. */
  onEjected(endpoint: string, reason: EjectionReason, forMs: number): void;
  /** An ejected endpoint has shown itself sound again. */
  onReturned(endpoint: string): void;
  /** The endpoint's health service changed its mind; `why` says what it was that counts as not serving. */
  onHealth(endpoint: string, health: "serving" | "not serving", why: string): void;
  /** The upstream has no health service; told once. */
  onUnsupported(endpoint: string): void;
  /** Calls go to all endpoints from now on, since `available` of `total` are too few; or not any more. */
  onPanic(state: "begins" | "is over", available: number, total: number): void;
}
