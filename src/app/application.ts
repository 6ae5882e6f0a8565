/**
 * A running gateway: its listeners, its control plane, and how it starts and drains.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type AdminView, adminHandler, type Readiness } from "../admin/index.ts";
import type { Config, ListenerConfig } from "../config/index.ts";
import { Reconciler, routeRows, TlsWatcher } from "../control/index.ts";
import { Gateway, type ListenerSettings } from "../gateway/index.ts";
import {
  type EngineLimits,
  formatAddress,
  type HttpEngine,
  type HttpListener,
  type ListenAddress,
  type ListenOptions,
} from "../http/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";
import {
  combineObservers,
  createAccessLog,
  createLogger,
  type Logger,
  Meters,
  type RequestObserver,
} from "../telemetry/index.ts";
import type { Builtins } from "./builtins.ts";
import { connectionReadings } from "./connection-metrics.ts";
import { type ListenerTls, openListenerTls } from "./listener-tls.ts";
import { type Provision, provision } from "./provisioning.ts";
import { RefusedConnections } from "./refused-connections.ts";
import { retryReadings } from "./retry-metrics.ts";
import { tlsMetrics } from "./tls-metrics.ts";
import { upstreamReadings } from "./upstream-metrics.ts";

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
  readonly #config: Config;
  readonly #log: Logger;
  readonly #parts: Provision;
  readonly #reconciler: Reconciler;
  readonly #tlsWatcher: TlsWatcher;
  readonly #listeners: HttpListener[];
  readonly #admin: HttpListener | undefined;
  readonly gateway: Gateway;
  readonly listening: readonly Listening[];
  readonly adminAddress: ListenAddress | undefined;
  readonly #lifecycle: Lifecycle;

  private constructor(started: StartedParts) {
    this.#config = started.config;
    this.#log = started.log;
    this.#parts = started.parts;
    this.#reconciler = started.reconciler;
    this.#tlsWatcher = started.tlsWatcher;
    this.#listeners = started.listeners.map(({ listener }) => listener);
    this.#admin = started.admin;
    this.gateway = started.gateway;
    this.listening = started.listeners.map(({ listener, engine }) => ({ address: listener.address, engine }));
    this.adminAddress = started.admin?.address;
    this.#lifecycle = started.lifecycle;
  }

  /**
   * Tries every upstream once, for a few seconds at most, and binds every address; upstreams that are away are tried on
   * in the background.
   * @throws {StartError} under `strict`, if the config's schemas or rules have problems.
   * @throws {Error} if an address cannot be bound, with `code` EADDRINUSE where it is taken.
   */
  static async start(config: Config, builtins: Builtins, log: Logger): Promise<Application> {
    const parts = await provision(config, builtins, log);
    for (const problem of parts.problems) {
      log[problem.severity === "error" ? "error" : "warn"]({ problem: formatProblem(problem) }, "problem");
    }
    const meters = new Meters();
    for (const reading of upstreamReadings(parts.channels)) meters.addReading(reading);
    for (const reading of retryReadings(parts.retries)) meters.addReading(reading);
    const listenerTls = await openListenerTls(config, Date.now);
    for (const problem of listenerTls.problems) {
      if (problem.severity === "warning") log.warn({ problem: formatProblem(problem) }, "problem");
    }
    const tlsWatcher = watchTls(parts, listenerTls, meters, log);
    const refusedConnections = new RefusedConnections(log);
    meters.addReading(refusedConnections.reading);
    // The access log has a switch of its own: `log.level` is about the gateway's own words.
    const observers: RequestObserver[] = config.accessLog.enabled
      ? [meters, createAccessLog(createLogger("info"))]
      : [meters];
    const upstreams = parts.targets.map(({ upstream }) => upstream);
    const empty = parts.compile(new Map(), upstreams, 0).snapshot;
    const gateway = new Gateway(empty, combineObservers(observers), log);
    const reconciler = new Reconciler({
      targets: parts.targets,
      compile: parts.compile,
      publish: (snapshot) => gateway.publish(snapshot),
      log,
      random: Math.random,
      pause: (ms, signal) => pause(ms, undefined, { signal }),
      // Under `strict` a problem anywhere fails the start, so the start has to know them all.
      patienceMs: config.strict ? Number.POSITIVE_INFINITY : START_PATIENCE_MS,
    });
    const lifecycle: Lifecycle = { phase: "running" };
    const opened: OpenedListener[] = [];
    for (const reading of connectionReadings(opened)) meters.addReading(reading);
    let admin: HttpListener | undefined;
    try {
      // Unlike an upstream, a listener is not for dropping: whoever counts on it would find nobody.
      const broken = listenerTls.problems.filter(({ severity }) => severity === "error");
      if (broken.length > 0) throw new StartError(broken);
      if (config.admin.enabled) {
        const view = adminView(config, reconciler, gateway, meters, lifecycle);
        admin = await builtins.adminEngine.listen(
          config.admin.address,
          { limits: ADMIN_LIMITS },
          adminHandler(view, log),
        );
      }
      await reconciler.start();
      const problems = [...parts.problems, ...listenerTls.problems, ...reconciler.problems];
      if (config.strict && problems.length > 0) throw new StartError(problems);
      // Not before: until there are routes every answer is an error, and an EventSource that came back to one would stay
      // away, while it tries again where nobody listens.
      for (const [index, listener] of config.listeners.entries()) {
        const engine = builtins.engine(listener, log);
        opened.push({
          listener: await openListener(listener, engine, gateway, builtins, {
            tls: listenerTls.targets.get(index)?.tls,
            onConnectionRefused: refusedConnections.listenerFor(formatAddress(listener.address)),
          }),
          engine: engine.name,
        });
      }
    } catch (error) {
      for (const { listener } of opened) listener.close();
      admin?.close();
      await reconciler.stop();
      await parts.close();
      throw error;
    }
    tlsWatcher.start();
    return new Application({
      tlsWatcher,
      config,
      log,
      parts,
      reconciler,
      gateway,
      lifecycle,
      admin,
      listeners: opened,
    });
  }

  /** Whether `/readyz` answers 200, and why not. */
  get readiness(): Readiness {
    return readinessOf(this.#config, this.#reconciler, this.#lifecycle);
  }

  /**
   * Ends gracefully: readiness off, a pause for balancers to notice, no new connections, and up to
   * `shutdown.drainTimeout` for the requests in flight. Streams of events end at once, since their clients come back;
   * other streams that outlast the timeout are told why they end. Resolves when everything is closed.
   */
  async drain(): Promise<void> {
    const { readinessDelayMs, drainTimeoutMs } = this.#config.shutdown;
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
    await this.#reconciler.stop();
    await this.#tlsWatcher.stop();
    await this.#parts.close();
  }
}

