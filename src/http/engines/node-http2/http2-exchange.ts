/**
 * One request on a stream of HTTP/2, and its reply.
 */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { BodyListener, HttpExchange, TlsClient } from "../../exchange.ts";
import type { HeaderList } from "../../header-list.ts";
import {
  CHUNKED,
  type DueBody,
  finalStatus,
  type HeadFacts,
  hasToken,
  isAscii,
  isBodiless,
  isSendableField,
} from "../common/index.ts";
import type { Http2Connection } from "./http2-connection.ts";
import type { Http2Head } from "./http2-head.ts";

/** A request on HTTP/2. A reply's `connection: close` ends nothing: a stream that is over costs nothing more. */
export class Http2Exchange implements HttpExchange, DueBody {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly httpVersion = 2;
  readonly peer: string;
  readonly tls: TlsClient | undefined;
  /** Every client of HTTP/2 can take them, if only to drop them. */
  readonly takesTrailers = true;
  readonly offersWebSocket = false;
  onDrain: (() => void) | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;
  previousDue: DueBody | undefined = undefined;
  nextDue: DueBody | undefined = undefined;
  dueSince = -1;

  readonly #stream: ServerHttp2Stream;
  readonly #connection: Http2Connection;
  readonly #bodyLength: number;
  readonly #expectsContinue: boolean;
  #listener: BodyListener | undefined = undefined;
  #limitBytes = 0;
  #receivedBytes = 0;
  #isBodyOver: boolean;
  #isBodyPaused = false;
  #isEndHeld = false;
  /** The reply has ended, or nobody is there to take it. */
  #isOver = false;
  #isReleased = false;
  #trailers: OutgoingHttpHeaders = {};

