export { Gateway, type ListenerSettings } from "./gateway.ts";
export type { Route } from "./route.ts";
export type { RoutingSnapshot } from "./routing-snapshot.ts";
