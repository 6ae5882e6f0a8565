export { loadUwsEngine } from "./load-engine.ts";
export type { PortSharing } from "./uws-engine.ts";
