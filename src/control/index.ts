export { type Discovery, discover } from "./discover.ts";
export { listenerName } from "./listener-tables.ts";
export {
  type CompiledSnapshot,
  type DiscoveryTarget,
  Reconciler,
  type ReconcilerParts,
} from "./reconciler.ts";
export { formatRouteTable, type RouteRow, routeRows } from "./route-table.ts";
export { type CompilerParts, compileSnapshot } from "./snapshot-compiler.ts";
export { readTlsFiles, type TlsFiles, tlsProblem } from "./tls-files.ts";
export { type TlsTarget, TlsWatcher, type TlsWatcherParts } from "./tls-watcher.ts";
