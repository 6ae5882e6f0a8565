export { Primary } from "./primary.ts";
export { processChannel, runWorker } from "./worker.ts";
export { clusterProcesses } from "./worker-process.ts";
