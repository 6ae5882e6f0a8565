/**
 * The reply of a unary method: one message, JSON or raw, in one write.
 */
import { Code, gatewayStatus, type Status, StatusError } from "../../status/index.ts";
import type { Metadata } from "../../upstream/index.ts";
import type { ReplyWriter, RouteSettings } from "../protocol.ts";
import { sendCallError } from "./error-reply.ts";
import { httpBodyHeaders } from "./http-body-headers.ts";
import { isHttpBody, type MessageRenderer } from "./message-renderer.ts";
import type { Reply } from "./reply.ts";
import { chosenHttpStatus, pushReplyHeaders } from "./reply-headers.ts";

/** Holds the message until the status is known, so that a failure after it is still a proper HTTP error. */
export class UnaryWriter implements ReplyWriter {
  readonly #reply: Reply;
  readonly #settings: RouteSettings;
  readonly #renderer: MessageRenderer;
  #metadata: Metadata = [];
  #message: Uint8Array | undefined;

  constructor(reply: Reply, settings: RouteSettings, renderer: MessageRenderer) {
    this.#reply = reply;
    this.#settings = settings;
    this.#renderer = renderer;
  }

  headers(metadata: Metadata): void {
    this.#metadata = metadata;
  }

  message(message: Uint8Array): boolean {
    if (this.#message !== undefined) throw invalidReply("two messages");
    this.#message = message;
    return true;
  }

  finish(status: Status, trailers: Metadata): void {
    if (status.code !== Code.OK) {
      sendCallError(this.#reply, status, this.#settings, this.#metadata, trailers);
      return;
    }
    if (this.#message === undefined) throw invalidReply("no message");
    const rendered = this.#renderer.render(this.#message);
    const isRaw = isHttpBody(rendered);
    const headers = isRaw ? httpBodyHeaders(rendered.contentType) : ["content-type", "application/json"];
    pushReplyHeaders(headers, this.#metadata, this.#settings.responseHeaders);
    this.#send(chosenHttpStatus(this.#metadata), headers, isRaw ? rendered.data : rendered, trailers);
  }

  #send(httpStatus: number, headers: string[], body: Uint8Array | string, trailers: Metadata): void {
    if (httpStatus === 204 || httpStatus === 304) {
      this.#reply.respond(httpStatus, headers, "");
      return;
    }
    const trailerFields: string[] = [];
    if (this.#reply.exchange.takesTrailers)
      pushReplyHeaders(trailerFields, trailers, this.#settings.responseHeaders);
    if (trailerFields.length === 0) {
      this.#reply.respond(httpStatus, headers, body);
      return;
    }
    this.#reply.start(httpStatus, headers);
    this.#reply.write(body);
    this.#reply.end(trailerFields);
  }
}

function invalidReply(found: string): StatusError {
  return new StatusError(
    gatewayStatus("UPSTREAM_REPLY_INVALID", `the upstream answered a unary call with ${found}`),
  );
}
