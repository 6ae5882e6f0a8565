/**
 * The reply side of one WebSocket: reply messages, metadata and the status, as frames.
 */
import { Code, gatewayStatus, type Status, StatusError } from "../../status/index.ts";
import type { Metadata } from "../../upstream/index.ts";
import type { ProtocolRoute, ReplyWriter } from "../protocol.ts";
import { sendCallError } from "../rest/error-reply.ts";
import type { Reply } from "../rest/reply.ts";
import { pushReplyHeaders } from "../rest/reply-headers.ts";
import { closeCodeOf, closeReason } from "./close-code.ts";
import { controlWord, fieldsJson } from "./control-frames.ts";
import type { MessageFormat } from "./message-format.ts";

/**
 * Writes what comes back. A call that fails before the handshake was accepted is an HTTP error; after that every call ends
 * with `@status`.
 */
export class SocketWriter implements ReplyWriter {
  readonly #reply: Reply;
  readonly #route: ProtocolRoute;
  readonly #format: MessageFormat;
  readonly #onReleased: () => void;
  #metadata: Metadata = [];
  #areHeadersSent = false;
  /** The one message of a method that replies with one: a status that is not OK takes its place. */
  #single: Uint8Array | undefined;
  #mediaType: string | undefined;

  constructor(reply: Reply, route: ProtocolRoute, format: MessageFormat, onReleased: () => void) {
    this.#reply = reply;
    this.#route = route;
    this.#format = format;
    this.#onReleased = onReleased;
  }

  headers(metadata: Metadata): void {
    this.#metadata = metadata;
    if (!this.#repliesOnce()) this.#sendHeaders();
  }

  message(message: Uint8Array): boolean {
    if (!this.#repliesOnce()) return this.#sendMessage(message);
    if (this.#single !== undefined) throw invalidReply("two messages");
    this.#single = message;
    return true;
  }

  finish(status: Status, trailers: Metadata): void {
    const { settings } = this.#route;
    const isOk = status.code === Code.OK;
    if (this.#reply.state === "open") {
      if (!isOk) sendCallError(this.#reply, status, settings, this.#metadata, trailers);
      return;
    }
    if (isOk && this.#repliesOnce()) {
      if (this.#single === undefined) throw invalidReply("no message");
      this.#sendMessage(this.#single);
    }
    this.#sendHeaders();
    this.#sendFields("trailers", trailers, []);
    this.#end(status);
  }

  /** A client of a stream is to come back, to another gateway. One that awaits a single reply gets it. */
  drain(): "ended" | "goes-on" {
    if (this.#reply.state !== "started" || this.#route.method.kind === "unary") return "goes-on";
    this.#end(gatewayStatus("DRAINING", "the gateway is shutting down"));
    return "ended";
  }

  release(): void {
    this.#onReleased();
  }

  #sendMessage(message: Uint8Array): boolean {
    const { data, kind, mediaType } = this.#format.reply(message);
    this.#sendHeaders();
    if (mediaType !== undefined && mediaType !== "" && mediaType !== this.#mediaType) {
      this.#mediaType = mediaType;
      this.#reply.send(controlWord("type", mediaType), "text");
    }
    return this.#reply.send(data, kind);
  }

  #sendHeaders(): void {
    if (this.#areHeadersSent) return;
    this.#areHeadersSent = true;
    // Fields for the reply that came up after the handshake was answered.
    this.#sendFields("headers", this.#metadata, this.#reply.lateHeaders);
  }

  #sendFields(word: "headers" | "trailers", metadata: Metadata, more: readonly string[]): void {
    const fields = [...more];
    pushReplyHeaders(fields, metadata, this.#route.settings.responseHeaders);
    if (fields.length > 0) this.#reply.send(controlWord(word, fieldsJson(fields)), "text");
  }

  #end(status: Status): void {
    const { body } = this.#route.settings.errors.render(status, 200, "google");
    this.#reply.send(controlWord("status", body), "text");
    this.#reply.close(closeCodeOf(status), closeReason(status.message));
  }

  #repliesOnce(): boolean {
    const { kind } = this.#route.method;
    return kind === "unary" || kind === "client_streaming";
  }
}

function invalidReply(found: string): StatusError {
  const what = `the upstream answered a call for one message with ${found}`;
  return new StatusError(gatewayStatus("UPSTREAM_REPLY_INVALID", what));
}
