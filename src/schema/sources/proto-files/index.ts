export { type NamedPath, ProtoFilesSource } from "./source.ts";
