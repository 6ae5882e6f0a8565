/**
 * From config to the parts that a gateway is made of: a channel, the schema sources and the service-config rules of every
 * upstream. What cannot be had is a problem; the upstream that it concerns is left out.
 */
import { readFile } from "node:fs/promises";
import { type Config, loadServiceConfig, type ServiceConfig, type UpstreamConfig } from "../config/index.ts";
import {
  type CompiledSnapshot,
  compileSnapshot,
  type DiscoveryTarget,
  type TlsTarget,
} from "../control/index.ts";
import type { SchemaSet } from "../schema/index.ts";
import { type Problem, StatusError } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Channel, DeadlineWheel, type RetrySurroundings, UpstreamRetries } from "../upstream/index.ts";
import type { Builtins } from "./builtins.ts";
import { healthLog } from "./health-log.ts";
import { openCredentials } from "./upstream-credentials.ts";

/** The parts, ready for discovery. */
export interface Provision {
  readonly channels: ReadonlyMap<string, Channel>;
  readonly retries: ReadonlyMap<string, UpstreamRetries>;
  readonly targets: readonly DiscoveryTarget[];
  readonly problems: readonly Problem[];
  /** The upstreams whose TLS files can change. */
  readonly tlsTargets: readonly TlsTarget[];
  /** Compiles the schemas found so far. */
  readonly compile: (
    schemas: ReadonlyMap<string, SchemaSet>,
    pendingUpstreams: readonly string[],
    revision: number,
  ) => CompiledSnapshot;
  /** Closes the channels once their calls have ended. */
  close(): Promise<void>;
}

/** Makes the parts that `config` asks for. Opens no connection yet. The log hears of endpoints that come and go. */
export async function provision(config: Config, builtins: Builtins, log: Logger): Promise<Provision> {
  const channels = new Map<string, Channel>();
  const retries = new Map<string, UpstreamRetries>();
  const now = (): number => performance.now();
  const timers = new DeadlineWheel(now);
  const surroundings: RetrySurroundings = { now, random: Math.random, timers };
  const serviceConfigs = new Map<string, ServiceConfig>();
  const targets: DiscoveryTarget[] = [];
  const problems: Problem[] = [];
  const tlsTargets: TlsTarget[] = [];
  for (const upstream of config.upstreams) {
    const channel = await connect(config, upstream, builtins, log, problems, tlsTargets);
    if (channel === undefined) continue;
    channels.set(upstream.name, channel);
    retries.set(upstream.name, new UpstreamRetries(channel, upstream.retryBudget, surroundings));
    const { warmUpMs } = upstream.connections;
    targets.push({
      upstream: upstream.name,
      sources: builtins.sources(upstream, channel, config.locate),
      warmUp: async () => {
        if (warmUpMs > 0) await channel.warmUp(warmUpMs);
      },
    });
    const document = upstream.http.serviceConfig;
    if (document === undefined) continue;
    const serviceConfig = await loadServiceConfig(document, (path) => readFile(path));
    const where = config.locate(["upstreams", upstream.name, "http", "serviceConfig"]);
    for (const problem of serviceConfig.problems) {
      // What concerns the whole document is told where config names it.
      const isWhole = problem.where === document.text;
      problems.push(isWhole ? { ...problem, where, what: `${document.text}: ${problem.what}` } : problem);
    }
    serviceConfigs.set(upstream.name, serviceConfig);
  }
  const { transcoders, errorRenderer, contentCodings } = builtins;
  const shared = { transcoders, errorRenderer, contentCodings };
  const parts = { config, ...shared, channels, retries, serviceConfigs };
  return {
    channels,
    retries,
    targets,
    problems,
    tlsTargets,
    compile: (schemas, pending, revision) => compileSnapshot(parts, schemas, pending, revision),
    close: async () => {
      await Promise.all([...channels.values()].map((channel) => channel.close()));
      timers.close();
    },
  };
}

/** The upstream's channel; undefined, with a problem, where its address or its TLS files cannot be used. */
async function connect(
  config: Config,
  upstream: UpstreamConfig,
  builtins: Builtins,
  log: Logger,
  problems: Problem[],
  tlsTargets: TlsTarget[],
): Promise<Channel | undefined> {
  const { name, addresses, tls, authority, metadata, requestCompression, maxReceiveMessageBytes } = upstream;
  let target: TlsTarget | undefined;
  if (tls !== undefined) {
    const opened = await openCredentials(config, name, tls, Date.now);
    problems.push(...opened.problems);
    if (opened.target === undefined) return undefined;
    ({ target } = opened);
  }
  try {
    const client = await builtins.channels(upstream.client);
    const channel = client.connect({
      addresses,
      balancing: upstream.loadBalancing,
      connections: upstream.connections,
      limits: upstream.limits,
      health: upstream.health,
      healthObserver: healthLog(log, upstream.name),
      tls:
        target === undefined ? undefined : { credentials: target.credentials, serverName: tls?.serverName },
      authority: authority ?? "",
      metadata,
      requestCompression,
      maxReceiveMessageBytes,
      maxSendMessageBytes: Number.POSITIVE_INFINITY,
    });
    if (target !== undefined) tlsTargets.push(target);
    return channel;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    problems.push({
      severity: "error",
      where: config.locate(["upstreams", name, "address"]),
      what: `upstream ${name}: ${error.status.message}`,
      hint: "check the address",
    });
    return undefined;
  }
}
