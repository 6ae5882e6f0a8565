import type { ListenAddress } from "./engine.ts";

/** What the system's common words mean; others are told as the system tells them. */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "another process listens there"],
  ["EADDRNOTAVAIL", "no network interface of this machine has the address"],
  ["EACCES", "this user may not; ports below 1024 may need a privilege"],
  ["ENOTFOUND", "the host has no address"],
]);

/** An address that could not be bound. `code` is the system's word for it, e.g. `EADDRINUSE`. */
export class ListenError extends Error {
  readonly code: string;

  constructor(address: ListenAddress, code: string, cause: string) {
    super(`cannot listen on ${formatAddress(address)}: ${explained(code, cause)}`);
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
function explained(code: string, cause: string): string {
  const meaning = MEANINGS.get(code);
  return meaning === undefined || !cause.includes(code) ? cause : `${meaning} (${code})`;
}
