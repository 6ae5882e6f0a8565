/**
 * The config as the rest of the program sees it: parsed, complete, immutable. Durations are milliseconds, sizes are
 * bytes, header names are lower-case, paths are resolved. docs/configuration.md describes the YAML that it comes from.
 */
import type { HttpStatusOverrides } from "../status/index.ts";
import type { AccessLogConfig } from "./access-log-options.ts";
import type { CacheOptions, CacheOptionsPatch } from "./cache-options.ts";
import type { CompressionOptions, CompressionOptionsPatch } from "./compression-options.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { ListenerRoutes } from "./listener-routes.ts";
import type { ListenerConnections } from "./listener-tls.ts";
import type { HedgingOptions, RetryBudgetConfig, RetryOptions } from "./retry-options.ts";
import type { RouteCondition } from "./route-conditions.ts";
import type { StreamOptions, StreamOptionsPatch } from "./stream-options.ts";
import type { TracingConfig } from "./tracing-options.ts";
import type {
  ConnectionsConfig,
  LimitsConfig,
  LoadBalancing,
  UpstreamAddressConfig,
} from "./upstream-connections.ts";
import type { UpstreamHealthConfig } from "./upstream-health.ts";
import type { WebSocketConfig } from "./web-socket-options.ts";
import type { WorkersConfig } from "./workers.ts";

/** A place in the document: keys and list indexes from the root, e.g. `["listeners", 0, "address"]`. */
export type ConfigPath = readonly (string | number)[];

/** A file that the config names. */
export interface FilePath {
  /** As written. */
  readonly text: string;
  /** Absolute; relative paths are taken from the folder of the config file. */
  readonly resolved: string;
}

/** A port to listen on; port 0 lets the system choose. */
export interface TcpAddressConfig {
  /** A name or an IP address without brackets; `:8080` gives `0.0.0.0`. */
  readonly host: string;
  readonly port: number;
  readonly path?: undefined;
}

/** A unix socket to listen on. */
export interface UnixAddressConfig {
  /** Absolute. */
  readonly path: string;
  /** Permissions of the socket's file. */
  readonly mode: number;
}

/** Where a listener listens. */
export type AddressConfig = TcpAddressConfig | UnixAddressConfig;

/** Cross-origin requests, per listener; a route may differ. Routes and methods come from the route table, not from here. */
export interface CorsConfig {
  readonly enabled: boolean;
  /** `https://app.example.com`, `https://*.example.com` (any depth, not the domain itself) or `*`; lower-case. */
  readonly origins: readonly string[];
  /** Never true together with the origin `*`. */
  readonly credentials: boolean;
  /** Reply headers that scripts may read; lower-case. */
  readonly exposeHeaders: readonly string[];
  /** Request headers that scripts may send; lower-case; `*` allows whatever a preflight asks for. */
  readonly allowHeaders: readonly string[];
  readonly maxAgeMs: number;
}

/** What a route has in place of its listener's CORS. */
export type CorsPatch = Partial<CorsConfig>;

/** An address where HTTP is served, and how. */
export interface ListenerConfig extends ListenerConnections {
  /** The label in logs and tables; undefined takes the address. */
  readonly name: string | undefined;
  readonly address: AddressConfig;
  readonly routes: ListenerRoutes;
  readonly engine: "auto" | "uws" | "node";
  readonly trailingSlash: "strict" | "ignore";
  readonly maxHeaderBytes: number;
  readonly idleTimeoutMs: number;
  /** How many proxies in front of the gateway append to `x-forwarded-for` and are believed. */
  readonly trustedHops: number;
  readonly cors: CorsConfig;
  readonly webSocket: WebSocketConfig;
  readonly limits: ListenerLimits;
}

/** The admin listener. */
export interface AdminConfig {
  readonly enabled: boolean;
  readonly address: AddressConfig;
}

/** One HTTP binding of a rule, as written; whether its template parses is not known yet. */
export interface HttpBindingConfig {
  /** `GET`, `PUT`, `POST`, `DELETE`, `PATCH`, or the kind of a custom pattern (`*` is any method). */
  readonly method: string;
  readonly template: string;
  /** "" for none. */
  readonly body: string;
  /** "" for the whole reply. */
  readonly responseBody: string;
  /** `file:line:col` of the pattern. */
  readonly where: string;
}

