/** The schema of how streams are written, and what they are where nothing is said. */
import type * as z from "zod";
import { choice, duration, durationOrNone, section, text } from "./fields.ts";
import { complain, type Reading, show } from "./reading.ts";

/** How streams of replies are written. */
export interface StreamOptions {
  /** For clients that name none in Accept. */
  readonly format: "ndjson" | "json" | "json-seq" | "sse";
  readonly envelope: "none" | "grpc-gateway";
  readonly sse: SseOptions;
}

/** Server-sent events. */
export interface SseOptions {
  /** The event name of messages; "" is none. */
  readonly event: string;
  /** Path of a field of the reply message, in proto names; "" is none. */
  readonly idField: string;
  /** A top-level field of the request message; "" is none. */
  readonly lastEventIdField: string;
  /** Infinity is none. */
  readonly heartbeatMs: number;
  readonly retryMs: number;
}

/** One level of the cascade. */
export type StreamOptionsPatch = { readonly [K in "format" | "envelope"]?: StreamOptions[K] | undefined } & {
  readonly sse?: { readonly [K in keyof SseOptions]?: SseOptions[K] | undefined } | undefined;
};

/** The built-in values as they would stand in the file. */
export const STREAM_TEXT: Readonly<Record<string, unknown>> = {
  format: "ndjson",
  envelope: "none",
  sse: { event: "", idField: "", lastEventIdField: "", heartbeat: "15s", retry: "3s" },
};

/** The built-in values. */
export const BUILT_IN_STREAM: StreamOptions = {
  format: "ndjson",
  envelope: "none",
  sse: { event: "", idField: "", lastEventIdField: "", heartbeatMs: 15_000, retryMs: 3000 },
};

/** `options` with what `patch` sets. */
export function overlayStream(options: StreamOptions, patch: StreamOptionsPatch | undefined): StreamOptions {
  if (patch === undefined) return options;
  const { sse } = options;
  return {
    format: patch.format ?? options.format,
    envelope: patch.envelope ?? options.envelope,
    sse: {
      event: patch.sse?.event ?? sse.event,
      idField: patch.sse?.idField ?? sse.idField,
      lastEventIdField: patch.sse?.lastEventIdField ?? sse.lastEventIdField,
      heartbeatMs: patch.sse?.heartbeatMs ?? sse.heartbeatMs,
      retryMs: patch.sse?.retryMs ?? sse.retryMs,
    },
  };
}

/** The section `stream` of route options. */
export function streamSection(): z.ZodType<StreamOptionsPatch> {
  return section("Streams of reply messages.", {
    format: choice(
      "What a client gets that names no form in Accept: NDJSON, a JSON array, RFC 7464 or server-sent events.",
      ["ndjson", "json", "json-seq", "sse"],
    ).optional(),
    envelope: choice(
      'Whether messages stand bare or, as in grpc-gateway, in `{"result": …}` (and errors in `{"error": …}`).',
      ["none", "grpc-gateway"],
    ).optional(),
    sse: section("Server-sent events.", {
      event: text("event name", "The event name of messages; empty is none.", parseEventName).optional(),
      idField: text(
        "field path or empty",
        "A field of the reply message, in proto names and dotted where nested, whose value is the event's id.",
        parseFieldPath,
      ).optional(),
      lastEventIdField: text(
        "field or empty",
        "The top-level scalar field of the request that takes `Last-Event-ID` when a client connects again.",
        parseFieldPath,
      ).optional(),
      heartbeat: durationOrNone("Longest silence on a stream before a comment is sent. `0s` sends none.", {
        min: "10ms",
      }).optional(),
      retry: duration("How long clients are told to wait when the gateway drains.", { max: "1h" }).optional(),
    })
      .transform(({ heartbeat, retry, ...rest }) => ({ ...rest, heartbeatMs: heartbeat, retryMs: retry }))
      .optional(),
  });
}

/** The names of the gateway's own events. */
const OWN_EVENTS = ["end", "error"];

function parseEventName(value: unknown): Reading<string> {
  if (typeof value !== "string") return complain(`${show(value)} is not text`, "put the value in quotes");
  if (value.length > 256) return complain(`${show(value)} is too long`, "at most 256 characters");
  for (const character of value) {
    if (character < " ") return complain(`${show(value)} holds a control character`, "remove it");
  }
  if (!OWN_EVENTS.includes(value)) return { value };
  return complain(`${show(value)} is the name of an event of the gateway's own`, "choose another name");
}

const FIELD_PATH = /^(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)?$/;

function parseFieldPath(value: unknown): Reading<string> {
  if (typeof value === "string" && value.length <= 1024 && FIELD_PATH.test(value)) return { value };
  return complain(
    `${show(value)} is not a field path`,
    "write names as in the .proto file: event.sequence_id",
  );
}
