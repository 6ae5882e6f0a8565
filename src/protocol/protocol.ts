/**
 * The port of a protocol: how an exchange becomes messages, and how a call's outcome becomes a reply.
 */
import type { HeaderList } from "../http/index.ts";
import type { MethodSchema } from "../schema/index.ts";
import type { HttpStatusOverrides, Status } from "../status/index.ts";
import type { Transcoder } from "../transcode/index.ts";
import type { Metadata } from "../upstream/index.ts";
import type { ReplyCompression, RequestDecoding } from "./coding/index.ts";
import type { HeaderRules } from "./header-rules.ts";

/** The form of error bodies: `google.rpc.Status`, RFC 9457 problem details, or Kratos' error. */
export type ErrorFormat = "google" | "problem" | "kratos";

/** An error reply, ready to be sent. */
export interface RenderedError {
  readonly contentType: string;
  readonly body: string;
  /** Seconds for `Retry-After`, from a RetryInfo detail. */
  readonly retryAfterSeconds: number | undefined;
}

/** Renders a status as the body of an error reply. Never throws. */
export type ErrorRenderer = (status: Status, httpStatus: number, format: ErrorFormat) => RenderedError;

/** How errors are shown. */
export interface ErrorSettings {
  readonly format: ErrorFormat;
  readonly httpStatusByCode: HttpStatusOverrides;
  readonly render: ErrorRenderer;
  /** `Cache-Control` of errors whose upstream sends none; absent for none. */
  readonly cacheControl?: string | undefined;
  /** The codings that a request body may come in, for clients that have chosen another; `identity` where absent. */
  readonly acceptEncoding?: string;
}

/** The form of a stream of messages. */
export type StreamFormat = "json" | "ndjson" | "json-seq" | "sse";

/** How streams of replies are written. */
export interface StreamSettings {
  /** For clients that name none in Accept. */
  readonly format: StreamFormat;
  /** Whether a message stands bare, or in `{"result": …}`. */
  readonly envelope: "none" | "grpc-gateway";
  readonly sse: {
    /** The event name of messages; "" for none. */
    readonly event: string;
    /** The id of a reply message's event, as text; "" for none. Undefined where events have no ids. */
    readonly idOf: ((message: Uint8Array) => string) | undefined;
    /**
     * A request message with the id of the last event that the client has got put into its field. Undefined where
     * clients do not resume.
     * @throws {StatusError} PARAM_INVALID, if the field cannot hold it.
     */
    readonly resumeAfter: ((message: Uint8Array, lastEventId: string) => Uint8Array) | undefined;
    /** Longest silence before a comment is sent; Infinity means none. */
    readonly heartbeatMs: number;
    /** How long clients are told to wait before they connect again, when the gateway drains. */
    readonly retryMs: number;
  };
}

/** The options of one route that protocols read, after the cascade of config. */
export interface RouteSettings {
  /** Upper limit of a unary call; Infinity means none. */
  readonly deadlineMs: number;
  /** Longest silence of a stream before it is cancelled; Infinity means none. */
  readonly idleTimeoutMs: number;
  /** Of one message, where a request is a stream of them. */
  readonly maxRequestBodyBytes: number;
  /** What an upload to a stream of `google.api.HttpBody` is cut into. */
  readonly uploadChunkBytes: number;
  readonly requestHeaders: HeaderRules;
  readonly responseHeaders: HeaderRules;
  readonly errors: ErrorSettings;
  readonly stream: StreamSettings;
  /** Whether replies to GET carry an entity tag that the gateway makes, and of which strength. */
  readonly etag: "none" | "weak" | "strong";
  /** `Cache-Control` of replies that succeed and whose upstream sends none; absent for none. */
  readonly cacheControl?: string | undefined;
  /** Fields of every reply. */
  readonly fixedHeaders?: HeaderList | undefined;
  /** Undefined sends replies as they are. */
  readonly replyCompression?: ReplyCompression | undefined;
  /** Undefined takes request bodies only as they are. */
  readonly requestDecoding?: RequestDecoding | undefined;
}

/** What a protocol needs to know of a route. */
export interface ProtocolRoute {
  readonly method: MethodSchema;
  readonly transcoder: Transcoder;
  /** For a stream of requests whose binding has no body: reads each message whole, as `body: "*"` would. */
  readonly wholeMessages?: Transcoder | undefined;
  readonly settings: RouteSettings;
}

/**
 * Takes what a reader makes of a request: messages in any number, then either the end or a fault, exactly once and last.
 */
export interface RequestSink {
  /**
   * The request's head is complete, for readers that learn only from what they read who asks. A call that opens before
   * its first message does so now.
   */
  onRequestHead(): void;
  /** One request message, encoded; it belongs to the sink. False means: hold until `RequestReader.resume`. */
  onRequestMessage(message: Uint8Array): boolean;
  /** The client has no further messages. */
  onRequestEnd(): void;
  /** What came is no request: `error` says why, a StatusError where the client is to blame. */
  onRequestFault(error: unknown): void;
}

/** Turns what one client sends into request messages. Nothing comes after the exchange's `onAbort`. */
export interface RequestReader {
  /** Starts reading; called once. Messages may come before it returns. */
  start(sink: RequestSink): void;
  /** Lets messages flow again after `onRequestMessage` returned false. */
  resume(): void;
  /** Bytes received so far; of a body with a Content-Encoding, once decoded. */
  readonly bytesIn: number;
}

/**
 * Writes one call's outcome to the client. `finish` comes at most once and last; before it, `headers` at most once and
 * `message` any number of times. `release` comes once, after all of these.
 */
export interface ReplyWriter {
  headers(metadata: Metadata): void;
  /**
   * Takes one reply message. False means: hold until the exchange drains.
   * @throws {StatusError} if the message cannot be rendered; `finish` is then called with that status.
   */
  message(message: Uint8Array): boolean;
  /**
   * Ends the reply: with an error reply if `status` is not OK and nothing has been sent, else in the stream's own way.
   * @throws {StatusError} if a held-back message cannot be rendered; then it is to be called again with that status.
   */
  finish(status: Status, trailers: Metadata): void;
  /**
   * The gateway is about to end. `ended`: the reply has been ended in a way that brings the client back, and its call is
   * no longer needed. `goes-on`: the protocol has no such way.
   */
  drain(): "ended" | "goes-on";
  /** The request is over, however it ended: lets go of timers. */
  release(): void;
}
