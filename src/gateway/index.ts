export { Gateway, type ListenerSettings } from "./gateway.ts";
export type { Route } from "./route.ts";
export { type ListenerTable, type PolicySet, type RoutingSnapshot, tableOf } from "./routing-snapshot.ts";
