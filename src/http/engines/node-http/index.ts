export { createNodeHttpEngine } from "./node-engine.ts";
