export { Application, type Listening, StartError } from "./application.ts";
export { type Builtins, builtins } from "./builtins.ts";
export { compileOnce, type OnePass } from "./compile-once.ts";
export type { ConfigOrigin } from "./control-plane.ts";
