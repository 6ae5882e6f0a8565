/** Addresses of an upstream, read: `host:port`, `[ipv6]:port`, `unix:/path`. */
import { isIP } from "node:net";
import { refuse } from "../../../status/index.ts";

/** Where one configured address leads. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

const HOST_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s/,@?#%:[\]]+)):(\d{1,5})$/;

/**
 * Reads an address.
 * @throws {StatusError} UNAVAILABLE, reason UPSTREAM_UNREACHABLE, naming an address that is not of a known form.
 */
export function parseAddress(address: string): Address {
  if (address.startsWith("unix:")) {
    const path = address.slice(address.startsWith("unix://") ? 7 : 5);
    if (path === "") throw refuse("UPSTREAM_UNREACHABLE", `upstream address "${address}" has no path`);
    return { kind: "unix", path };
  }
  const [, bracketed, plain, digits] = HOST_PORT.exec(address) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain;
  const isHost = host !== undefined && (bracketed === undefined || isIP(bracketed) === 6);
  if (!isHost || !(port >= 1 && port <= 65_535)) {
    throw refuse("UPSTREAM_UNREACHABLE", `upstream address "${address}" is not host:port or unix:/path`);
  }
  return { kind: "tcp", host, port };
}

/** Whether the address needs no resolver: a name of this machine counts as one endpoint, whatever it resolves to. */
export function isOneEndpoint(address: Address): boolean {
  return address.kind === "unix" || isIP(address.host) !== 0 || address.host === "localhost";
}

/** The `:authority` of calls to this address. */
export function authorityOf(address: Address): string {
  if (address.kind === "unix") return "localhost";
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
