/**
 * Reads the PROXY header with which a balancer begins a connection: who its client is. Pure; the caller collects bytes.
 *
 *     v1 = "PROXY" SP ("TCP4" / "TCP6") SP source SP destination SP port SP port CRLF    at most 107 bytes
 *        / "PROXY" SP "UNKNOWN" *OCTET CRLF
 *     v2 = signature(12) version|command(1) family|transport(1) length(2) address(length)
 *
 *     command   0 LOCAL: the balancer speaks for itself (a health check); 1 PROXY
 *     family    0 UNSPEC, 1 INET: source(4) destination(4) port(2) port(2), 2 INET6: 16 16 2 2, 3 UNIX: 108 108
 *     transport 1 STREAM; what follows the address within `length` are TLVs, which nobody here reads
 *
 * Strict: whoever reads a header otherwise than the balancer wrote it, believes an attacker. Source: HAProxy,
 * "The PROXY protocol, versions 1 & 2", sections 2.1 and 2.2.
 */
import { isIPv4, isIPv6 } from "node:net";

/** What the first bytes of a connection are. */
export type ProxyReading =
  /** The header goes on: read again with more. */
  | { readonly kind: "partial" }
  /**
   * A whole header of `length` bytes. `source` is the client's address, empty for a unix socket; undefined where the
   * balancer speaks for itself or does not know, and the socket's own address holds.
   */
  | { readonly kind: "header"; readonly length: number; readonly source: string | undefined }
  /** No header, or none that may be believed; `what` does not quote the bytes. */
  | { readonly kind: "fault"; readonly what: string };

/** Longest header that is read: version 2 could announce 64 KiB of TLVs. */
export const MAX_PROXY_HEADER_BYTES: number = 4096;

const PARTIAL: ProxyReading = { kind: "partial" };
const V1_START: Buffer = Buffer.from("PROXY ", "latin1");
const V1_LONGEST = 107;
const V2_SIGNATURE: Buffer = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_FIXED = 16;

/** Reads the header at the start of `bytes`, of one of `versions`. */
export function readProxyHeader(bytes: Buffer, versions: "v1" | "v2" | "any"): ProxyReading {
  if (bytes.length === 0) return PARTIAL;
  if (startsAs(bytes, V1_START)) {
    return versions === "v2" ? fault("is of version 1, and only version 2 is taken") : readV1(bytes);
  }
  if (startsAs(bytes, V2_SIGNATURE)) {
    return versions === "v1" ? fault("is of version 2, and only version 1 is taken") : readV2(bytes);
  }
  return fault("is missing");
}

function readV1(bytes: Buffer): ProxyReading {
  const end = bytes.subarray(0, V1_LONGEST).indexOf("\r\n", 0, "latin1");
  if (end < 0) return bytes.length >= V1_LONGEST ? fault("is longer than 107 bytes") : PARTIAL;
  const length = end + 2;
  const [, family = "", ...parts] = bytes.toString("latin1", 0, end).split(" ");
  if (family === "UNKNOWN") return { kind: "header", length, source: undefined };
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined;
  if (isAddress === undefined) return fault("names no family that there is");
  const [source = "", destination = "", sourcePort = "", destinationPort = ""] = parts;
  if (parts.length !== 4) return fault("does not have two addresses and two ports");
  // A zone belongs to the balancer's machine and means nothing here.
  if (!isAddress(source) || !isAddress(destination) || `${source}${destination}`.includes("%")) {
    return fault("has an address that is none of its family");
  }
  if (!isPort(sourcePort) || !isPort(destinationPort)) return fault("has a port that is none");
  return { kind: "header", length, source: source.toLowerCase() };
}

function readV2(bytes: Buffer): ProxyReading {
  if (bytes.length < V2_FIXED) return PARTIAL;
  const versionAndCommand = bytes.readUInt8(12);
  const familyAndTransport = bytes.readUInt8(13);
  const size = bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2) return fault("has the signature of version 2 and another version");
  const command = versionAndCommand & 0x0f;
  if (command > 1) return fault("has an unknown command");
  const length = V2_FIXED + size;
  if (length > MAX_PROXY_HEADER_BYTES) return fault(`is longer than ${MAX_PROXY_HEADER_BYTES} bytes`);
  const isSpoken = command === 1 && familyAndTransport !== 0;
  const addressBytes = isSpoken ? V2_ADDRESS_BYTES.get(familyAndTransport) : 0;
  if (addressBytes === undefined) return fault("has a family or transport that no HTTP client has");
  if (size < addressBytes) return fault("is too short for its addresses");
  if (bytes.length < length) return PARTIAL;
  return { kind: "header", length, source: isSpoken ? sourceOf(bytes, addressBytes) : undefined };
}

/** Bytes of both addresses, with the ports, by family and transport: TCP over IPv4, over IPv6, a unix stream. */
const V2_ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x11, 12],
  [0x21, 36],
  [0x31, 216],
]);

function sourceOf(bytes: Buffer, addressBytes: number): string {
  if (addressBytes === 12) return bytes.subarray(V2_FIXED, V2_FIXED + 4).join(".");
  return addressBytes === 36 ? formatIpv6(bytes.subarray(V2_FIXED, V2_FIXED + 16)) : "";
}

/** The one spelling of RFC 5952: lower-case, the longest run of zeros as `::`; an IPv4 address that is mapped, alone. */
function formatIpv6(address: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => address.readUInt16BE(2 * i));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return address.subarray(12).join(".");
  }
  let start = 0;
  let longest = 0;
  for (let i = 0; i < groups.length; i++) {
    let run = 0;
    while (i + run < groups.length && groups[i + run] === 0) run++;
    if (run > longest) {
      start = i;
      longest = run;
    }
  }
  const text = groups.map((group) => group.toString(16));
  if (longest < 2) return text.join(":");
  return `${text.slice(0, start).join(":")}::${text.slice(start + longest).join(":")}`;
}

/** Whether the bytes that there are agree with `expected`, whole or as far as they go. */
function startsAs(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length);
  return bytes.compare(expected, 0, length, 0, length) === 0;
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function fault(what: string): ProxyReading {
  return { kind: "fault", what: `the PROXY header ${what}` };
}
