/**
 * Addresses of an upstream as config gives them, read.
 *
 *     address = ["dns:///"] host ":" port | "unix:" path | "unix://" path       host: a name, IPv4, or [IPv6]
 */
import { isIP } from "node:net";
import { refuse } from "../status/index.ts";

/** Where a socket can be opened. */
export type SocketAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** One configured address: a place for sockets, or a name that stands for any number of them. */
export type Address = SocketAddress | { readonly kind: "dns"; readonly host: string; readonly port: number };

/** An address as configured, and its part of the calls where calls are spread by weight. */
export interface WeightedAddress {
  /** `host:port`, `dns:///host:port` or `unix:/path`. */
  readonly address: string;
  /** Above 0; only its relation to the other weights counts. */
  readonly weight: number;
}

const DNS_SCHEME = "dns:///";

const HOST_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s/,@?#%:[\]]+)):(\d{1,5})$/;

/**
 * Reads an address. `localhost` is one place, whatever it resolves to, unless `dns:///` is written before it.
 * @throws {StatusError} UNAVAILABLE, reason UPSTREAM_UNREACHABLE, naming an address that is not of a known form.
 */
export function parseAddress(address: string): Address {
  if (address.startsWith("unix:")) {
    const path = address.slice(address.startsWith("unix://") ? 7 : 5);
    if (path === "") throw refuse("UPSTREAM_UNREACHABLE", `upstream address "${address}" has no path`);
    return { kind: "unix", path };
  }
  const isDns = address.startsWith(DNS_SCHEME);
  const [, bracketed, plain, digits] =
    HOST_PORT.exec(isDns ? address.slice(DNS_SCHEME.length) : address) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain;
  const isHost = host !== undefined && (bracketed === undefined || isIP(bracketed) === 6);
  if (!isHost || !(port >= 1 && port <= 65_535)) {
    const forms = "host:port, dns:///host:port or unix:/path";
    throw refuse("UPSTREAM_UNREACHABLE", `upstream address "${address}" is not ${forms}`);
  }
  const isPlace = isIP(host) !== 0 || (host === "localhost" && !isDns);
  return { kind: isPlace ? "tcp" : "dns", host, port };
}

/** The `:authority` of calls to this address. */
export function authorityOf(address: Address): string {
  return address.kind === "unix" ? "localhost" : hostPort(address);
}

/** The address for people and for labels of metrics: `10.0.0.7:50051`, `[::1]:50051`, `unix:/path`. */
export function nameOf(address: Address): string {
  return address.kind === "unix" ? `unix:${address.path}` : hostPort(address);
}

/** Where an upstream is, as traces name it. */
export interface UpstreamTarget {
  /** A name, an IP address without brackets, or the path of a unix socket. */
  readonly host: string;
  /** Undefined for a unix socket. */
  readonly port: number | undefined;
}

/**
 * The one place of an upstream; undefined if it has several.
 * @throws {StatusError} as `parseAddress`.
 */
export function targetOf(addresses: readonly WeightedAddress[]): UpstreamTarget | undefined {
  const [only] = addresses;
  if (only === undefined || addresses.length > 1) return undefined;
  const address = parseAddress(only.address);
  if (address.kind === "unix") return { host: address.path, port: undefined };
  return { host: address.host, port: address.port };
}

function hostPort({ host, port }: Exclude<Address, { readonly kind: "unix" }>): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
