/** What the admin listener shows and can change; the gateway fills it. All of it is read anew with each request. */
import type { Applied, RouteRow, SchemaStatus } from "../control/index.ts";
import type { LogLevel } from "../telemetry/index.ts";

/** One thing that readiness depends on, or that an operator wants to know beside it. */
export interface ReadinessCheck {
  /** `schema of library` */
  readonly name: string;
  readonly ok: boolean;
  /** One line: what is, or what is waited for. */
  readonly detail: string;
}

/** How ready the gateway is, and what it waits for. */
export interface Readiness {
  readonly ready: boolean;
  /** One line for people: `waiting for the schema of: library`. */
  readonly detail: string;
  readonly checks: readonly ReadinessCheck[];
}

/** One endpoint of an upstream. What the client does not tell is left out. */
export interface EndpointRow {
  readonly name: string;
  readonly state: string;
  readonly healthy?: boolean | undefined;
  readonly connections: number;
  readonly openStreams: number;
  readonly picks: number;
  readonly connectFailures?: number | undefined;
  /** How often it was ejected, by reason. */
  readonly ejections: Readonly<Record<string, number>>;
}

/** One upstream. */
export interface UpstreamRow {
  readonly name: string;
  /** The number of the worker process whose view this is, where there are several. */
  readonly worker?: number | undefined;
  readonly state: string;
  readonly openCalls: number;
  readonly pendingCalls?: number | undefined;
  readonly endpoints: readonly EndpointRow[];
}

/** All of it. */
export interface AdminView {
  readiness(): Readiness | Promise<Readiness>;
  routes(): readonly RouteRow[];
  upstreams(): readonly UpstreamRow[] | Promise<readonly UpstreamRow[]>;
  schemas(): readonly SchemaStatus[];
  /** The config in force, without its secrets. */
  config(): unknown;
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Takes up the config and the schemas as they are now. */
  reload(): Promise<Applied>;
  /** Lets a schema be served that waits for it; `unknown` where another one waits, or none. */
  confirmSchema(upstream: string, digest: string): Promise<Applied | "unknown">;
  logLevel(): LogLevel;
  /** Until the next change, or the end of the process. */
  setLogLevel(level: LogLevel): void;
}
