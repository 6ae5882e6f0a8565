/**
 * The schema of the whole file: types, defaults, descriptions. The JSON Schema for editors and
 * docs/configuration.md are generated from it.
 */
import type * as z from "zod";
import { accessLogSection } from "./access-log-options.ts";
import { parseListenAddress } from "./addresses.ts";
import {
  choice,
  duration,
  durationOrNone,
  type Fail,
  flag,
  integer,
  list,
  section,
  size,
  switchable,
  table,
  text,
} from "./fields.ts";
import { filePath } from "./file-path.ts";
import { corsSection } from "./header-options.ts";
import { type RuleText, ruleSchema } from "./http-rules.ts";
import { listenerLimitsSection, socketModeField } from "./listener-limits.ts";
import { listenerRoutesSection, parseListenerName } from "./listener-routes.ts";
import { checkConnections, connectionKeys } from "./listener-tls.ts";
import { complain, isMapping, type Reading, show } from "./reading.ts";
import { retryBudgetSection } from "./retry-options.ts";
import { type ConditionShape, checkCondition, conditionShape } from "./route-conditions.ts";
import { routeOptionsSection, sectionWithRouteOptions } from "./route-options.ts";
import { tracingSection } from "./tracing-options.ts";
import type {
  AddressConfig,
  AdminConfig,
  ConfigValues,
  FilePath,
  ListenerConfig,
  RouteOverride,
  SchemaSourcesConfig,
  UpstreamConfig,
} from "./types.ts";
import { authorityField, metadataTable, requestCompressionField } from "./upstream-calls.ts";
import {
  addressList,
  connectionsSection,
  limitsSection,
  loadBalancingChoice,
} from "./upstream-connections.ts";
import { healthCheckSection, outlierEjectionSection, upstreamHealth } from "./upstream-health.ts";
import { tlsSection } from "./upstream-tls.ts";
import { webSocketSection } from "./web-socket-options.ts";
import { workersField } from "./workers.ts";

/** An upstream whose rules have no places yet. */
type UpstreamText = Omit<UpstreamConfig, "name" | "http"> & {
  readonly http: { readonly rules: readonly RuleText[]; readonly serviceConfig: FilePath | undefined };
};

/** The file as the schema reads it: upstreams by name, rules without places. */
export type ConfigText = Omit<ConfigValues, "upstreams"> & {
  readonly upstreams: Readonly<Record<string, UpstreamText>>;
};

/** The schema; relative paths are taken from `directory`, which must be absolute. */
export function configSchema(directory: string): z.ZodType<ConfigText> {
  return section("The config of Sluice.", {
    listeners: list("Where HTTP is served.", listenerSection(directory), {
      least: "add one: - address: 0.0.0.0:8080",
    }),
    workers: workersField().prefault(1),
    admin: adminSection().prefault({}),
    upstreams: table(
      "The gRPC servers, by a name of your own: lower-case letters, digits, `-` and `_`.",
      { pattern: "^[a-z][a-z0-9_-]*$" },
      upstreamSection(directory),
      parseUpstreamName,
      "add one: a name, and below it address and schema",
    ),
    defaults: routeOptionsSection(
      "Options of all routes; upstreams and their `routes` override them.",
    ).prefault({}),
    schemaCache: filePath(
      directory,
      "A folder that keeps each upstream's last good schema, for starts at which the upstream is away.",
    ).optional(),
    routes: list(
      "Options for single routes of all upstreams, later matches win; the `routes` of an upstream win over these.",
      routeSection(),
    ).prefault([]),
    strict: flag(
      "Whether problems of rules and schemas fail the start, instead of dropping the part.",
    ).prefault(false),
    readiness: section("When `/readyz` turns ready.", {
      require: choice("With the first upstream's schema, with all of them, or at once.", [
        "first",
        "all",
        "none",
      ]).prefault("first"),
    }).prefault({}),
    shutdown: section("What happens after SIGTERM.", {
      drainTimeout: duration("How long requests in flight may take.").prefault("30s"),
      readinessDelay: duration(
        "How long connections are still accepted after `/readyz` has turned, so that balancers notice.",
        { max: "10m" },
      ).prefault("0s"),
    })
      .transform(({ drainTimeout, readinessDelay }) => ({
        drainTimeoutMs: drainTimeout,
        readinessDelayMs: readinessDelay,
      }))
      .prefault({}),
    log: section("The log of the gateway itself.", {
      level: choice("The least severe level that is written.", [
        "trace",
        "debug",
        "info",
        "warn",
        "error",
        "fatal",
        "silent",
      ]).prefault("info"),
    }).prefault({}),
    watch: flag(
      "Whether a changed config file is taken up by itself; `SIGHUP` and `POST /reload` do it in any case.",
    ).prefault(true),
    tracing: tracingSection().prefault({}),
    accessLog: accessLogSection(directory).prefault({}),
  });
}

