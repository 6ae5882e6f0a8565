export { type ConfigDocument, documentReader } from "./document.ts";
export { needsOfNode } from "./engine-needs.ts";
export type { Environment } from "./environment.ts";
export { configJsonSchema } from "./json-schema.ts";
export type { ListenerTlsConfig } from "./listener-tls.ts";
export { type ConfigResult, configFromFlags, configLoader, parseConfigText } from "./load.ts";
export { holdsSecrets, MASK, maskedConfig, withoutQuery } from "./masked.ts";
export { nearestName, selectorMatches } from "./names.ts";
export { configReference } from "./reference.ts";
export type { PathPattern, PatternSegment, RouteCondition } from "./route-conditions.ts";
export { BUILT_IN_ROUTE_OPTIONS, resolveRouteOptions } from "./route-options.ts";
export { loadServiceConfig, readServiceConfig, type ServiceConfig } from "./service-config.ts";
export type {
  Config,
  ConfigPath,
  ConfigValues,
  CorsConfig,
  CorsPatch,
  FilePath,
  HttpRuleConfig,
  ListenerConfig,
  RouteOptions,
  RouteOptionsPatch,
  RouteOverride,
  TlsConfig,
  UpstreamConfig,
} from "./types.ts";
