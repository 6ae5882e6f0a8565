export type {
  CallFigures,
  RepeatedCall,
  RequestFigures,
  Stretch,
  TranscodingFigures,
} from "./request-spans.ts";
export { createSampler, type Sampler, type SamplingOptions } from "./sampler.ts";
export type { Attributes, AttributeValue, SpanEvent, SpanRecord, SpanSink } from "./span.ts";
export {
  formatTraceParent,
  parseTraceParent,
  readTraceContext,
  readTraceState,
  type TraceOrigin,
  type TraceParent,
} from "./trace-context.ts";
export { type RandomFill, TraceIds } from "./trace-ids.ts";
export { RequestTrace, Tracer, type TracerParts } from "./tracer.ts";
