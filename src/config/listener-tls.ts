/**
 * The keys of a listener that say how it speaks with its clients: TLS, HTTP/2, PROXY headers. What is in the files is
 * looked at when the gateway starts, and when they change.
 */
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import type * as z from "zod";
import { choice, type Fail, flag, list, scalar, section, text } from "./fields.ts";
import { filePath } from "./file-path.ts";
import { complain, type Reading, show } from "./reading.ts";
import type { FilePath } from "./types.ts";

/** One certificate of a listener. */
export interface ListenerCertificate {
  readonly certificate: FilePath;
  readonly key: FilePath;
  /** Host names, lower-case, `*.example.com` included; undefined takes those in the certificate. */
  readonly names: readonly string[] | undefined;
}

/** TLS of a listener. */
export interface ListenerTlsConfig {
  /** At least one; the first is the default. */
  readonly certificates: readonly ListenerCertificate[];
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** As OpenSSL writes them; undefined takes Node's. */
  readonly ciphers: string | undefined;
  /** Undefined asks clients for none. */
  readonly clientCertificates: { readonly ca: FilePath; readonly require: boolean } | undefined;
}

/** What a listener's `tls`, `http2`, `proxyProtocol` and `proxyProtocolFrom` say. */
export interface ListenerConnections {
  /** Undefined is plaintext. */
  readonly tls: ListenerTlsConfig | undefined;
  /** "auto" is on where the engine can. */
  readonly http2: "on" | "off" | "auto";
  readonly proxyProtocol: "none" | "v1" | "v2" | "any";
  /** Networks (`10.0.0.0/8`) that may, and have to, send PROXY headers; not empty where they are taken. */
  readonly proxyProtocolFrom: readonly string[];
}

/** The keys, for the section of a listener, which calls {@link checkConnections}. */
export function connectionKeys(directory: string): {
  readonly tls: z.ZodType<ListenerTlsConfig | undefined>;
  readonly http2: z.ZodType<ListenerConnections["http2"]>;
  readonly proxyProtocol: z.ZodType<ListenerConnections["proxyProtocol"]>;
  readonly proxyProtocolFrom: z.ZodType<readonly string[]>;
} {
  return {
    tls: listenerTlsSection(directory).optional(),
    http2: http2Field().prefault("auto"),
    proxyProtocol: choice(
      "Whether connections begin with a PROXY header, and of which version; the address in it is that of the client from then on.",
      ["none", "v1", "v2", "any"],
    ).prefault("none"),
    proxyProtocolFrom: list(
      "Networks of the balancers, which have to send that header; connections from elsewhere are closed.",
      text("network", "`10.0.0.0/8`, `fd00::/8` or one address.", parseNetwork),
    ).prefault([]),
  };
}

/** Checks the keys of {@link connectionKeys} together. */
export function checkConnections(listener: Readonly<Record<string, unknown>>, fail: Fail): void {
  const { proxyProtocol, proxyProtocolFrom } = listener;
  const isEmpty = Array.isArray(proxyProtocolFrom) && proxyProtocolFrom.length === 0;
  const isTaken = proxyProtocol === "v1" || proxyProtocol === "v2" || proxyProtocol === "any";
  if (isTaken && isEmpty) {
    const hint = "name the networks of the balancers: proxyProtocolFrom: [10.0.0.0/8]";
    fail("needs to be told who may send it", hint, "proxyProtocol");
  }
  if (proxyProtocol === "none" && !isEmpty) {
    fail("has no effect without proxyProtocol", "write proxyProtocol: any", "proxyProtocolFrom");
  }
}

function listenerTlsSection(directory: string): z.ZodType<ListenerTlsConfig> {
  const certificate = section("One certificate.", {
    certificate: filePath(directory, "PEM file of the certificate, its intermediate authorities after it."),
    key: filePath(directory, "PEM file of its private key, without a passphrase."),
    names: list(
      "The host names that it is for, `*.example.com` included; those in the certificate otherwise.",
      text("host name", "One name.", parseServedName),
      { least: "name a host, or leave it away" },
    ).optional(),
  }).transform(({ names, ...files }) => ({ ...files, names }));
  const clientCertificates = section("Certificates of clients (mTLS).", {
    ca: filePath(directory, "PEM file of the authorities that vouch for clients."),
    require: flag(
      "Whether a client without such a certificate is turned away; otherwise it is served, and nobody vouches for it.",
    ).prefault(true),
  });
  return section(
    "TLS for the listener's clients; plaintext without it. Files are read again when they change.",
    {
      certificates: list(
        "The certificates; by the host that a client names (SNI), the first for all other hosts.",
        certificate,
        { least: "add one: - certificate: cert.pem, and below it key: key.pem" },
      ),
      minVersion: choice("The least version of TLS.", ["TLSv1.2", "TLSv1.3"]).prefault("TLSv1.2"),
      ciphers: text(
        "cipher list",
        "Ciphers as OpenSSL writes them, in the order of preference; those of Node otherwise.",
        parseCiphers,
      ).optional(),
      clientCertificates: clientCertificates.optional(),
    },
  ).transform(({ ciphers, clientCertificates: clients, ...rest }) => ({
    ...rest,
    ciphers,
    clientCertificates: clients,
  }));
}

function http2Field(): z.ZodType<"on" | "off" | "auto"> {
  const json = { enum: [true, false, "auto"] };
  const what =
    "HTTP/2 besides HTTP/1.1, by ALPN over TLS, by prior knowledge in the clear; `auto` is `true` where the engine is Node's.";
  return scalar("true | false | auto", what, json, (value) => {
    if (value === true || value === "true") return { value: "on" };
    if (value === false || value === "false") return { value: "off" };
    if (value === "auto") return { value };
    return complain(`${show(value)} is not one of its values`, "write true, false, auto");
  });
}

function parseServedName(value: unknown): Reading<string> {
  const isName =
    typeof value === "string" &&
    value.length <= 253 &&
    /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*$/.test(value);
  if (isName) return { value: value.toLowerCase() };
  return complain(
    `${show(value)} is not a host name`,
    "write a name such as api.example.com or *.example.com",
  );
}

function parseCiphers(value: unknown): Reading<string> {
  if (typeof value !== "string" || value === "" || value.length > 4096 || /[^!-~]/.test(value)) {
    return complain(`${show(value)} is not a cipher list`, "write OpenSSL's names, joined by colons");
  }
  try {
    createSecureContext({ ciphers: value });
    return { value };
  } catch {
    return complain(
      `${show(value)} selects no cipher`,
      "openssl ciphers lists their names; join them by colons",
    );
  }
}

function parseNetwork(value: unknown): Reading<string> {
  const hint = "write 10.0.0.0/8, fd00::/8, or an address";
  if (typeof value !== "string") return complain(`${show(value)} is not a network`, hint);
  const slash = value.indexOf("/");
  const address = slash < 0 ? value : value.slice(0, slash);
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const prefix = slash < 0 ? String(most) : value.slice(slash + 1);
  // A zone (`fe80::1%eth0`) is an address for isIP, but names no network.
  if (
    family === 0 ||
    address.includes("%") ||
    !/^(?:0|[1-9]\d{0,2})$/.test(prefix) ||
    Number(prefix) > most
  ) {
    return complain(`${show(value)} is not a network`, hint);
  }
  return { value: `${address}/${prefix}` };
}
