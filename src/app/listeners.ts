/**
 * The listeners of a gateway: their TLS files, how each is opened on its engine, what is counted of them, and their end.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Config, ListenerConfig } from "../config/index.ts";
import { listenerName, TlsWatcher } from "../control/index.ts";
import type { Gateway, ListenerSettings } from "../gateway/index.ts";
import type { HttpListener, ListenAddress, ListenOptions } from "../http/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";
import type { Logger, Reading } from "../telemetry/index.ts";
import type { Builtins } from "./builtins.ts";
import { connectionReadings } from "./connection-metrics.ts";
import { type ListenerTls, openListenerTls } from "./listener-tls.ts";
import { RefusedConnections } from "./refused-connections.ts";
import { listenerTlsMetrics } from "./tls-metrics.ts";

/** An address that is being listened on. */
export interface Listening {
  readonly address: ListenAddress;
  readonly engine: string;
}

interface Opened {
  readonly listener: HttpListener;
  /** As configured, where it has one. */
  readonly name: string | undefined;
  readonly engine: string;
}

/** All of them. Whoever has prepared them closes them. */
export class Listeners {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #tls: ListenerTls;
  readonly #watcher: TlsWatcher;
  readonly #refused: RefusedConnections;
  readonly #opened: Opened[] = [];
  /** All metrics of listeners and their connections. */
  readonly readings: readonly Reading[];

  private constructor(config: Config, log: Logger, tls: ListenerTls) {
    this.#config = config;
    this.#log = log;
    this.#tls = tls;
    this.#refused = new RefusedConnections(log);
    const targets = [...tls.targets.values()];
    const { onReload, readings } = listenerTlsMetrics(targets);
    this.#watcher = new TlsWatcher({
      targets,
      log,
      onReload,
      now: Date.now,
      pause: (ms, signal) => pause(ms, undefined, { signal }),
    });
    this.readings = [...readings, this.#refused.reading, ...connectionReadings(this.#opened)];
  }

  /** Reads the TLS files of all listeners, and says in the log what to know of them. Binds nothing yet. */
  static async prepare(config: Config, log: Logger): Promise<Listeners> {
    const tls = await openListenerTls(config, Date.now);
    for (const problem of tls.problems) {
      if (problem.severity === "warning") log.warn({ problem: formatProblem(problem) }, "problem");
    }
    return new Listeners(config, log, tls);
  }

  /** What is wrong with their TLS files. A listener with an error cannot be opened. */
  get problems(): readonly Problem[] {
    return this.#tls.problems;
  }

  get listening(): readonly Listening[] {
    return this.#opened.map(({ listener, engine }) => ({ address: listener.address, engine }));
  }

  /**
   * Binds all of them, in the order of the config.
   * @throws {Error} (rejects) if an address cannot be bound, with `code` EADDRINUSE where it is taken.
   */
  async open(gateway: Gateway, builtins: Builtins): Promise<void> {
    for (const [index, config] of this.#config.listeners.entries()) {
      const engine = builtins.engine(config, this.#log);
      const settings: ListenerSettings = {
        name: listenerName(config),
        index,
        trailingSlash: config.trailingSlash,
        trustedHops: config.trustedHops,
        webSocket: builtins.webSocket(config),
      };
      const options = {
        ...optionsOf(config),
        tls: this.#tls.targets.get(index)?.tls,
        onConnectionRefused: this.#refused.listenerFor(settings.name),
        onRefused: gateway.refusalListenerFor(settings),
      };
      const listener = await engine.listen(config.address, options, gateway.handlerFor(settings));
      this.#opened.push({ listener, name: config.name, engine: engine.name });
    }
    this.#watcher.start();
  }

  /** Resolves when the last connection is gone. */
  async drain(): Promise<void> {
    await Promise.all(this.#opened.map(({ listener }) => listener.drain()));
  }

  /** Closes every connection at once. */
  async close(): Promise<void> {
    for (const { listener } of this.#opened) listener.close();
    await this.#watcher.stop();
  }
}

function optionsOf(config: ListenerConfig): Pick<ListenOptions, "limits" | "http2" | "proxyProtocol"> {
  const { maxHeaderBytes, idleTimeoutMs, limits, http2, proxyProtocol, proxyProtocolFrom } = config;
  const webSocket = config.webSocket.enabled ? config.webSocket : undefined;
  return {
    limits: { ...limits, maxHeaderBytes, idleTimeoutMs, webSocket },
    http2: http2 === "off" ? "off" : "on",
    proxyProtocol:
      proxyProtocol === "none" ? undefined : { versions: proxyProtocol, from: proxyProtocolFrom },
  };
}
