/**
 * The HTTP engine on node:http: always available, strict, and about half as fast as uWebSockets.js.
 *
 * What node's parser lets through and we do not: see `request-head.ts`. What it refuses by itself arrives as
 * `clientError` and is answered in our JSON form.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type {
  ConnectionCounts,
  EngineLimits,
  ExchangeHandler,
  HttpEngine,
  HttpListener,
  ListenAddress,
  RefusalListener,
  RefusedRequest,
} from "../../engine.ts";
import { ListenError } from "../../listen-error.ts";
import { freeSocketPath, removeSocketFile, type SocketFile, takeSocketFile } from "../../unix-socket.ts";
import {
  BodyDeadlines,
  CONNECTIONS_FULL,
  HEAD_TOO_LARGE,
  HEAD_TOO_SLOW,
  HEADERS_TOO_MANY,
  HOST_NOT_ONE,
  isAscii,
  isPlainQuery,
  isPlainTarget,
  NOT_HTTP,
  REFUSAL_HEADERS,
  type Refusal,
  readHeadFacts,
  refusalBytes,
  TARGET_NOT_PLAIN,
  URL_TOO_LONG,
} from "../common/index.ts";
import { type ConnectionOwner, NodeConnection } from "./node-connection.ts";
import { NodeExchange, plainAddress, type RequestHead } from "./node-exchange.ts";

/** How often node looks for heads that are late, as a part of the timeout, and its bounds. */
const CHECKS_PER_TIMEOUT = 4;
const MIN_CHECK_MS = 50;
const MAX_CHECK_MS = 5_000;

/** An engine on node:http. `listen` rejects with a {@link ListenError}. */
export function createNodeHttpEngine(): HttpEngine {
  return {
    name: "node",
    async listen(address, { limits, onRefused }, handler) {
      const listener = new NodeListener(limits, handler, onRefused);
      await listener.bind(address);
      return listener;
    },
  };
}

class NodeListener implements HttpListener, ConnectionOwner {
  readonly #server: Server;
  readonly #limits: EngineLimits;
  readonly #handler: ExchangeHandler;
  readonly #onRefused: RefusalListener | undefined;
  readonly #connections = new Map<Socket, NodeConnection>();
  readonly bodies: BodyDeadlines;
  #address: ListenAddress = { host: "", port: 0 };
  #socketFile: SocketFile | undefined = undefined;
  #isDraining = false;
  #accepted = 0;
  #refused = 0;
  #retired = 0;