function listenerSection(directory: string): z.ZodType<ListenerConfig> {
  const shape = {
    name: text(
      "listener name",
      "A name of your own, for logs, metrics and `sluice routes`; the address otherwise.",
      parseListenerName,
    ).optional(),
    address: listenAddress(
      "`host:port`, `[::1]:8080`, `:8080` or `unix:/path`; port 0 takes a free one. The file of a socket that nobody listens on any more is replaced.",
    ),
    socketMode: socketModeField().optional(),
    engine: choice("The HTTP server: uWebSockets.js where its addon loads, or Node's own.", [
      "auto",
      "uws",
      "node",
    ]).prefault("auto"),
    trailingSlash: choice("Whether `/v1/books/` is another path than `/v1/books`.", [
      "strict",
      "ignore",
    ]).prefault("strict"),
    maxHeaderBytes: size("Longest request head; a longer one is answered 431.", {
      min: "1KiB",
      max: "1MiB",
    }).prefault("32KiB"),
    idleTimeout: duration(
      "How long a kept-alive connection may be silent, a body, and a client that has the end of its reply to read. Longer than `limits.bodyTimeout`, so that a body which stalls is answered 408, and than the minute after which load balancers let go.",
      {
        min: "1s",
        max: "16m",
      },
    ).prefault("65s"),
    trustedHops: integer(
      "How many proxies in front append to `x-forwarded-for` or `forwarded` and are believed.",
      0,
      32,
    ).prefault(0),
    routes: listenerRoutesSection().prefault({}),
    cors: corsSection().prefault({}),
    webSocket: webSocketSection().prefault({}),
    limits: listenerLimitsSection().prefault({}),
    ...connectionKeys(directory),
  };
  const check = (value: Readonly<Record<string, unknown>>, fail: Fail): void => {
    checkSocketMode(value, fail);
    checkConnections(value, fail);
  };
  return section("One listener.", shape, check).transform(
    ({ name, address, socketMode, idleTimeout, tls, ...rest }) => ({
      name,
      address: withMode(address, socketMode),
      ...rest,
      tls,
      idleTimeoutMs: idleTimeout,
    }),
  );
}

function withMode(address: AddressConfig, mode: number | undefined): AddressConfig {
  return address.path === undefined || mode === undefined ? address : { path: address.path, mode };
}

function checkSocketMode({ address, socketMode }: Readonly<Record<string, unknown>>, fail: Fail): void {
  // A sound address is a mapping by now, with a host where it is no socket.
  if (socketMode === undefined || !isMapping(address) || address.host === undefined) return;
  fail("is for unix sockets alone", "leave it away, or write address: unix:/path", "socketMode");
}

function adminSection(): z.ZodType<AdminConfig> {
  const shape = {
    enabled: flag("Whether it is there.").prefault(true),
    address: listenAddress("Where it listens; as for `listeners`.").prefault("127.0.0.1:9901"),
    socketMode: socketModeField().optional(),
  };
  const what = "The listener for operators: health, metrics, routes. Not for the public.";
  return section(what, shape, checkSocketMode).transform(({ enabled, address, socketMode }) => ({
    enabled,
    address: withMode(address, socketMode),
  }));
}