/** A `google.api.HttpRule` from config. */
export interface HttpRuleConfig {
  /** `package.Service.Method`, `package.*` or `*`; see `selectorMatches`. */
  readonly selector: string;
  /** The rule's own binding, then its additional ones; never empty. */
  readonly bindings: readonly HttpBindingConfig[];
  /** `file:line:col` of the rule. */
  readonly where: string;
}

/** Where an upstream's schema comes from; at least one of them. All are merged. */
export interface SchemaSourcesConfig {
  readonly reflection:
    | {
        readonly timeoutMs: number;
        /** How often it is asked again; Infinity is never. */
        readonly intervalMs: number;
      }
    | undefined;
  /** Whether a schema that breaks clients of the one before is served at once, or waits to be confirmed. */
  readonly onBreakingChange: "apply" | "hold";
  /** Descriptor sets, and folders of them. */
  readonly descriptors: readonly FilePath[];
  /** .proto files, and folders of them. */
  readonly protos: readonly FilePath[];
  /** Folders that imports of `protos` start at, besides those of `protos`. */
  readonly importPaths: readonly FilePath[];
}

/** TLS towards an upstream. */
export interface TlsConfig {
  /** PEM file of the authorities to trust; undefined takes those that come with Node. */
  readonly ca: FilePath | undefined;
  /** The name to expect in the certificate; undefined takes the address's host. */
  readonly serverName: string | undefined;
  /** PEM files of the gateway's own certificate and its key. */
  readonly identity: { readonly certificate: FilePath; readonly key: FilePath } | undefined;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

/** Options of the routes that a condition holds for. */
export interface RouteOverride {
  readonly condition: RouteCondition;
  readonly options: RouteOptionsPatch;
}

/** A gRPC service behind the gateway: where it is, how it is called, which routes lead to it. */
export interface UpstreamConfig {
  readonly name: string;
  /** At least one. */
  readonly addresses: readonly UpstreamAddressConfig[];
  readonly loadBalancing: LoadBalancing;
  readonly connections: ConnectionsConfig;
  readonly limits: LimitsConfig;
  readonly health: UpstreamHealthConfig;
  /** Undefined is plaintext HTTP/2. */
  readonly tls: TlsConfig | undefined;
  /** The `:authority` of calls; undefined takes `tls.serverName`, or else the address. */
  readonly authority: string | undefined;
  /** Names and values, flat: metadata of every call, which wins over a call's own of the same names. */
  readonly metadata: readonly string[];
  /** What longer request messages are compressed with. */
  readonly requestCompression: "none" | "gzip";
  readonly schema: SchemaSourcesConfig;
  readonly http: {
    /** The sound rules, in order; the others are problems. */
    readonly rules: readonly HttpRuleConfig[];
    /** A `google.api.Service` document, for `loadServiceConfig`. */
    readonly serviceConfig: FilePath | undefined;
  };
  /** Whether methods without a rule are served at `POST /package.Service/Method`. */
  readonly autoMapping: boolean;
  /** Which gRPC client calls it. */
  readonly client: "http2" | "grpc-js";
  readonly maxReceiveMessageBytes: number;
  readonly retryBudget: RetryBudgetConfig;
  readonly options: RouteOptionsPatch;
  /** In order; a later match wins. */
  readonly routes: readonly RouteOverride[];
}

/** Which names cross between HTTP headers and gRPC metadata. All names are lower-case. */
export interface HeaderRules {
  /** Names, names ending in `*`, or `*`. */
  readonly allow: readonly string[];
  /** Likewise; wins over `allow`. */
  readonly deny: readonly string[];
  /** From the name on the near side to the name on the far side. */
  readonly rename: Readonly<Record<string, string>>;
  /**
   * What metadata names carry in front on the HTTP side: taken off request headers that have it, put before the names
   * of reply metadata. "" for nothing. Renamed names are left alone.
   */
  readonly prefix: string;
  /** Fields that are there in any case, by name; an empty value is none. */
  readonly set: Readonly<Record<string, string>>;
}

/** JSON in and out. */
export interface JsonOptions {
  readonly emitDefaults: boolean;
  readonly enumsAsNumbers: boolean;
  readonly int64: "string" | "number-if-safe";
  readonly protoFieldNames: boolean;
  readonly pretty: boolean;
  readonly prettyPrintParameter: boolean;
  readonly maxDepth: number;
}

/** How errors look. */
export interface ErrorOptions {
  readonly format: "google" | "problem" | "kratos";
  /** HTTP status by gRPC code, 400 to 599, never for OK. */
  readonly statusByCode: HttpStatusOverrides;
}

/** What can be set for every route: built in, under `defaults`, per upstream, per condition. */
export interface RouteOptions {
  /** Upper limit of a unary call; Infinity is none. */
  readonly deadlineMs: number;
  /** Longest silence on a stream; Infinity is no limit. */
  readonly idleTimeoutMs: number;
  readonly maxRequestBodyBytes: number;
  /** What an upload to a stream of HttpBody is cut into. */
  readonly uploadChunkBytes: number;
  readonly unknownFields: "reject" | "ignore" | "report";
  /** Names, or names ending in `*`. */
  readonly ignoredQueryParameters: readonly string[];
  /** What captures of several segments keep percent-encoded: `%2F` alone, or every RFC 6570 reserved character. */
  readonly reservedExpansion: "all-except-slash" | "keep-reserved";
  readonly json: JsonOptions;
  readonly requestHeaders: HeaderRules;
  readonly responseHeaders: HeaderRules;
  /** What differs from the CORS of the listener that the request comes in on. */
  readonly cors: CorsPatch;
  readonly cache: CacheOptions;
  readonly errors: ErrorOptions;
  readonly retry: RetryOptions;
  readonly hedging: HedgingOptions;
  readonly stream: StreamOptions;
  /** The entity tag that the gateway makes for replies to GET. */
  readonly etag: "none" | "weak" | "strong";
  readonly compression: CompressionOptions;
}

/** The fields of T that one level of the cascade sets. */
export type Patch<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** One level of the cascade: whatever is absent comes from the level before. */
export type RouteOptionsPatch = Patch<
  Omit<
    RouteOptions,
    | "json"
    | "requestHeaders"
    | "responseHeaders"
    | "cors"
    | "cache"
    | "errors"
    | "retry"
    | "hedging"
    | "stream"
    | "compression"
  >
> & {
  readonly json?: Patch<JsonOptions> | undefined;
  readonly requestHeaders?: Patch<HeaderRules> | undefined;
  readonly responseHeaders?: Patch<HeaderRules> | undefined;
  readonly cors?: Patch<CorsConfig> | undefined;
  readonly cache?: CacheOptionsPatch | undefined;
  readonly errors?: Patch<ErrorOptions> | undefined;
  readonly retry?: Patch<RetryOptions> | undefined;
  readonly hedging?: Patch<HedgingOptions> | undefined;
  readonly stream?: StreamOptionsPatch | undefined;
  readonly compression?: CompressionOptionsPatch | undefined;
};

/** Names of log levels, from most to least. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** What the file says, without where it says it. */
export interface ConfigValues {
  /** At least one. */
  readonly listeners: readonly ListenerConfig[];
  readonly workers: WorkersConfig;
  readonly admin: AdminConfig;
  /** At least one, in the order of the file. */
  readonly upstreams: readonly UpstreamConfig[];
  readonly defaults: RouteOptionsPatch;
  /** The folder that keeps each upstream's last good schema, for starts at which the upstream is away. */
  readonly schemaCache?: FilePath | undefined;
  /** For the routes of all upstreams; in order, a later match wins, and the upstream's own `routes` win over these. */
  readonly routes: readonly RouteOverride[];
  /** Whether problems of rules and schemas fail the start. */
  readonly strict: boolean;
  /** When `/readyz` turns ready: with the first schema, with all, or at once. */
  readonly readiness: { readonly require: "first" | "all" | "none" };
  readonly shutdown: {
    /** How long requests in flight may take after SIGTERM. */
    readonly drainTimeoutMs: number;
    /** How long the gateway goes on accepting after `/readyz` has turned, so that balancers notice. */
    readonly readinessDelayMs: number;
  };
  readonly log: { readonly level: LogLevel };
  /** Whether the config file is watched. */
  readonly watch: boolean;
  readonly tracing: TracingConfig;
  readonly accessLog: AccessLogConfig;
}

/** A sound config, and where its parts stand. */
export interface Config extends ConfigValues {
  /** The file as named by whoever loaded it; `command line` if it came from flags. */
  readonly fileName: string;
  /**
   * `file:line:col` of a value, for problems found later. A path that is not in the file gives its nearest ancestor
   * that is.
   */
  readonly locate: (path: ConfigPath) => string;
}
