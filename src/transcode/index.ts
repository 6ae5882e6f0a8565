export {
  checkEventIdField,
  checkResumeField,
  compileEventId,
  compileResumeField,
} from "./assembly/event-fields.ts";
export { createCompiledFactory } from "./assembly/factory.ts";
export { checkBinding } from "./binding/binding-plan.ts";
export { deferTranscoder } from "./deferred-transcoder.ts";
export { isFilePart } from "./form/part-value.ts";
export { createReflectiveFactory, renderMessage } from "./reflective/factory.ts";
export { retryAfterSeconds } from "./status/known-details.ts";
export { renderKratosError } from "./status/kratos-json.ts";
export { createProblemRenderer, PROBLEM_MEDIA_TYPE } from "./status/problem-json.ts";
export { createStatusRenderer } from "./status/status-json.ts";
export { bodyFormatOf, isMultipartForm } from "./text/content-type.ts";
export type {
  AssembledRequest,
  BindingSpec,
  FormPart,
  HttpBodyReply,
  RequestParts,
  StreamedFile,
  TranscodeOptions,
  Transcoder,
  TranscoderFactory,
} from "./transcoder.ts";
