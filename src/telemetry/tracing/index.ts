export type { CallFigures, RepeatedCall, RequestFigures } from "./request-spans.ts";
export { createSampler, type SamplingOptions } from "./sampler.ts";
export type { Attributes, AttributeValue, SpanEvent, SpanRecord, SpanSink } from "./span.ts";
export { formatTraceParent, parseTraceParent, readTraceContext, readTraceState } from "./trace-context.ts";
export { TraceIds } from "./trace-ids.ts";
export { RequestTrace, Tracer } from "./tracer.ts";
