/**
 * The control plane of a running gateway, put together: reconciler, reloads, the watcher of the config's files, and their
 * metrics.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Config, ConfigResult } from "../config/index.ts";
import { ConfigWatcher, Reconciler, Reloads, readRegularFile, type UpstreamUnit } from "../control/index.ts";
import type { RoutingSnapshot } from "../gateway/index.ts";
import type { Logger, Reading } from "../telemetry/index.ts";
import type { Builtins } from "./builtins.ts";
import { controlReadings } from "./control-metrics.ts";
import { Provision, readServiceConfig, timeSlices } from "./provisioning.ts";
import { retryReadings } from "./retry-metrics.ts";
import { upstreamTlsMetrics } from "./tls-metrics.ts";
import { upstreamReadings } from "./upstream-metrics.ts";

/** Where a running gateway gets its config again. */
export interface ConfigOrigin {
  /** The files to watch, with what was read of them; none where the config comes from elsewhere. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Reads the config as it is now; never rejects. */
  readonly read: () => Promise<ConfigResult>;
}

/** How long a start, or a reload, waits for the schemas of new upstreams that hang, before it serves the others. */
const PATIENCE_MS = 3000;

/** The parts that work together; whoever makes it closes it. */
export class ControlPlane {
  readonly reconciler: Reconciler;
  readonly reloads: Reloads;
  /** All metrics of upstreams, schemas and reloads. */
  readonly readings: readonly Reading[];
  readonly #units: LiveUnits;
  readonly #initial: Config;
  readonly #provision: Provision;
  readonly #watcher: ConfigWatcher;
  #publish: (snapshot: RoutingSnapshot) => void = () => undefined;
  #applied: (config: Config) => void = () => undefined;

  constructor(config: Config, builtins: Builtins, log: Logger, origin: ConfigOrigin) {
    const units = new LiveUnits(() => this.reconciler.units());
    this.#units = units;
    const tls = upstreamTlsMetrics(units.tls);
    const sleep = (ms: number, signal: AbortSignal): Promise<void> => pause(ms, undefined, { signal });
    this.#initial = config;
    this.#provision = new Provision(builtins, log, tls.onReload);
    this.reconciler = new Reconciler({
      openUnit: (given, upstream) => this.#provision.openUnit(given, upstream),
      loadServiceConfig: readServiceConfig,
      compile: (input) => this.#provision.compile(input),
      publish: (snapshot) => this.#publish(snapshot),
      log,
      slices: timeSlices,
      random: Math.random,
      now: Date.now,
      pause: sleep,
      // Under `strict` a problem anywhere fails the whole, so all of them have to be known.
      patienceMs: ({ strict }) => (strict ? Number.POSITIVE_INFINITY : PATIENCE_MS),
    });
    this.reloads = new Reloads({
      config,
      read: origin.read,
      reconciler: this.reconciler,
      onApplied: (given, earlier) => {
        // Unless it changes, the level is that of whoever made the log.
        if (given.log.level !== earlier.log.level) log.level = given.log.level;
        this.#applied(given);
      },
      log,
    });
    this.#watcher = new ConfigWatcher({
      files: () => (origin.files.size === 0 ? [] : [...origin.files.keys(), ...documentsOf(this.config)]),
      isOn: () => this.config.watch,
      read: origin.files,
      readFile: readRegularFile,
      onChange: () => this.reloads.reload("file"),
      log,
      pause: sleep,
    });
    this.readings = [
      ...upstreamReadings(units.channels),
      ...retryReadings(units.retries),
      ...tls.readings,
      ...controlReadings(this.reconciler, this.reloads),
    ];
  }

  /** The config in force. */
  get config(): Config {
    return this.reloads.config;
  }

  /** The channels of the upstreams that are served now, by name. */
  get channels(): LiveUnits["channels"] {
    return this.#units.channels;
  }

  /** A snapshot without routes, for the time before the first one. */
  async emptySnapshot(): Promise<RoutingSnapshot> {
    const { snapshot } = await this.#provision.compile({
      config: this.#initial,
      schemas: new Map(),
      units: new Map(),
      serviceConfigs: new Map(),
      pending: this.#initial.upstreams.map(({ name }) => name),
      revision: 0,
    });
    return snapshot;
  }

  /** Where snapshots go from now on. */
  onPublish(publish: (snapshot: RoutingSnapshot) => void): void {
    this.#publish = publish;
  }

  /** Who is told of the configs that reloads put in force, from now on. */
  onApplied(applied: (config: Config) => void): void {
    this.#applied = applied;
  }

  /** Publishes the first snapshot, and begins to watch. */
  async start(): Promise<void> {
    this.#watcher.start();
    await this.reconciler.apply(this.#initial);
  }

  /** Ends every attempt under way; resolves when the last call has ended. */
  async close(): Promise<void> {
    await this.#watcher.stop();
    await Promise.all([this.reloads.close(), this.reconciler.stop()]);
    this.#provision.close();
  }
}

/** What metrics read of the units that live when they are scraped. */
class LiveUnits {
  readonly #units: Reconciler["units"];

  constructor(units: Reconciler["units"]) {
    this.#units = units;
  }

  get channels(): Parameters<typeof upstreamReadings>[0] {
    return this.#each(({ upstream, channel }) => [[upstream, channel]]);
  }

  get retries(): Parameters<typeof retryReadings>[0] {
    return this.#each(({ upstream, retries }) => [[upstream, retries]]);
  }

  get tls(): Parameters<typeof upstreamTlsMetrics>[0] {
    return this.#each(({ tls }) => (tls === undefined ? [] : [tls]));
  }

  #each<T>(pick: (unit: UpstreamUnit) => readonly T[]): Iterable<T> {
    const units = this.#units;
    return {
      *[Symbol.iterator]() {
        for (const unit of units()) yield* pick(unit);
      },
    };
  }
}

/** The service-config documents that `config` names. */
function documentsOf({ upstreams }: Config): readonly string[] {
  return upstreams.flatMap(({ http }) =>
    http.serviceConfig === undefined ? [] : [http.serviceConfig.resolved],
  );
}
