/** What a gateway tells of itself, put together: metrics, the access log, and traces. */
import type { Config } from "../config/index.ts";
import {
  combineObservers,
  type Logger,
  Meters,
  type Reading,
  type RequestObserver,
  type Tracer,
} from "../telemetry/index.ts";
import type { OpenedAccessLog } from "./access-log.ts";
import type { Builtins } from "./builtins.ts";
import { codingReading } from "./coding-metrics.ts";
import type { Tracing } from "./tracing.ts";

/** The parts; whoever opens them closes them. */
export class TelemetryParts {
  readonly meters: Meters;
  readonly #tracing: Tracing | undefined;
  readonly #accessLog: OpenedAccessLog | undefined;

  private constructor(tracing: Tracing | undefined, accessLog: OpenedAccessLog | undefined) {
    this.meters = new Meters();
    this.#tracing = tracing;
    this.#accessLog = accessLog;
    this.addReadings(tracing?.readings ?? []);
    this.addReadings(accessLog?.readings ?? []);
  }

  /** @throws {Error} (rejects) if the access log's file cannot be opened, with the path. */
  static async open(config: Config, builtins: Builtins, log: Logger): Promise<TelemetryParts> {
    const parts = new TelemetryParts(
      await builtins.tracing(config, log),
      await builtins.accessLog(config, log),
    );
    parts.addReadings([codingReading(builtins.contentCodings)]);
    return parts;
  }

  /** Who is told of every request. */
  get observer(): RequestObserver {
    const { meters } = this;
    return combineObservers(this.#accessLog === undefined ? [meters] : [meters, this.#accessLog.observer]);
  }

  /** Undefined where tracing is off. */
  get tracer(): Tracer | undefined {
    return this.#tracing?.tracer;
  }

  addReadings(readings: readonly Reading[]): void {
    for (const reading of readings) this.meters.addReading(reading);
  }

  /** Opens the access log's file anew, after it was moved away. */
  async reopenLogs(): Promise<void> {
    await this.#accessLog?.reopen();
  }

  /** Sends and writes what waits, for as long as each of them may take. */
  async close(): Promise<void> {
    await Promise.all([this.#tracing?.close(), this.#accessLog?.close()]);
  }
}
