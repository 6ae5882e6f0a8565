/**
 * One request on node:http, and its reply.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BodyListener, HttpExchange, TlsClient } from "../../exchange.ts";
import type { HeaderList } from "../../header-list.ts";
import type { WebSocketConnection, WebSocketListener, WebSocketOptions } from "../../web-socket.ts";
import {
  type BodyDeadlines,
  type BodyOwner,
  CHUNKED,
  finalStatus,
  type HeadFacts,
  hasToken,
  isAscii,
  isBodiless,
  isSendableField,
  MAX_SKIPPED_BODY_BYTES,
  NodeBody,
  type PieceListener,
  PieceWriter,
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
export class NodeExchange implements HttpExchange, Carried, BodyOwner, PieceListener {
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
  /** Undefined where it is empty. */
  readonly #body: NodeBody | undefined;
  /** The reply has ended, or nobody is there to take it. */
  #isOver = false;
  #mustClose = false;
  #isAwaitingBytes = false;
  /** Undefined in the clear, where the socket itself tells of progress. */
  readonly #writer: PieceWriter | undefined;

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
    const { bodyLength } = head.facts;
    this.#body = bodyLength === 0 ? undefined : new NodeBody(request, bodyLength, this);
    this.#writer = this.tls === undefined ? undefined : new PieceWriter(response, this);
    connection.acquire(this);
    response.on("close", () => this.connectionClosed());
  }

  get deadlines(): BodyDeadlines {
    return this.#connection.bodies;
  }

  get isBroken(): boolean {
    return !this.#request.complete;
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

  get isClientsTurn(): boolean {
    // A reply that has ended has the socket until all of it has gone; one that waits behind another has none.
    return this.#isAwaitingBytes || (this.#isOver && this.#response.socket !== null);
  }

  awaitBytes(): void {
    this.#isAwaitingBytes = true;
    this.#connection.watchSilence();
  }

  restBytes(): void {
    this.#isAwaitingBytes = false;
    this.#connection.watchSilence();
  }

  /** The connection ends with the reply. */
  onRefused(): void {
    this.#mustClose = true;
  }

  respond(status: number, headers: HeaderList, body: Uint8Array | string, onTaken?: () => void): void {
    if (this.#isOver || this.#response.headersSent) return;
    const sent = finalStatus(status);
    const fields = this.#replyFields(headers);
    const hasBody = !isBodiless(sent);
    // A text would be joined to the head, which is Latin-1, and both sent as UTF-8.
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (hasBody) fields.push("content-length", String(bytes.length));
    this.#isOver = true;
    this.#body?.close();
    this.#response.writeHead(sent, reasonPhrase(sent), fields);
    if (hasBody && this.method !== "HEAD") this.#finish(bytes, onTaken);
    else this.#finish(undefined);
  }

  start(status: number, headers: HeaderList): void {
    if (this.#isOver || this.#response.headersSent) return;
    const sent = finalStatus(status);
    this.#response.writeHead(sent, reasonPhrase(sent), this.#replyFields(headers));
    this.#response.on("drain", () => {
      if (this.#writer === undefined) this.onWritable();
      else this.#writer.drained();
    });
    this.#response.flushHeaders();
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#isOver || this.method === "HEAD" || chunk.length === 0) return true;
    return this.#writer === undefined ? this.#response.write(chunk) : this.#writer.write(chunk);
  }

  end(trailers?: HeaderList): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#body?.close();
    if (trailers !== undefined && this.takesTrailers) this.#response.addTrailers(trailerPairs(trailers));
    this.#finish(undefined);
  }

  destroy(): void {
    this.#isOver = true;
    this.#body?.close();
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
    this.#body?.close();
    this.#connection.release(this);
    if (!wasOver) this.onAbort?.();
  }

  /** The writer has handed over a piece: the client reads. */
  onPiece(): void {
    this.#connection.watchSilence();
  }

  /** The writer takes more. */
  onWritable(): void {
    if (!this.#isOver) this.onDrain?.();
  }

  /** All is handed over; where the system did not take all of it, the client has to read. */
  onWritten(): void {
    if (this.#request.socket.writableLength > 0) this.#connection.watchSilence();
  }

  #finish(bytes: Uint8Array | undefined, onTaken?: () => void): void {
    if (this.#writer === undefined) this.#response.end(bytes, onTaken);
    else this.#writer.end(bytes, onTaken);
    this.onWritten();
  }

  #askForBody(): void {
    if (this.#head.expectsContinue) this.#response.writeContinue();
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
    if (this.#body === undefined || this.#body.isOver || this.#body.isTaken) return false;
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
