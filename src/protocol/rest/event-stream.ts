/**
 * Server-sent events, as `EventSource` reads them.
 *
 *     event = [ "id: " id ⏎ ] [ "event: " name ⏎ ] 1*( "data: " line ⏎ ) ⏎
 *     end   = "event: end" ⏎ "data: " ( {} | {"trailers":{…}} ) ⏎ ⏎
 *     fail  = "event: error" ⏎ "data: " google.rpc.Status as JSON ⏎ ⏎
 *     beat  = ":" ⏎ ⏎
 *     leave = "retry: " ms ⏎ ⏎          the gateway drains: the client is to come back
 *
 * An event needs data to be dispatched at all. A reply of 204 keeps an EventSource from connecting again.
 * Source: WHATWG HTML, "Server-sent events".
 */
import type { HeaderList } from "../../http/index.ts";
import type { Status } from "../../status/index.ts";
import type { Metadata } from "../../upstream/index.ts";
import type { ErrorSettings, ReplyWriter, StreamSettings } from "../protocol.ts";
import type { Beating, Heartbeats } from "./heartbeats.ts";
import type { JoinedWrites } from "./joined-writes.ts";
import { jsonBytes } from "./json-forms.ts";
import type { Rendered } from "./message-renderer.ts";
import type { Reply } from "./reply.ts";
import type { StreamForm, StreamWriter } from "./stream-writer.ts";

const LF = 0x0a;
const CR = 0x0d;
const DATA = Buffer.from("data: ");
const END_OF_LINE = Buffer.from("\n");
const END_OF_EVENT = Buffer.from("\n\n");
const HEARTBEAT = Buffer.from(":\n\n");

/** The form of `text/event-stream`. */
export class EventStreamForm implements StreamForm {
  readonly layout = "free";
  readonly emptyStatus: 200 | 204;
  readonly #idOf: StreamSettings["sse"]["idOf"];
  readonly #envelope: StreamSettings["envelope"];
  /** What comes between id and JSON, and between JSON and the next event. */
  readonly #before: Uint8Array;
  readonly #after: Uint8Array;

  /** A client that `isResuming` and has missed nothing is told by 204 that there is no more. */
  constructor({ envelope, sse }: StreamSettings, connection: "fresh" | "resuming") {
    const event = sse.event === "" ? "" : `event: ${sse.event}\n`;
    const [open, close] = envelope === "none" ? ["", ""] : ['{"result":', "}"];
    this.emptyStatus = connection === "resuming" ? 204 : 200;
    this.#idOf = sse.idOf;
    this.#envelope = envelope;
    this.#before = Buffer.from(`${event}data: ${open}`);
    this.#after = Buffer.from(`${close}\n\n`);
  }

  openingHeaders(): string[] {
    return [
      "content-type",
      "text/event-stream",
      "cache-control",
      "no-cache, no-transform",
      "vary",
      "Accept",
      "x-accel-buffering",
      "no",
    ];
  }

  write(out: JoinedWrites, rendered: Rendered, _index: number, message: Uint8Array): boolean {
    const id = this.#idOf?.(message) ?? "";
    if (id !== "" && isEventId(id)) out.add(Buffer.from(`id: ${id}\n`));
    out.add(this.#before);
    addLines(out, jsonBytes(rendered));
    return out.add(this.#after);
  }

  end(out: JoinedWrites, _count: number, trailers: HeaderList): void {
    out.add(Buffer.from("event: end\ndata: "));
    out.add(Buffer.from(JSON.stringify(trailers.length === 0 ? {} : { trailers: byName(trailers) })));
    out.add(END_OF_EVENT);
  }

  fail(out: JoinedWrites, status: Status, errors: ErrorSettings): "told" {
    const { body } = errors.render(status, 200, "google");
    out.add(Buffer.from("event: error\ndata: "));
    addLines(out, Buffer.from(this.#envelope === "none" ? body : `{"error":${body}}`));
    out.add(END_OF_EVENT);
    return "told";
  }
}

/** Writes a stream of events: a stream like others, with heartbeats while it is silent, and a way to leave. */
export class EventStreamWriter implements ReplyWriter, Beating {
  readonly #reply: Reply;
  readonly #stream: StreamWriter;
  readonly #sse: StreamSettings["sse"];
  readonly #heartbeats: Heartbeats;
  /** Something was written since the last half interval. */
  #isFresh = true;

  constructor(reply: Reply, stream: StreamWriter, sse: StreamSettings["sse"], heartbeats: Heartbeats) {
    this.#reply = reply;
    this.#stream = stream;
    this.#sse = sse;
    this.#heartbeats = heartbeats;
    const { heartbeatMs } = sse;
    // The reply to a HEAD request is complete with its head: nobody waits for more.
    if (Number.isFinite(heartbeatMs) && reply.exchange.method !== "HEAD") heartbeats.add(this, heartbeatMs);
  }

  headers(metadata: Metadata): void {
    this.#stream.headers(metadata);
  }

  message(message: Uint8Array): boolean {
    this.#isFresh = true;
    return this.#stream.message(message);
  }

  finish(status: Status, trailers: Metadata): void {
    this.#stream.finish(status, trailers);
  }

  /** Ends the reply without the end event: EventSource waits for `retry` and connects again, elsewhere. */
  drain(): "ended" {
    this.#stream.interject(Buffer.from(`retry: ${this.#sse.retryMs}\n\n`));
    this.#reply.end();
    return "ended";
  }

  release(): void {
    this.#heartbeats.remove(this, this.#sse.heartbeatMs);
  }

  onHalfInterval(): void {
    // To a client that is behind it would only be one more thing to wait for.
    if (!this.#isFresh && !this.#reply.isHeld) this.#stream.interject(HEARTBEAT);
    this.#isFresh = !this.#isFresh;
  }
}

/** Adds JSON, each further line of it with a `data:` of its own. */
function addLines(out: JoinedWrites, json: Uint8Array): void {
  let start = 0;
  for (let end = lineEnd(json, 0); end < json.length; end = lineEnd(json, start)) {
    out.add(json.subarray(start, end));
    out.add(END_OF_LINE);
    out.add(DATA);
    start = end + (json[end] === CR && json[end + 1] === LF ? 2 : 1);
  }
  out.add(start === 0 ? json : json.subarray(start));
}

/** Where the line that starts at `start` ends: at LF or CR, or at the end of the text. */
function lineEnd(json: Uint8Array, start: number): number {
  const lf = json.indexOf(LF, start);
  const cr = json.indexOf(CR, start);
  if (lf < 0) return cr < 0 ? json.length : cr;
  return cr < 0 ? lf : Math.min(lf, cr);
}

/** An id with a line break would end its line; one with NUL is ignored by clients. */
function isEventId(text: string): boolean {
  return !text.includes("\n") && !text.includes("\r") && !text.includes("\0");
}

/** Fields as an object; the values of one name are joined as HTTP would join them. */
function byName(fields: HeaderList): Record<string, string> {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? "";
    const earlier = values.get(name);
    values.set(name, earlier === undefined ? (fields[i + 1] ?? "") : `${earlier}, ${fields[i + 1] ?? ""}`);
  }
  return Object.fromEntries(values);
}
