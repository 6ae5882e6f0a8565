/**
 * What the end of a call says about the endpoint that it was with.
 *
 * gRFC A50 takes every status but OK for a failure, which lets one client's bad requests eject a sound server; Envoy
 * counts what maps to HTTP 5xx. This is Envoy's list without UNIMPLEMENTED, which speaks of the method, and with the
 * faults that a gateway finds itself: an answer that is not gRPC, a reply that cannot be read.
 */
import { Code, type Status } from "../../status/index.ts";
import type { CallEnd } from "../endpoint.ts";

/** `none` where the call says nothing of the endpoint. */
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
export function verdictOf(status: Status, end: CallEnd, silentMs: number): CallVerdict {
  switch (end) {
    case "answered":
      if (status.code === Code.CANCELLED) return "none";
      if (status.code === Code.DEADLINE_EXCEEDED) return silentMs >= MIN_PATIENCE_MS ? "bad" : "none";
      return FAILURES.has(status.code) ? "bad" : "good";
    case "expired":
      return silentMs >= MIN_PATIENCE_MS ? "bad" : "none";
    case "broken":
      // Servers cancel streams for reasons of their own; and that a reply is longer than allowed is not its fault.
      return status.code === Code.CANCELLED || status.reason === "UPSTREAM_REPLY_TOO_LARGE" ? "none" : "bad";
    case "lost":
    case "abandoned":
      return "none";
  }
}

/** Codes by which a server says that it, and not the request, is at fault. */
const FAILURES: ReadonlySet<Code> = new Set<Code>([
  Code.UNKNOWN,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);
