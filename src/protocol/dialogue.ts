/**
 * What a protocol is to the relay: chosen once a request, it takes the request's head and gives the two ends of the call.
 */
import type { HeaderList } from "../http/index.ts";
import type { OpenedBody } from "./coding/index.ts";
import type { ProtocolRoute, ReplyWriter, RequestReader } from "./protocol.ts";
import type { MessageAssembler } from "./rest/message-assembler.ts";
import type { MessageRenderer } from "./rest/message-renderer.ts";
import type { Reply } from "./rest/reply.ts";

/** A request that has found its route. */
export interface MatchedRequest {
  readonly reply: Reply;
  readonly route: ProtocolRoute;
  readonly assembler: MessageAssembler;
  readonly renderer: MessageRenderer;
}

/** How one request is read and answered. */
export interface Dialogue {
  readonly reader: RequestReader;
  /** What the reader reads from, to be released when the request is over. */
  readonly body?: Pick<OpenedBody, "release">;
  /** The header fields that count for the upstream; complete once the call is to be opened. */
  readonly headers: HeaderList;
  /** Whether the call is opened before the reader starts, so that an upstream which refuses can do so at once. */
  readonly opensAtOnce: boolean;
  /** Makes the writer of the reply, as soon as there may be one: when the call is opened. Called at most once. */
  makeWriter(): ReplyWriter;
}

/** One way to speak with clients. */
export interface Protocol {
  /**
   * Takes a request. Nothing has been read or sent when it returns.
   * @throws {StatusError} if the head says already that it cannot be served.
   */
  open(request: MatchedRequest): Dialogue;
}

/** Whether the client sends a stream of messages. */
export function isClientStream({ method: { kind } }: Pick<ProtocolRoute, "method">): boolean {
  return kind === "client_streaming" || kind === "bidi_streaming";
}
