/**
 * Whether a request comes from a web page that is not the admin listener's own. A browser on the same machine reaches
 * loopback for any page that it shows, so what changes something must not be had that way.
 */
import { isIP } from "node:net";
import { findHeader, type HeaderList } from "../http/index.ts";

/**
 * Requests of programs carry no `Origin`. A page's own requests carry the host that they were sent to, and that has to be
 * an address or `localhost`: a name could be made to lead here by whoever owns it ("DNS rebinding").
 * Source: Fetch standard, "Origin header"; https://owasp.org/www-community/attacks/csrf
 */
export function isForeignOrigin(headers: HeaderList): boolean {
  const origin = findHeader(headers, "origin");
  if (origin === undefined) return findHeader(headers, "sec-fetch-site") === "cross-site";
  const authority = /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
  if (authority === undefined || authority !== findHeader(headers, "host")) return true;
  const host = authority.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return host !== "localhost" && isIP(host) === 0;
}
