/** What an application knows of processes that serve in its place: it holds the control plane, they answer requests. */
import type { Readiness, UpstreamRow } from "../admin/index.ts";
import type { Config } from "../config/index.ts";
import type { SchemaSet } from "../schema/index.ts";
import type { LogLevel, Reading } from "../telemetry/index.ts";

/** What is served of an upstream. */
export interface ServedSchema {
  readonly schema: SchemaSet;
  /** What it is called by; `digest` is that of its config (`unitDigest`). */
  readonly live: { readonly digest: string };
}

/** The processes that follow. */
export interface Followers {
  /** Metrics about them. */
  readonly readings: readonly Reading[];
  /** Is told of what is served of each upstream, by name, with each snapshot. */
  published(served: ReadonlyMap<string, ServedSchema>): void;
  /** Is told of a config that a reload has put in force, after the snapshot that came of it. */
  applied(config: Config): void;
  /** The log has another level, until the next change or reload. */
  logLevelChanged(level: LogLevel): void;
  /** The upstreams as each of the processes sees them, by its name. */
  upstreams(): Promise<readonly UpstreamRow[]>;
  /** The readiness of all together, `own` being that of the application. */
  readiness(own: Readiness): Promise<Readiness>;
  /** The metrics of all together, `own` being those of the application. */
  metrics(own: string): Promise<string>;
}
