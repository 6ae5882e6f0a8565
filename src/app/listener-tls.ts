/**
 * From the `tls` section of a listener to TLS that follows its files.
 */
import type { Config } from "../config/index.ts";
import {
  type ListenerTlsTarget,
  listenerName,
  listenerTlsProblem,
  listenerTlsTarget,
  type NamedListener,
  readListenerTlsFiles,
} from "../control/index.ts";
import { ServerTls, type ServerTlsFault } from "../http/index.ts";
import type { Problem } from "../status/index.ts";

/** TLS by the listener's place in the config; plaintext ones have none. */
export interface ListenerTls {
  readonly targets: ReadonlyMap<number, ListenerTlsTarget>;
  readonly problems: readonly Problem[];
}

/** Reads the files of every listener; `now` is in milliseconds since the epoch. */
export async function openListenerTls(
  config: Pick<Config, "listeners" | "locate">,
  now: () => number,
): Promise<ListenerTls> {
  const targets = new Map<number, ListenerTlsTarget>();
  const problems: Problem[] = [];
  for (const [index, { name, address, tls }] of config.listeners.entries()) {
    if (tls === undefined) continue;
    const listener: NamedListener = { name: listenerName({ name, address }), index, tls };
    const describe = (fault: ServerTlsFault): Problem => listenerTlsProblem(config, listener, fault);
    const { material, faults: unread, digest } = await readListenerTlsFiles(tls);
    if (material === undefined) {
      problems.push(...unread.map(describe));
      continue;
    }
    const settings = {
      minVersion: tls.minVersion,
      ciphers: tls.ciphers,
      requiresClientCertificate: tls.clientCertificates?.require ?? false,
    };
    const opened = ServerTls.open(material, settings, now());
    problems.push(...opened.faults.map(describe));
    if (opened.tls === undefined) continue;
    targets.set(index, listenerTlsTarget(config, listener, opened.tls, digest));
  }
  return { targets, problems };
}
