export { type LoadedDocument, Primary, type PrimaryParts } from "./primary.ts";
export { processChannel, runWorker } from "./worker.ts";
export { clusterProcesses } from "./worker-process.ts";
