export {
  ACCESS_FIELDS,
  type AccessFormat,
  AccessLog,
  DEFAULT_ACCESS_FIELDS,
  isAccessField,
  jsonAccessFormat,
  parseAccessTemplate,
  RedactedNames,
  templateAccessFormat,
} from "./access/index.ts";
export { type AccessRecord, combineObservers, type RequestObserver } from "./access-record.ts";
export {
  LineBuffer,
  type LineChannel,
  type LineWriter,
  openFileWriter,
  openStandardOutput,
} from "./lines/index.ts";
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "./logger.ts";
export { Meters } from "./meters.ts";
export type { Reading, Sample } from "./reading.ts";
export {
  type Attributes,
  type AttributeValue,
  type CallFigures,
  createSampler,
  formatTraceParent,
  parseTraceParent,
  type RepeatedCall,
  type RequestFigures,
  RequestTrace,
  readTraceContext,
  readTraceState,
  type SamplingOptions,
  type SpanRecord,
  TraceIds,
  Tracer,
} from "./tracing/index.ts";
