/** The transcoder as reply writers use it: with the indentation that the request asked for, and timed. */
import type { HttpBodyReply, Transcoder } from "../../transcode/index.ts";
import { Stopwatch } from "./stopwatch.ts";

/** A message as the transcoder renders it. */
export type Rendered = Uint8Array | string | HttpBodyReply;

/** Renders the messages of one reply and adds up the time that it took. */
export class MessageRenderer {
  readonly #transcoder: Transcoder;
  /** The time that rendering takes. */
  readonly watch: Stopwatch = new Stopwatch();
  /** Whether JSON is indented; known once the query has been read. */
  pretty = false;

  constructor(transcoder: Transcoder) {
    this.#transcoder = transcoder;
  }

  /** @throws {StatusError} INTERNAL, reason UPSTREAM_REPLY_INVALID. */
  render(message: Uint8Array): Rendered {
    return this.#render(message, this.pretty);
  }

  /** As `render`, but JSON comes as one line whatever was asked for. */
  renderLine(message: Uint8Array): Rendered {
    return this.#render(message, false);
  }

  #render(message: Uint8Array, pretty: boolean): Rendered {
    const from = performance.now();
    const rendered = this.#transcoder.render(message, pretty);
    this.watch.add(from, performance.now());
    return rendered;
  }
}

/** Whether a rendered message is a raw body rather than JSON. */
export function isHttpBody(rendered: Rendered): rendered is HttpBodyReply {
  return typeof rendered === "object" && "contentType" in rendered;
}