  constructor(limits: EngineLimits, handler: ExchangeHandler, onRefused: RefusalListener | undefined) {
    this.#limits = limits;
    this.#handler = handler;
    this.#onRefused = onRefused;
    this.bodies = new BodyDeadlines(limits.bodyTimeoutMs);
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
    this.#server.on("connection", (socket) => this.#onConnection(socket));
    this.#server.on("request", (request, response) => this.#onRequest(request, response, "sends body"));
    this.#server.on("checkContinue", (request, response) => this.#onRequest(request, response, "waits"));
    // An expectation that we do not know is ignored, as RFC 9110 section 10.1.1 allows.
    this.#server.on("checkExpectation", (request, response) =>
      this.#onRequest(request, response, "sends body"),
    );
    // With a listener for it, node takes every request with an `upgrade` field out of HTTP, whatever it names.
    if (limits.webSocket !== undefined) {
      this.#server.on("upgrade", (request: IncomingMessage, socket, head) =>
        // As above.
        this.#onUpgrade(request, socket as Socket, head),
      );
    }
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) =>
      // The server speaks plain TCP, so its connections are sockets.
      this.#onClientError(error, socket as Socket),
    );
  }

  get address(): ListenAddress {
    return this.#address;
  }

  get connections(): ConnectionCounts {
    return {
      open: this.#connections.size,
      accepted: this.#accepted,
      refused: this.#refused,
      retired: this.#retired,
    };
  }

  get idleTimeoutMs(): number {
    return this.#limits.idleTimeoutMs;
  }

  get requestsPerConnection(): number {
    return this.#limits.requestsPerConnection;
  }

  retiring(): void {
    this.#retired++;
  }

  async bind(address: ListenAddress): Promise<void> {
    if (address.path !== undefined) await freeSocketPath(address);
    await this.#listen(address);
    if (address.path === undefined) return;
    try {
      this.#socketFile = takeSocketFile(address);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #listen(address: ListenAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        const code = error.code ?? "UNKNOWN";
        reject(new ListenError(address, code, error.message));
      };
      this.#server.once("error", onError);
      this.#server.listen(address.path === undefined ? address : { path: address.path }, () => {
        this.#server.off("error", onError);
        const bound = this.#server.address();
        // A server on a unix socket has its path as its address.
        this.#address =
          bound === null || typeof bound === "string" ? address : { host: bound.address, port: bound.port };
        resolve();
      });
    });
  }

  drain(): Promise<void> {
    this.#isDraining = true;
    return new Promise((resolve) => {
      // Called with an error if the listener was closed before; then there is nothing left to wait for.
      this.#server.close(() => resolve());
      this.#giveBackFile();
      for (const connection of this.#connections.values()) connection.drain();
    });
  }

  close(): void {
    this.#isDraining = true;
    this.#server.close();
    this.#giveBackFile();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #giveBackFile(): void {
    if (this.#socketFile !== undefined) removeSocketFile(this.#socketFile);
    this.#socketFile = undefined;
  }

  #onConnection(socket: Socket): void {
    if (this.#isDraining) {
      socket.destroy();
      return;
    }
    // A socket that was given back to the server; see `#onUpgrade`.
    if (this.#connections.has(socket)) return;
    this.#accepted++;
    if (this.#connections.size >= this.#limits.connections) {
      this.#refused++;
      this.#write(socket, CONNECTIONS_FULL);
      return;
    }
    const connection = new NodeConnection(socket, this);
    this.#connections.set(socket, connection);
    socket.on("close", () => {
      this.#connections.delete(socket);
      connection.closed();
    });
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
      socket.destroy();
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
    const refusal = this.#refusalOfSize(target, headers) ?? refusalOf(path, query, facts.hosts, isAncient);
    if (refusal === undefined) {
      this.#handler(exchange);
      return;
    }
    exchange.respond(refusal.status, REFUSAL_HEADERS, refusal.body);
    this.#tell(refusal, exchange);
  }

  #refusalOfSize(target: string, headers: readonly string[]): Refusal | undefined {
    if (target.length > this.#limits.maxUrlBytes) return URL_TOO_LONG;
    return headers.length > this.#limits.maxHeaders * 2 ? HEADERS_TOO_MANY : undefined;
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.isSealed || !socket.writable) socket.destroy(error);
    else this.#refuse(socket, connection, refusalOfError(error.code));
  }

  /** Answers without an exchange, and closes. */
  #refuse(socket: Socket, connection: NodeConnection, refusal: Refusal): void {
    connection.seal();
    // Behind a request that is still being answered, a refusal would be taken for the answer to that one.
    if (connection.isBusy) {
      socket.destroy();
      return;
    }
    this.#write(socket, refusal);
  }

  /** Answers a connection without an exchange, and closes it. */
  #write(socket: Socket, refusal: Refusal): void {
    socket.write(refusalBytes(refusal, new Date().toUTCString()));
    this.#tell(refusal, { peer: plainAddress(socket.remoteAddress ?? ""), method: "", path: "" });
    socket.destroySoon();
  }

  #tell(
    { reason, status, body }: Refusal,
    { peer, method, path }: Pick<RefusedRequest, "peer" | "method" | "path">,
  ): void {
    this.#onRefused?.({ reason, httpStatus: status, peer, method, path, bytesOut: body.length });
  }
}

function refusalOf(path: string, query: string, hosts: number, isAncient: boolean): Refusal | undefined {
  if (hosts > 1 || (hosts === 0 && !isAncient)) return HOST_NOT_ONE;
  if (!isPlainTarget(path) || !isPlainQuery(query)) return TARGET_NOT_PLAIN;
  return undefined;
}

function refusalOfError(code: string | undefined): Refusal {
  if (code === "HPE_HEADER_OVERFLOW") return HEAD_TOO_LARGE;
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
