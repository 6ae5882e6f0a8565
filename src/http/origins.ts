/**
 * Which origins (RFC 6454) are let in: for CORS, and for WebSocket handshakes.
 */

/** What `*` stands for: labels of a host, so that no other host with the rest in its path, port or query is let in. */
const SUBDOMAIN = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/**
 * Compiles a list of exact origins (`https://app.example.com`), `https://*.example.com` for every subdomain, and `*` for
 * any. The answer says whether an `Origin` field's value is on it.
 */
export function compileOrigins(origins: readonly string[]): (origin: string) => boolean {
  const lower = origins.map((origin) => origin.toLowerCase());
  if (lower.includes("*")) return (origin) => origin !== "";
  const exact = new Set(lower.filter((origin) => !origin.includes("*")));
  const wildcards = lower.filter((origin) => origin.includes("://*.")).map(splitWildcard);
  return (origin) => {
    const asked = origin.toLowerCase();
    if (exact.has(asked)) return true;
    return wildcards.some(
      ({ scheme, suffix }) =>
        asked.startsWith(scheme) &&
        asked.endsWith(suffix) &&
        SUBDOMAIN.test(asked.slice(scheme.length, asked.length - suffix.length)),
    );
  };
}

function splitWildcard(origin: string): { scheme: string; suffix: string } {
  const star = origin.indexOf("*");
  return { scheme: origin.slice(0, star), suffix: origin.slice(star + 1) };
}
