export { type Discovery, discover } from "./discover.ts";
export {
  type ListenerTlsTarget,
  listenerTlsProblem,
  listenerTlsTarget,
  type NamedListener,
  readListenerTlsFiles,
} from "./listener-tls-files.ts";
export {
  type CompiledSnapshot,
  type DiscoveryTarget,
  Reconciler,
  type ReconcilerParts,
} from "./reconciler.ts";
export { formatRouteTable, type RouteRow, routeRows } from "./route-table.ts";
export { type CompilerParts, compileSnapshot } from "./snapshot-compiler.ts";
export { readTlsFiles, type TlsFiles, type TlsTarget, tlsProblem, upstreamTlsTarget } from "./tls-files.ts";
export { type TlsOwner, TlsWatcher, type TlsWatcherParts, type WatchedTls } from "./tls-watcher.ts";
