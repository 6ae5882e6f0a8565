/**
 * When a call may be sent again: what a policy says, which failures count, and what the upstream asks for.
 *
 * Only for calls that may run more than once without harm; who makes a policy answers for that.
 * Source: gRFC A6, "gRPC Retry Design" (grpc/proposal, A6-client-retries.md).
 */
import type { Code, Reason, Status } from "../../status/index.ts";
import type { Metadata } from "../channel.ts";

/** A set of gRPC codes, one bit each: looked into for every call that fails. */
export type CodeSet = number;

/** Sends a call again after it has failed. */
export interface RetryPolicy {
  readonly kind: "retry";
  /** How often a call is sent at most, the first time included; at least 2. */
  readonly attempts: number;
  /** The failures after which it is sent again. */
  readonly codes: CodeSet;
  /**
   * What of a reply the caller sees at once, and is not sent again for: a stream's messages. A single message is worth
   * nothing without the status that follows, and is held until then.
   */
  readonly commitsWith: "message" | "status";
  /** The pause before the n-th retry is random, between 0 and `initialBackoffMs * 2 ** (n - 1)`. */
  readonly initialBackoffMs: number;
  /** The longest that a pause can get. */
  readonly maxBackoffMs: number;
}

/** Sends a call again while it has not been answered. */
export interface HedgingPolicy {
  readonly kind: "hedging";
  /** How often a call is sent at most, the first time included; at least 2. */
  readonly attempts: number;
  /** Failures that leave the other copies alone (and send the next one at once); all others end the call. */
  readonly codes: CodeSet;
  /** How long each copy is waited for before the next one goes out. */
  readonly delayMs: number;
}

/** Either; a call is never both retried and hedged. */
export type RepeatPolicy = RetryPolicy | HedgingPolicy;

/** The set of these codes. */
export function codeSet(codes: readonly Code[]): CodeSet {
  return codes.reduce<CodeSet>((set, code) => set | (1 << code), 0);
}

/** What the gateway itself says of a reply that did not come over; its other reasons are refusals, the same next time. */
const TRANSPORT_FAULTS: ReadonlySet<Reason> = new Set<Reason>(["UPSTREAM_UNREACHABLE", "UPSTREAM_PROTOCOL"]);

/** Whether `status` is a failure of `codes` that the upstream sent or that the transport to it had. */
export function isRepeatable(status: Status, codes: CodeSet): boolean {
  if ((codes & (1 << status.code)) === 0) return false;
  return status.reason === undefined || TRANSPORT_FAULTS.has(status.reason);
}

/** How many milliseconds the pause before the `count`-th retry lasts; `random` is uniform in [0, 1). */
export function backoffMs(policy: RetryPolicy, count: number, random: () => number): number {
  return random() * Math.min(policy.initialBackoffMs * 2 ** (count - 1), policy.maxBackoffMs);
}

/** An upstream that asks for a longer pause than this gets no retry: its caller had better ask again itself. */
const MAX_PUSHBACK_MS = 60_000;

/**
 * What the upstream asks for with `grpc-retry-pushback-ms`: milliseconds to wait before the call is sent again,
 * `"never"`, or undefined if it asks for nothing.
 *
 * Source: gRFC A6, "Pushback": a number that is negative, or none, says never. So do two of them, and a pause of more
 * than a minute.
 */
export function pushbackOf(trailers: Metadata): number | "never" | undefined {
  let pushback: number | "never" | undefined;
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    if (trailers[i] !== "grpc-retry-pushback-ms") continue;
    const value = trailers[i + 1] ?? "";
    const ms =
      pushback === undefined && /^(?:0|[1-9]\d{0,9})$/.test(value) ? Number(value) : MAX_PUSHBACK_MS + 1;
    pushback = ms <= MAX_PUSHBACK_MS ? ms : "never";
  }
  return pushback;
}
