/**
 * A running gateway: its listeners, its control plane, and how it starts and drains.
 */
import { setTimeout as pause } from "node:timers/promises";
import { adminHandler, adminPages, type Readiness } from "../admin/index.ts";
import type { Config, ListenerConfig } from "../config/index.ts";
import type { Applied, ReloadCause } from "../control/index.ts";
import { Gateway, type ListenerSettings } from "../gateway/index.ts";
import { formatAddress, type HttpEngine, type HttpListener, type ListenAddress } from "../http/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";
import { combineObservers, type Logger, Meters, type RequestObserver } from "../telemetry/index.ts";
import type { OpenedAccessLog } from "./access-log.ts";
import { adminView, type Lifecycle, readinessOf } from "./admin-view.ts";
import type { Builtins } from "./builtins.ts";
import { type ConfigOrigin, ControlPlane } from "./control-plane.ts";
import type { Tracing } from "./tracing.ts";

/** The start failed; every problem is a line of the message. */
export class StartError extends Error {
  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "StartError";
  }
}

/** An address that is being listened on. */
export interface Listening {
  readonly address: ListenAddress;
  readonly engine: string;
}

/** A gateway that serves. */
export class Application {
  readonly #log: Logger;
  readonly #control: ControlPlane;
  readonly #tracing: Tracing | undefined;
  readonly #accessLog: OpenedAccessLog | undefined;
  readonly #listeners: HttpListener[];
  readonly #admin: HttpListener | undefined;
  readonly gateway: Gateway;
  readonly listening: readonly Listening[];
  readonly adminAddress: ListenAddress | undefined;
  readonly #lifecycle: Lifecycle;

  private constructor(started: StartedParts) {
    this.#log = started.log;
    this.#control = started.control;
    this.#tracing = started.tracing;
    this.#accessLog = started.accessLog;
    this.#listeners = started.listeners.map(({ listener }) => listener);
    this.#admin = started.admin;
    this.gateway = started.gateway;
    this.listening = started.listeners.map(({ listener, engine }) => ({ address: listener.address, engine }));
    this.adminAddress = started.admin?.address;
    this.#lifecycle = started.lifecycle;
  }

  /**
   * Tries every upstream once, for a few seconds at most, and binds every address; upstreams that are away are tried on
   * in the background. Without an `origin` the config stays as it is, and reloads look at the schemas alone.
   * @throws {StartError} under `strict`, if the config's schemas or rules have problems.
   * @throws {Error} if an address cannot be bound, with `code` EADDRINUSE where it is taken.
   */
  static async start(
    config: Config,
    builtins: Builtins,
    log: Logger,
    origin: ConfigOrigin = { files: [], read: async () => ({ config, problems: [] }) },
  ): Promise<Application> {
    const meters = new Meters();
    const tracing = await builtins.tracing(config, log);
    const accessLog = await builtins.accessLog(config, log);
    const observers: RequestObserver[] = accessLog === undefined ? [meters] : [meters, accessLog.observer];
    const control = new ControlPlane(config, builtins, log, origin);
    for (const { readings } of [control, tracing, accessLog].filter((part) => part !== undefined)) {
      for (const reading of readings) meters.addReading(reading);
    }
    const observer = combineObservers(observers);
    const gateway = new Gateway(await control.emptySnapshot(), observer, log, tracing?.tracer);
    control.onPublish((snapshot) => gateway.publish(snapshot));
    const lifecycle: Lifecycle = { phase: "running" };
    const opened: OpenedListener[] = [];
    let admin: HttpListener | undefined;
    try {
      if (config.admin.enabled) {
        const view = adminView({ control, gateway, meters, lifecycle, log });
        admin = await builtins.adminEngine.listen(
          config.admin.address,
          ADMIN_LIMITS,
          adminHandler(adminPages(view), log),
        );
      }
      await control.start();
      const { problems } = control.reconciler;
      if (config.strict && problems.length > 0) throw new StartError(problems);
      // Not before: until there are routes every answer is an error, and an EventSource that came back to one would stay
      // away, while it tries again where nobody listens.
      for (const listener of config.listeners) {
        const engine = builtins.engine(listener.engine, log);
        opened.push({
          listener: await openListener(listener, engine, gateway, builtins),
          engine: engine.name,
        });
      }
    } catch (error) {
      for (const { listener } of opened) listener.close();
      admin?.close();
      await control.close();
      throw error;
    }
    return new Application({
      log,
      control,
      tracing,
      accessLog,
      gateway,
      lifecycle,
      admin,
      listeners: opened,
    });
  }

