export { Application, StartError } from "./application.ts";
export { type Builtins, builtins } from "./builtins.ts";
export { compileOnce } from "./compile-once.ts";
export type { Listening } from "./listeners.ts";
export { clusterProcesses, Primary, processChannel, runWorker } from "./workers/index.ts";
