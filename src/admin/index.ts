export { type AdminView, adminHandler, type Readiness } from "./admin.ts";