/** How far the process has got; shared with the readiness probe. */
interface Lifecycle {
  phase: "running" | "draining";
}

interface OpenedListener {
  readonly listener: HttpListener;
  readonly engine: string;
}

interface StartedParts {
  readonly config: Config;
  readonly log: Logger;
  readonly parts: Provision;
  readonly reconciler: Reconciler;
  readonly tlsWatcher: TlsWatcher;
  readonly gateway: Gateway;
  readonly lifecycle: Lifecycle;
  readonly admin: HttpListener | undefined;
  readonly listeners: readonly OpenedListener[];
}

/** How long a start waits for the schemas of upstreams that hang, before it serves the others. */
const START_PATIENCE_MS = 3000;

/** How long streams that are cut off have to tell their clients. */
const LAST_WORDS_MS = 250;

/** Few clients, none of them large. */
const ADMIN_LIMITS: EngineLimits = {
  maxHeaderBytes: 32 * 1024,
  idleTimeoutMs: 60_000,
  connections: 1000,
  maxHeaders: 96,
  maxUrlBytes: 16 * 1024,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  requestsPerConnection: Number.POSITIVE_INFINITY,
};

function openListener(
  config: ListenerConfig,
  engine: HttpEngine,
  gateway: Gateway,
  builtins: Builtins,
  connections: Pick<ListenOptions, "tls" | "onConnectionRefused">,
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
  const { maxHeaderBytes, idleTimeoutMs, limits, http2, proxyProtocol, proxyProtocolFrom } = config;
  const webSocket = config.webSocket.enabled ? config.webSocket : undefined;
  return engine.listen(
    config.address,
    {
      ...connections,
      limits: { ...limits, maxHeaderBytes, idleTimeoutMs, webSocket },
      http2: http2 === "off" ? "off" : "on",
      proxyProtocol:
        proxyProtocol === "none" ? undefined : { versions: proxyProtocol, from: proxyProtocolFrom },
      onRefused: gateway.refusalListenerFor(settings),
    },
    gateway.handlerFor(settings),
  );
}

function watchTls(
  { tlsTargets }: Provision,
  { targets }: ListenerTls,
  meters: Meters,
  log: Logger,
): TlsWatcher {
  const ofListeners = [...targets.values()];
  const { onReload, readings } = tlsMetrics(tlsTargets, ofListeners);
  for (const reading of readings) meters.addReading(reading);
  const now = Date.now;
  return new TlsWatcher({
    targets: [...tlsTargets, ...ofListeners],
    log,
    onReload,
    now,
    pause: (ms, signal) => pause(ms, undefined, { signal }),
  });
}

function adminView(
  config: Config,
  reconciler: Reconciler,
  gateway: Gateway,
  meters: Meters,
  lifecycle: Lifecycle,
): AdminView {
  return {
    readiness: () => readinessOf(config, reconciler, lifecycle),
    routes: () => routeRows(gateway.snapshot.routes),
    metrics: async () => ({ contentType: meters.contentType, body: await meters.render() }),
  };
}

function readinessOf(config: Config, { known, pending }: Reconciler, { phase }: Lifecycle): Readiness {
  if (phase === "draining") return { ready: false, detail: "draining" };
  const isReady = {
    none: true,
    first: known.length > 0,
    all: known.length === config.upstreams.length,
  }[config.readiness.require];
  if (isReady) return { ready: true, detail: "ready" };
  const detail =
    pending.length > 0 ? `waiting for the schema of: ${pending.join(", ")}` : "no usable schema; see the log";
  return { ready: false, detail };
}
