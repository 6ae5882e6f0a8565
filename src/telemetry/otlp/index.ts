export { encodeRequest, type OtlpResource, SpanEncoder } from "./encode-spans.ts";
export { createPoster, type Poster, type PostOptions, type PostOutcome } from "./post.ts";
export { type SpanCounts, SpanExporter, type SpanExporterParts } from "./span-exporter.ts";
