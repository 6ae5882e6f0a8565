/**
 * A running gateway: its listeners, its control plane, and how it starts and drains.
 */
import { setTimeout as pause } from "node:timers/promises";
import { adminHandler, adminPages, type Readiness, type UpstreamRow } from "../admin/index.ts";
import type { Config, ListenerConfig } from "../config/index.ts";
import { type Applied, listenerName, type ReloadCause } from "../control/index.ts";
import { Gateway, type ListenerSettings } from "../gateway/index.ts";
import type { HttpEngine, HttpListener, ListenAddress } from "../http/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { adminView, type Lifecycle, readinessOf } from "./admin-view.ts";
import type { Builtins } from "./builtins.ts";
import { type ConfigOrigin, ControlPlane } from "./control-plane.ts";
import type { Followers } from "./followers.ts";
import { TelemetryParts } from "./telemetry-parts.ts";
import { upstreamRows } from "./upstream-rows.ts";

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
  readonly #listeners: HttpListener[];
  readonly #admin: HttpListener | undefined;
  readonly gateway: Gateway;
  readonly listening: readonly Listening[];
  readonly adminAddress: ListenAddress | undefined;
  readonly #lifecycle: Lifecycle;
  readonly #telemetry: TelemetryParts;

  private constructor(started: StartedParts) {
    this.#log = started.log;
    this.#control = started.control;
    this.#listeners = started.listeners.map(({ listener }) => listener);
    this.#admin = started.admin;
    this.gateway = started.gateway;
    this.listening = started.listeners.map(({ listener, engine }) => ({ address: listener.address, engine }));
    this.adminAddress = started.admin?.address;
    this.#lifecycle = started.lifecycle;
    this.#telemetry = started.telemetry;
  }

  /**
   * Tries every upstream once, for a few seconds at most, and binds every address; upstreams that are away are tried on
   * in the background. Without an `origin` the config stays as it is, and reloads look at the schemas alone.
   * `followers` are the processes that serve in its place, if there are any.
   * @throws {StartError} under `strict`, if the config's schemas or rules have problems.
   * @throws {Error} if an address cannot be bound, with `code` EADDRINUSE where it is taken.
   */
  static async start(
    config: Config,
    builtins: Builtins,
    log: Logger,
    origin: ConfigOrigin = { files: [], read: async () => ({ config, problems: [] }) },
    followers?: Followers,
  ): Promise<Application> {
    const telemetry = await TelemetryParts.open(config, builtins, log);
    const control = new ControlPlane(config, builtins, log, origin);
    telemetry.addReadings([...control.readings, ...(followers?.readings ?? [])]);
    const gateway = new Gateway(await control.emptySnapshot(), telemetry.observer, log, telemetry.tracer);
    control.onPublish((snapshot) => {
      gateway.publish(snapshot);
      followers?.published(control.reconciler.footing?.served ?? new Map());
    });
    control.onApplied((applied) => followers?.applied(applied));
    const lifecycle: Lifecycle = { phase: "running" };
    const opened: OpenedListener[] = [];
    let admin: HttpListener | undefined;
    try {
      if (config.admin.enabled) {
        const view = adminView({ control, gateway, meters: telemetry.meters, lifecycle, log, followers });
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
      for (const [index, listener] of config.listeners.entries()) {
        const engine = builtins.engine(listener.engine, log);
        opened.push({
          listener: await openListener(listener, index, engine, gateway, builtins),
          engine: engine.name,
        });
      }
    } catch (error) {
      for (const { listener } of opened) listener.close();
      admin?.close();
      await control.close();
      await telemetry.close();
      throw error;
    }
    return new Application({ log, control, gateway, lifecycle, telemetry, admin, listeners: opened });
  }

  /** Takes up the config and the schemas as they are now, or tells why not. Never rejects. */
  reload(cause: ReloadCause): Promise<Applied> {
    return this.#control.reloads.reload(cause);
  }

  /** Reads the schemas of all upstreams now; what has changed is served as soon as it is compiled. */
  look(): Promise<void> {
    return this.#control.reconciler.look();
  }

  /** Its metrics in the Prometheus text format. */
  metrics(): Promise<string> {
    return this.#telemetry.meters.render();
  }

  /** Whether `/readyz` answers 200, and why not. */
  get readiness(): Readiness {
    return readinessOf(this.#control, this.#lifecycle);
  }

  /** Opens the access log's file anew, after it was moved away. */
  reopenLogs(): Promise<void> {
    return this.#telemetry.reopenLogs();
  }

  /** The upstreams that are served now, as this process sees them. */
  get upstreams(): readonly UpstreamRow[] {
    return upstreamRows(this.#control.channels);
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
    await this.#telemetry.close();
  }
}

interface OpenedListener {
  readonly listener: HttpListener;
  readonly engine: string;
}

interface StartedParts {
  readonly log: Logger;
  readonly control: ControlPlane;
  readonly gateway: Gateway;
  readonly lifecycle: Lifecycle;
  readonly telemetry: TelemetryParts;
  readonly admin: HttpListener | undefined;
  readonly listeners: readonly OpenedListener[];
}

/** How long streams that are cut off have to tell their clients. */
const LAST_WORDS_MS = 250;

const ADMIN_LIMITS = { maxHeaderBytes: 32 * 1024, idleTimeoutMs: 60_000 };

function openListener(
  config: ListenerConfig,
  index: number,
  engine: HttpEngine,
  gateway: Gateway,
  builtins: Builtins,
): Promise<HttpListener> {
  const { trailingSlash, trustedHops } = config;
  const settings: ListenerSettings = {
    name: listenerName(config),
    index,
    trailingSlash,
    trustedHops,
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
