/**
 * From config to the parts that a gateway is made of: a channel, the schema sources and the service-config rules of every
 * upstream. What cannot be had is a problem; the upstream that it concerns is left out.
 */
import { readFile } from "node:fs/promises";
import { type Config, loadServiceConfig, type ServiceConfig, type UpstreamConfig } from "../config/index.ts";
import { type CompiledSnapshot, compileSnapshot, type DiscoveryTarget } from "../control/index.ts";
import type { SchemaSet } from "../schema/index.ts";
import { type Problem, StatusError } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Channel, DeadlineWheel, type RetrySurroundings, UpstreamRetries } from "../upstream/index.ts";
import type { Builtins } from "./builtins.ts";
import { healthLog } from "./health-log.ts";

/** The parts, ready for discovery. */
export interface Provision {
  readonly channels: ReadonlyMap<string, Channel>;
  readonly retries: ReadonlyMap<string, UpstreamRetries>;
  readonly targets: readonly DiscoveryTarget[];
  readonly problems: readonly Problem[];
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
  for (const upstream of config.upstreams) {
    const channel = await connect(config, upstream, builtins, log, problems);
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
  const { transcoders, errorRenderer } = builtins;
  const parts = { config, transcoders, errorRenderer, channels, retries, serviceConfigs };
  return {
    channels,
    retries,
    targets,
    problems,
    compile: (schemas, pending, revision) => compileSnapshot(parts, schemas, pending, revision),
    close: async () => {
      await Promise.all([...channels.values()].map((channel) => channel.close()));
      timers.close();
    },
  };
}

/** The upstream's channel; undefined, with a problem, where its address or its authorities cannot be used. */
async function connect(
  config: Config,
  upstream: UpstreamConfig,
  builtins: Builtins,
  log: Logger,
  problems: Problem[],
): Promise<Channel | undefined> {
  const { tls } = upstream;
  try {
    const caPem = tls?.ca === undefined ? undefined : await readFile(tls.ca.resolved, "utf8");
    return builtins.channels(upstream.client).connect({
      addresses: upstream.addresses,
      balancing: upstream.loadBalancing,
      connections: upstream.connections,
      limits: upstream.limits,
      health: upstream.health,
      healthObserver: healthLog(log, upstream.name),
      tls: tls === undefined ? undefined : { caPem, serverName: tls.serverName },
      maxReceiveMessageBytes: upstream.maxReceiveMessageBytes,
      maxSendMessageBytes: Number.POSITIVE_INFINITY,
    });
  } catch (error) {
    // Addresses have been checked with the config, so with a CA file it is that file.
    const key = tls?.ca === undefined ? ["address"] : ["tls", "ca"];
    problems.push({
      severity: "error",
      where: config.locate(["upstreams", upstream.name, ...key]),
      what:
        error instanceof StatusError
          ? `upstream ${upstream.name}: ${error.status.message}`
          : `upstream ${upstream.name}: cannot read ${tls?.ca?.text}: ${systemCode(error)}`,
      hint:
        tls?.ca === undefined
          ? "check the address"
          : "give a PEM file of certificates that the gateway may read",
    });
    return undefined;
  }
}

/** `ENOENT` and the like; the whole text of the error would repeat the path. */
function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
