export { ACCESS_FIELDS, DEFAULT_ACCESS_FIELDS, isAccessField } from "./access-fields.ts";
export {
  type AccessFormat,
  jsonAccessFormat,
  parseAccessTemplate,
  templateAccessFormat,
} from "./access-format.ts";
export { AccessLog } from "./access-log.ts";
export { RedactedNames, redactQuery } from "./redaction.ts";
