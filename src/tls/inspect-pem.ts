/**
 * Looks at PEM texts of certificates and keys, and finds what is wrong with them before a handshake does.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { TlsFault, TlsPart } from "./tls-fault.ts";

/** A certificate, leaf first, and its key, as PEM texts. */
export interface PemPair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** What a certificate says. */
export interface InspectedIdentity {
  readonly leaf: X509Certificate;
  /** When the leaf ends, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

const BEGIN = "-----BEGIN CERTIFICATE-----";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Looks at a file of authorities and adds its faults. Files are given to OpenSSL as they are, so one that is no
 * certificate would otherwise mean that nobody is trusted. `nowMs` is in milliseconds since the epoch.
 */
export function inspectAuthorities(pem: string, nowMs: number, faults: TlsFault[]): void {
  const certificates = certificatesOf(pem);
  if (certificates === undefined) {
    faults.push(
      fault(
        "ca",
        "holds no PEM certificate, or a broken one",
        "give a PEM file of the authorities' certificates",
      ),
    );
    return;
  }
  // Bundles keep authorities that are past their time beside those that follow them.
  if (certificates.every((certificate) => validTo(certificate) < nowMs)) {
    const ends = certificates.map((certificate) => validTo(certificate));
    faults.push(
      warning("ca", `expired on ${day(Math.max(...ends))}`, "ask for the authority's new certificate"),
    );
  }
}

/** Looks at a certificate of the gateway and its key, and adds their faults; undefined without a readable certificate. */
export function inspectIdentity(
  { certificatePem, keyPem }: PemPair,
  nowMs: number,
  faults: TlsFault[],
): InspectedIdentity | undefined {
  const leaf = certificatesOf(certificatePem)?.[0];
  const key = readKey(keyPem);
  if (leaf === undefined) {
    const hint = "give a PEM file of the gateway's certificate, those of its authorities after it";
    faults.push(fault("certificate", "holds no PEM certificate, or a broken one", hint));
  }
  if (key === undefined) {
    faults.push(
      /ENCRYPTED/.test(keyPem)
        ? fault("key", "holds an encrypted key", "take the passphrase off: openssl pkey -in key.pem")
        : fault("key", "holds no PEM private key", "give a PEM file of the certificate's private key"),
    );
  }
  if (leaf === undefined) return undefined;
  const expiresAt = validTo(leaf);
  const startMs = Date.parse(leaf.validFrom);
  if (expiresAt < nowMs) {
    faults.push(warning("certificate", `expired on ${day(expiresAt)}`, "ask for a new certificate"));
  } else if (startMs > nowMs) {
    faults.push(
      warning("certificate", `is valid from ${day(startMs)} on`, "check the clock of this machine"),
    );
  }
  if (key !== undefined && !leaf.checkPrivateKey(key)) {
    const hint =
      "give the key and the certificate of one pair; the gateway's own certificate comes first in its file";
    faults.push(fault("key", "is not the key of the certificate", hint));
  }
  return { leaf, expiresAt };
}

/** Makes a context for sockets, or adds the fault of `part` that OpenSSL finds. */
export function openContext(
  options: SecureContextOptions,
  part: TlsPart,
  faults: TlsFault[],
): SecureContext | undefined {
  try {
    return createSecureContext(options);
  } catch (error) {
    // OpenSSL's code, such as ERR_SSL_EE_KEY_TOO_SMALL, says what it minds; its texts are not for us to pass on.
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    faults.push(
      fault(part, `is refused by OpenSSL: ${code}`, "make a certificate with a stronger key or digest"),
    );
    return undefined;
  }
}

/** Whether one of them means that the material cannot be used. */
export function hasErrors(faults: readonly Pick<TlsFault, "severity">[]): boolean {
  return faults.some(({ severity }) => severity === "error");
}

/** Every certificate of a file, at least one; undefined where there is none, or one of them is broken or cut. */
function certificatesOf(pem: string): readonly X509Certificate[] | undefined {
  const blocks = pem.match(CERTIFICATE);
  if (blocks === null || blocks.length !== pem.split(BEGIN).length - 1) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

function validTo(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function fault(part: TlsPart, what: string, hint: string): TlsFault {
  return { part, severity: "error", what, hint };
}

function warning(part: TlsPart, what: string, hint: string): TlsFault {
  return { part, severity: "warning", what, hint };
}
