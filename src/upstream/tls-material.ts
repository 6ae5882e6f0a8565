/**
 * What TLS towards an upstream is made of, as PEM texts, and what can be wrong with it.
 */
import type { SecureContext } from "node:tls";
import {
  hasErrors,
  inspectAuthorities,
  inspectIdentity,
  openContext,
  type PemPair,
  type TlsFault,
  type TlsVersion,
} from "../tls/index.ts";

/** PEM texts. */
export interface TlsMaterial {
  /** The authorities to trust; undefined takes those that come with Node. */
  readonly caPem: string | undefined;
  /** The certificate that the gateway shows, leaf first, and its key. */
  readonly identity: PemPair | undefined;
}

/** Material that has been looked at. */
export interface InspectedMaterial {
  readonly faults: readonly TlsFault[];
  /** What sockets are made with; undefined where a fault is an error. */
  readonly context: SecureContext | undefined;
  /** When the gateway's own certificate ends, in milliseconds since the epoch; undefined without one. */
  readonly expiresAt: number | undefined;
}

/** Looks at `material`, for sockets of at least `minVersion`; `nowMs` is in milliseconds since the epoch. */
export function inspectTlsMaterial(
  material: TlsMaterial,
  minVersion: TlsVersion,
  nowMs: number,
): InspectedMaterial {
  const { caPem, identity } = material;
  const faults: TlsFault[] = [];
  if (caPem !== undefined) inspectAuthorities(caPem, nowMs, faults);
  const expiresAt = identity === undefined ? undefined : inspectIdentity(identity, nowMs, faults)?.expiresAt;
  if (hasErrors(faults)) return { faults, context: undefined, expiresAt };
  const options = {
    minVersion,
    ...(caPem === undefined ? undefined : { ca: caPem }),
    ...(identity === undefined ? undefined : { cert: identity.certificatePem, key: identity.keyPem }),
  };
  const context = openContext(options, identity === undefined ? "ca" : "certificate", faults);
  return { faults, context, expiresAt };
}
