export { Code, type CodeName, codeName, isCode } from "./code.ts";
export { codeOfHttpStatus, type HttpStatusOverrides, httpStatusOf } from "./http-mapping.ts";
export { formatProblem, type Problem } from "./problem.ts";
export { REASONS, type Reason } from "./reasons.ts";
export {
  type FieldViolation,
  gatewayStatus,
  OK,
  type Status,
  type StatusDetail,
  upstreamStatus,
} from "./status.ts";
export { refuse, StatusError } from "./status-error.ts";
