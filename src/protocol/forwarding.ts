/**
 * Who asked, by which host and scheme: the fields with which proxies tell that to those behind them.
 *
 * A client can write such fields itself. So only what the `trustedHops` nearest proxies wrote counts: each adds an element
 * at the end of a list, and what stands further left, or comes without any such proxy, is dropped. A proxy that replaces a
 * list instead of adding to it leaves one element, which is then the one that counts.
 *
 *     x-forwarded-for   = address *( "," address )              likewise -host, -proto, -port
 *     forwarded         = element *( "," element )              RFC 7239, section 4
 *     element           = pair *( ";" pair ),  pair = token "=" ( token / quoted-string )
 */

import { findHeader, type HeaderList, type HttpExchange } from "../http/index.ts";
import { isAsciiValue } from "./ascii-value.ts";

/** What a request says of its way here. */
export type ForwardedSource = Pick<HttpExchange, "headers" | "peer" | "tls">;

/** The fields that only the gateway writes. */
export const FORWARDING_FIELDS: readonly string[] = [
  "forwarded",
  "x-forwarded-client-cert",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
];

/**
 * The fields for the upstream, each as name and value: what the trusted proxies say, and this hop behind it.
 *
 * `x-forwarded-host` and `-proto` are those of the outermost hop that is believed; `-port` is there if such a hop names it;
 * `forwarded` if the proxies use it. Where they use nothing else, the others are taken from it.
 */
export function pushForwarding(metadata: string[], source: ForwardedSource, trustedHops: number): void {
  const { headers, peer, tls } = source;
  const scheme = tls === undefined ? "http" : "https";
  const certificate = tls?.certificate ?? "";
  const host = findHeader(headers, "host");
  if (trustedHops === 0) {
    push(metadata, "x-forwarded-for", peer);
    push(metadata, "x-forwarded-host", host ?? "");
    metadata.push("x-forwarded-proto", scheme);
    push(metadata, "x-forwarded-client-cert", certificate);
    return;
  }
  const elements = believed(headers, "forwarded", trustedHops);
  const told = elements.map(readElement);
  push(metadata, "x-forwarded-for", joined(clientsIn(headers, told, trustedHops), peer));
  push(metadata, "x-forwarded-host", believedHost(headers, trustedHops) ?? host ?? "");
  metadata.push("x-forwarded-proto", schemeIn(headers, told, trustedHops) ?? scheme);
  const port = first(headers, "x-forwarded-port", trustedHops) ?? "";
  if (isPort(port)) metadata.push("x-forwarded-port", port);
  if (elements.length > 0) push(metadata, "forwarded", joined(elements, ownElement(peer, host, scheme)));
  const certificates = believed(headers, "x-forwarded-client-cert", trustedHops);
  push(metadata, "x-forwarded-client-cert", joined(certificates, certificate));
}

/** Where a request comes from and what it asked for: the outermost view that can be believed. */
export interface RequestOrigin {
  readonly scheme: string;
  /** With a port, where it says one; "" if there is none. */
  readonly host: string;
  /** "" for a unix socket. */
  readonly clientAddress: string;
}

/** The origin of a request that has come through `trustedHops` proxies. */
export function requestOrigin({ headers, peer, tls }: ForwardedSource, trustedHops: number): RequestOrigin {
  const scheme = tls === undefined ? "http" : "https";
  const host = findHeader(headers, "host") ?? "";
  if (trustedHops === 0) return { scheme, host, clientAddress: peer };
  const told = believed(headers, "forwarded", trustedHops).map(readElement);
  return {
    scheme: schemeIn(headers, told, trustedHops) ?? scheme,
    host: believedHost(headers, trustedHops) ?? host,
    clientAddress: clientsIn(headers, told, trustedHops)[0] ?? peer,
  };
}

/** Who asked, and through whom: the client of the outermost believed proxy comes first. */
function clientsIn(headers: HeaderList, told: readonly Element[], trustedHops: number): readonly string[] {
  const listed = believed(headers, "x-forwarded-for", trustedHops);
  return listed.length > 0 ? listed : told.map((element) => addressOf(element.for ?? "unknown"));
}

/** The scheme that the outermost believed proxy was asked by; undefined if none says. */
function schemeIn(headers: HeaderList, told: readonly Element[], trustedHops: number): string | undefined {
  return schemeOf(first(headers, "x-forwarded-proto", trustedHops)) ?? schemeOf(told[0]?.proto);
}