  constructor(
    stream: ServerHttp2Stream,
    head: Http2Head,
    facts: HeadFacts,
    hasBody: boolean,
    connection: Http2Connection,
  ) {
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.headers = head.headers;
    this.peer = connection.peer;
    this.tls = connection.tls;
    this.#stream = stream;
    this.#connection = connection;
    this.#bodyLength = bodyLengthOf(head.headers, facts, hasBody);
    this.#expectsContinue = expectsContinue(head.headers);
    this.#isBodyOver = !hasBody;
    stream.on("aborted", () => this.#onGone());
    stream.on("close", () => this.#onClose());
  }

  readBody(limitBytes: number, listener: BodyListener): void {
    if (this.#isOver || this.#listener !== undefined) return;
    this.#listener = listener;
    this.#limitBytes = limitBytes;
    if (this.#isBodyOver) {
      listener.onEnd();
      return;
    }
    if (this.#bodyLength > limitBytes) {
      this.#refuseBody();
      return;
    }
    if (listener.onTooSlow !== undefined) this.#connection.owner.bodies.add(this);
    if (this.#expectsContinue) this.#stream.additionalHeaders({ ":status": 100 });
    this.#stream.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    this.#stream.on("end", () => this.#onEnd());
    if (this.#isBodyPaused) this.#stream.pause();
    else this.#awaitBytes();
  }

  pauseBody(): void {
    if (this.#isBodyOver || this.#isOver) return;
    this.#isBodyPaused = true;
    this.#stream.pause();
    // The silence is ours now, not the client's.
    this.#stream.setTimeout(0);
  }

  resumeBody(): void {
    if (!this.#isBodyPaused || this.#isOver) return;
    this.#isBodyPaused = false;
    if (this.#isEndHeld) process.nextTick(() => this.#onEnd());
    if (this.#listener === undefined || this.#isBodyOver || this.#isEndHeld) return;
    this.#stream.resume();
    this.#awaitBytes();
  }

  respond(status: number, headers: HeaderList, body: Uint8Array | string): void {
    if (this.#isOver || this.#stream.headersSent || this.#stream.closed) return;
    const sent = finalStatus(status);
    const fields = replyFields(sent, headers);
    const length = Buffer.byteLength(body);
    if (!isBodiless(sent)) fields["content-length"] = length;
    const endStream = isBodiless(sent) || this.method === "HEAD" || length === 0;
    this.#isOver = true;
    this.#stopReading();
    this.#stream.respond(fields, { endStream });
    if (!endStream) this.#stream.end(body);
    this.#closeUnread();
  }

  start(status: number, headers: HeaderList): void {
    if (this.#isOver || this.#stream.headersSent || this.#stream.closed) return;
    const sent = finalStatus(status);
    const fields = replyFields(sent, headers);
    if (this.method === "HEAD" || isBodiless(sent)) {
      this.#stream.respond(fields, { endStream: true });
      return;
    }
    // Always: without it Node says END_STREAM before RST_STREAM, and a broken reply would look whole.
    this.#stream.respond(fields, { waitForTrailers: true });
    this.#stream.on("wantTrailers", () => this.#sendTrailers());
    this.#stream.on("drain", () => {
      if (!this.#isOver) this.onDrain?.();
    });
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#isOver || this.#stream.writableEnded || chunk.length === 0) return true;
    return this.#stream.write(chunk);
  }

  end(trailers?: HeaderList): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopReading();
    if (trailers !== undefined) this.#trailers = fieldsOf(trailers);
    if (this.#stream.writableEnded) this.#closeUnread();
    else this.#stream.end();
  }

  onDue(): void {
    if (this.#isOver || this.#isBodyOver) return;
    this.#endBody();
    this.#listener?.onTooSlow?.(this.#connection.owner.bodies.timeoutMs);
  }

  destroy(): void {
    this.#isOver = true;
    this.#stopReading();
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** There are no WebSockets on HTTP/2 here. */
  upgrade(): undefined {
    return undefined;
  }

  #onGone(): void {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#connection.owner.bodies.remove(this);
    if (!wasOver) this.onAbort?.();
  }

  #onClose(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#connection.release();
    this.#onGone();
  }

  #onChunk(chunk: Buffer): void {
    if (this.#isOver || this.#isBodyOver) return;
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > this.#limitBytes) {
      this.#refuseBody();
      return;
    }
    this.#listener?.onChunk(chunk);
  }

  #onEnd(): void {
    // Node ends the body of a stream that was reset, too.
    if (this.#isOver || this.#isBodyOver || this.#stream.aborted) return;
    // Node ends a body that is paused where all of it came in one read.
    this.#isEndHeld = this.#isBodyPaused;
    if (this.#isEndHeld) return;
    this.#isBodyOver = true;
    this.#connection.owner.bodies.remove(this);
    this.#stream.setTimeout(0);
    this.#listener?.onEnd();
  }

  #awaitBytes(): void {
    this.#stream.setTimeout(this.#connection.owner.limits.idleTimeoutMs, this.#onSilence);
  }

  readonly #onSilence = (): void => {
    if (!this.#isOver && !this.#isBodyOver) this.#stream.close(constants.NGHTTP2_CANCEL);
  };

  #refuseBody(): void {
    this.#endBody();
    this.#listener?.onTooLarge();
  }

  /** Reads no further. */
  #endBody(): void {
    this.#stopReading();
    this.#isBodyOver = true;
    this.#stream.pause();
  }

  #stopReading(): void {
    this.#connection.owner.bodies.remove(this);
    if (!this.#isBodyOver) this.#stream.setTimeout(0);
  }

  #sendTrailers(): void {
    if (this.#stream.closed) return;
    this.#stream.sendTrailers(this.#trailers);
    // Not in this turn: RST_STREAM would overtake the trailers.
    setImmediate(() => this.#closeUnread());
  }

  /** Tells a client that is still sending that the rest is not needed (RFC 9113, section 8.1). */
  #closeUnread(): void {
    if (!this.#stream.readableEnded && !this.#stream.closed && !this.#stream.endAfterHeaders) {
      this.#stream.close(constants.NGHTTP2_NO_ERROR);
    }
  }
}

/** 0 without a body, {@link CHUNKED} for one that does not say how long it is. */
function bodyLengthOf(headers: HeaderList, facts: HeadFacts, hasBody: boolean): number {
  if (!hasBody) return 0;
  return headers.includes("content-length") ? facts.bodyLength : CHUNKED;
}

function expectsContinue(headers: HeaderList): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === "expect") return hasToken(headers[i + 1] ?? "", "100-continue");
  }
  return false;
}

function replyFields(status: number, headers: HeaderList): OutgoingHttpHeaders {
  const fields = fieldsOf(headers);
  fields[":status"] = status;
  return fields;
}

/** Fields of HTTP/1.1 that are malformed in HTTP/2 and that `isSendableField` lets pass. */
const OF_HTTP1: ReadonlySet<string> = new Set(["http2-settings", "te", "host"]);

/**
 * As Node takes them: several fields of one name as one value, joined by commas (RFC 9110, section 5.3), since it refuses
 * lists for many names; `set-cookie` as a list, since commas are data there. Node writes Latin-1; UTF-8 bytes read as such
 * come out as UTF-8.
 */
function fieldsOf(headers: HeaderList): OutgoingHttpHeaders {
  const fields: Record<string, string | number | string[]> = {};
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    // Around a value HTTP/2 has no blanks (RFC 9113, section 8.2.1).
    const value = (headers[i + 1] ?? "").trim();
    if (!isSendableField(name, value) || OF_HTTP1.has(name)) continue;
    const text = isAscii(value) ? value : Buffer.from(value, "utf8").toString("latin1");
    const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (name === "set-cookie") fields[name] = Array.isArray(before) ? [...before, text] : [text];
    else fields[name] = typeof before === "string" ? `${before}, ${text}` : text;
  }
  return fields;
}
