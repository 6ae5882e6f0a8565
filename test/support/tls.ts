/** TLS material of tests, out of test/fixtures/tls. */
import { readFileSync } from "node:fs";
import type { TlsVersion } from "../../src/tls/index.ts";
import { TlsCredentials, type TlsMaterial } from "../../src/upstream/index.ts";

/** A file of test/fixtures/tls. */
export function pem(name: string): string {
  return readFileSync(`test/fixtures/tls/${name}`, "utf8");
}

/** Trusts the authority of `server.pem`, and shows the certificate of that name, if any. */
export function tlsMaterial(identity?: string, ca = "ca.pem"): TlsMaterial {
  return {
    caPem: pem(ca),
    identity:
      identity === undefined
        ? undefined
        : { certificatePem: pem(`${identity}.pem`), keyPem: pem(`${identity}.key`) },
  };
}

/** Credentials of sound material. */
export function credentialsOf(material: TlsMaterial, minVersion: TlsVersion = "TLSv1.2"): TlsCredentials {
  const { credentials, faults } = TlsCredentials.open(material, minVersion, Date.now());
  if (credentials === undefined) throw new Error(JSON.stringify(faults));
  return credentials;
}
