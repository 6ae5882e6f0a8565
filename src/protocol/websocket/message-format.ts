/**
 * How messages stand in frames: one format for each subprotocol, chosen once a connection.
 */
import type { FrameKind } from "../../http/index.ts";
import { refuse } from "../../status/index.ts";
import type { MessageAssembler } from "../rest/message-assembler.ts";
import { isHttpBody, type MessageRenderer } from "../rest/message-renderer.ts";
import type { Subprotocol } from "./handshake.ts";

/** A reply message as a frame. */
export interface ReplyFrame {
  readonly data: Uint8Array | string;
  readonly kind: FrameKind;
  /** The content type of raw data; undefined for a message. */
  readonly mediaType: string | undefined;
}

/** One way to write messages. Stateless but for what it is made of. */
export interface MessageFormat {
  /**
   * The request message that a frame is. `mediaType` is what the client said of its frames; undefined where it said
   * nothing.
   * @throws {StatusError} INVALID_ARGUMENT.
   */
  request(data: Uint8Array, kind: FrameKind, mediaType: string | undefined): Uint8Array;
  /** @throws {StatusError} INTERNAL, reason UPSTREAM_REPLY_INVALID. */
  reply(message: Uint8Array): ReplyFrame;
}

/** The format of a subprotocol. */
export function messageFormat(
  subprotocol: Subprotocol,
  assembler: MessageAssembler,
  renderer: MessageRenderer,
): MessageFormat {
  return subprotocol === "sluice.json" ? new JsonFormat(assembler, renderer) : new ProtoFormat(assembler);
}

/**
 * A frame is what a request body would be, of the binding's `body`: JSON in a text frame, raw data in a binary one. Raw data
 * comes back for bindings that reply with `google.api.HttpBody`.
 */
class JsonFormat implements MessageFormat {
  readonly #assembler: MessageAssembler;
  readonly #renderer: MessageRenderer;

  constructor(assembler: MessageAssembler, renderer: MessageRenderer) {
    this.#assembler = assembler;
    this.#renderer = renderer;
  }

  request(data: Uint8Array, kind: FrameKind, mediaType: string | undefined): Uint8Array {
    this.#assembler.contentType =
      mediaType ?? (kind === "text" ? "application/json" : "application/octet-stream");
    return this.#assembler.assembleFrame(data);
  }

  reply(message: Uint8Array): ReplyFrame {
    const rendered = this.#renderer.render(message);
    return isHttpBody(rendered)
      ? { data: rendered.data, kind: "binary", mediaType: rendered.contentType }
      : { data: rendered, kind: "text", mediaType: undefined };
  }
}

/** A binary frame is the whole request or reply message, whatever `body` and `response_body` say. */
class ProtoFormat implements MessageFormat {
  readonly #assembler: MessageAssembler;

  constructor(assembler: MessageAssembler) {
    this.#assembler = assembler;
  }

  request(data: Uint8Array, kind: FrameKind): Uint8Array {
    if (kind === "text") {
      throw refuse(
        "FRAME_INVALID",
        "under sluice.proto messages are binary frames; text frames are control words",
      );
    }
    return this.#assembler.complete(data);
  }

  reply(message: Uint8Array): ReplyFrame {
    return { data: message, kind: "binary", mediaType: undefined };
  }
}
