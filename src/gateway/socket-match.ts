/**
 * The route of a WebSocket handshake. A handshake is always a GET, whatever the method of the binding that it is meant for.
 */
import type { MatchResult, PathMatcher } from "../routing/index.ts";

/** Tried in this order after GET, before methods of a rule's own, which come by name. */
const PREFERRED: readonly string[] = ["POST", "PUT", "PATCH", "DELETE"];
/** These stand for GET and for the gateway itself. */
const NEVER: readonly string[] = ["HEAD", "OPTIONS"];

/** The binding of `path` under `method`; without one, that of GET, else of the first other method that has one. */
export function matchSocket<T>(
  matcher: PathMatcher<T>,
  path: string,
  trailingSlash: "strict" | "ignore",
  method: string | undefined,
): MatchResult<T> {
  const match = matcher.match(method ?? "GET", path, trailingSlash);
  if (match.kind !== "method-not-allowed" || method !== undefined) return match;
  const others = match.allow.filter((name) => !PREFERRED.includes(name) && !NEVER.includes(name));
  for (const candidate of [...PREFERRED, ...others]) {
    if (!match.allow.includes(candidate)) continue;
    const other = matcher.match(candidate, path, trailingSlash);
    if (other.kind === "found") return other;
  }
  return match;
}
