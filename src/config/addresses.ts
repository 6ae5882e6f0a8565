/**
 * Addresses to listen on and to call.
 *
 *     listen   = [host] ":" port | "unix:" absolute-path
 *                       host: a name, an IPv4 address, or an IPv6 address in brackets
 *     upstream = ["dns:///"] host ":" port | "unix:" absolute-path
 */
import { complain, type Reading, show } from "./reading.ts";
import type { AddressConfig } from "./types.ts";

const HOST_PORT = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))?:(\d{1,5})$/;
const LISTEN_HINT = "write host:port or unix:/path: 0.0.0.0:8080, [::1]:8080 or :8080";
const UPSTREAM_HINT = "write host:port, [::1]:50051, dns:///host:port or unix:/path";
const DNS_SCHEME = "dns:///";

/** Permissions of a unix socket where none are configured: its owner and group may connect. */
const DEFAULT_SOCKET_MODE = 0o660;

/** Reads an address to listen on. Port 0 lets the system choose one; no host means every IPv4 interface. */
export function parseListenAddress(value: unknown): Reading<AddressConfig> {
  if (typeof value === "string" && value.startsWith("unix:")) {
    const { value: path, complaint } = unixPath(value);
    return complaint === undefined ? { value: { path, mode: DEFAULT_SOCKET_MODE } } : { complaint };
  }
  if (typeof value === "number") return complain(`${value} is not an address`, `write :${value}`);
  const parts = hostAndPort(value);
  if (parts === undefined) return complain(`${show(value)} is not an address`, hintFor(value, LISTEN_HINT));
  if (parts.port > 65_535) return complain(`${show(value)} has a port above 65535`, "ports are 0 to 65535");
  return { value: { host: parts.host === "" ? "0.0.0.0" : parts.host, port: parts.port } };
}

/** Reads an upstream's address, giving `host:port`, `dns:///host:port` or `unix:/path`. */
export function parseUpstreamAddress(value: unknown): Reading<string> {
  if (typeof value === "string" && value.startsWith("unix:")) return unixAddress(value);
  const scheme = typeof value === "string" && value.startsWith(DNS_SCHEME) ? DNS_SCHEME : "";
  const parts = hostAndPort(typeof value === "string" ? value.slice(scheme.length) : value);
  if (parts === undefined || parts.host === "") {
    return complain(`${show(value)} is not an address`, hintFor(value, UPSTREAM_HINT));
  }
  if (parts.port < 1 || parts.port > 65_535) {
    return complain(`${show(value)} has no usable port`, "ports are 1 to 65535");
  }
  return { value: `${scheme}${parts.host.includes(":") ? `[${parts.host}]` : parts.host}:${parts.port}` };
}

/** Whether two addresses cannot both be listened on. Port 0 never collides. */
export function addressesCollide(a: AddressConfig, b: AddressConfig): boolean {
  if (a.path !== undefined || b.path !== undefined) return a.path === b.path;
  if (a.port !== b.port || a.port === 0) return false;
  const hostA = canonicalHost(a.host);
  const hostB = canonicalHost(b.host);
  return hostA === hostB || hostA === "*" || hostB === "*";
}

function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  // `::` takes the IPv4 port as well, unless the system says otherwise.
  if (lower === "0.0.0.0" || lower === "::") return "*";
  return lower === "localhost" || lower === "::1" ? "127.0.0.1" : lower;
}

function hostAndPort(value: unknown): { readonly host: string; readonly port: number } | undefined {
  const match = typeof value === "string" ? HOST_PORT.exec(value) : null;
  if (match === null) return undefined;
  const host = match[1] ?? "";
  return { host: host.startsWith("[") ? host.slice(1, -1) : host, port: Number(match[2]) };
}

function unixAddress(value: string): Reading<string> {
  const { value: path, complaint } = unixPath(value);
  return complaint === undefined ? { value: `unix:${path}` } : { complaint };
}

function unixPath(value: string): Reading<string> {
  // gRPC also knows unix:///path, which is the same file.
  const path = value.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
  if (!path.startsWith("/") || path.startsWith("//") || path.includes("\0")) {
    return complain(`${show(value)} is not an absolute path`, "write unix:/path/to/socket");
  }
  // sun_path holds 108 bytes with its NUL on Linux; longer ones are cut silently by some systems.
  if (Buffer.byteLength(path) > 107) {
    return complain(`${show(value)} is too long for a socket`, "at most 107 bytes of path");
  }
  return { value: path };
}

function hintFor(value: unknown, usual: string): string {
  if (typeof value !== "string") return usual;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return `leave the scheme away; ${usual}`;
  if (/^[A-Za-z0-9._-]+$/.test(value)) return `the port is missing; ${usual}`;
  return usual;
}
