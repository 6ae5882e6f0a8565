/**
 * The HTTP engine on uWebSockets.js: the fast one, where its addon loads.
 *
 * What differs from the engine on node:http, because the addon decides it:
 * - A client that pipelines a request before the reply to the last one has ended loses its connection, unless the reply
 *   was given synchronously.
 * - HTTP/1.0, targets that are no path, and broken heads are answered by the addon (505, 431 and 400 with a text of its
 *   own); of heads between one and two times `maxHeaderBytes` and of the rest, the answers are ours.
 * - Heads and idle connections have 10 s, whatever `idleTimeoutMs` says; bodies have `idleTimeoutMs`.
 * - No trailers, neither way; a chunked body is the last request of its connection.
 * - Fields with an empty name, and what follows them, are invisible here; so is a byte above 127 at either end of a value.
 */
import { createServer } from "node:net";
import type {
  ConnectionCounts,
  EngineLimits,
  ExchangeHandler,
  HttpEngine,
  HttpListener,
  ListenAddress,
  ListenOptions,
  RefusalListener,
} from "../../engine.ts";
import type { TlsClient } from "../../exchange.ts";
import { ListenError } from "../../listen-error.ts";
import { freeSocketPath, removeSocketFile, type SocketFile, takeSocketFile } from "../../unix-socket.ts";
import {
  BodyDeadlines,
  type HeadFacts,
  HOST_NOT_ONE,
  HOST_NOT_PLAIN,
  headTooLarge,
  isPlainMethod,
  isPlainQuery,
  isPlainTarget,
  NOT_HTTP,
  REFUSAL_HEADERS,
  type Refusal,
  readHeadFacts,
  refusalOfCount,
  refusalOfUrl,
  TARGET_NOT_PLAIN,
} from "../common/index.ts";
import {
  type Addon,
  type AddonApp,
  type AddonListenSocket,
  type AddonRequest,
  type AddonResponse,
  type AddonSocketContext,
  EXCLUSIVE_PORT,
  SHARED_PORT,
} from "./addon.ts";
import { addressText } from "./address-text.ts";
import { ConnectionGate } from "./connection-gate.ts";
import { type AppHandlers, type Front, plainFront, TlsFront } from "./front.ts";
import { SocketWatch, type Timed } from "./socket-watch.ts";
import { type ExchangeOwner, UwsExchange } from "./uws-exchange.ts";
import { webSocketBehavior } from "./uws-web-socket.ts";

/** How long after the end of a reply its bytes may still be on their way. */
const FLUSH_MS = 60_000;
/** Bytes around a field's name and value on the wire: `: ` and CR LF. */
const FIELD_OVERHEAD = 4;
/** Bytes around method and target: two spaces, `HTTP/1.1`, CR LF twice. */
const LINE_OVERHEAD = 14;

/** The addon knows no certificates of clients. */
const NO_CERTIFICATE: TlsClient = { certificate: "" };

/** Whether a port is one process's own, or shared by processes that all say so. */
export type PortSharing = "exclusive" | "shared";

/** An engine on a loaded addon. `listen` rejects with a {@link ListenError}. */
export function engineOn(addon: Addon, sharing: PortSharing): HttpEngine {
  const portOption = sharing === "shared" ? SHARED_PORT : EXCLUSIVE_PORT;
  return {
    name: "uws",
    async listen(address, options, handler) {
      const lack = lackOf(options);
      if (lack !== undefined) throw new ListenError(address, "ENOTSUP", `engine uws has no ${lack}`);
      const listener = openListener(addon, address, options, handler);
      await listener.bind(address, portOption);
      return listener;
    },
  };
}

/** What was asked for that the addon cannot do; the config refuses it before. */
function lackOf({ limits, tls, proxyProtocol }: ListenOptions): string | undefined {
  if (proxyProtocol !== undefined) return "PROXY headers";
  if (tls?.asksForClientCertificate === true) return "client certificates";
  if (tls !== undefined && tls.settings.minVersion !== "TLSv1.2") return "choice of TLS versions";
  return limits.requestsPerConnection === Number.POSITIVE_INFINITY
    ? undefined
    : "limit of requests per connection";
}

function openListener(
  addon: Addon,
  address: ListenAddress,
  options: ListenOptions,
  handler: ExchangeHandler,
): UwsListener {
  try {
    return new UwsListener(addon, options, handler);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    throw new ListenError(address, "TLS", `the addon cannot use the certificates: ${message}`);
  }
}

