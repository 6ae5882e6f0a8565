export type { CompiledSnapshot, CompileInput } from "./compile-input.ts";
export { unitDigest } from "./config-digest.ts";
export { ConfigWatcher } from "./config-watcher.ts";
export { diffRoutes } from "./diff-routes.ts";
export { type Discovery, discover } from "./discover.ts";
export { installChanges } from "./install-changes.ts";
export { listenerName } from "./listener-tables.ts";
export {
  type ListenerTlsTarget,
  listenerTlsProblem,
  listenerTlsTarget,
  type NamedListener,
  readListenerTlsFiles,
} from "./listener-tls-files.ts";
export {
  type Applied,
  type LoadedServiceConfig,
  Reconciler,
  type ReconcilerParts,
} from "./reconciler.ts";
export { readRegularFile } from "./regular-file.ts";
export { type ReloadCause, Reloads, type ReloadsParts } from "./reloads.ts";
export { formatRouteTable, type RouteRow, routeRows } from "./route-table.ts";
export {
  DiskSchemaCache,
  type DiskSchemaCacheOptions,
  type SchemaCache,
  schemaCacheKey,
} from "./schema-cache.ts";
export { type SchemaStatus, schemaStatuses } from "./schema-status.ts";
export { compileInSteps } from "./snapshot-compiler.ts";
export { TimeSlices } from "./time-slices.ts";
export { readTlsFiles, type TlsTarget, tlsProblem, upstreamTlsTarget } from "./tls-files.ts";
export { type TlsOwner, TlsWatcher, type TlsWatcherParts } from "./tls-watcher.ts";
export type { OpenedUnit, UpstreamUnit } from "./unit-pool.ts";
