/**
 * From the `tls` section of an upstream to credentials that follow their files.
 */
import type { Config, TlsConfig } from "../config/index.ts";
import { readTlsFiles, type TlsTarget, tlsProblem, upstreamTlsTarget } from "../control/index.ts";
import type { Problem } from "../status/index.ts";
import type { TlsFault } from "../tls/index.ts";
import { TlsCredentials } from "../upstream/index.ts";

/** Credentials to be watched, or the problems why there are none; warnings may come with either. */
export interface OpenedCredentials {
  readonly target: TlsTarget | undefined;
  readonly problems: readonly Problem[];
}

/** Reads the files of `upstream`; `now` is in milliseconds since the epoch. */
export async function openCredentials(
  config: Pick<Config, "locate">,
  upstream: string,
  tls: TlsConfig,
  now: () => number,
): Promise<OpenedCredentials> {
  const describe = (fault: TlsFault): Problem => tlsProblem(config, upstream, tls, fault);
  const { material, faults: unread, digest } = await readTlsFiles(tls);
  if (material === undefined) return { target: undefined, problems: unread.map(describe) };
  const { credentials, faults } = TlsCredentials.open(material, tls.minVersion, now());
  const problems = faults.map(describe);
  if (credentials === undefined) return { target: undefined, problems };
  return { target: upstreamTlsTarget(config, upstream, tls, credentials, digest), problems };
}
