/**
 * What TLS towards an upstream is made of, as PEM texts, and what can be wrong with it.
 *
 * The texts hold keys: no fault, error or log line ever quotes from them.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

/** Versions of TLS that can be the least one. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** PEM texts. */
export interface TlsMaterial {
  /** The authorities to trust; undefined takes those that come with Node. */
  readonly caPem: string | undefined;
  /** The certificate that the gateway shows, leaf first, and its key. */
  readonly identity: { readonly certificatePem: string; readonly keyPem: string } | undefined;
}

/** The part of the material that a fault concerns. */
export type TlsPart = "ca" | "certificate" | "key";

/** Something wrong with one part; with an `error` the material cannot be used. */
export interface TlsFault {
  readonly part: TlsPart;
  readonly severity: "error" | "warning";
  /** A phrase that follows the name of the file: `holds no PEM certificate`. */
  readonly what: string;
  readonly hint: string;
}

/** Material that has been looked at. */
export interface InspectedMaterial {
  readonly faults: readonly TlsFault[];
  /** What sockets are made with; undefined where a fault is an error. */
  readonly context: SecureContext | undefined;
  /** When the gateway's own certificate ends, in milliseconds since the epoch; undefined without one. */
  readonly expiresAt: number | undefined;
}

const BEGIN = "-----BEGIN CERTIFICATE-----";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Looks at `material`, for sockets of at least `minVersion`; `nowMs` is in milliseconds since the epoch. */
export function inspectTlsMaterial(
  material: TlsMaterial,
  minVersion: TlsVersion,
  nowMs: number,
): InspectedMaterial {
  const { caPem, identity } = material;
  const faults: TlsFault[] = [];
  if (caPem !== undefined) inspectAuthorities(caPem, nowMs, faults);
  const expiresAt = identity === undefined ? undefined : inspectIdentity(identity, nowMs, faults);
  if (faults.some(({ severity }) => severity === "error")) return { faults, context: undefined, expiresAt };
  try {
    const context = createSecureContext({
      minVersion,
      ...(caPem === undefined ? undefined : { ca: caPem }),
      ...(identity === undefined ? undefined : { cert: identity.certificatePem, key: identity.keyPem }),
    });
    return { faults, context, expiresAt };
  } catch (error) {
    // OpenSSL's code, such as ERR_SSL_EE_KEY_TOO_SMALL, says what it minds; its texts are not for us to pass on.
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const part = identity === undefined ? "ca" : "certificate";
    faults.push(
      fault(part, `is refused by OpenSSL: ${code}`, "make a certificate with a stronger key or digest"),
    );
    return { faults, context: undefined, expiresAt };
  }
}

/** The files are read as they are, so one that is no certificate would otherwise mean that nobody is trusted. */
function inspectAuthorities(pem: string, nowMs: number, faults: TlsFault[]): void {
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

/** Gives when the certificate ends. */
function inspectIdentity(
  { certificatePem, keyPem }: { readonly certificatePem: string; readonly keyPem: string },
  nowMs: number,
  faults: TlsFault[],
): number | undefined {
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
  const endMs = validTo(leaf);
  const startMs = Date.parse(leaf.validFrom);
  if (endMs < nowMs) {
    faults.push(warning("certificate", `expired on ${day(endMs)}`, "ask for a new certificate"));
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
  return endMs;
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
