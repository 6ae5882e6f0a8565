/**
 * The reply of a unary method: one message, JSON or raw, in one write. Of a reply to GET a client may ask for a range of
 * raw bytes, or for nothing if it has it already (`conditional.ts`).
 */
import { findHeader } from "../../http/index.ts";
import { Code, gatewayStatus, refuse, type Status, StatusError } from "../../status/index.ts";
import { LONG_MESSAGE_BYTES, type Metadata, messageMemory } from "../../upstream/index.ts";
import { weakenTag } from "../coding/index.ts";
import type { ReplyWriter, RouteSettings } from "../protocol.ts";
import { entityTag, hasMatch, selectRange } from "./conditional.ts";
import { sendCallError } from "./error-reply.ts";
import { httpBodyHeaders } from "./http-body-headers.ts";
import { isHttpBody, type MessageRenderer } from "./message-renderer.ts";
import type { Reply } from "./reply.ts";
import { chosenHttpStatus, hasNoBody, pushCacheControl, pushReplyHeaders } from "./reply-headers.ts";

/** Holds the message until the status is known, so that a failure after it is still a proper HTTP error. */
export class UnaryWriter implements ReplyWriter {
  readonly #reply: Reply;
  readonly #settings: RouteSettings;
  readonly #renderer: MessageRenderer;
  #metadata: Metadata = [];
  #message: Uint8Array | undefined;
  /** Fields that the error reply has to carry. */
  #errorHeaders: readonly string[] = [];

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
      sendCallError(this.#reply, status, this.#settings, this.#metadata, trailers, this.#errorHeaders);
      return;
    }
    if (this.#message === undefined) throw invalidReply("no message");
    const rendered = this.#renderer.render(this.#message);
    const isRaw = isHttpBody(rendered);
    // A raw body is a view of the message, and JSON is not.
    if (!isRaw) this.#giveBack();
    const headers = isRaw ? httpBodyHeaders(rendered.contentType) : ["content-type", "application/json"];
    pushReplyHeaders(headers, this.#metadata, this.#settings.responseHeaders);
    pushCacheControl(headers, this.#settings.cacheControl);
    const httpStatus = chosenHttpStatus(this.#metadata);
    const body = isRaw ? rendered.data : rendered;
    const { method } = this.#reply.exchange;
    if (httpStatus !== 200 || (method !== "GET" && method !== "HEAD")) {
      this.#send(httpStatus, headers, body, trailers);
      return;
    }
    const etag = this.#tag(headers, body);
    if (
      this.#settings.etag !== "none" &&
      etag !== undefined &&
      hasMatch(this.#reply.exchange.headers, etag)
    ) {
      // Of a compressed reply the tag is the weak one, which caches compare as it is.
      if (this.#reply.isCompressed(200, headers, body)) weakenTag(headers);
      // The client knows the type of what it has; it is the first field.
      this.#send(304, headers.slice(2), "", trailers);
    } else if (isRaw) {
      this.#sendRange(headers, rendered.data, etag, trailers);
    } else {
      this.#send(200, headers, body, trailers);
    }
  }

  drain(): "goes-on" {
    return "goes-on";
  }

  release(): void {
    // Nothing of it runs on its own.
  }

  /** The reply's entity tag: the upstream's own, or one that is made and added to `headers` where the route says so. */
  #tag(headers: string[], body: Uint8Array | string): string | undefined {
    const given = findHeader(headers, "etag");
    const { etag: strength } = this.#settings;
    if (given !== undefined || strength === "none") return given;
    const made = entityTag(strength, findHeader(headers, "content-type") ?? "", body);
    headers.push("etag", made);
    return made;
  }

  #sendRange(headers: string[], data: Uint8Array, etag: string | undefined, trailers: Metadata): void {
    const { exchange } = this.#reply;
    headers.push("accept-ranges", "bytes");
    // RFC 9110, section 14.2: ranges are for GET alone.
    const selection = exchange.method === "GET" ? selectRange(exchange.headers, data.length, etag) : "whole";
    if (selection === "whole") {
      this.#send(200, headers, data, trailers);
      return;
    }
    if (selection === "unsatisfiable") {
      this.#errorHeaders = ["content-range", `bytes */${data.length}`];
      const range = JSON.stringify((findHeader(exchange.headers, "range") ?? "").slice(0, 64));
      throw refuse(
        "RANGE_UNSATISFIABLE",
        `header range: ${range} lies beyond the ${data.length} bytes`,
        "range",
      );
    }
    const { start, end } = selection;
    headers.push("content-range", `bytes ${start}-${end - 1}/${data.length}`);
    this.#send(206, headers, data.subarray(start, end), trailers);
  }

  #send(httpStatus: number, headers: string[], body: Uint8Array | string, trailers: Metadata): void {
    if (hasNoBody(httpStatus)) {
      this.#reply.respond(httpStatus, headers, "");
      return;
    }
    const trailerFields: string[] = [];
    if (this.#reply.exchange.takesTrailers)
      pushReplyHeaders(trailerFields, trailers, this.#settings.responseHeaders);
    this.#reply.respond(httpStatus, headers, body, trailerFields, this.#onTaken());
  }

  /** What the engine is to call when it has sent the body, where that is a view of a long message. */
  #onTaken(): (() => void) | undefined {
    const isLong = this.#message !== undefined && this.#message.length >= LONG_MESSAGE_BYTES;
    return isLong ? () => this.#giveBack() : undefined;
  }

  #giveBack(): void {
    if (this.#message === undefined) return;
    messageMemory.giveBack(this.#message);
    this.#message = undefined;
  }
}

function invalidReply(found: string): StatusError {
  return new StatusError(
    gatewayStatus("UPSTREAM_REPLY_INVALID", `the upstream answered a unary call with ${found}`),
  );
}
