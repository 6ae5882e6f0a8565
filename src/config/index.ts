export { type ConfigDocument, documentReader } from "./document.ts";
export { type NodeNeed, needsOfNode } from "./engine-needs.ts";
export type { Environment } from "./environment.ts";
export { configJsonSchema } from "./json-schema.ts";
export type { ListenerLimits } from "./listener-limits.ts";
export type { ListenerRoutes } from "./listener-routes.ts";
export type { ListenerCertificate, ListenerConnections, ListenerTlsConfig } from "./listener-tls.ts";
export {
  type ConfigFlags,
  type ConfigResult,
  type ConfigSource,
  configFromFlags,
  configLoader,
  loadConfig,
  parseConfigText,
  type ReadFile,
} from "./load.ts";
export { holdsSecrets, MASK, maskedConfig, withoutQuery } from "./masked.ts";
export { nearestName, selectorMatches } from "./names.ts";
export { configReference } from "./reference.ts";
export type { HedgingOptions, RetryBudgetConfig, RetryOptions } from "./retry-options.ts";
export type { PathPattern, PatternSegment, RouteCondition } from "./route-conditions.ts";
export { BUILT_IN_ROUTE_OPTIONS, resolveRouteOptions } from "./route-options.ts";
export { loadServiceConfig, readServiceConfig, type ServiceConfig } from "./service-config.ts";
export type {
  AddressConfig,
  AdminConfig,
  Config,
  ConfigPath,
  ConfigValues,
  CorsConfig,
  CorsPatch,
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
export type { WorkersConfig } from "./workers.ts";
