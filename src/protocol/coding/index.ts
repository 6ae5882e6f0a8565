export type { BodySink, BodySource } from "./body-source.ts";
export { ContentCodings } from "./content-codings.ts";
export { codedHeaders, type ReplyCompression, weakenTag } from "./reply-compression.ts";
export { type OpenedBody, openRequestBody, type RequestDecoding } from "./request-decoding.ts";
