/**
 * TLS of one listener as its engine sees it: which certificate a client is shown, and when that changes.
 *
 * The control plane makes it and gives it new material when files are rotated; an engine listens to it from its start to
 * its close, so that new connections use new material and open ones live on.
 */
import type { X509Certificate } from "node:crypto";
import type { SecureContext, SecureContextOptions } from "node:tls";
import {
  hasErrors,
  inspectAuthorities,
  inspectIdentity,
  openContext,
  type PemPair,
  type TlsFault,
  type TlsVersion,
} from "../tls/index.ts";

/** One certificate of a listener. */
export interface ServerIdentity extends PemPair {
  /** The host names that it is for, `*.example.com` included; undefined takes the DNS names in the certificate. */
  readonly names: readonly string[] | undefined;
  /** Where the PEM texts come from, absolute: for engines that can only read files themselves. */
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** What the files of a listener hold. */
export interface ServerTlsMaterial {
  /** At least one; the first is for clients that name no host, or none of those that there are. */
  readonly identities: readonly ServerIdentity[];
  /** The authorities of client certificates; clients are asked for one where it is there. */
  readonly clientCaPem: string | undefined;
  /** Where `clientCaPem` comes from, absolute. */
  readonly clientCaPath: string | undefined;
}

/** What does not change with the files. */
export interface ServerTlsSettings {
  readonly minVersion: TlsVersion;
  /** OpenSSL's names, joined by colons; undefined takes Node's choice. */
  readonly ciphers: string | undefined;
  /** Whether a client without a certificate that `clientCaPem` vouches for is turned away; false lets it in without. */
  readonly requiresClientCertificate: boolean;
}

/** A fault, and whose it is: the index of the identity, or undefined for the authorities of clients. */
export interface ServerTlsFault extends TlsFault {
  readonly identity: number | undefined;
}

/** Credentials, and what there is to say of their material. */
export interface OpenedServerTls {
  readonly tls: ServerTls | undefined;
  readonly faults: readonly ServerTlsFault[];
}

/** An identity in use. */
export interface ServerCertificate {
  readonly identity: ServerIdentity;
  /** Lower-case. */
  readonly names: readonly string[];
  /** In milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly context: SecureContext;
}

/** The TLS of one listener. */
export class ServerTls {
  readonly settings: ServerTlsSettings;
  readonly #listeners = new Set<() => void>();
  #material: ServerTlsMaterial;
  #certificates: readonly ServerCertificate[];
  #byName: ReadonlyMap<string, SecureContext>;

  private constructor(
    settings: ServerTlsSettings,
    material: ServerTlsMaterial,
    certificates: readonly ServerCertificate[],
  ) {
    this.settings = settings;
    this.#material = material;
    this.#certificates = certificates;
    this.#byName = contextsByName(certificates);
  }

  /** TLS of `material`, or none where one of its faults is an `error`. `nowMs` is in milliseconds since the epoch. */
  static open(material: ServerTlsMaterial, settings: ServerTlsSettings, nowMs: number): OpenedServerTls {
    const { certificates, faults } = inspect(material, settings, nowMs);
    if (certificates === undefined) return { tls: undefined, faults };
    return { tls: new ServerTls(settings, material, certificates), faults };
  }

  get material(): ServerTlsMaterial {
    return this.#material;
  }

  /** In the order of the material. */
  get certificates(): readonly ServerCertificate[] {
    return this.#certificates;
  }

  /** Whether clients are asked for a certificate. */
  get asksForClientCertificate(): boolean {
    return this.#material.clientCaPem !== undefined;
  }

  /** What a context for clients that name no host is made of, for servers that make their own. */
  get defaultOptions(): SecureContextOptions {
    const [first] = this.#material.identities;
    return first === undefined ? {} : contextOptions(first, this.#material, this.settings);
  }

  /**
   * The context for a client that names `host`: that of the certificate for exactly this name, else for `*.` and the rest
   * behind its first label (RFC 9525, section 6.3), else the first.
   */
  contextFor(host: string): SecureContext | undefined {
    const name = host.toLowerCase();
    const exact = this.#byName.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf(".");
    const wildcard = dot <= 0 ? undefined : this.#byName.get(`*${name.slice(dot)}`);
    return wildcard ?? this.#certificates[0]?.context;
  }

  /** Takes new material, unless one of the faults that it answers is an `error`: then everything stays. */
  replace(material: ServerTlsMaterial, nowMs: number): readonly ServerTlsFault[] {
    const { certificates, faults } = inspect(material, this.settings, nowMs);
    if (certificates === undefined) return faults;
    this.#material = material;
    this.#certificates = certificates;
    this.#byName = contextsByName(certificates);
    for (const listener of this.#listeners) listener();
    return faults;
  }

  /** Calls `listener` whenever the material has changed; the function that it gives ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}

/** Sessions are resumed only within one kind of use; without a name OpenSSL resumes none where it asks for certificates. */
const SESSION_CONTEXT = "sluice-listener";

function contextOptions(
  identity: ServerIdentity,
  { clientCaPem }: ServerTlsMaterial,
  { minVersion, ciphers }: ServerTlsSettings,
): SecureContextOptions {
  return {
    cert: identity.certificatePem,
    key: identity.keyPem,
    minVersion,
    honorCipherOrder: true,
    sessionIdContext: SESSION_CONTEXT,
    ...(ciphers === undefined ? undefined : { ciphers }),
    ...(clientCaPem === undefined ? undefined : { ca: clientCaPem }),
  };
}

function inspect(
  material: ServerTlsMaterial,
  settings: ServerTlsSettings,
  nowMs: number,
): {
  readonly certificates: readonly ServerCertificate[] | undefined;
  readonly faults: readonly ServerTlsFault[];
} {
  const faults: ServerTlsFault[] = [];
  const certificates: ServerCertificate[] = [];
  const { clientCaPem, identities } = material;
  const ofClients: TlsFault[] = [];
  if (clientCaPem !== undefined) inspectAuthorities(clientCaPem, nowMs, ofClients);
  for (const fault of ofClients) faults.push({ ...fault, identity: undefined });
  for (const [index, identity] of identities.entries()) {
    const found: TlsFault[] = [];
    const inspected = inspectIdentity(identity, nowMs, found);
    const options = contextOptions(identity, material, settings);
    const context = hasErrors(found) ? undefined : openContext(options, "certificate", found);
    if (inspected !== undefined && context !== undefined) {
      const names = (identity.names ?? dnsNames(inspected.leaf)).map((name) => name.toLowerCase());
      certificates.push({ identity, names, expiresAt: inspected.expiresAt, context });
    }
    for (const fault of found) faults.push({ ...fault, identity: index });
  }
  return { certificates: hasErrors(faults) ? undefined : certificates, faults };
}

/** Of several certificates for one name the first counts. */
function contextsByName(certificates: readonly ServerCertificate[]): ReadonlyMap<string, SecureContext> {
  const byName = new Map<string, SecureContext>();
  for (const { names, context } of certificates) {
    for (const name of names) if (!byName.has(name)) byName.set(name, context);
  }
  return byName;
}

/** The DNS names of the certificate's subjectAltName; Node writes `DNS:a.example, IP Address:192.0.2.1`. */
function dnsNames({ subjectAltName = "" }: X509Certificate): readonly string[] {
  return subjectAltName
    .split(", ")
    .filter((name) => name.startsWith("DNS:"))
    .map((name) => name.slice(4));
}
