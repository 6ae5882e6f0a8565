/**
 * The files of a listener's TLS: PEM files to material, and what is wrong with them as problems.
 */
import type { Config, ListenerTlsConfig } from "../config/index.ts";
import type { ServerIdentity, ServerTls, ServerTlsFault, ServerTlsMaterial } from "../http/index.ts";
import type { Problem } from "../status/index.ts";
import type { TlsFault } from "../tls/index.ts";
import { digestOf, readPem } from "./pem-file.ts";
import type { WatchedTls } from "./tls-watcher.ts";

/** What the files of one listener hold now. */
export interface ListenerTlsFiles {
  /** Undefined where one of them cannot be read. */
  readonly material: ServerTlsMaterial | undefined;
  readonly faults: readonly ServerTlsFault[];
  /** Changes with what is in the files, or with why they cannot be read; tells nothing of it. */
  readonly digest: string;
}

/** One listener whose files are watched. */
export interface ListenerTlsTarget extends WatchedTls {
  readonly tls: ServerTls;
}

/** A listener as problems and metrics name it. */
export interface NamedListener {
  /** Its address. */
  readonly name: string;
  /** Its place in the list of the config. */
  readonly index: number;
  readonly tls: ListenerTlsConfig;
}

/** Reads the files that `tls` names. Never rejects. */
export async function readListenerTlsFiles(tls: ListenerTlsConfig): Promise<ListenerTlsFiles> {
  const [clientCa, ...pairs] = await Promise.all([
    readPem("ca", tls.clientCertificates?.ca),
    ...tls.certificates.flatMap(({ certificate, key }) => [
      readPem("certificate", certificate),
      readPem("key", key),
    ]),
  ]);
  const digest = digestOf([clientCa, ...pairs]);
  const faults: ServerTlsFault[] = [];
  const place = (fault: TlsFault | undefined, identity: number | undefined): void => {
    if (fault !== undefined) faults.push({ ...fault, identity });
  };
  place(clientCa.fault, undefined);
  const identities: ServerIdentity[] = [];
  for (const [index, { certificate, key, names }] of tls.certificates.entries()) {
    const certificatePem = pairs[2 * index];
    const keyPem = pairs[2 * index + 1];
    place(certificatePem?.fault, index);
    place(keyPem?.fault, index);
    identities.push({
      certificatePem: certificatePem?.text ?? "",
      keyPem: keyPem?.text ?? "",
      names,
      certificatePath: certificate.resolved,
      keyPath: key.resolved,
    });
  }
  if (faults.length > 0) return { material: undefined, faults, digest };
  const clientCaPath = tls.clientCertificates?.ca.resolved;
  return { material: { identities, clientCaPem: clientCa.text, clientCaPath }, faults, digest };
}

/** `server`, made of files with that `digest`, as a watcher keeps it in step with the files. */
export function listenerTlsTarget(
  config: Pick<Config, "locate">,
  listener: NamedListener,
  server: ServerTls,
  digest: string,
): ListenerTlsTarget {
  return {
    tls: server,
    owner: { kind: "listener", name: listener.name },
    digest,
    look: async () => {
      const { material, faults, digest: found } = await readListenerTlsFiles(listener.tls);
      return {
        digest: found,
        take: (nowMs) => {
          const told = material === undefined ? faults : server.replace(material, nowMs);
          return told.map((fault) => listenerTlsProblem(config, listener, fault));
        },
      };
    },
  };
}

/** A fault as a problem of `listener`, at the place of the file's name in the config. */
export function listenerTlsProblem(
  config: Pick<Config, "locate">,
  { name, index, tls }: NamedListener,
  { part, identity, severity, what, hint }: ServerTlsFault,
): Problem {
  const own = identity === undefined ? undefined : tls.certificates[identity];
  const file = part === "ca" ? tls.clientCertificates?.ca : own?.[part];
  const path =
    identity === undefined
      ? (["clientCertificates", "ca"] as const)
      : (["certificates", identity, part] as const);
  return {
    severity,
    where: config.locate(["listeners", index, "tls", ...path]),
    what: `listener ${name}: ${file?.text ?? part} ${what}`,
    hint,
  };
}
