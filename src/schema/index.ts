export type { MethodKind, MethodSchema, SchemaSet, ServiceSchema } from "./service-schema.ts";
export type { SchemaFiles, SchemaSource } from "./source.ts";
