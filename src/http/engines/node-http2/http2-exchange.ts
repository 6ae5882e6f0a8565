/**
 * One request on a stream of HTTP/2, and its reply.
 */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { BodyListener, HttpExchange, TlsClient } from "../../exchange.ts";
import type { HeaderList } from "../../header-list.ts";
import {
  type BodyDeadlines,
  type BodyOwner,
  CHUNKED,
  type DueBody,
  finalStatus,
  type HeadFacts,
  hasToken,
  isAscii,
  isBodiless,
  isSendableField,
  NodeBody,
  type PieceListener,
  PieceWriter,
} from "../common/index.ts";
import type { Http2Connection } from "./http2-connection.ts";
import type { Http2Head } from "./http2-head.ts";

/**
 * A request on HTTP/2. A reply's `connection: close` ends nothing: a stream that is over costs nothing more. As a
 * {@link DueBody} it stands for its reply: the client has to read what is left once that has ended.
 */
export class Http2Exchange implements HttpExchange, BodyOwner, DueBody, PieceListener {
  previousDue: DueBody | undefined = undefined;
  nextDue: DueBody | undefined = undefined;
  dueSince = -1;
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

  readonly #stream: ServerHttp2Stream;
  readonly #connection: Http2Connection;
  /** Undefined where there is none. */
  readonly #body: NodeBody | undefined;
  /** The reply has ended, or nobody is there to take it. */
  #isOver = false;
  #isReleased = false;
  /** The client has not read its reply in time, and has been told so. */
  #isLate = false;
  readonly #writer: PieceWriter;
  /** The reply was started: it ends with trailers, if only none. */
  #hasTrailers = false;
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
    this.#writer = new PieceWriter(stream, this);
    this.#body = hasBody ? new NodeBody(stream, bodyLengthOf(head.headers, facts), this) : undefined;
    stream.on("aborted", () => this.#onGone());
    stream.on("close", () => this.#onClose());
  }

  get deadlines(): BodyDeadlines {
    return this.#connection.owner.bodies;
  }

  get isBroken(): boolean {
    return this.#stream.aborted;
  }

  readBody(limitBytes: number, listener: BodyListener): void {
    if (this.#isOver) return;
    if (this.#body === undefined) listener.onEnd();
    else this.#body.read(limitBytes, listener, () => this.#askForBody());
  }

  pauseBody(): void {
    this.#body?.pause();
  }

  resumeBody(): void {
    this.#body?.resume();
  }

  awaitBytes(): void {
    this.#stream.setTimeout(this.#connection.owner.limits.idleTimeoutMs, this.#onSilence);
  }

  restBytes(): void {
    this.#stream.setTimeout(0);
  }

  onRefused(): void {
    // The reply closes the stream, and no more than that.
  }

  respond(status: number, headers: HeaderList, body: Uint8Array | string, onTaken?: () => void): void {
    if (this.#isOver || this.#stream.headersSent || this.#stream.closed) return;
    const sent = finalStatus(status);
    const fields = replyFields(sent, headers);
    const length = Buffer.byteLength(body);
    if (!isBodiless(sent)) fields["content-length"] = length;
    const endStream = isBodiless(sent) || this.method === "HEAD" || length === 0;
    this.#isOver = true;
    this.#body?.close();
    this.#stream.respond(fields, { endStream });
    this.#connection.owner.replies.add(this);
    if (endStream) this.#closeUnread();
    else this.#writer.end(body, onTaken);
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
    this.#hasTrailers = true;
    this.#stream.respond(fields, { waitForTrailers: true });
    this.#stream.on("wantTrailers", () => this.#sendTrailers());
    this.#stream.on("drain", () => this.#writer.drained());
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#isOver || this.#stream.writableEnded || chunk.length === 0) return true;
    return this.#writer.write(chunk);
  }

  end(trailers?: HeaderList): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.close();
    if (trailers !== undefined) this.#trailers = fieldsOf(trailers);
    if (!this.#isReleased) this.#connection.owner.replies.add(this);
    if (this.#stream.writableEnded) this.#closeUnread();
    else this.#writer.end();
  }

  destroy(): void {
    this.#isOver = true;
    this.#body?.close();
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** There are no WebSockets on HTTP/2 here. */
  upgrade(): undefined {
    return undefined;
  }

  #onGone(): void {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#body?.close();
    if (!wasOver) this.onAbort?.();
  }

  /** The writer has handed over a piece: the client reads. */
  onPiece(): void {
    if (this.dueSince < 0 || this.#isLate) return;
    this.#connection.owner.replies.remove(this);
    this.#connection.owner.replies.add(this);
  }

  /** The writer takes more. */
  onWritable(): void {
    if (!this.#isOver) this.onDrain?.();
  }

  /** The writer has handed over everything. Of a started reply, trailers come first. */
  onWritten(): void {
    if (!this.#hasTrailers) this.#closeUnread();
  }

  onDue(): void {
    if (this.#isReleased) return;
    if (this.#isLate) {
      // Not even the reset could be sent.
      this.#connection.cut();
      return;
    }
    this.#isLate = true;
    this.#writer.drop();
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#connection.owner.replies.add(this);
  }

  #onClose(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#connection.owner.replies.remove(this);
    this.#writer.drop();
    this.#connection.release();
    this.#onGone();
  }

  #askForBody(): void {
    if (expectsContinue(this.headers)) this.#stream.additionalHeaders({ ":status": 100 });
  }

  readonly #onSilence = (): void => {
    if (this.#body?.isOver === false) this.#stream.close(constants.NGHTTP2_CANCEL);
  };

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

/** {@link CHUNKED} for a body that does not say how long it is. */
function bodyLengthOf(headers: HeaderList, facts: HeadFacts): number {
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
