/**
 * A WebSocket on a socket of node:http, over the `ws` library.
 *
 * What is ours: pongs (the library's own would pile up for a client that pings and never reads), the hold, and the end of
 * a client that takes neither the last bytes nor the close frame.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import type { HeaderList } from "../../header-list.ts";
import {
  CloseCode,
  type FrameKind,
  type WebSocketConnection,
  type WebSocketListener,
  type WebSocketOptions,
} from "../../web-socket.ts";
import { HeldMessages } from "../common/index.ts";

/** How long a client may take neither what is left of the reply nor answer the close frame. */
const CLOSE_TIMEOUT_MS = 10_000;

/** What the exchange gives up for a WebSocket. */
export interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** Bytes that came behind the head. */
  readonly head: Buffer;
  /** `options.headers` as they go on the wire. */
  readonly fields: HeaderList;
}

/** Accepts the handshake and gives the connection; undefined if the client is gone. */
export function acceptWebSocket(
  { request, socket, head, fields }: Handshake,
  options: WebSocketOptions,
  listener: WebSocketListener,
  onDrain: () => void,
): WebSocketConnection | undefined {
  let connection: NodeWebSocket | undefined;
  // The published types miss `closeTimeout`.
  const settings: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: options.maxMessageBytes,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: () => (options.protocol === "" ? false : options.protocol),
  };
  // A server without a port is a set of options; the library has no other way to be told them.
  const server = new WebSocketServer(settings);
  server.on("headers", (lines) => {
    for (let i = 0; i + 1 < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`);
  });
  // Frames that arrived with the head are delivered in a later turn, so the listener is in time.
  server.handleUpgrade(request, socket, head, (webSocket) => {
    connection = new NodeWebSocket(webSocket, socket, listener, onDrain);
  });
  return connection;
}

class NodeWebSocket implements WebSocketConnection {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #listener: WebSocketListener;
  readonly #held: HeldMessages;
  #isOver = false;
  #close: { readonly code: number; readonly reason: string } | undefined = undefined;

  constructor(webSocket: WebSocket, socket: Socket, listener: WebSocketListener, onDrain: () => void) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#listener = listener;
    // The socket is paused, so what comes after a hold is bounded by one read.
    this.#held = new HeldMessages(Number.POSITIVE_INFINITY, (data, kind) => listener.onMessage(data, kind));
    webSocket.on("message", (data, isBinary) => {
      if (this.#isOver) return;
      // With the library's default `binaryType` a message is one Buffer.
      this.#held.push(data as Buffer, isBinary ? "binary" : "text");
    });
    webSocket.on("ping", (data) => this.#onPing(data));
    webSocket.on("pong", () => {
      if (!this.#isOver) listener.onPong();
    });
    webSocket.on("error", (error) => this.#onError(error));
    webSocket.on("close", (code, reason) => this.#onClose(code, reason.toString()));
    socket.on("drain", () => {
      if (this.#close !== undefined) this.#sendClose();
      else if (!this.#isOver) onDrain();
    });
  }

  send(data: Uint8Array | string, kind: FrameKind): boolean {
    if (this.#isOver) return true;
    this.#webSocket.send(data, { binary: kind === "binary" });
    return !this.#socket.writableNeedDrain;
  }

  ping(): void {
    if (!this.#isOver && !this.#socket.writableNeedDrain) this.#webSocket.ping();
  }

  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#close = { code, reason };
    // The library's timer runs from `close` on, whether or not the bytes before it have left; this one from the last
    // progress on.
    this.#socket.setTimeout(CLOSE_TIMEOUT_MS, () => this.#socket.destroy());
    if (this.#socket.writableNeedDrain) this.#webSocket.pause();
    else this.#sendClose();
  }

  terminate(): void {
    this.#end();
    this.#webSocket.terminate();
  }

  pause(): void {
    if (this.#isOver) return;
    this.#held.hold();
    this.#webSocket.pause();
  }

  resume(): void {
    if (!this.#isOver && this.#held.release()) this.#webSocket.resume();
  }

  #sendClose(): void {
    const close = this.#close;
    this.#close = undefined;
    if (close === undefined) return;
    this.#webSocket.resume();
    this.#webSocket.close(close.code, close.reason);
  }

  #onPing(data: Buffer): void {
    // RFC 6455, section 5.5.3: of several pings only the last one needs an answer.
    if (!this.#isOver && !this.#socket.writableNeedDrain) this.#webSocket.pong(data);
  }

  /** The client broke the protocol; the library is closing the connection with the code that says how. */
  #onError(error: Error & { readonly code?: string }): void {
    this.#onClose(closeCodeOf(error.code), error.message);
  }

  #onClose(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#listener.onClose(code, reason);
  }

  #end(): void {
    this.#isOver = true;
    this.#held.drop();
    // What still comes is for the library, which waits for the close frame.
    this.#webSocket.resume();
  }
}

/** The codes that the library closes with after an error of its receiver, where it is not 1002. */
const CODES: ReadonlyMap<string, number> = new Map([
  ["WS_ERR_INVALID_UTF8", CloseCode.NOT_UTF8],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", CloseCode.POLICY],
  ["WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", CloseCode.TOO_LARGE],
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", CloseCode.TOO_LARGE],
]);

/** A fault of the socket has none of the library's codes. */
function closeCodeOf(error: string | undefined): number {
  if (error === undefined || !error.startsWith("WS_ERR_")) return CloseCode.LOST;
  return CODES.get(error) ?? CloseCode.PROTOCOL_ERROR;
}
