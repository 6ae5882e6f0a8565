/**
 * A stream of `google.api.HttpBody`: the bytes joined with no delimiter, under the first message's content type. Nothing
 * in the bytes can tell of a failure, so a failure resets the connection (docs/streaming.md, "Blobs").
 */
import { httpBodyHeaders } from "./http-body-headers.ts";
import { jsonBytes } from "./json-forms.ts";
import { isHttpBody } from "./message-renderer.ts";
import type { StreamForm } from "./stream-writer.ts";

/** The form of raw bytes. Its transcoder renders every message as HttpBody. */
export const HTTP_BODY_STREAM: StreamForm = {
  layout: "free",
  emptyStatus: 200,
  openingHeaders: (first) =>
    httpBodyHeaders(first !== undefined && isHttpBody(first) ? first.contentType : ""),
  write: (out, rendered) => out.add(isHttpBody(rendered) ? rendered.data : jsonBytes(rendered)),
  end: () => undefined,
  fail: () => "reset",
};
