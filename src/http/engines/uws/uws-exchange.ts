/**
 * One request on uWebSockets.js, and its reply.
 *
 * The rules that shape this file, all found in the addon's C++ (uWebSockets 20.71 to 20.77):
 * - The response object dies with the end of the reply and with `onAborted`; it must not be touched after.
 * - A second request that arrives before the reply has ended closes the connection (no asynchronous pipelining). A
 *   reply that ends while the parser still runs lets the next request of the same read run. So a reply that closes its
 *   connection is put off to the next turn of the event loop: what is pipelined behind it never runs.
 * - The parser of chunked bodies is lax (bare LF, odd hex digits, no trailers), so nothing that comes behind such a body
 *   is trusted: the reply closes the connection.
 */
import type { BodyListener, HttpExchange, TlsClient } from "../../exchange.ts";
import { findHeader, type HeaderList } from "../../header-list.ts";
import type { WebSocketConnection, WebSocketListener, WebSocketOptions } from "../../web-socket.ts";
import {
  type BodyDeadlines,
  CHUNKED,
  finalStatus,
  type HeadFacts,
  hasToken,
  isBodiless,
  isSendableField,
  MAX_SKIPPED_BODY_BYTES,
  statusLine,
} from "../common/index.ts";
import type { AddonResponse, AddonSocketContext } from "./addon.ts";
import { addressText } from "./address-text.ts";
import { BodyReader } from "./body-reader.ts";
import { ChunkedReply, PROBE_BYTES } from "./chunked-reply.ts";
import type { Timed } from "./socket-watch.ts";
import { UwsWebSocket } from "./uws-web-socket.ts";

/** Bytes of a streamed reply that surely fit in the socket of a client that just connected. */
const MAX_UNSEEN_BYTES = 15 * 1024;

/** How often a socket that is held in both directions is tried; the pause doubles up to the second. */
const FIRST_POLL_MS = 5;
const LONGEST_POLL_MS = 200;

/** What an exchange needs of its listener. */
export interface ExchangeOwner {
  /** What all its connections know of their clients. */
  readonly tls: TlsClient | undefined;
  /** Whether replies close their connection. */
  readonly isDraining: boolean;
  /** What a WebSocket keeps for a listener that is held. */
  readonly maxHeldBytes: number;
  /** The times of bodies. */
  readonly bodies: BodyDeadlines;
  /** Keeps a slow client, in one direction; see `socket-watch.ts`. */
  watch(timed: Timed): void;
  unwatch(timed: Timed): void;
  /** The exchange is over; its response object is dead. */
  released(): void;
  /** The exchange becomes a WebSocket: its connection is none of HTTP's any more. */
  upgraded(): void;
  /** The WebSocket that an exchange became is over. */
  webSocketClosed(): void;
  /** Runs `end`, which ends a reply and closes its connection once all bytes are gone. */
  closing(end: () => void): void;
  /** Bytes of an ended reply may still wait to be sent. */
  flushing(): void;
}

/** A request's head as its exchange keeps it. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly facts: HeadFacts;
  /** Present where the addon may make a WebSocket of it. */
  readonly socketContext: AddonSocketContext | undefined;
  readonly offersWebSocket: boolean;
}

/** A request on uWebSockets.js; made by the listener within the addon's route handler. */
export class UwsExchange implements HttpExchange, Timed {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly httpVersion = 1;
  readonly tls: TlsClient | undefined;
  /** The addon cannot send them. */
  readonly takesTrailers = false;
  readonly offersWebSocket: boolean;
  onDrain: (() => void) | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;

