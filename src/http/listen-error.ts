/** Why an address could not be bound, in words for whoever starts the gateway. */
import type { ListenAddress } from "./engine.ts";

/** What the system's common words mean; others are told as the system tells them. */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "another process listens there"],
  ["EADDRNOTAVAIL", "no network interface of this machine has the address"],
  ["EACCES", "this user may not; ports below 1024 may need a privilege"],
  ["ENOTFOUND", "the host has no address"],
  ["EAI_AGAIN", "the host's name cannot be looked up now"],
]);

/** Of a unix socket; libuv says EACCES for a missing folder, too. */
const SOCKET_MEANINGS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "its folder is missing, or this user may not write to it"],
]);

/** An address that could not be bound. `code` is the system's word for it, e.g. `EADDRINUSE`. */
export class ListenError extends Error {
  readonly code: string;

  constructor(address: ListenAddress, code: string, cause: string) {
    super(`cannot listen on ${formatAddress(address)}: ${explained(address, code, cause)}`);
    this.name = "ListenError";
    this.code = code;
  }
}

/** `host:port`, with brackets around an IPv6 host, or `unix:/path`. */
export function formatAddress(address: ListenAddress): string {
  if (address.path !== undefined) return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** The system's own text repeats the address; what an engine says by itself stays. */
function explained(address: ListenAddress, code: string, cause: string): string {
  const meaning = (address.path === undefined ? MEANINGS : SOCKET_MEANINGS).get(code);
  return meaning === undefined || !cause.includes(code) ? cause : `${meaning} (${code})`;
}
