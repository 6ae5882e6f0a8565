/** Where a request comes from and what it asked for, as far as trusted proxies say so. */
import { findHeader, type HttpExchange } from "../http/index.ts";

/** The outermost view of a request that can be believed. */
export interface RequestOrigin {
  readonly scheme: string;
  /** With a port, where it says one; "" if there is none. */
  readonly host: string;
  /** "" for a unix socket. */
  readonly clientAddress: string;
}

/** The origin of an exchange that has come through `trustedHops` proxies. */
export function requestOrigin(
  { headers, peer }: Pick<HttpExchange, "headers" | "peer">,
  trustedHops: number,
): RequestOrigin {
  const host = findHeader(headers, "host") ?? "";
  if (trustedHops === 0) return { scheme: "http", host, clientAddress: peer };
  const forwarded = (findHeader(headers, "x-forwarded-for") ?? "").split(",").map((part) => part.trim());
  const client = forwarded.filter((part) => part !== "").slice(-trustedHops)[0];
  return {
    scheme: findHeader(headers, "x-forwarded-proto") === "https" ? "https" : "http",
    host: findHeader(headers, "x-forwarded-host") ?? host,
    clientAddress: client ?? peer,
  };
}
