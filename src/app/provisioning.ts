/**
 * From config to the parts that a gateway is made of: the unit of each upstream (channel, retries, schema sources), the
 * service-config documents, and the compiler over them. What cannot be had is a problem of its upstream alone.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Config, loadServiceConfig, type UpstreamConfig } from "../config/index.ts";
import {
  type CompiledSnapshot,
  type CompileInput,
  compileInSteps,
  DiskSchemaCache,
  type LoadedServiceConfig,
  type OpenedUnit,
  readRegularFile,
  type SchemaCache,
  schemaCacheKey,
  TimeSlices,
  type TlsTarget,
  TlsWatcher,
  type TlsWatcherParts,
} from "../control/index.ts";
import { formatProblem, type Problem, StatusError } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Channel, DeadlineWheel, type RetrySurroundings, UpstreamRetries } from "../upstream/index.ts";
import type { Builtins } from "./builtins.ts";
import { healthLog } from "./health-log.ts";
import { openCredentials } from "./upstream-credentials.ts";

/** Makes the parts of upstreams; whoever makes it closes it, after the units. */
export class Provision {
  readonly #builtins: Builtins;
  readonly #log: Logger;
  readonly #onTlsReload: TlsWatcherParts["onReload"];
  readonly #timers: DeadlineWheel;
  readonly #surroundings: RetrySurroundings;

  /** The log hears of endpoints that come and go, `onTlsReload` of TLS files that changed. */
  constructor(builtins: Builtins, log: Logger, onTlsReload: TlsWatcherParts["onReload"]) {
    const now = (): number => performance.now();
    this.#builtins = builtins;
    this.#log = log;
    this.#onTlsReload = onTlsReload;
    this.#timers = new DeadlineWheel(now);
    this.#surroundings = { now, random: Math.random, timers: this.#timers };
  }

  /** Makes the unit of one upstream; opens no connection yet. */
  async openUnit(config: Config, upstream: UpstreamConfig): Promise<OpenedUnit> {
    const problems: Problem[] = [];
    const connected = await this.#connect(config, upstream, problems);
    if (connected === undefined) return { unit: undefined, problems };
    const { channel, tls } = connected;
    const { warmUpMs } = upstream.connections;
    const watcher = this.#watchTls(tls);
    const unit = {
      upstream: upstream.name,
      channel,
      tls,
      cache: this.#cacheOf(config, upstream),
      retries: new UpstreamRetries(channel, upstream.retryBudget, this.#surroundings),
      sources: this.#builtins.sources(upstream, channel, config.locate),
      warmUp: async () => {
        if (warmUpMs > 0) await channel.warmUp(warmUpMs);
      },
      close: async () => {
        await watcher?.stop();
        await channel.close();
      },
    };
    return { unit, problems };
  }

  /** Compiles a snapshot, in slices between which requests have their turn. */
  compile({
    config,
    schemas,
    units,
    serviceConfigs,
    pending,
    revision,
  }: CompileInput): Promise<CompiledSnapshot> {
    const { transcoders, errorRenderer, cors, contentCodings } = this.#builtins;
    const channels = new Map([...units].map(([name, { channel }]) => [name, channel]));
    const retries = new Map([...units].map(([name, unit]) => [name, unit.retries]));
    const adapters = { transcoders, errorRenderer, cors, contentCodings };
    const parts = { config, ...adapters, channels, retries, serviceConfigs };
    return timeSlices().run(compileInSteps(parts, schemas, pending, revision));
  }

  /** Ends what the units share. */
  close(): void {
    this.#timers.close();
  }

  #cacheOf({ schemaCache }: Config, upstream: UpstreamConfig): SchemaCache | undefined {
    if (schemaCache === undefined) return undefined;
    return new DiskSchemaCache({
      directory: schemaCache.resolved,
      upstream: upstream.name,
      key: schemaCacheKey(upstream),
      report: (problem) => this.#log.warn({ problem: formatProblem(problem) }, "problem"),
    });
  }

  #watchTls(target: TlsTarget | undefined): TlsWatcher | undefined {
    if (target === undefined) return undefined;
    const watcher = new TlsWatcher({
      targets: [target],
      log: this.#log,
      onReload: this.#onTlsReload,
      now: Date.now,
      pause: (ms, signal) => pause(ms, undefined, { signal }),
    });
    watcher.start();
    return watcher;
  }

  /** The upstream's channel; undefined, with a problem, where its address or its TLS files cannot be used. */
  async #connect(
    config: Config,
    upstream: UpstreamConfig,
    problems: Problem[],
  ): Promise<{ readonly channel: Channel; readonly tls: TlsTarget | undefined } | undefined> {
    const { name, addresses, tls, authority, metadata, requestCompression, maxReceiveMessageBytes } =
      upstream;
    let target: TlsTarget | undefined;
    if (tls !== undefined) {
      const opened = await openCredentials(config, name, tls, Date.now);
      problems.push(...opened.problems);
      if (opened.target === undefined) return undefined;
      ({ target } = opened);
    }
    try {
      const client = await this.#builtins.channels(upstream.client);
      const channel = client.connect({
        addresses,
        balancing: upstream.loadBalancing,
        connections: upstream.connections,
        limits: upstream.limits,
        health: upstream.health,
        healthObserver: healthLog(this.#log, upstream.name),
        tls:
          target === undefined ? undefined : { credentials: target.credentials, serverName: tls?.serverName },
        authority: authority ?? "",
        metadata,
        requestCompression,
        maxReceiveMessageBytes,
        maxSendMessageBytes: Number.POSITIVE_INFINITY,
      });
      return { channel, tls: target };
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
}

/** Slices of the event loop of this process. */
export function timeSlices(): TimeSlices {
  return new TimeSlices(
    () => performance.now(),
    () => new Promise((resolve) => setImmediate(resolve)),
  );
}

/** The service-config document of `upstream`, read now. */
export async function readServiceConfig(
  config: Config,
  upstream: UpstreamConfig,
): Promise<LoadedServiceConfig> {
  const document = upstream.http.serviceConfig;
  if (document === undefined) return { serviceConfig: undefined, problems: [] };
  const serviceConfig = await loadServiceConfig(document, readRegularFile);
  const where = config.locate(["upstreams", upstream.name, "http", "serviceConfig"]);
  // What concerns the whole document is told where config names it.
  const isWhole = (problem: Problem): boolean => problem.where === document.text;
  const problems = serviceConfig.problems.map((problem) =>
    isWhole(problem) ? { ...problem, where, what: `${document.text}: ${problem.what}` } : problem,
  );
  return { serviceConfig, problems };
}
