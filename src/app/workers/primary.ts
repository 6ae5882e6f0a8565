/**
 * The process that leads workers: it holds the control plane, the admin listener and the signals, and serves nothing itself.
 *
 * It is an Application whose listeners stand for the workers' own ({@link PortProbe}), and which tells them of the configs
 * and schemas that it puts in force.
 */
import type { Readiness, UpstreamRow } from "../../admin/index.ts";
import type { Config, ConfigDocument, ConfigResult } from "../../config/index.ts";
import type { Applied, ReloadCause } from "../../control/index.ts";
import type { ListenAddress } from "../../http/index.ts";
import type { Logger, LogLevel, Reading } from "../../telemetry/index.ts";
import { Application } from "../application.ts";
import type { Builtins } from "../builtins.ts";
import type { Followers, ServedSchema } from "../followers.ts";
import type { HandedSchema, StartOrder, WorkerListening } from "./messages.ts";
import { PortProbe } from "./port-probe.ts";
import { leadingConfig } from "./roles.ts";
import { Supervisor } from "./supervisor.ts";
import type { StartProcess } from "./worker-process.ts";

/** A config as it was read, and what it was made of; no document where there is no config. */
export interface LoadedDocument extends ConfigResult {
  readonly document: ConfigDocument | undefined;
}

/** What a primary works with. */
export interface PrimaryParts {
  readonly config: Config;
  /** What `config` was made of. */
  readonly document: ConfigDocument;
  /** The files to watch, with what was read of them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Reads the config as it is now; never rejects. */
  readonly read: () => Promise<LoadedDocument>;
  readonly builtins: Builtins;
  readonly log: Logger;
  /** How many workers there are to be. */
  readonly count: number;
  readonly startProcess: StartProcess;
}

/** A gateway of several processes. */
export class Primary implements Followers {
  readonly #read: PrimaryParts["read"];
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  #document: ConfigDocument;
  /** What the config was made of that was read last. */
  #lastRead: { readonly config: Config; readonly document: ConfigDocument } | undefined;
  #addresses: readonly ListenAddress[] = [];
  #served: ReadonlyMap<string, ServedSchema> = new Map();
  #application: Application | undefined;

  private constructor({ document, read, log, count, startProcess }: PrimaryParts) {
    this.#document = document;
    this.#read = read;
    this.#log = log;
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

  /** As `Application.reload`; the workers follow. Undefined before the start is over. */
  async reload(cause: ReloadCause): Promise<Applied | undefined> {
    return await this.#application?.reload(cause);
  }

  /** As `Application.reopenLogs`, in every process. */
  async reopenLogs(): Promise<void> {
    this.#supervisor.send({ kind: "reopenLogs" });
    await this.#application?.reopenLogs();
  }

  /** As `Application.drain`, every worker on its own. */
  async drain(): Promise<void> {
    await this.#application?.drain();
  }

  published(served: ReadonlyMap<string, ServedSchema>): void {
    const before = this.#served;
    this.#served = new Map(served);
    const news = [...served].filter(([upstream, { schema, live }]) => {
      const earlier = before.get(upstream);
      return earlier?.schema.digest !== schema.digest || earlier.live.digest !== live.digest;
    });
    if (news.length > 0) this.#supervisor.send({ kind: "schemas", schemas: news.map(handedSchema) });
  }

  applied(config: Config): void {
    if (this.#lastRead?.config !== config) return;
    this.#document = this.#lastRead.document;
    this.#supervisor.send({ kind: "config", document: this.#document });
  }

  async readiness(own: Readiness): Promise<Readiness> {
    if (!own.ready) return own;
    // One is enough: the others serve while a worker is replaced, and it would not help them to be left alone.
    const { ready, detail } = await this.#supervisor.readiness();
    const check = { name: "workers", ok: ready > 0, detail };
    return { ready: ready > 0, detail: `${own.detail}; ${detail}`, checks: [...own.checks, check] };
  }

  logLevelChanged(level: LogLevel): void {
    this.#supervisor.send({ kind: "logLevel", level });
  }

  async upstreams(): Promise<readonly UpstreamRow[]> {
    const said = await this.#supervisor.upstreams();
    return said.flatMap(({ worker, json }) => {
      // Workers are this program, and write nothing else.
      const rows = JSON.parse(json) as readonly UpstreamRow[];
      return rows.map((row) => ({ ...row, worker }));
    });
  }

  metrics(own: string): Promise<string> {
    return this.#supervisor.metrics(own);
  }

  async #start({ config, files, builtins, log }: PrimaryParts): Promise<void> {
    const probe = new PortProbe(this.#supervisor);
    const leading = { ...builtins, engine: () => probe.engine };
    const origin = { files, read: () => this.#readLeading() };
    try {
      this.#application = await Application.start(leadingConfig(config), leading, log, origin, this);
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

  async #readLeading(): Promise<ConfigResult> {
    const { config, document, problems } = await this.#read();
    if (config === undefined || document === undefined) return { config: undefined, problems };
    const leading = leadingConfig(config);
    this.#lastRead = { config: leading, document };
    return { config: leading, problems };
  }

  #startOrder(worker: number): StartOrder {
    const schemas = [...this.#served].map(handedSchema);
    // The log was made with one of them, and is only ever set to another.
    const logLevel = this.#log.level as LogLevel;
    const document = this.#document;
    return { kind: "start", worker, document, addresses: this.#addresses, schemas, logLevel };
  }
}

function handedSchema([upstream, { schema, live }]: readonly [string, ServedSchema]): HandedSchema {
  return { upstream, form: live.digest, descriptorSet: schema.toDescriptorSet() };
}