  readonly #owner: ExchangeOwner;
  readonly #bodyLength: number;
  readonly #socketContext: AddonSocketContext | undefined;
  readonly #address: ArrayBuffer;
  #peer: string | undefined = undefined;
  /** Undefined once it is dead. */
  #response: AddonResponse | undefined;
  #body: BodyReader | undefined = undefined;
  #stream: ChunkedReply | undefined = undefined;
  /** The head of a started reply; it goes out with the first bytes of the body. */
  #startedStatus = 0;
  #startedHeaders: HeaderList = [];
  /** The reply has ended, or nobody is there to take it. */
  #isOver = false;
  #mustClose: boolean;
  #pollTimer: NodeJS.Timeout | undefined = undefined;
  #pollMs = FIRST_POLL_MS;
  #polledBytes = 0;
  /** The socket did not take all of the reply, and somebody watches over that. */
  #isWatched = false;
  #unreadRounds = 0;

  constructor(head: RequestHead, response: AddonResponse, owner: ExchangeOwner) {
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.headers = head.headers;
    this.tls = owner.tls;
    this.#owner = owner;
    this.offersWebSocket = head.offersWebSocket;
    this.#bodyLength = head.facts.bodyLength;
    this.#socketContext = head.socketContext;
    this.#address = response.getRemoteAddress();
    this.#response = response;
    this.#mustClose = head.facts.wantsClose || head.facts.bodyLength === CHUNKED;
    response.onAborted(() => this.#onAborted());
  }

  get peer(): string {
    this.#peer ??= addressText(this.#address);
    return this.#peer;
  }

  /**
   * Ends the synchronous part of the request. A body that nobody reads yet is held: the addon would drop it.
   */
  handled(): void {
    if (this.#response === undefined || this.#isOver || this.#bodyLength === 0) return;
    if (this.#body !== undefined) return;
    const body = this.#openBody(this.#response);
    // A paused socket does not tell when the client goes away, so what is short is simply kept.
    if (this.#bodyLength === CHUNKED || this.#bodyLength > MAX_SKIPPED_BODY_BYTES) body.pause();
  }

  readBody(limitBytes: number, listener: BodyListener): void {
    if (this.#isOver || this.#response === undefined || this.#body?.isTaken === true) return;
    if (this.#bodyLength > limitBytes) {
      this.#mustClose = true;
      listener.onTooLarge();
      return;
    }
    if (this.#bodyLength === 0) {
      listener.onEnd();
      return;
    }
    const body = this.#body ?? this.#openBody(this.#response);
    body.take(limitBytes, listener, () => {
      this.#mustClose = true;
    });
  }

  pauseBody(): void {
    if (this.#isOver) return;
    this.#body?.hold();
    this.#pollIfDeaf();
  }

  resumeBody(): void {
    if (!this.#isOver) this.#body?.release();
  }

  respond(status: number, headers: HeaderList, body: Uint8Array | string, onTaken?: () => void): void {
    if (this.#isOver || this.#startedStatus !== 0) return;
    this.#isOver = true;
    const sent = finalStatus(status);
    if (!this.#closesAfter(headers)) {
      this.#send(sent, headers, body, false, onTaken);
      return;
    }
    setImmediate(() => this.#owner.closing(() => this.#send(sent, headers, body, true, onTaken)));
  }

  start(status: number, headers: HeaderList): void {
    if (this.#isOver || this.#startedStatus !== 0) return;
    this.#startedStatus = finalStatus(status);
    this.#startedHeaders = headers;
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#isOver || this.#response === undefined || this.#startedStatus === 0) return true;
    if (this.method === "HEAD" || isBodiless(this.#startedStatus) || chunk.length === 0) return true;
    if (this.#stream === undefined) {
      const response = this.#response;
      const closes = this.#closesAfter(this.#startedHeaders);
      this.#body?.prime();
      this.#stream = new ChunkedReply(
        response,
        () => writeHead(response, this.#startedStatus, this.#startedHeaders, closes),
        () => this.onDrain?.(),
        () => this.#onTried(),
        (writtenBytes) => {
          if (closes && writtenBytes > MAX_UNSEEN_BYTES) this.#owner.flushing();
          this.#release();
        },
      );
    }
    return this.#stream.write(chunk);
  }

  end(_trailers?: HeaderList): void {
    if (this.#isOver || this.#startedStatus === 0) return;
    this.#isOver = true;
    if (this.#stream !== undefined) {
      this.#body?.discard();
      this.#stream.end(this.#closesAfter(this.#startedHeaders));
      return;
    }
    const status = this.#startedStatus;
    const closes = this.#closesAfter(this.#startedHeaders);
    const send = (): void => this.#sendEmpty(status, this.#startedHeaders, closes);
    if (closes) setImmediate(() => this.#owner.closing(send));
    else send();
  }

  destroy(): void {
    this.#isOver = true;
    const response = this.#response;
    if (response === undefined) return;
    this.#release();
    response.close();
  }

  upgrade(options: WebSocketOptions, listener: WebSocketListener): WebSocketConnection | undefined {
    const response = this.#response;
    const context = this.#socketContext;
    if (this.#isOver || response === undefined || context === undefined) return undefined;
    this.#isOver = true;
    this.#response = undefined;
    const owner = { onDrain: () => this.onDrain?.(), closed: () => this.#owner.webSocketClosed() };
    const { maxMessageBytes, protocol, headers } = options;
    const connection = new UwsWebSocket(listener, owner, maxMessageBytes, this.#owner.maxHeldBytes);
    const key = findHeader(this.headers, "sec-websocket-key") ?? "";
    this.#owner.upgraded();
    response.cork(() => {
      // The addon writes its own status only where there is none yet, and fields want one before them.
      response.writeStatus("101 Switching Protocols");
      for (let i = 0; i + 1 < headers.length; i += 2) {
        const name = headers[i] ?? "";
        const value = headers[i + 1] ?? "";
        if (isSendableField(name, value)) response.writeHeader(name, value);
      }
      response.upgrade({ connection }, key, protocol, "", context);
    });
    return connection;
  }

  /** Whether the connection ends with this reply; the rest of a long body is not worth reading for the next request. */
  #closesAfter(headers: HeaderList): boolean {
    if (this.#mustClose || this.#owner.isDraining) return true;
    const unread = this.#bodyLength - (this.#body?.seenBytes ?? 0);
    if (unread > MAX_SKIPPED_BODY_BYTES) return true;
    for (let i = 0; i + 1 < headers.length; i += 2) {
      if (headers[i] === "connection" && hasToken(headers[i + 1] ?? "", "close")) return true;
    }
    return false;
  }

  /** Whether bytes wait for a client that does not read, on a socket that is not paused. */
  get isTimed(): boolean {
    if (this.#response === undefined || this.#body?.isPaused === true) return false;
    return this.#stream === undefined || this.#stream.isCongested;
  }

  /** How long a stream may stand still is the upper layer's to say; what is left of a reply that has ended is ours. */
  rearm(allowedRounds: number): void {
    this.#unreadRounds++;
    if (this.#isOver && this.#unreadRounds > allowedRounds) return;
    this.#response?.pause();
    this.#response?.resume();
  }

  #onTried(): void {
    this.#unreadRounds = 0;
    if (this.#stream?.isCongested === true) this.#watchReply();
    this.#pollIfDeaf();
  }

  #watchReply(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#owner.watch(this);
  }

  /**
   * A client that is to hold its upload while it does not read its reply: the addon pauses sockets for both ways only, so
   * that nothing would tell when the client reads again. The socket is tried now and then.
   */
  #pollIfDeaf(): void {
    const body = this.#body;
    if (body?.isPaused !== true) return;
    body.keepPaused();
    if (this.#stream?.isCongested === true) this.#pollTimer ??= setTimeout(() => this.#poll(), this.#pollMs);
  }

  #poll(): void {
    this.#pollTimer = undefined;
    const stream = this.#stream;
    if (stream === undefined) return;
    const isStuck = stream.writtenBytes <= this.#polledBytes + PROBE_BYTES;
    this.#polledBytes = stream.writtenBytes;
    this.#pollMs = isStuck ? Math.min(this.#pollMs * 2, LONGEST_POLL_MS) : FIRST_POLL_MS;
    stream.poll();
  }

  #openBody(response: AddonResponse): BodyReader {
    const body = new BodyReader(response, this.#bodyLength, this.#owner.bodies);
    this.#body = body;
    this.#owner.watch(body);
    return body;
  }

  #send(
    status: number,
    headers: HeaderList,
    body: Uint8Array | string,
    closes: boolean,
    onTaken?: () => void,
  ): void {
    const response = this.#response;
    if (response === undefined) return;
    this.#body?.discard();
    if (isBodiless(status) || this.method === "HEAD") {
      const length = isBodiless(status) ? -1 : Buffer.byteLength(body);
      this.#release();
      response.cork(() => {
        writeHead(response, status, headers, closes);
        // With a length as its argument `endWithoutBody` leaves the reply open for ever (until 20.74).
        if (length >= 0) response.writeHeader("content-length", String(length));
        response.endWithoutBody();
      });
      return;
    }
    if (closes) {
      this.#release();
      response.cork(() => {
        // `end` adds `connection: close`, but not if the request had a field that it takes for the same.
        writeHead(response, status, headers, findHeader(this.headers, "connection")?.length === 5);
        // What the socket does not take the addon copies.
        response.end(body, true);
      });
      onTaken?.();
      return;
    }
    let isSent = true;
    response.cork(() => {
      writeHead(response, status, headers, false);
      [, isSent] = response.tryEnd(body, 0);
    });
    if (!isSent) {
      this.#sendRest(response, body, onTaken);
      return;
    }
    this.#release();
    onTaken?.();
  }

  /**
   * Sends the part of a reply that the socket did not take yet. `end` would have it waiting in the addon, where a client
   * that never reads could pile up reply after reply; this way its next request closes the connection.
   */
  #sendRest(response: AddonResponse, body: Uint8Array | string, onTaken: (() => void) | undefined): void {
    this.#watchReply();
    const totalBytes = Buffer.byteLength(body);
    const first = response.getWriteOffset();
    const rest = (typeof body === "string" ? Buffer.from(body) : body).subarray(first);
    response.onWritable((offset) => {
      let isSent = false;
      let isFree = true;
      this.#unreadRounds = 0;
      response.cork(() => {
        [isFree, isSent] = response.tryEnd(rest.subarray(offset - first), totalBytes);
      });
      if (isSent) {
        this.#release();
        onTaken?.();
      }
      return isFree;
    });
  }

  /** Ends a started reply that has no body, or none to show. */
  #sendEmpty(status: number, headers: HeaderList, closes: boolean): void {
    if (this.method !== "HEAD") {
      this.#send(status, headers, "", closes);
      return;
    }
    const response = this.#response;
    if (response === undefined) return;
    this.#body?.discard();
    this.#release();
    response.cork(() => {
      writeHead(response, status, headers, closes);
      response.endWithoutBody();
    });
  }

  #release(): void {
    if (this.#response === undefined) return;
    this.#response = undefined;
    this.#stream = undefined;
    clearTimeout(this.#pollTimer);
    if (this.#body !== undefined) this.#owner.unwatch(this.#body);
    if (this.#isWatched) this.#owner.unwatch(this);
    this.#owner.released();
  }

  #onAborted(): void {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#body?.lost();
    this.#stream?.lost();
    this.#release();
    if (!wasOver) this.onAbort?.();
  }
}

/** Writes status and fields; `connection: close` where the addon does not write it by itself. */
function writeHead(response: AddonResponse, status: number, headers: HeaderList, closes: boolean): void {
  // The addon writes `200 OK` by itself, and a call into it costs more than the comparison.
  if (status !== 200) response.writeStatus(statusLine(status));
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    if (isSendableField(name, value)) response.writeHeader(name, value);
  }
  if (closes) response.writeHeader("connection", "close");
}
