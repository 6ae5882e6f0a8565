/**
 * Chooses how a call's outcome is written: once a request, from what the route is and what the client accepts.
 */
import { findHeader, type HeaderList } from "../../http/index.ts";
import type { ProtocolRoute, ReplyWriter, StreamFormat, StreamSettings } from "../protocol.ts";
import { mediaRanges, preferredType } from "./accept.ts";
import { EventStreamForm, EventStreamWriter } from "./event-stream.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { HTTP_BODY_STREAM } from "./http-body-stream.ts";
import { jsonForm } from "./json-forms.ts";
import type { MessageRenderer } from "./message-renderer.ts";
import type { Reply } from "./reply.ts";
import { StreamWriter } from "./stream-writer.ts";
import { UnaryWriter } from "./unary.ts";

/** The writer for a request to `route`. */
export function chooseReplyWriter(
  reply: Reply,
  { method, settings, transcoder }: ProtocolRoute,
  renderer: MessageRenderer,
  heartbeats: Heartbeats,
): ReplyWriter {
  switch (method.kind) {
    case "unary":
    case "client_streaming":
      return new UnaryWriter(reply, settings, renderer);
    case "server_streaming":
    case "bidi_streaming": {
      if (transcoder.repliesWithHttpBody)
        return new StreamWriter(reply, settings, renderer, HTTP_BODY_STREAM);
      const { headers } = reply.exchange;
      const { stream } = settings;
      const { format, mediaType } = chooseStreamType(headers, stream.format);
      if (format !== "sse") {
        return new StreamWriter(reply, settings, renderer, jsonForm(format, mediaType, stream.envelope));
      }
      const connection = lastEventId(headers, stream) === undefined ? "fresh" : "resuming";
      const form = new EventStreamForm(stream, connection);
      const writer = new StreamWriter(reply, settings, renderer, form);
      return new EventStreamWriter(reply, writer, stream.sse, heartbeats);
    }
    default:
      return method.kind satisfies never;
  }
}

/** A form of streams under one of its names. */
export interface StreamType {
  readonly format: StreamFormat;
  readonly mediaType: string;
}

/** In the order in which they are offered to a client that likes several alike. */
const STREAM_TYPES: readonly StreamType[] = [
  { format: "ndjson", mediaType: "application/x-ndjson" },
  { format: "ndjson", mediaType: "application/jsonl" },
  { format: "json-seq", mediaType: "application/json-seq" },
  { format: "sse", mediaType: "text/event-stream" },
  { format: "json", mediaType: "application/json" },
];

/**
 * The form of a stream for a client that accepts what `headers` say; `preferred` where they say nothing, or nothing that
 * there is.
 */
export function chooseStreamType(headers: HeaderList, preferred: StreamFormat): StreamType {
  const offers = OFFERS[preferred];
  const ranges = mediaRanges(headers);
  const mediaType = ranges.length === 0 ? undefined : preferredType(ranges, offers);
  const chosen = mediaType ?? offers[0];
  return STREAM_TYPES.find((type) => type.mediaType === chosen) ?? { format: preferred, mediaType: "" };
}

const OFFERS: Readonly<Record<StreamFormat, readonly string[]>> = {
  json: offersFrom("json"),
  ndjson: offersFrom("ndjson"),
  "json-seq": offersFrom("json-seq"),
  sse: offersFrom("sse"),
};

/** All media types, those of `preferred` first. */
function offersFrom(preferred: StreamFormat): readonly string[] {
  const own = STREAM_TYPES.filter(({ format }) => format === preferred);
  const others = STREAM_TYPES.filter(({ format }) => format !== preferred);
  return [...own, ...others].map(({ mediaType }) => mediaType);
}

/** The id of the last event that the client got, where it says so and the route resumes streams. */
export function lastEventId(headers: HeaderList, { sse }: StreamSettings): string | undefined {
  if (sse.resumeAfter === undefined) return undefined;
  const id = findHeader(headers, "last-event-id");
  return id === "" ? undefined : id;
}
