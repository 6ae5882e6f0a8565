/**
 * A running gateway: its listeners, its control plane, and how it starts and drains.
 */
import { setTimeout as pause } from "node:timers/promises";
import { adminHandler, adminPages, type Readiness, type UpstreamRow } from "../admin/index.ts";
import type { Config } from "../config/index.ts";
import type { Applied, ReloadCause } from "../control/index.ts";
import { Gateway } from "../gateway/index.ts";
import type { EngineLimits, HttpListener, ListenAddress } from "../http/index.ts";
import { formatProblem, type Problem } from "../status/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { adminView, type Lifecycle, readinessOf } from "./admin-view.ts";
import type { Builtins } from "./builtins.ts";
import { type ConfigOrigin, ControlPlane } from "./control-plane.ts";
import type { Followers } from "./followers.ts";
import { Listeners, type Listening } from "./listeners.ts";
import { TelemetryParts } from "./telemetry-parts.ts";
import { upstreamRows } from "./upstream-rows.ts";

/** The start failed; every problem is a line of the message. */
export class StartError extends Error {
  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "StartError";
  }
}

/** A gateway that serves. */
export class Application {
  readonly #log: Logger;
  readonly #control: ControlPlane;
  readonly #listeners: Listeners;
  readonly #admin: HttpListener | undefined;
  readonly gateway: Gateway;
  readonly listening: readonly Listening[];
  readonly adminAddress: ListenAddress | undefined;
  readonly #lifecycle: Lifecycle;
  readonly #telemetry: TelemetryParts;

  private constructor(started: StartedParts) {
    this.#log = started.log;
    this.#control = started.control;
    this.#listeners = started.listeners;
    this.#admin = started.admin;
    this.gateway = started.gateway;
    this.listening = started.listeners.listening;
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
    origin: ConfigOrigin = { files: new Map(), read: async () => ({ config, problems: [] }) },
    followers?: Followers,
  ): Promise<Application> {
    const telemetry = await TelemetryParts.open(config, builtins, log);
    const control = new ControlPlane(config, builtins, log, origin);
    const listeners = await Listeners.prepare(config, log);
    telemetry.addReadings([...control.readings, ...listeners.readings, ...(followers?.readings ?? [])]);
    const gateway = new Gateway(await control.emptySnapshot(), telemetry.observer, log, telemetry.tracer);
    control.onPublish((snapshot) => {
      gateway.publish(snapshot);
      followers?.published(control.reconciler.footing?.served ?? new Map());
    });
    control.onApplied((applied) => followers?.applied(applied));
    const lifecycle: Lifecycle = { phase: "running" };
    let admin: HttpListener | undefined;
    try {
      // Unlike an upstream, a listener is not for dropping: whoever counts on it would find nobody.
      const broken = listeners.problems.filter(({ severity }) => severity === "error");
      if (broken.length > 0) throw new StartError(broken);
      if (config.admin.enabled) {
        const view = adminView({ control, gateway, meters: telemetry.meters, lifecycle, log, followers });
        admin = await builtins.adminEngine.listen(
          config.admin.address,
          { limits: ADMIN_LIMITS },
          adminHandler(adminPages(view), log, config.admin.address),
        );
      }
      await control.start();
      const problems = [...listeners.problems, ...control.reconciler.problems];
      if (config.strict && problems.length > 0) throw new StartError(problems);
      // Not before: until there are routes every answer is an error, and an EventSource that came back to one would stay
      // away, while it tries again where nobody listens.
      await listeners.open(gateway, builtins);
    } catch (error) {
      await listeners.close();
      admin?.close();
      await control.close();
      await telemetry.close();
      throw error;
    }
    return new Application({ log, control, gateway, lifecycle, telemetry, admin, listeners });
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
    const drained = this.#listeners.drain().then(() => true);
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
    await this.#listeners.close();
    this.#admin?.close();
    await this.#control.close();
    await this.#telemetry.close();
  }
}

interface StartedParts {
  readonly log: Logger;
  readonly control: ControlPlane;
  readonly gateway: Gateway;
  readonly lifecycle: Lifecycle;
  readonly telemetry: TelemetryParts;
  readonly admin: HttpListener | undefined;
  readonly listeners: Listeners;
}

/** How long streams that are cut off have to tell their clients. */
const LAST_WORDS_MS = 250;

/** Few clients, none of them large. */
const ADMIN_LIMITS: EngineLimits = {
  maxHeaderBytes: 32 * 1024,
  idleTimeoutMs: 65_000,
  connections: 1000,
  maxHeaders: 96,
  maxUrlBytes: 16 * 1024,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  requestsPerConnection: Number.POSITIVE_INFINITY,
};
