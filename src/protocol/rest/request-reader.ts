/**
 * Chooses how a request is read: once a request, from the method's kind, the binding's body and the Content-Type.
 */
import { findHeader, type HttpExchange } from "../../http/index.ts";
import { bodyFormatOf } from "../../transcode/index.ts";
import type { ProtocolRoute, RequestReader } from "../protocol.ts";
import { JsonStreamReader } from "./json-stream-reader.ts";
import type { JsonSequence } from "./json-values.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import { refuseCodedBody, WholeBodyReader } from "./request-body.ts";
import { UploadReader } from "./upload-reader.ts";

/**
 * The reader for a request to `route`.
 * @throws {StatusError} INVALID_ARGUMENT, reason CONTENT_CODING_UNSUPPORTED, for a stream that is compressed.
 */
export function chooseRequestReader(
  exchange: HttpExchange,
  { method, settings, transcoder }: ProtocolRoute,
  assembler: MessageAssembler,
): RequestReader {
  const { maxRequestBodyBytes } = settings;
  const isStream = method.kind === "client_streaming" || method.kind === "bidi_streaming";
  if (!isStream || transcoder.requestBody === "none") {
    return new WholeBodyReader(exchange, assembler, maxRequestBodyBytes);
  }
  refuseCodedBody(exchange.headers);
  if (transcoder.requestBody === "http-body") {
    return new UploadReader(exchange, assembler, settings.uploadChunkBytes);
  }
  const sequence = sequenceOf(findHeader(exchange.headers, "content-type") ?? "");
  // A form is one message; of a type that cannot be read the assembler says so.
  if (sequence === undefined) return new WholeBodyReader(exchange, assembler, maxRequestBodyBytes);
  assembler.contentType = "application/json";
  const isList = transcoder.requestBody === "json-list";
  return new JsonStreamReader(exchange, assembler, isList ? "values" : sequence, maxRequestBodyBytes);
}

/** Media types of JSON values one after another. */
const SEQUENCES: ReadonlySet<string> = new Set([
  "application/x-ndjson",
  "application/ndjson",
  "application/jsonl",
  "application/x-jsonlines",
  "application/json-seq",
]);

/** How messages stand in a body of this Content-Type; undefined where it is not JSON. */
function sequenceOf(contentType: string): JsonSequence | undefined {
  if (bodyFormatOf(contentType) === "json") return "array-or-values";
  const semicolon = contentType.indexOf(";");
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  return SEQUENCES.has(type) ? "values" : undefined;
}
