export { type NamedPath, type ProtoFilesOptions, ProtoFilesSource } from "./source.ts";
