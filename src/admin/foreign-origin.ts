/**
 * Whether a request comes from a web page that is not the admin listener's own. A browser on the same machine reaches
 * loopback for any page that it shows, so what changes something must not be had that way, nor anything be read by it.
 */
import { isIP } from "node:net";
import { findHeader, type HeaderList, type ListenAddress } from "../http/index.ts";

/**
 * Requests of programs carry no `Origin`. A page's own requests carry the host that they were sent to.
 * Source: Fetch standard, "Origin header"; https://owasp.org/www-community/attacks/csrf
 */
export function isForeignOrigin(headers: HeaderList): boolean {
  const origin = findHeader(headers, "origin");
  if (origin === undefined) return findHeader(headers, "sec-fetch-site") === "cross-site";
  const authority = /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
  if (authority === undefined || authority !== findHeader(headers, "host")) return true;
  return isName(authority);
}

/**
 * Whether a request to a listener on loopback was sent to a name other than `localhost`: a page of whoever owns the name
 * could have made it lead here ("DNS rebinding"), and to a browser all of this would be of the page's own origin.
 */
export function isRebound(headers: HeaderList, address: ListenAddress): boolean {
  if (address.path !== undefined || !/^(127\.|::1$|localhost$)/.test(address.host)) return false;
  const host = findHeader(headers, "host") ?? "";
  return host !== "" && isName(host);
}

/** Whether an authority is neither an address nor `localhost`. */
function isName(authority: string): boolean {
  const host = authority.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return host !== "localhost" && isIP(host) === 0;
}