  /** Takes up the config and the schemas as they are now, or tells why not. Never rejects. */
  reload(cause: ReloadCause): Promise<Applied> {
    return this.#control.reloads.reload(cause);
  }

  /** Opens the access log's file anew, after it was moved away. Never rejects. */
  async reopenLogs(): Promise<void> {
    await this.#accessLog?.reopen();
  }

  /** Whether `/readyz` answers 200, and why not. */
  get readiness(): Readiness {
    return readinessOf(this.#control, this.#lifecycle);
  }

  /**
   * Ends gracefully: readiness off, a pause for balancers to notice, no new connections, and up to
   * `shutdown.drainTimeout` for the requests in flight. Streams of events end at once, since their clients come back;
   * other streams that outlast the timeout are told why they end. Resolves when everything is closed.
   */
  async drain(): Promise<void> {
    const { readinessDelayMs, drainTimeoutMs } = this.#control.config.shutdown;
    this.#lifecycle.phase = "draining";
    this.#log.info({ readinessDelayMs, drainTimeoutMs }, "draining");
    await pause(readinessDelayMs);
    const drained = Promise.all(this.#listeners.map((listener) => listener.drain())).then(() => true);
    this.gateway.drainStreams();
    const isOver = new AbortController();
    const expired = pause(drainTimeoutMs, false, { signal: isOver.signal }).catch(() => false);
    const isClean = await Promise.race([drained, expired]);
    isOver.abort();
    if (!isClean) {
      this.#log.warn("the drain timeout passed; closing the requests still in flight");
      this.gateway.cutStreams();
      await Promise.race([drained, pause(LAST_WORDS_MS)]);
    }
    await this.close();
  }

  /** Ends at once: requests in flight are cut off. */
  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    this.#admin?.close();
    await this.#control.close();
    await this.#tracing?.close();
    await this.#accessLog?.close();
  }
}

interface OpenedListener {
  readonly listener: HttpListener;
  readonly engine: string;
}

interface StartedParts {
  readonly log: Logger;
  readonly control: ControlPlane;
  readonly tracing: Tracing | undefined;
  readonly accessLog: OpenedAccessLog | undefined;
  readonly gateway: Gateway;
  readonly lifecycle: Lifecycle;
  readonly admin: HttpListener | undefined;
  readonly listeners: readonly OpenedListener[];
}

/** How long streams that are cut off have to tell their clients. */
const LAST_WORDS_MS = 250;

const ADMIN_LIMITS = { maxHeaderBytes: 32 * 1024, idleTimeoutMs: 60_000 };

function openListener(
  config: ListenerConfig,
  engine: HttpEngine,
  gateway: Gateway,
  builtins: Builtins,
): Promise<HttpListener> {
  const { cors, trailingSlash, trustedHops } = config;
  const corsPolicy = builtins.cors(cors);
  const settings: ListenerSettings = {
    name: formatAddress(config.address),
    trailingSlash,
    trustedHops,
    cors: corsPolicy,
    policies: corsPolicy === undefined ? [] : [corsPolicy],
    webSocket: builtins.webSocket(config),
  };
  const { maxHeaderBytes, idleTimeoutMs } = config;
  const webSocket = config.webSocket.enabled ? config.webSocket : undefined;
  return engine.listen(
    config.address,
    { maxHeaderBytes, idleTimeoutMs, webSocket },
    gateway.handlerFor(settings),
    gateway.refusalListenerFor(settings),
  );
}
