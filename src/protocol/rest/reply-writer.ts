/**
 * Chooses how a call's outcome is written: once a request, from what the route is.
 */
import { gatewayStatus, type Status, StatusError } from "../../status/index.ts";
import type { ProtocolRoute, ReplyWriter } from "../protocol.ts";
import { HTTP_BODY_STREAM } from "./http-body-stream.ts";
import type { MessageRenderer } from "./message-renderer.ts";
import { NDJSON } from "./ndjson.ts";
import type { Reply } from "./reply.ts";
import { StreamWriter } from "./stream-writer.ts";
import { UnaryWriter } from "./unary.ts";

/**
 * The writer for a request to `route`.
 * @throws {StatusError} UNIMPLEMENTED, reason STREAMING_UNSUPPORTED, where the client would have to stream.
 */
export function chooseReplyWriter(
  reply: Reply,
  route: ProtocolRoute,
  renderer: MessageRenderer,
): ReplyWriter {
  const { kind, fullName } = route.method;
  switch (kind) {
    case "unary":
      return new UnaryWriter(reply, route.settings, renderer);
    case "server_streaming": {
      const form = route.transcoder.repliesWithHttpBody ? HTTP_BODY_STREAM : NDJSON;
      return new StreamWriter(reply, route.settings, renderer, form);
    }
    case "client_streaming":
    case "bidi_streaming":
      throw new StatusError(clientStreamRefusal(fullName, kind));
    default:
      return kind satisfies never;
  }
}

/** Why a method cannot be called over HTTP; undefined where it can. */
export function kindRefusal({ kind, fullName }: ProtocolRoute["method"]): Status | undefined {
  return kind === "client_streaming" || kind === "bidi_streaming"
    ? clientStreamRefusal(fullName, kind)
    : undefined;
}

function clientStreamRefusal(fullName: string, kind: string): Status {
  const what = `${fullName} is ${kind}: messages cannot be streamed over HTTP yet`;
  return gatewayStatus("STREAMING_UNSUPPORTED", what);
}
