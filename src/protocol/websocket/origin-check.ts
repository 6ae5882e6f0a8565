/**
 * Who may open a WebSocket from a browser. The same-origin policy does not cover handshakes, and the browser sends its
 * cookies with them, so a page of any site could act as the person in front of it (cross-site WebSocket hijacking). Other
 * clients send no `Origin` and are let in.
 */
import { findHeader, type HeaderList } from "../../http/index.ts";
import { refuse } from "../../status/index.ts";
import { believedHost } from "../forwarding.ts";

/**
 * Lets in pages of the gateway's own host, and of the origins that `isListed` says.
 *
 * The own host is what `host` says, or what trusted proxies say in its place. Schemes are not compared: behind a proxy
 * that ends TLS, the gateway does not know its own.
 * @throws {StatusError} PERMISSION_DENIED, reason ORIGIN_REFUSED.
 */
export function checkOrigin(
  headers: HeaderList,
  isListed: (origin: string) => boolean,
  trustedHops: number,
): void {
  const origin = findHeader(headers, "origin");
  if (origin === undefined || isListed(origin)) return;
  const host = believedHost(headers, trustedHops) ?? findHeader(headers, "host") ?? "";
  if (isOfHost(origin.toLowerCase(), host.toLowerCase())) return;
  const what = `origin ${JSON.stringify(origin.slice(0, 128))} may not open a WebSocket here`;
  throw refuse("ORIGIN_REFUSED", what);
}

/** Whether an origin has this host and port; its scheme's default port may be written out in `host`, or not. */
function isOfHost(origin: string, host: string): boolean {
  const end = origin.indexOf("://");
  if (end < 0 || host === "") return false;
  const authority = origin.slice(end + 3);
  if (authority === host) return true;
  const scheme = origin.slice(0, end);
  const port = scheme === "https" ? ":443" : ":80";
  return (scheme === "https" || scheme === "http") && host === authority + port;
}
