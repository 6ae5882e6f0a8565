export { adminHandler } from "./admin.ts";
export { type AdminPage, type AdminReply, type AdminRequest, jsonReply, textReply } from "./page.ts";
export { adminPages } from "./pages.ts";
export type { AdminView, EndpointRow, Readiness, ReadinessCheck, UpstreamRow } from "./view.ts";