/** Adds what there is, and gRPC can carry. */
function push(metadata: string[], name: string, value: string): void {
  if (value !== "" && isAsciiValue(value)) metadata.push(name, value);
}

function joined(elements: readonly string[], last: string): string {
  return (last === "" ? elements : [...elements, last]).join(", ");
}

/** The host that the outermost believed proxy was asked for; undefined if none says. */
export function believedHost(headers: HeaderList, trustedHops: number): string | undefined {
  if (trustedHops === 0) return undefined;
  const host = first(headers, "x-forwarded-host", trustedHops);
  if (host !== undefined) return host;
  const [element] = believed(headers, "forwarded", trustedHops);
  return element === undefined ? undefined : readElement(element).host;
}

/** The element of the outermost believed proxy. */
function first(headers: HeaderList, name: string, trustedHops: number): string | undefined {
  return believed(headers, name, trustedHops)[0];
}

/**
 * The last `count` elements of a list. It is read from its end: what a client wrote before a proxy added to it, such as a
 * quote without a partner, must not hide what the proxy wrote.
 */
function believed(headers: HeaderList, name: string, count: number): readonly string[] {
  const elements: string[] = [];
  for (let i = headers.length - 2; i >= 0 && elements.length < count; i -= 2) {
    if (headers[i] === name) takeFromEnd(headers[i + 1] ?? "", elements, count);
  }
  return elements.reverse();
}

/** Adds the last elements of `text`, the last one first, until there are `count`. */
function takeFromEnd(text: string, elements: string[], count: number): void {
  let end = text.length;
  let isQuoted = false;
  for (let i = end - 1; i >= -1 && elements.length < count; i--) {
    if (text.charAt(i) === '"') {
      if (!isQuoted || !isEscaped(text, i)) isQuoted = !isQuoted;
    } else if (!isQuoted && (i < 0 || text.charAt(i) === ",")) {
      const element = text.slice(i + 1, end).trim();
      if (element !== "") elements.push(element);
      end = i;
    }
  }
}

/** Whether an odd number of backslashes stands before the quote at `at`. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && text.charAt(start - 1) === "\\") start--;
  return (at - start) % 2 === 1;
}

interface Element {
  readonly for?: string;
  readonly host?: string;
  readonly proto?: string;
}

function readElement(element: string): Element {
  const read: { for?: string; host?: string; proto?: string } = {};
  for (const pair of pairsOf(element)) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, Math.max(equals, 0)).toLowerCase();
    if (name === "for" || name === "host" || name === "proto") read[name] = unquote(pair.slice(equals + 1));
  }
  return read;
}

/** A node as an address: without the brackets of an IPv6 address, and without a port. Source: RFC 7239, section 6. */
function addressOf(node: string): string {
  const end = node.indexOf("]");
  if (node.startsWith("[") && end > 0) return node.slice(1, end);
  const colon = node.indexOf(":");
  return colon < 0 ? node : node.slice(0, colon);
}

/** RFC 7239, section 6: an IPv6 address is quoted and in brackets; an unknown peer is the word `unknown`. */
function ownElement(peer: string, host: string | undefined, scheme: string): string {
  const node = peer === "" ? "unknown" : peer.includes(":") ? `"[${peer}]"` : peer;
  const isQuotable = host !== undefined && !host.includes('"') && !host.includes("\\");
  return `for=${node}${isQuotable ? `;host="${host}"` : ""};proto=${scheme}`;
}

function schemeOf(text: string | undefined): string | undefined {
  const lower = text?.toLowerCase();
  return lower === "http" || lower === "https" ? lower : undefined;
}

function isPort(text: string): boolean {
  if (text.length === 0 || text.length > 5) return false;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
  }
  return Number(text) >= 1 && Number(text) <= 65_535;
}

/** The parts between semicolons outside of quoted strings, trimmed. */
function pairsOf(text: string): readonly string[] {
  if (!text.includes('"')) return text.split(";").map((part) => part.trim());
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charAt(i);
    if (isQuoted && unit === "\\") i++;
    else if (unit === '"') isQuoted = !isQuoted;
    else if (unit === ";" && !isQuoted) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}

/** The text of a quoted string, or a token as it is. */
function unquote(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length < 2 || !trimmed.startsWith('"') || !trimmed.endsWith('"')) return trimmed;
  let plain = "";
  for (let i = 1; i < trimmed.length - 1; i++) {
    if (trimmed.charAt(i) === "\\") i++;
    plain += trimmed.charAt(i);
  }
  return plain;
}