function upstreamSection(directory: string): z.ZodType<UpstreamText> {
  return sectionWithRouteOptions("One upstream.", {
    address: addressList(),
    loadBalancing: loadBalancingChoice(),
    connections: connectionsSection().prefault({}),
    limits: limitsSection().prefault({}),
    healthCheck: healthCheckSection(),
    outlierEjection: outlierEjectionSection(),
    tls: tlsSection(directory),
    authority: authorityField().optional(),
    metadata: metadataTable().prefault({}),
    requestCompression: requestCompressionField().prefault("none"),
    schema: schemaSection(directory),
    http: section("HTTP rules besides the annotations in the schema.", {
      rules: list(
        "`google.api.HttpRule`s, later ones win; a rule replaces the annotation of the methods that it selects.",
        ruleSchema(),
      ).prefault([]),
      serviceConfig: filePath(
        directory,
        "A `google.api.Service` YAML document whose `http.rules` count too.",
      ).optional(),
    })
      .transform(({ rules, serviceConfig }) => ({ rules, serviceConfig }))
      .prefault({}),
    autoMapping: flag(
      "Whether methods without a rule are served at `POST /{package.Service}/{Method}`.",
    ).prefault(false),
    client: choice("The gRPC client: Sluice's own, or `@grpc/grpc-js`.", ["http2", "grpc-js"]).prefault(
      "http2",
    ),
    maxReceiveMessageBytes: size("Longest reply message.", { min: "1" }).prefault("4MiB"),
    retryBudget: retryBudgetSection().prefault({}),
    routes: list("Options for single routes, later matches win.", routeSection()).prefault([]),
  }).transform((upstream) => ({
    addresses: upstream.address,
    loadBalancing: upstream.loadBalancing,
    connections: upstream.connections,
    limits: upstream.limits,
    health: upstreamHealth(upstream.healthCheck, upstream.outlierEjection),
    tls: upstream.tls,
    authority: upstream.authority,
    metadata: upstream.metadata,
    requestCompression: upstream.requestCompression,
    schema: upstream.schema,
    http: upstream.http,
    autoMapping: upstream.autoMapping,
    client: upstream.client,
    maxReceiveMessageBytes: upstream.maxReceiveMessageBytes,
    retryBudget: upstream.retryBudget,
    options: upstream.options,
    routes: upstream.routes,
  }));
}

function routeSection(): z.ZodType<RouteOverride> {
  return sectionWithRouteOptions<ConditionShape>(
    "Options of some routes; of several conditions in one item, all must hold.",
    conditionShape(),
    checkCondition,
  ).transform(({ selector, path, methods, options }) => ({
    condition: { selector, path, methods },
    options,
  }));
}

function schemaSection(directory: string): z.ZodType<SchemaSourcesConfig> {
  const reflection = section("Server reflection, v1 or v1alpha.", {
    timeout: duration("How long one try may take.", { min: "1ms" }).prefault("5s"),
    interval: durationOrNone(
      "How often the schema is asked for again, a tenth more or less; also soon after the upstream was connected again. 0 is never.",
      { min: "1s" },
    ).prefault("60s"),
  }).transform(({ timeout, interval }) => ({ timeoutMs: timeout, intervalMs: interval }));
  return section(
    "Where the schema comes from; at least one source, all are merged.",
    {
      reflection: switchable("Server reflection: `true`, `false`, or a mapping.", reflection).prefault(false),
      descriptors: list(
        "Files with a serialised `FileDescriptorSet`, and folders of such files (`.binpb`, `.pb`, `.desc`, `.protoset`).",
        filePath(directory, "One file or folder."),
      ).prefault([]),
      onBreakingChange: choice(
        "What becomes of a new schema that takes something away from clients: it is served, or waits until `POST /schema/confirm` of the admin listener.",
        ["apply", "hold"],
      ).prefault("apply"),
      protos: list(
        "`.proto` files, and folders of them; a folder is also where imports start, as `-I` of protoc.",
        filePath(directory, "One file or folder."),
      ).prefault([]),
      importPaths: list(
        "Folders where imports of `protos` start as well.",
        filePath(directory, "One folder."),
      ).prefault([]),
    },
    checkSchemaSources,
  );
}

function checkSchemaSources(value: Readonly<Record<string, unknown>>, fail: Fail): void {
  const { reflection, descriptors, protos, importPaths } = value;
  const isEmpty = (files: unknown): boolean => Array.isArray(files) && files.length === 0;
  if (reflection === undefined && isEmpty(descriptors) && isEmpty(protos)) {
    fail("names no source", "write reflection: true, descriptors: [file], or protos: [folder]");
  }
  if (isEmpty(protos) && Array.isArray(importPaths) && importPaths.length > 0) {
    fail("is for protos, of which there are none", "add protos, or remove it", "importPaths");
  }
}

function listenAddress(description: string): z.ZodType<AddressConfig> {
  return text("address", description, parseListenAddress);
}

function parseUpstreamName(name: string): Reading<unknown> {
  if (/^[a-z][a-z0-9_-]{0,62}$/.test(name)) return { value: name };
  return complain(
    `${show(name)} cannot name an upstream`,
    "start with a-z, go on with a-z, 0-9, - and _; at most 63",
  );
}
