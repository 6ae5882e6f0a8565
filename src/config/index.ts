export { type NodeNeed, needsOfNode } from "./engine-needs.ts";
export type { Environment } from "./environment.ts";
export { configJsonSchema } from "./json-schema.ts";
export type { ListenerLimits } from "./listener-limits.ts";
export type { ListenerCertificate, ListenerConnections, ListenerTlsConfig } from "./listener-tls.ts";
export {
  type ConfigFlags,
  type ConfigResult,
  type ConfigSource,
  configFromFlags,
  loadConfig,
  parseConfigText,
  type ReadFile,
} from "./load.ts";
export { nearestName, selectorMatches } from "./names.ts";
export { configReference } from "./reference.ts";
export type { HedgingOptions, RetryBudgetConfig, RetryOptions } from "./retry-options.ts";
export { BUILT_IN_ROUTE_OPTIONS, resolveRouteOptions, routeOptionsOf } from "./route-options.ts";
export { loadServiceConfig, readServiceConfig, type ServiceConfig } from "./service-config.ts";
export type {
  AddressConfig,
  AdminConfig,
  Config,
  ConfigPath,
  ConfigValues,
  CorsConfig,
  ErrorOptions,
  FilePath,
  HeaderRules,
  HttpBindingConfig,
  HttpRuleConfig,
  JsonOptions,
  ListenerConfig,
  LogLevel,
  RouteOptions,
  RouteOptionsPatch,
  RouteOverride,
  SchemaSourcesConfig,
  TlsConfig,
  UpstreamConfig,
} from "./types.ts";
export type {
  ConnectionsConfig,
  LimitsConfig,
  LoadBalancing,
  UpstreamAddressConfig,
} from "./upstream-connections.ts";
export type { EjectionConfig, HealthCheckConfig, UpstreamHealthConfig } from "./upstream-health.ts";
