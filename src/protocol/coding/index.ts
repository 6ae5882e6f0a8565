export type { BodySink, BodySource } from "./body-source.ts";
export type { CodingTotal } from "./coding-totals.ts";
export { type ContentCodingOptions, ContentCodings, type RouteCodings } from "./content-codings.ts";
export { codedHeaders, type ReplyCompression, weakenTag } from "./reply-compression.ts";
export { type OpenedBody, openRequestBody, type RequestDecoding } from "./request-decoding.ts";
