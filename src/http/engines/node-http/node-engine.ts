/**
 * The HTTP engine on Node's own servers: always available, strict, and about half as fast as uWebSockets.js.
 *
 * One socket listens; what comes is opened (PROXY header, TLS, which protocol) and then served by `Http1Server` or an
 * `Http2Connection`.
 */
import { createServer, type Server, type Socket } from "node:net";
import type {
  ConnectionCounts,
  ConnectionFault,
  EngineLimits,
  ExchangeHandler,
  HttpEngine,
  HttpListener,
  ListenAddress,
  ListenOptions,
  RefusedRequest,
} from "../../engine.ts";
import { ListenError } from "../../listen-error.ts";
import { freeSocketPath, removeSocketFile, type SocketFile, takeSocketFile } from "../../unix-socket.ts";
import {
  BodyDeadlines,
  CONNECTIONS_FULL,
  type ConnectionOwner,
  type Refusal,
  refusalBytes,
} from "../common/index.ts";
import { Http2Connection } from "../node-http2/index.ts";
import {
  ConnectionOpening,
  type OpenConnection,
  type OpeningSteps,
  ProxyGate,
} from "./connection-opening.ts";
import { Http1Server } from "./http1-server.ts";
import { plainAddress } from "./plain-address.ts";
import { TlsFront } from "./tls-front.ts";

/** An engine on Node's servers. `listen` rejects with a {@link ListenError}. */
export function createNodeHttpEngine(): HttpEngine {
  return {
    name: "node",
    async listen(address, options, handler) {
      const listener = new NodeListener(options, handler);
      await listener.bind(address);
      return listener;
    },
  };
}

/** What becomes of a connection: its opening, then its protocol. */
interface Stage {
  /** Closes the connection now if it is idle, else after the exchanges under way. */
  drain(): void;
  /** The socket is gone. */
  closed(): void;
}

class NodeListener implements HttpListener, ConnectionOwner {
  readonly limits: EngineLimits;
  readonly bodies: BodyDeadlines;
  readonly replies: BodyDeadlines;
  readonly handler: ExchangeHandler;
  readonly #options: ListenOptions;
  readonly #steps: OpeningSteps;
  readonly #server: Server;
  readonly #http1: Http1Server;
  readonly #stages = new Map<Socket, Stage>();
  #address: ListenAddress = { host: "", port: 0 };
  #socketFile: SocketFile | undefined = undefined;
  #isDraining = false;
  #accepted = 0;
  #refused = 0;
  #retired = 0;

  constructor(options: ListenOptions, handler: ExchangeHandler) {
    const { limits, tls, http2 = "off", proxyProtocol } = options;
    this.limits = limits;
    this.handler = handler;
    this.bodies = new BodyDeadlines(limits.bodyTimeoutMs);
    this.replies = new BodyDeadlines(limits.idleTimeoutMs);
    this.#options = options;
    const timeoutMs = limits.headTimeoutMs;
    this.#steps = {
      proxy: proxyProtocol === undefined ? undefined : new ProxyGate(proxyProtocol),
      tls: tls === undefined ? undefined : new TlsFront(tls, http2, timeoutMs),
      http2,
      timeoutMs,
    };
    this.#http1 = new Http1Server(this);
    // A client that has sent its request may close its side; the reply goes out nevertheless.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#onSocket(socket));
  }

  get address(): ListenAddress {
    return this.#address;
  }

  get connections(): ConnectionCounts {
    return {
      open: this.#stages.size,
      accepted: this.#accepted,
      refused: this.#refused,
      retired: this.#retired,
    };
  }

  retiring(): void {
    this.#retired++;
  }

  refused(
    { reason, status, body }: Refusal,
    { peer, method, path }: Pick<RefusedRequest, "peer" | "method" | "path">,
  ): void {
    this.#options.onRefused?.({ reason, httpStatus: status, peer, method, path, bytesOut: body.length });
  }

  async bind(address: ListenAddress): Promise<void> {
    try {
      if (address.path !== undefined) await freeSocketPath(address);
      await this.#listen(address);
      if (address.path !== undefined) this.#socketFile = takeSocketFile(address);
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
    this.#stopListening();
    return new Promise((resolve) => {
      // Called with an error if the listener was closed before; then there is nothing left to wait for.
      this.#server.close(() => resolve());
      for (const stage of this.#stages.values()) stage.drain();
    });
  }

  close(): void {
    this.#stopListening();
    this.#server.close();
    for (const socket of this.#stages.keys()) socket.destroy();
  }

  #stopListening(): void {
    this.#isDraining = true;
    this.#http1.close();
    this.#steps.tls?.close();
    if (this.#socketFile !== undefined) removeSocketFile(this.#socketFile);
    this.#socketFile = undefined;
  }

  #onSocket(socket: Socket): void {
    // Whoever takes the socket listens for its close, too; an error is always followed by that.
    socket.on("error", () => undefined);
    // A client that resets before it is accepted leaves its bytes, but no address: it would pass for one on a unix socket,
    // whose PROXY header is believed.
    const isGone = this.#address.path === undefined && socket.remoteAddress === undefined;
    if (this.#isDraining || isGone) {
      socket.destroy();
      return;
    }
    this.#accepted++;
    if (this.#stages.size >= this.limits.connections) {
      this.#refused++;
      this.#turnAway(socket);
      return;
    }
    socket.on("close", () => {
      const stage = this.#stages.get(socket);
      this.#stages.delete(socket);
      stage?.closed();
    });
    const { proxy, tls, http2 } = this.#steps;
    if (proxy === undefined && tls === undefined && http2 === "off") {
      const peer = plainAddress(socket.remoteAddress ?? "");
      this.#stages.set(socket, this.#http1.take({ socket, peer, tls: undefined, protocol: "http/1.1" }));
      return;
    }
    const opening = new ConnectionOpening(socket, this.#steps, {
      onOpen: (connection) => this.#onOpen(socket, connection),
      onFault: (fault, detail) => this.#tellFault(socket, fault, detail),
      onLate: (peer) => this.#http1.refuseLate(socket, peer),
    });
    this.#stages.set(socket, opening);
    opening.start();
  }

  #onOpen(accepted: Socket, connection: OpenConnection): void {
    const stage =
      connection.protocol === "h2"
        ? new Http2Connection(connection, this, (detail) => this.#tellFault(accepted, "http2", detail))
        : this.#http1.take(connection);
    this.#stages.set(accepted, stage);
  }

  /** Too many are there already. A reply can be read only by a client that speaks HTTP at once. */
  #turnAway(socket: Socket): void {
    const peer = plainAddress(socket.remoteAddress ?? "");
    if (this.#steps.tls !== undefined || this.#steps.proxy !== undefined) {
      socket.destroy();
      this.#options.onConnectionRefused?.({ fault: "connection-limit", peer, detail: "" });
      return;
    }
    socket.write(refusalBytes(CONNECTIONS_FULL, new Date().toUTCString()));
    this.refused(CONNECTIONS_FULL, { peer, method: "", path: "" });
    socket.destroySoon();
  }

  #tellFault(socket: Socket, fault: ConnectionFault, detail: string): void {
    const peer = plainAddress(socket.remoteAddress ?? "");
    this.#options.onConnectionRefused?.({ fault, peer, detail });
  }
}
