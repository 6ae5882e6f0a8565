/**
 * One request on node:http, and its reply.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodyListener, HttpExchange, TlsClient } from "../../exchange.ts";
import type { HeaderList } from "../../header-list.ts";
import type { WebSocketConnection, WebSocketListener, WebSocketOptions } from "../../web-socket.ts";
import {
  CHUNKED,
  type DueBody,
  finalStatus,
  type HeadFacts,
  hasToken,
  isAscii,
  isBodiless,
  isSendableField,
  MAX_SKIPPED_BODY_BYTES,
  reasonPhrase,
} from "../common/index.ts";
import type { Carried, NodeConnection } from "./node-connection.ts";
import { acceptWebSocket } from "./node-web-socket.ts";

/** A request's head as its exchange keeps it. */
export interface RequestHead {
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly facts: HeadFacts;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** Of a request that has its socket to itself, so that it may become a WebSocket: the bytes behind the head. */
  readonly behind: Buffer | undefined;
}

/** A request on node:http; made by the listener once the head has been checked. */
export class NodeExchange implements HttpExchange, Carried, DueBody {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly httpVersion = 1;
  readonly peer: string;
  readonly tls: TlsClient | undefined;
  readonly takesTrailers: boolean;
  readonly offersWebSocket: boolean;
  onDrain: (() => void) | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;

  readonly #head: RequestHead;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #connection: NodeConnection;
  #listener: BodyListener | undefined = undefined;
  #limitBytes = 0;
  #receivedBytes = 0;
  #isBodyOver = false;
  #isBodyPaused = false;
  #isEndHeld = false;
  /** The reply has ended, or nobody is there to take it. */
  #isOver = false;
  #mustClose = false;
  previousDue: DueBody | undefined = undefined;
  nextDue: DueBody | undefined = undefined;
  dueSince = -1;

  constructor(
    head: RequestHead,
    request: IncomingMessage,
    response: ServerResponse,
    connection: NodeConnection,
  ) {
    this.method = request.method ?? "";
    this.path = head.path;
    this.query = head.query;
    this.headers = head.headers;
    this.peer = connection.peer;
    this.tls = connection.tls;
    // HTTP/1.0 has no chunks, and so no place for them.
    this.takesTrailers = head.facts.takesTrailers && request.httpVersion === "1.1";
    this.offersWebSocket = head.behind !== undefined;
    this.#head = head;
    this.#request = request;
    this.#response = response;
    this.#connection = connection;
    this.#isBodyOver = head.facts.bodyLength === 0;
    connection.acquire(this);
    response.on("close", () => this.connectionClosed());
  }

