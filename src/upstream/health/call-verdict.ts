/**
 * What the end of a call says about the endpoint that it was with.
 *
 * gRFC A50 takes every status but OK for a failure, which lets one client's bad requests eject a sound server; Envoy
 * counts what maps to HTTP 5xx. This is Envoy's list without UNIMPLEMENTED, which speaks of the method, and with the
 * faults that a gateway finds itself: an answer that is not gRPC, a reply that cannot be read.
 */
import { Code, type Reason, type Status } from "../../status/index.ts";

/** `none` where the call says nothing: its client left, or the gateway ended it. */
export type CallVerdict = "good" | "bad" | "none";

/**
 * A deadline that passed counts only if the endpoint had this long. Clients choose deadlines freely: one that allows a
 * millisecond must not get endpoints ejected.
 */
export const MIN_PATIENCE_MS = 100;

/**
 * Judges an endpoint by one call. `silentMs` is how long the endpoint has said nothing since it got the call; 0 once the
 * head of the reply has come, since a stream that runs into its deadline is not a server that hangs.
 */
export function verdictOf(status: Status, silentMs: number): CallVerdict {
  if (status.code === Code.OK) return "good";
  if (status.code === Code.DEADLINE_EXCEEDED) return silentMs >= MIN_PATIENCE_MS ? "bad" : "none";
  if (status.code === Code.CANCELLED) return "none";
  if (status.origin === "upstream") return FAILURES.has(status.code) ? "bad" : "good";
  return status.reason !== undefined && FAULTS.has(status.reason) ? "bad" : "none";
}

/** Codes by which a server says that it, and not the request, is at fault. */
const FAILURES: ReadonlySet<Code> = new Set<Code>([
  Code.UNKNOWN,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);

/** What the gateway finds wrong with an endpoint, rather than with a request or its limits. */
const FAULTS: ReadonlySet<Reason> = new Set<Reason>([
  "UPSTREAM_UNREACHABLE",
  "UPSTREAM_PROTOCOL",
  "UPSTREAM_REPLY_INVALID",
]);
