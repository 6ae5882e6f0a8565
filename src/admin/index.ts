export { adminHandler } from "./admin.ts";
export { adminPages } from "./pages.ts";
export type { AdminView, Readiness, ReadinessCheck, UpstreamRow } from "./view.ts";
