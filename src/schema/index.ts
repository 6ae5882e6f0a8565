export { type BuiltSchema, buildSchemaInSteps } from "./build-schema.ts";
export { type ChangeKind, ChangeList, type Diff, formatDiff, isEmptyDiff } from "./change-list.ts";
export { diffSchemas } from "./diff-schemas.ts";
export type { DescriptorFile } from "./file-outline.ts";
export { joinRegistries } from "./joined-registry.ts";
export type { SourceFiles } from "./merge-files.ts";
export {
  type FieldShape,
  isMessageField,
  type MessageFieldOf,
  type MessageShape,
  type RuleField,
} from "./message-shape.ts";
export { readDescriptorFile, readDescriptorSet } from "./read-outline.ts";
export type { Idempotency, MethodKind, MethodSchema, SchemaSet } from "./service-schema.ts";
export type { SchemaFiles, SchemaSource } from "./source.ts";
