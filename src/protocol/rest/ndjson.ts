/**
 * Newline-delimited JSON: one message a line. A failure after the first is told in a last line, `{"error":{…}}`, with
 * `google.rpc.Status` inside (semantics 7).
 */
import { isHttpBody } from "./message-renderer.ts";
import type { StreamForm } from "./stream-writer.ts";

const NEWLINE = Buffer.from("\n");

/** The form of `application/x-ndjson`. */
export const NDJSON: StreamForm = {
  // Proxies of nginx's kind would otherwise collect the lines before passing them on.
  openingHeaders: () => ["content-type", "application/x-ndjson", "x-accel-buffering", "no"],
  frame: (rendered) => {
    if (typeof rendered === "string") return `${rendered}\n`;
    return Buffer.concat([isHttpBody(rendered) ? rendered.data : rendered, NEWLINE]);
  },
  failure: (status, errors) => `{"error":${errors.render(status, 200, "google").body}}\n`,
};
