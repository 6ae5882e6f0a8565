/**
 * The reply of a server-streaming method: what all forms of a stream have in common. A form (`ndjson.ts`,
 * `http-body-stream.ts`) says how its messages and its failures look.
 */
import { Code, type Status } from "../../status/index.ts";
import type { HttpBodyReply } from "../../transcode/index.ts";
import type { Metadata } from "../../upstream/index.ts";
import type { ErrorSettings, ReplyWriter, RouteSettings } from "../protocol.ts";
import { sendCallError } from "./error-reply.ts";
import type { MessageRenderer } from "./message-renderer.ts";
import type { Reply } from "./reply.ts";
import { chosenHttpStatus, pushReplyHeaders } from "./reply-headers.ts";

/** A message as the transcoder renders it. */
export type Rendered = Uint8Array | string | HttpBodyReply;

/** One way to write a stream. Stateless. */
export interface StreamForm {
  /** The fields of the reply's head; `first` is undefined for a stream without messages. */
  openingHeaders(first: Rendered | undefined): string[];
  /** One message as it goes out. */
  frame(rendered: Rendered): Uint8Array | string;
  /** What tells the client of a failure after the first message; undefined resets the connection instead. */
  failure(status: Status, errors: ErrorSettings): string | undefined;
}

/** Writes a stream in one form. The status line waits for the first message, or for the status. */
export class StreamWriter implements ReplyWriter {
  readonly #reply: Reply;
  readonly #settings: RouteSettings;
  readonly #renderer: MessageRenderer;
  readonly #form: StreamForm;
  #metadata: Metadata = [];

  constructor(reply: Reply, settings: RouteSettings, renderer: MessageRenderer, form: StreamForm) {
    this.#reply = reply;
    this.#settings = settings;
    this.#renderer = renderer;
    this.#form = form;
  }

  headers(metadata: Metadata): void {
    this.#metadata = metadata;
  }

  message(message: Uint8Array): boolean {
    const rendered = this.#renderer.render(message);
    this.#start(rendered);
    const chunk = this.#form.frame(rendered);
    return chunk.length === 0 || this.#reply.write(chunk);
  }

  finish(status: Status, trailers: Metadata): void {
    if (status.code !== Code.OK && this.#reply.state === "open") {
      sendCallError(this.#reply, status, this.#settings, this.#metadata, trailers);
      return;
    }
    this.#start(undefined);
    if (status.code !== Code.OK) {
      const last = this.#form.failure(status, this.#settings.errors);
      if (last === undefined) {
        this.#reply.destroy();
        return;
      }
      this.#reply.write(last);
    }
    const fields: string[] = [];
    if (this.#reply.exchange.takesTrailers)
      pushReplyHeaders(fields, trailers, this.#settings.responseHeaders);
    this.#reply.end(fields);
  }

  #start(first: Rendered | undefined): void {
    if (this.#reply.state !== "open") return;
    const headers = this.#form.openingHeaders(first);
    pushReplyHeaders(headers, this.#metadata, this.#settings.responseHeaders);
    this.#reply.start(chosenHttpStatus(this.#metadata), headers);
  }
}
