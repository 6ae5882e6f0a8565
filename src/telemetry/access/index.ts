export { ACCESS_FIELDS, DEFAULT_ACCESS_FIELDS, isAccessField, type RedactionRules } from "./access-fields.ts";
export {
  type AccessFormat,
  jsonAccessFormat,
  parseAccessTemplate,
  type TemplatePart,
  templateAccessFormat,
} from "./access-format.ts";
export { AccessLog, type AccessLogParts, type AccessSampling } from "./access-log.ts";
export { REDACTED, RedactedNames, redactQuery } from "./redaction.ts";
