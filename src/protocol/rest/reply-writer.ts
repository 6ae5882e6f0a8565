/**
 * Chooses how a call's outcome is written: once a request, from what the route is.
 */
import type { ProtocolRoute, ReplyWriter } from "../protocol.ts";
import { HTTP_BODY_STREAM } from "./http-body-stream.ts";
import type { MessageRenderer } from "./message-renderer.ts";
import { NDJSON } from "./ndjson.ts";
import type { Reply } from "./reply.ts";
import { StreamWriter } from "./stream-writer.ts";
import { UnaryWriter } from "./unary.ts";

/** The writer for a request to `route`. */
export function chooseReplyWriter(
  reply: Reply,
  { method, settings, transcoder }: ProtocolRoute,
  renderer: MessageRenderer,
): ReplyWriter {
  switch (method.kind) {
    case "unary":
    case "client_streaming":
      return new UnaryWriter(reply, settings, renderer);
    case "server_streaming":
    case "bidi_streaming": {
      const form = transcoder.repliesWithHttpBody ? HTTP_BODY_STREAM : NDJSON;
      return new StreamWriter(reply, settings, renderer, form);
    }
    default:
      return method.kind satisfies never;
  }
}
