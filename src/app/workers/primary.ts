/**
 * The process that leads workers: it holds the control plane, the admin listener and the signals, and serves nothing itself.
 *
 * It is an Application whose listeners stand for the workers' own ({@link PortProbe}) and whose schemas go on to them.
 */
import type { Readiness } from "../../admin/index.ts";
import type { Config, ConfigOrigin } from "../../config/index.ts";
import type { ListenAddress } from "../../http/index.ts";
import type { SchemaSet } from "../../schema/index.ts";
import type { Logger, Reading } from "../../telemetry/index.ts";
import { Application } from "../application.ts";
import type { Builtins } from "../builtins.ts";
import type { Followers } from "../followers.ts";
import type { StartOrder, WorkerListening } from "./messages.ts";
import { PortProbe } from "./port-probe.ts";
import { Supervisor } from "./supervisor.ts";
import type { StartProcess } from "./worker-process.ts";

/** Workers end their requests by themselves when the drain timeout passes; the primary cuts in this much later. */
const DRAIN_GRACE_MS = 2000;

/** What a primary works with. */
export interface PrimaryParts {
  readonly config: Config;
  /** What `config` was made of. */
  readonly origin: ConfigOrigin;
  readonly builtins: Builtins;
  readonly log: Logger;
  /** How many workers there are to be. */
  readonly count: number;
  readonly startProcess: StartProcess;
}

/** A gateway of several processes. */
export class Primary implements Followers {
  readonly #origin: ConfigOrigin;
  readonly #supervisor: Supervisor;
  #addresses: readonly ListenAddress[] = [];
  #schemas: ReadonlyMap<string, SchemaSet> = new Map();
  #application: Application | undefined;

  private constructor({ origin, log, count, startProcess }: PrimaryParts) {
    this.#origin = origin;
    this.#supervisor = new Supervisor({
      count,
      startProcess,
      log,
      startOrder: (worker) => this.#startOrder(worker),
      now: () => performance.now(),
      random: Math.random,
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    });
  }

  /**
   * Starts the control plane, then the workers; resolves when all of them serve.
   * @throws as `Application.start`, and {Error} if a worker cannot start, with its reason.
   */
  static async start(parts: PrimaryParts): Promise<Primary> {
    const primary = new Primary(parts);
    await primary.#start(parts);
    return primary;
  }

  /** What the workers listen on. */
  get listening(): readonly WorkerListening[] {
    return this.#supervisor.listening;
  }

  get adminAddress(): ListenAddress | undefined {
    return this.#application?.adminAddress;
  }

  get readings(): readonly Reading[] {
    return this.#supervisor.readings;
  }

  /** As `Application.drain`, every worker on its own. */
  async drain(): Promise<void> {
    await this.#application?.drain();
  }

  publishing(schemas: ReadonlyMap<string, SchemaSet>): void {
    const before = this.#schemas;
    // The reconciler's map goes on changing.
    this.#schemas = new Map(schemas);
    for (const [upstream, schema] of this.#schemas) {
      if (before.get(upstream)?.digest !== schema.digest) this.#supervisor.hand(upstream, schema);
    }
  }

  async readiness(own: Readiness): Promise<Readiness> {
    if (!own.ready) return own;
    // One is enough: the others serve while a worker is replaced, and it would not help them to be left alone.
    const { ready, detail } = await this.#supervisor.readiness();
    return { ready: ready > 0, detail: `${own.detail}; ${detail}` };
  }

  metrics(own: string): Promise<string> {
    return this.#supervisor.metrics(own);
  }

  async #start({ config, builtins, log }: PrimaryParts): Promise<void> {
    const probe = new PortProbe(this.#supervisor);
    const leading = { ...builtins, engine: () => probe.engine };
    try {
      this.#application = await Application.start(leadingConfig(config), leading, log, this);
    } finally {
      await probe.release();
    }
    this.#addresses = this.#application.listening.map(({ address }) => address);
    try {
      await this.#supervisor.start();
    } catch (error) {
      await this.#application.close();
      throw error;
    }
  }

  #startOrder(worker: number): StartOrder {
    const schemas = [...this.#schemas].map(([upstream, schema]) => ({
      upstream,
      descriptorSet: schema.toDescriptorSet(),
    }));
    return { kind: "start", worker, origin: this.#origin, addresses: this.#addresses, schemas };
  }
}

/** The config for a process that calls upstreams for nothing but their schemas. */
function leadingConfig(config: Config): Config {
  const { shutdown } = config;
  return {
    ...config,
    upstreams: config.upstreams.map((upstream) => ({
      ...upstream,
      connections: { ...upstream.connections, warmUpMs: 0 },
      health: { ...upstream.health, check: undefined },
    })),
    shutdown: { ...shutdown, drainTimeoutMs: shutdown.drainTimeoutMs + DRAIN_GRACE_MS },
  };
}
