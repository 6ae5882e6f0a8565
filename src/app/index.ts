export { Application, StartError } from "./application.ts";
export { type Builtins, builtins } from "./builtins.ts";
export { compileOnce, type OnePass } from "./compile-once.ts";
export type { ConfigOrigin } from "./control-plane.ts";
export type { Listening } from "./listeners.ts";
export {
  clusterProcesses,
  type LoadedDocument,
  Primary,
  processChannel,
  runWorker,
} from "./workers/index.ts";
