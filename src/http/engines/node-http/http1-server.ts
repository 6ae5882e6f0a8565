/**
 * HTTP/1.1 on sockets that were accepted elsewhere, over node:http.
 *
 * What node's parser lets through and we do not: see `request-head.ts`. What it refuses by itself arrives as
 * `clientError` and is answered in our JSON form.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { EngineLimits } from "../../engine.ts";
import {
  type ConnectionOwner,
  HEAD_TOO_SLOW,
  headTooLarge,
  isAscii,
  NOT_HTTP,
  REFUSAL_HEADERS,
  type Refusal,
  readHeadFacts,
  refusalBytes,
  refusalOfHead,
  TARGET_NOT_PLAIN,
} from "../common/index.ts";
import type { OpenConnection } from "./connection-opening.ts";
import { NodeConnection } from "./node-connection.ts";
import { NodeExchange, type RequestHead } from "./node-exchange.ts";

/** How often node looks for heads that are late, as a part of the timeout, and its bounds. */
const CHECKS_PER_TIMEOUT = 4;
const MIN_CHECK_MS = 50;
const MAX_CHECK_MS = 5_000;

/** HTTP/1.1 of one listener. */
export class Http1Server {
  readonly #server: Server;
  readonly #owner: ConnectionOwner;
  readonly #connections = new WeakMap<Socket, NodeConnection>();

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
    const { limits } = owner;
    const checkMs = limits.headTimeoutMs / CHECKS_PER_TIMEOUT;
    this.#server = createServer({
      insecureHTTPParser: false,
      // We check it ourselves, to answer in our form.
      requireHostHeader: false,
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      // A whole request may take as long as its body keeps coming; silence within it is limited per exchange.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(Math.max(checkMs, MIN_CHECK_MS), MAX_CHECK_MS),
      noDelay: true,
    });
    // Fields beyond node's default count of 2000 would be dropped silently; the size limit is enough.
    this.#server.maxHeadersCount = 0;
    this.#server.on("request", (request, response) => this.#onRequest(request, response, "sends body"));
    this.#server.on("checkContinue", (request, response) => this.#onRequest(request, response, "waits"));
    // An expectation that we do not know is ignored, as RFC 9110 section 10.1.1 allows.
    this.#server.on("checkExpectation", (request, response) =>
      this.#onRequest(request, response, "sends body"),
    );
    // With a listener for it, node takes every request with an `upgrade` field out of HTTP, whatever it names.
    if (limits.webSocket !== undefined) {
      this.#server.on("upgrade", (request: IncomingMessage, socket, head) =>
        // The server is given sockets alone.
        this.#onUpgrade(request, socket as Socket, head),
      );
    }
    // Node would close these without a word.
    this.#server.on("connect", (_request, socket) => {
      socket.on("error", () => undefined);
      // As above.
      this.#onConnect(socket as Socket);
    });
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) =>
      // As above.
      this.#onClientError(error, socket as Socket),
    );
    // The sockets come from elsewhere, and the server never listens; but this is when node begins to look for late heads.
    this.#server.emit("listening");
  }

  /** Serves a connection. */
  take({ socket, peer, tls }: OpenConnection): NodeConnection {
    const connection = new NodeConnection(socket, peer, tls, this.#owner);
    this.#connections.set(socket, connection);
    // Documented for connections that were accepted elsewhere.
    this.#server.emit("connection", socket);
    return connection;
  }

  /** Answers a client that has sent nothing, or not enough to tell what it speaks. */
  refuseLate(socket: Socket, peer: string): void {
    this.#write(socket, HEAD_TOO_SLOW, peer);
  }

  /** Stops looking for late heads; connections are closed by whoever opened them. */
  close(): void {
    this.#server.close();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, body: "sends body" | "waits"): void {
    const headers = lowerCaseNames(request.rawHeaders);
    const facts = readHeadFacts(headers);
    const expectsContinue = body === "waits" && facts.bodyLength !== 0;
    this.#onHead({ headers, facts, expectsContinue, behind: undefined }, request, response);
  }

  /**
   * Takes a request with an `upgrade` field, whose socket node has let go of. What is no WebSocket handshake goes back to
   * node, without that field: it is an offer that a server may ignore (RFC 9110, section 7.8).
   */
  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const connection = this.#connections.get(socket);
    // Behind a request that is still being answered there is no telling whose bytes are whose.
    if (connection === undefined || connection.isBusy) {
      socket.destroy();
      return;
    }
    const headers = lowerCaseNames(request.rawHeaders);
    const facts = readHeadFacts(headers);
    if (!facts.offersWebSocket || request.method !== "GET" || request.httpVersion !== "1.1") {
      socket.unshift(Buffer.concat([headWithoutUpgrade(request), head]));
      this.#server.emit("connection", socket);
      return;
    }
    socket.on("error", () => undefined);
    const response = new ServerResponse(request);
    // There is no parser left for a next request.
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on("finish", () => socket.destroySoon());
    this.#onHead({ headers, facts, expectsContinue: false, behind: head }, request, response);
  }

  /** There are no tunnels here. */
  #onConnect(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.isSealed) socket.destroy();
    else this.#refuse(socket, connection, TARGET_NOT_PLAIN);
  }

  #onHead(
    { headers, facts, expectsContinue, behind }: Omit<RequestHead, "path" | "query">,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const { socket } = request;
    const connection = this.#connections.get(socket);
    // Requests behind one that closed or seals the connection arrive in the same read: they must not run.
    if (connection === undefined || connection.isSealed || socket.destroyed) return;
    // node's parser takes HTTP/0.9 and 2.0 as well.
    const isAncient = request.httpVersion === "1.0";
    if (!isAncient && request.httpVersion !== "1.1") {
      this.#refuse(socket, connection, NOT_HTTP);
      return;
    }
    if (facts.ambiguous || (isAncient && facts.bodyLength < 0)) {
      this.#refuse(socket, connection, NOT_HTTP);
      return;
    }
    const target = request.url ?? "";
    const mark = target.indexOf("?");
    const path = mark < 0 ? target : target.slice(0, mark);
    const query = mark < 0 ? "" : target.slice(mark + 1);
    const exchange = new NodeExchange(
      { path, query, headers, facts, expectsContinue, behind },
      request,
      response,
      connection,
    );
    const hostsNeeded = isAncient ? 0 : 1;
    const refusal = refusalOfHead({ path, query, headers, facts, hostsNeeded }, this.#owner.limits);
    if (refusal === undefined) {
      this.#owner.handler(exchange);
      return;
    }
    exchange.respond(refusal.status, REFUSAL_HEADERS, refusal.body);
    this.#owner.refused(refusal, exchange);
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.isSealed || !socket.writable) socket.destroy(error);
    else this.#refuse(socket, connection, refusalOfError(error.code, this.#owner.limits));
  }

  /** Answers without an exchange, and closes. */
  #refuse(socket: Socket, connection: NodeConnection, refusal: Refusal): void {
    connection.seal();
    // Behind a request that is still being answered, a refusal would be taken for the answer to that one.
    if (connection.isBusy) {
      socket.destroy();
      return;
    }
    this.#write(socket, refusal, connection.peer);
  }

  /** Answers a connection without an exchange, and closes it. */
  #write(socket: Socket, refusal: Refusal, peer: string): void {
    // Behind replies that nobody reads, it would never go.
    socket.setTimeout(this.#owner.limits.idleTimeoutMs, () => socket.destroy());
    socket.write(refusalBytes(refusal, new Date().toUTCString()));
    this.#owner.refused(refusal, { peer, method: "", path: "" });
    socket.destroySoon();
  }
}

function refusalOfError(code: string | undefined, limits: EngineLimits): Refusal {
  if (code === "HPE_HEADER_OVERFLOW") return headTooLarge(limits);
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return HEAD_TOO_SLOW;
  return NOT_HTTP;
}

/** The head as a header list. node reads it as Latin-1; values beyond ASCII are read again as UTF-8. */
function lowerCaseNames(rawHeaders: readonly string[]): string[] {
  const headers: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const value = rawHeaders[i + 1] ?? "";
    headers.push(
      (rawHeaders[i] ?? "").toLowerCase(),
      isAscii(value) ? value : Buffer.from(value, "latin1").toString("utf8"),
    );
  }
  return headers;
}

/** The head as it came, but for the `upgrade` fields; `connection` may go on naming them. */
function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== "upgrade") text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}
