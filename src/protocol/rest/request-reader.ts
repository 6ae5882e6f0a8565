/**
 * Chooses how a request is read: once a request, from the method's kind, the binding's body and the Content-Type.
 */
import { bodyFormatOf, isMultipartForm, type Transcoder } from "../../transcode/index.ts";
import type { OpenedBody } from "../coding/index.ts";
import type { ProtocolRoute, RequestReader } from "../protocol.ts";
import { FormMessages } from "./form-messages.ts";
import { JsonMessages } from "./json-messages.ts";
import type { JsonSequence } from "./json-values.ts";
import type { MessageAssembler } from "./message-assembler.ts";
import { WholeBodyReader } from "./request-body.ts";
import { StreamedBodyReader } from "./streamed-body.ts";
import { UploadMessages } from "./upload-messages.ts";
import { WholeForm } from "./whole-form.ts";

/** A stream may go on for ever; what is limited is each message. */
const UNLIMITED: number = Number.POSITIVE_INFINITY;

/**
 * The reader for a request to `route`.
 * @throws {StatusError} INVALID_ARGUMENT, reason CONTENT_CODING_UNSUPPORTED, for a stream in a coding that is not
 * understood; reason FORM_INVALID for a form without a boundary.
 */
export function chooseRequestReader(
  { source, refusal }: Pick<OpenedBody, "source" | "refusal">,
  { method, settings, transcoder }: ProtocolRoute,
  assembler: MessageAssembler,
): RequestReader {
  const { maxRequestBodyBytes, uploadChunkBytes } = settings;
  const isStream = method.kind === "client_streaming" || method.kind === "bidi_streaming";
  // The call of a stream is opened before the first byte.
  if (isStream && refusal !== undefined && transcoder.requestBody !== "none") throw refusal;
  if (takesForm(transcoder) && isMultipartForm(assembler.contentType)) {
    if (!isStream) {
      return new StreamedBodyReader(source, maxRequestBodyBytes, (wake) => new WholeForm(assembler, wake));
    }
    const limits = { fieldBytes: maxRequestBodyBytes, chunkBytes: uploadChunkBytes };
    return new StreamedBodyReader(source, UNLIMITED, (wake) => new FormMessages(assembler, limits, wake));
  }
  if (!isStream || transcoder.requestBody === "none") {
    return new WholeBodyReader(source, assembler, maxRequestBodyBytes);
  }
  if (transcoder.requestBody === "http-body") {
    return new StreamedBodyReader(source, UNLIMITED, () => new UploadMessages(assembler, uploadChunkBytes));
  }
  const sequence = sequenceOf(assembler.contentType);
  // A form is one message; of a type that cannot be read the assembler says so.
  if (sequence === undefined) return new WholeBodyReader(source, assembler, maxRequestBodyBytes);
  assembler.contentType = "application/json";
  const isList = transcoder.requestBody === "json-list";
  return new StreamedBodyReader(
    source,
    UNLIMITED,
    () => new JsonMessages(assembler, isList ? "values" : sequence, maxRequestBodyBytes),
  );
}

/** Whether the body is taken apart where it is a multipart form: an HttpBody takes even that as it is. */
function takesForm({ requestBody }: Transcoder): boolean {
  return requestBody === "json" || requestBody === "json-list";
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
