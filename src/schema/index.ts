export { type BuiltSchema, buildSchema } from "./build-schema.ts";
export type { SourceFiles } from "./merge-files.ts";
export type { MethodKind, MethodSchema, SchemaSet, ServiceSchema } from "./service-schema.ts";
export type { SchemaFiles, SchemaSource } from "./source.ts";
