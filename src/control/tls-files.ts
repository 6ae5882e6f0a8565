/**
 * The files of TLS towards an upstream: PEM files to material, and what is wrong with them as problems.
 */
import type { Config, TlsConfig } from "../config/index.ts";
import type { Problem } from "../status/index.ts";
import type { TlsFault, TlsPart } from "../tls/index.ts";
import type { TlsCredentials, TlsMaterial } from "../upstream/index.ts";
import { digestOf, readPem } from "./pem-file.ts";
import type { WatchedTls } from "./tls-watcher.ts";

/** What the files of one upstream hold now. */
export interface TlsFiles {
  /** Undefined where one of them cannot be read. */
  readonly material: TlsMaterial | undefined;
  readonly faults: readonly TlsFault[];
  /** Changes with what is in the files, or with why they cannot be read; tells nothing of it. */
  readonly digest: string;
}

/** One upstream whose files are watched. */
export interface TlsTarget extends WatchedTls {
  readonly upstream: string;
  readonly credentials: TlsCredentials;
}

/** Reads the files that `tls` names. Never rejects. */
export async function readTlsFiles(tls: TlsConfig): Promise<TlsFiles> {
  const { ca, identity } = tls;
  const [caPem, certificatePem, keyPem] = await Promise.all([
    readPem("ca", ca),
    readPem("certificate", identity?.certificate),
    readPem("key", identity?.key),
  ]);
  const readings = [caPem, certificatePem, keyPem];
  const digest = digestOf(readings);
  const faults = readings.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  if (faults.length > 0) return { material: undefined, faults, digest };
  const isWhole = certificatePem.text !== undefined && keyPem.text !== undefined;
  const pair = isWhole ? { certificatePem: certificatePem.text, keyPem: keyPem.text } : undefined;
  return { material: { caPem: caPem.text, identity: pair }, faults: [], digest };
}

/** `credentials`, made of files with that `digest`, as a watcher keeps them in step with the files. */
export function upstreamTlsTarget(
  config: Pick<Config, "locate">,
  upstream: string,
  tls: TlsConfig,
  credentials: TlsCredentials,
  digest: string,
): TlsTarget {
  return {
    upstream,
    credentials,
    owner: { kind: "upstream", name: upstream },
    digest,
    look: async () => {
      const { material, faults, digest: found } = await readTlsFiles(tls);
      return {
        digest: found,
        take: (nowMs) => {
          const told = material === undefined ? faults : credentials.replace(material, nowMs);
          return told.map((fault) => tlsProblem(config, upstream, tls, fault));
        },
      };
    },
  };
}

/** A fault as a problem of `upstream`, at the place of the file's name in the config. */
export function tlsProblem(
  config: Pick<Config, "locate">,
  upstream: string,
  tls: TlsConfig,
  fault: TlsFault,
): Problem {
  const { part, severity, what, hint } = fault;
  return {
    severity,
    where: config.locate(["upstreams", upstream, "tls", part]),
    what: `upstream ${upstream}: ${nameOf(tls, part)} ${what}`,
    hint,
  };
}

function nameOf({ ca, identity }: TlsConfig, part: TlsPart): string {
  const file = part === "ca" ? ca : identity?.[part];
  return file?.text ?? part;
}