  readBody(limitBytes: number, listener: BodyListener): void {
    if (this.#isOver || this.#listener !== undefined) return;
    this.#listener = listener;
    this.#limitBytes = limitBytes;
    if (this.#head.facts.bodyLength > limitBytes) {
      this.#refuseBody();
      return;
    }
    if (this.#head.facts.bodyLength === 0) {
      listener.onEnd();
      return;
    }
    if (listener.onTooSlow !== undefined) this.#connection.bodies.add(this);
    if (this.#head.expectsContinue) this.#response.writeContinue();
    this.#request.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    this.#request.on("end", () => this.#onEnd());
    if (this.#isBodyPaused) this.#request.pause();
    else this.#request.socket.setTimeout(this.#connection.idleTimeoutMs);
  }

  pauseBody(): void {
    if (this.#isBodyOver || this.#isOver) return;
    this.#isBodyPaused = true;
    this.#request.pause();
    // The silence is ours now, not the client's.
    this.#request.socket.setTimeout(0);
  }

  resumeBody(): void {
    if (!this.#isBodyPaused || this.#isOver) return;
    this.#isBodyPaused = false;
    if (this.#isEndHeld) process.nextTick(() => this.#onEnd());
    if (this.#listener === undefined || this.#isEndHeld) return;
    this.#request.resume();
    this.#request.socket.setTimeout(this.#connection.idleTimeoutMs);
  }

  respond(status: number, headers: HeaderList, body: Uint8Array | string): void {
    if (this.#isOver || this.#response.headersSent) return;
    const sent = finalStatus(status);
    const fields = this.#replyFields(headers);
    const hasBody = !isBodiless(sent);
    if (hasBody) fields.push("content-length", String(Buffer.byteLength(body)));
    this.#isOver = true;
    this.#stopReading();
    this.#response.writeHead(sent, reasonPhrase(sent), fields);
    this.#response.end(hasBody && this.method !== "HEAD" ? body : undefined);
  }

  start(status: number, headers: HeaderList): void {
    if (this.#isOver || this.#response.headersSent) return;
    const sent = finalStatus(status);
    this.#response.writeHead(sent, reasonPhrase(sent), this.#replyFields(headers));
    this.#response.on("drain", () => {
      if (!this.#isOver) this.onDrain?.();
    });
    this.#response.flushHeaders();
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#isOver || this.method === "HEAD" || chunk.length === 0) return true;
    return this.#response.write(chunk);
  }

  end(trailers?: HeaderList): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopReading();
    if (trailers !== undefined && this.takesTrailers) this.#response.addTrailers(trailerPairs(trailers));
    this.#response.end();
  }

  onDue(): void {
    if (this.#isOver || this.#isBodyOver) return;
    this.#endBody();
    this.#listener?.onTooSlow?.(this.#connection.bodies.timeoutMs);
  }

  destroy(): void {
    this.#isOver = true;
    this.#request.socket.destroy();
  }

  upgrade(options: WebSocketOptions, listener: WebSocketListener): WebSocketConnection | undefined {
    const { behind } = this.#head;
    if (this.#isOver || behind === undefined || this.#response.headersSent) return undefined;
    this.#isOver = true;
    const request = this.#request;
    const { socket } = request;
    this.#response.detachSocket(socket);
    const fields: string[] = [];
    for (let i = 0; i + 1 < options.headers.length; i += 2) {
      const name = options.headers[i] ?? "";
      const value = options.headers[i + 1] ?? "";
      if (isSendableField(name, value)) fields.push(name, wireText(value));
    }
    const handshake = { request, socket, head: behind, fields };
    return acceptWebSocket(handshake, options, listener, () => this.onDrain?.());
  }

  /** The reply is flushed, or the connection is gone. */
  connectionClosed(): void {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#connection.bodies.remove(this);
    this.#connection.release(this);
    if (!wasOver) this.onAbort?.();
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
    if (this.#isOver || this.#isBodyOver) return;
    // Node ends a body that is paused where all of it came in one read.
    this.#isEndHeld = this.#isBodyPaused;
    if (this.#isEndHeld) return;
    this.#isBodyOver = true;
    this.#connection.bodies.remove(this);
    this.#request.socket.setTimeout(0);
    this.#listener?.onEnd();
  }

  #refuseBody(): void {
    this.#endBody();
    this.#listener?.onTooLarge();
  }

  /** Reads no further; the connection ends with the reply. */
  #endBody(): void {
    this.#isBodyOver = true;
    this.#mustClose = true;
    this.#connection.bodies.remove(this);
    this.#request.pause();
    this.#request.socket.setTimeout(0);
  }

  /** Once the reply has ended, node skips what is left of the body; not of one that was held, unless it is let go. */
  #stopReading(): void {
    if (this.#isBodyOver) return;
    this.#connection.bodies.remove(this);
    this.#request.socket.setTimeout(0);
    if (this.#isBodyPaused) this.#request.resume();
  }

  /** The fields to send, `connection: close` among them if the connection ends with this reply. */
  #replyFields(headers: HeaderList): string[] {
    let closes = this.#mustClose || this.#connection.isLeaving || this.#leavesTooMuch();
    const fields: string[] = [];
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i] ?? "";
      const value = headers[i + 1] ?? "";
      if (name === "connection") closes ||= hasToken(value, "close");
      if (isSendableField(name, value)) fields.push(name, wireText(value));
    }
    if (closes) {
      fields.push("connection", "close");
      this.#connection.seal();
    }
    return fields;
  }

  #leavesTooMuch(): boolean {
    if (this.#isBodyOver || this.#listener !== undefined) return false;
    const { facts, expectsContinue } = this.#head;
    const { bodyLength } = facts;
    // A client that waits for 100 Continue may send the body or not: the next bytes could be either.
    return bodyLength === CHUNKED || bodyLength > MAX_SKIPPED_BODY_BYTES || expectsContinue;
  }
}

/** node writes heads as Latin-1; UTF-8 bytes read as Latin-1 come out as UTF-8. */
function wireText(value: string): string {
  return isAscii(value) ? value : Buffer.from(value, "utf8").toString("latin1");
}

function trailerPairs(trailers: HeaderList): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const name = trailers[i] ?? "";
    const value = trailers[i + 1] ?? "";
    if (isSendableField(name, value)) pairs.push([name, wireText(value)]);
  }
  return pairs;
}
