import type { ListenAddress } from "./engine.ts";

/** An address that could not be bound. `code` is the system's word for it, e.g. `EADDRINUSE`. */
export class ListenError extends Error {
  readonly code: string;

  constructor(address: ListenAddress, code: string, cause: string) {
    super(`cannot listen on ${formatAddress(address)}: ${cause}`);
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
