/**
 * Which calls of a route may be sent more than once, and how: the one place that decides it.
 */
import type { RouteOptions } from "../config/index.ts";
import type { MethodSchema } from "../schema/index.ts";
import { codeSet, type RepeatPolicy } from "../upstream/index.ts";

/**
 * The policy of the binding of `method` to `httpMethod`; undefined where its calls are sent once.
 *
 * Calls may be repeated where HTTP says that a request changes nothing (GET, and HEAD, which runs the GET binding), or
 * where the method says of itself that it may run twice. The request has to be one message: streams cannot be kept.
 * Hedging goes before retries, since a call has one of them; both take the same failures for worth another try.
 */
export function repeatPolicyOf(
  method: Pick<MethodSchema, "kind" | "idempotency">,
  httpMethod: string,
  { retry, hedging }: Pick<RouteOptions, "retry" | "hedging">,
): RepeatPolicy | undefined {
  const { kind, idempotency } = method;
  if (kind !== "unary" && kind !== "server_streaming") return undefined;
  if (httpMethod !== "GET" && httpMethod !== "HEAD" && idempotency === "unknown") return undefined;
  const codes = codeSet(retry.statuses);
  if (hedging.attempts > 1) {
    const { attempts, delayMs } = hedging;
    return { kind: "hedging", attempts, codes, delayMs };
  }
  if (retry.attempts === 1 || codes === 0) return undefined;
  const { attempts, initialBackoffMs, maxBackoffMs } = retry;
  const commitsWith = kind === "unary" ? "status" : "message";
  return { kind: "retry", attempts, codes, commitsWith, initialBackoffMs, maxBackoffMs };
}
