/**
 * The reply of a server-streaming method: what all forms of a stream have in common. A form (`json-forms.ts`,
 * `http-body-stream.ts`, `event-stream.ts`) says how its messages, its end and its failures look.
 */
import type { HeaderList } from "../../http/index.ts";
import { Code, type Status } from "../../status/index.ts";
import type { Metadata } from "../../upstream/index.ts";
import type { ErrorSettings, ReplyWriter, RouteSettings } from "../protocol.ts";
import { sendCallError } from "./error-reply.ts";
import { JoinedWrites } from "./joined-writes.ts";
import type { MessageRenderer, Rendered } from "./message-renderer.ts";
import type { Reply } from "./reply.ts";
import { chosenHttpStatus, pushCacheControl, pushReplyHeaders } from "./reply-headers.ts";

/** One way to write a stream. Stateless. */
export interface StreamForm {
  /** `line`: messages are never indented, whatever the client asks for. */
  readonly layout: "line" | "free";
  /** The HTTP status of a stream that ends without messages. */
  readonly emptyStatus: 200 | 204;
  /** The fields of the reply's head; `first` is undefined for a stream without messages. */
  openingHeaders(first: Rendered | undefined): string[];
  /** Writes the message `message`, the `index`-th from 0. False means: hold. */
  write(out: JoinedWrites, rendered: Rendered, index: number, message: Uint8Array): boolean;
  /** Writes the end of a stream of `count` messages; `trailers` are the fields that may go to the client. */
  end(out: JoinedWrites, count: number, trailers: HeaderList): void;
  /** Tells the client of a failure after the head, or says that the connection has to be reset to tell it. */
  fail(out: JoinedWrites, status: Status, errors: ErrorSettings): "told" | "reset";
}

/** Writes a stream in one form. The status line waits for the first message, or for the status. */
export class StreamWriter implements ReplyWriter {
  readonly #reply: Reply;
  readonly #settings: RouteSettings;
  readonly #renderer: MessageRenderer;
  readonly #form: StreamForm;
  readonly #out: JoinedWrites;
  #metadata: Metadata = [];
  #count = 0;

  constructor(reply: Reply, settings: RouteSettings, renderer: MessageRenderer, form: StreamForm) {
    this.#reply = reply;
    this.#settings = settings;
    this.#renderer = renderer;
    this.#form = form;
    this.#out = new JoinedWrites(reply);
  }

  headers(metadata: Metadata): void {
    this.#metadata = metadata;
  }

  message(message: Uint8Array): boolean {
    const isLine = this.#form.layout === "line";
    const rendered = isLine ? this.#renderer.renderLine(message) : this.#renderer.render(message);
    this.#start(rendered);
    return this.#form.write(this.#out, rendered, this.#count++, message);
  }

  finish(status: Status, trailers: Metadata): void {
    const isOk = status.code === Code.OK;
    if (!isOk && this.#reply.state === "open") {
      sendCallError(this.#reply, status, this.#settings, this.#metadata, trailers);
      return;
    }
    const { responseHeaders, errors } = this.#settings;
    const fields: string[] = [];
    pushReplyHeaders(fields, trailers, responseHeaders);
    if (isOk && this.#reply.state === "open" && this.#form.emptyStatus === 204) {
      const headers: string[] = [];
      pushReplyHeaders(headers, this.#metadata, responseHeaders);
      pushCacheControl(headers, this.#settings.cacheControl);
      this.#reply.respond(204, headers, "");
      return;
    }
    this.#start(undefined);
    if (isOk) this.#form.end(this.#out, this.#count, fields);
    else if (this.#form.fail(this.#out, status, errors) === "reset") {
      this.#out.flush();
      // What was written in this turn leaves node:http at its end, and should not be lost with the connection.
      setImmediate(() => this.#reply.destroy());
      return;
    }
    this.#out.flush();
    this.#reply.end(this.#reply.exchange.takesTrailers ? fields : []);
  }

  drain(): "goes-on" {
    return "goes-on";
  }

  release(): void {
    // Nothing of it runs on its own.
  }

  /** Writes `bytes` between two messages, at once; the head goes out with them if it has not yet. */
  interject(bytes: Uint8Array): void {
    this.#start(undefined);
    this.#out.add(bytes);
    this.#out.flush();
  }

  #start(first: Rendered | undefined): void {
    if (this.#reply.state !== "open") return;
    const headers = this.#form.openingHeaders(first);
    pushReplyHeaders(headers, this.#metadata, this.#settings.responseHeaders);
    pushCacheControl(headers, this.#settings.cacheControl);
    this.#reply.start(chosenHttpStatus(this.#metadata), headers);
  }
}