class UwsListener implements HttpListener, ExchangeOwner, AppHandlers {
  readonly tls: TlsClient | undefined;
  readonly #addon: Addon;
  readonly #front: Front;
  readonly #limits: EngineLimits;
  readonly #handler: ExchangeHandler;
  readonly #onRefused: RefusalListener | undefined;
  readonly #watch: SocketWatch;
  readonly #gate: ConnectionGate;
  readonly bodies: BodyDeadlines;
  #address: ListenAddress = { host: "", port: 0 };
  #socket: AddonListenSocket | undefined = undefined;
  #socketFile: SocketFile | undefined = undefined;
  #exchanges = 0;
  /** When a reply ended whose bytes may still be on their way, in ms of the process's clock. */
  #flushedAt = Number.NEGATIVE_INFINITY;
  #isDraining = false;
  #isClosed = false;
  readonly #drained: (() => void)[] = [];
  /** The head that is being read, filled by one callback for all requests. */
  #headers: string[] = [];
  #headBytes = 0;
  readonly #takeField = (name: string, value: string): void => {
    this.#headers.push(name, value);
    this.#headBytes += name.length + value.length + FIELD_OVERHEAD;
  };

  constructor(addon: Addon, options: ListenOptions, handler: ExchangeHandler) {
    const { limits, tls, onRefused } = options;
    this.tls = tls === undefined ? undefined : NO_CERTIFICATE;
    this.#addon = addon;
    this.#limits = limits;
    this.#handler = handler;
    this.#onRefused = onRefused;
    this.#watch = new SocketWatch(limits.idleTimeoutMs);
    this.bodies = new BodyDeadlines(limits.bodyTimeoutMs);
    this.#gate = new ConnectionGate(options);
    this.#front = tls === undefined ? plainFront(addon, this) : new TlsFront(addon, tls, this);
  }

  route(app: AddonApp): void {
    app.any("/*", (response, request) => this.#onRequest(response, request, undefined));
    if (this.#limits.webSocket === undefined) return;
    const behavior = webSocketBehavior(this.#limits.webSocket, (response, request, context) =>
      this.#onRequest(response, request, context),
    );
    app.ws("/*", behavior);
  }

  count(app: AddonApp): void {
    app.filter((response, change) => this.#onConnection(response, change));
  }

  get address(): ListenAddress {
    return this.#address;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Retired is none: the addon does not tell which connection a request came on. */
  get connections(): ConnectionCounts {
    const { open, accepted, refused } = this.#gate;
    return { open, accepted, refused, retired: 0 };
  }

  async bind(address: ListenAddress, portOption: number): Promise<void> {
    // The addon removes any file that is in its way.
    if (address.path !== undefined) await freeSocketPath(address);
    const socket = this.#listen(address, portOption);
    if (socket === undefined) throw await explainFailure(address);
    this.#socket = socket;
    if (address.path === undefined) {
      this.#address = { host: address.host, port: this.#addon.us_socket_local_port(socket) };
      return;
    }
    this.#address = address;
    try {
      this.#socketFile = takeSocketFile(address);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #listen(address: ListenAddress, portOption: number): AddonListenSocket | undefined {
    let bound: AddonListenSocket | false | null = null;
    const done = (socket: AddonListenSocket | false | null): void => {
      bound = socket;
    };
    const { listening } = this.#front;
    if (address.path === undefined) listening.listen(address.host, address.port, portOption, done);
    else listening.listen_unix(done, address.path);
    // The callback runs within the call, which the compiler cannot know.
    const socket = bound as AddonListenSocket | false | null;
    return socket === null || socket === false ? undefined : socket;
  }

  drain(): Promise<void> {
    this.#isDraining = true;
    this.#stopListening();
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#closeIfDrained();
    });
  }

  close(): void {
    this.#isDraining = true;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    this.#front.close();
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  get maxHeldBytes(): number {
    return this.#limits.webSocket?.maxHeldBytes ?? 0;
  }

  upgraded(): void {
    this.#gate.upgraded();
  }

  webSocketClosed(): void {
    this.#gate.webSocketClosed();
    this.released();
  }

  watch(timed: Timed): void {
    this.#watch.add(timed);
  }

  unwatch(timed: Timed): void {
    this.#watch.remove(timed);
  }

  released(): void {
    this.#exchanges -= 1;
    // The last bytes may still be corked: they leave before the next turn of the event loop.
    if (this.#isDraining && this.#exchanges === 0) setImmediate(() => this.#closeIfDrained());
  }

  closing(end: () => void): void {
    const before = this.#gate.http;
    end();
    // A reply that could be sent whole has closed its connection by now, and the filter has counted it.
    if (this.#gate.http === before) this.flushing();
  }

  flushing(): void {
    this.#flushedAt = performance.now();
  }

  #onConnection(response: AddonResponse, change: number): void {
    if (change > 0) this.#gate.opened(response);
    else this.#gate.closed();
    this.#closeIfDrained();
  }

  #stopListening(): void {
    if (this.#socket === undefined) return;
    this.#addon.us_listen_socket_close(this.#socket);
    this.#socket = undefined;
    if (this.#socketFile !== undefined) removeSocketFile(this.#socketFile);
  }

  /**
   * Idle connections cannot be told apart, so they are closed together, once no reply is on its way. Where one may be,
   * the last connection is waited for: clients close theirs, and the addon closes those that are idle for 10 s.
   */
  #closeIfDrained(): void {
    if (!this.#isDraining || this.#isClosed || !this.#isQuiet()) return;
    // Not within a callback of the addon, which goes on to use the connection.
    setImmediate(() => {
      if (this.#isQuiet()) this.close();
    });
  }

  #isQuiet(): boolean {
    if (this.#exchanges > 0) return false;
    return this.#gate.http === 0 || performance.now() - this.#flushedAt > FLUSH_MS;
  }

  /** `socketContext` is there where the addon has found the key of a WebSocket handshake. */
  #onRequest(
    response: AddonResponse,
    request: AddonRequest,
    socketContext: AddonSocketContext | undefined,
  ): void {
    const method = request.getCaseSensitiveMethod();
    const path = request.getUrl();
    const query = request.getQuery() ?? "";
    this.#headers = [];
    this.#headBytes = method.length + path.length + query.length + LINE_OVERHEAD;
    request.forEach(this.#takeField);
    const headers = this.#headers;
    const facts = readHeadFacts(headers);
    if (facts.ambiguous) {
      this.#cut(response, method, path);
      return;
    }
    this.#exchanges += 1;
    // Spreading the facts into the head would cost 4 µs a request.
    const offersWebSocket = facts.offersWebSocket && method === "GET" && this.#limits.webSocket !== undefined;
    const head = { method, path, query, headers, facts, socketContext, offersWebSocket };
    const exchange = new UwsExchange(head, response, this);
    const refusal = this.#refusalOfSize(path, query, headers) ?? refusalOf(method, path, query, facts);
    if (refusal === undefined) this.#handler(exchange);
    else this.#refuse(exchange, refusal);
    exchange.handled();
  }

  /** Closes without an answer: nothing behind the head may be read. */
  #cut(response: AddonResponse, method: string, path: string): void {
    const peer = addressText(response.getRemoteAddress());
    response.close();
    const { reason, status } = NOT_HTTP;
    this.#onRefused?.({ reason, httpStatus: status, peer, method, path, bytesOut: 0 });
  }

  #refuse(exchange: UwsExchange, { reason, status, body }: Refusal): void {
    const { peer, method, path } = exchange;
    exchange.respond(status, REFUSAL_HEADERS, body);
    this.#onRefused?.({ reason, httpStatus: status, peer, method, path, bytesOut: body.length });
  }

  #refusalOfSize(path: string, query: string, headers: readonly string[]): Refusal | undefined {
    const limits = this.#limits;
    if (this.#headBytes > limits.maxHeaderBytes) return headTooLarge(limits);
    return refusalOfUrl(path, query, limits) ?? refusalOfCount(headers, limits);
  }
}

function refusalOf(method: string, path: string, query: string, facts: HeadFacts): Refusal | undefined {
  if (!isPlainMethod(method)) return NOT_HTTP;
  if (facts.hosts !== 1) return HOST_NOT_ONE;
  if (!facts.areHostsPlain) return HOST_NOT_PLAIN;
  if (!isPlainTarget(path) || !isPlainQuery(query)) return TARGET_NOT_PLAIN;
  return undefined;
}

/** The addon says only that it could not bind; node:net, asked the same, says why. */
function explainFailure(address: ListenAddress): Promise<ListenError> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      resolve(new ListenError(address, error.code ?? "UNKNOWN", error.message)),
    );
    const where =
      address.path === undefined ? { host: address.host, port: address.port } : { path: address.path };
    probe.listen({ ...where, exclusive: true }, () => {
      probe.close(() => resolve(new ListenError(address, "UNKNOWN", "the addon could not bind it")));
    });
  });
}
