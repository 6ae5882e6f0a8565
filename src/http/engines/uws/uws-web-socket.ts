/**
 * A WebSocket on uWebSockets.js.
 *
 * What the addon does (uWebSockets 20.71 to 20.79), and what is made of it:
 * - It drops a message while more than `maxBackpressure` waits. That bounds its answers to pings, but must never meet ours:
 *   so it gets one message at a time, and the next when all has left.
 * - `end` sends FIN behind the close frame; with bytes before it still waiting, the frame could be dropped and the rest be
 *   cut. So it comes last, too.
 * - A WebSocket cannot be paused: `pause` is the response's, which an upgrade kills. What a held listener does not take is
 *   kept, up to a limit.
 * - What breaks the protocol (also a message beyond `maxPayloadLength`) closes the socket without a close frame; it takes
 *   unmasked frames for masked ones. The limit that it is told is twice ours, so that what is between can be refused well.
 */

import type { WebSocketLimits } from "../../engine.ts";
import {
  CloseCode,
  type FrameKind,
  type WebSocketConnection,
  type WebSocketListener,
} from "../../web-socket.ts";
import { HeldMessages } from "../common/index.ts";
import type { AddonWebSocket, AddonWebSocketBehavior } from "./addon.ts";

/** Bytes that may wait in the addon before it leaves pings unanswered. */
const MAX_BACKPRESSURE_BYTES = 64 * 1024;
/** The longest that the addon knows, in seconds. It pings by itself before that, and closes who does not answer. */
const IDLE_TIMEOUT_S = 960;
/** How long a client that is to be closed may take nothing of what is left. */
const CLOSE_TIMEOUT_MS = 10_000;

/** What a connection needs of its exchange. */
export interface SocketOwner {
  onDrain(): void;
  /** The connection is over; its socket may still send what it was given. */
  closed(): void;
}

/** The behaviour of all WebSockets of a listener; `upgrade` makes their exchanges. */
export function webSocketBehavior(
  limits: WebSocketLimits,
  upgrade: AddonWebSocketBehavior["upgrade"],
): AddonWebSocketBehavior {
  return {
    maxPayloadLength: limits.maxMessageBytes * 2,
    maxBackpressure: MAX_BACKPRESSURE_BYTES,
    closeOnBackpressureLimit: false,
    idleTimeout: IDLE_TIMEOUT_S,
    sendPingsAutomatically: true,
    upgrade,
    open: (socket) => connectionOf(socket).opened(socket),
    message: (socket, message, isBinary) => connectionOf(socket).received(message, isBinary),
    pong: (socket) => connectionOf(socket).ponged(),
    drain: (socket) => connectionOf(socket).drained(),
    close: (socket, code, reason) => connectionOf(socket).closed(code, reason),
  };
}

function connectionOf(socket: AddonWebSocket): UwsWebSocket {
  // `UwsExchange.upgrade` gives every socket its connection as user data.
  return socket.getUserData().connection as UwsWebSocket;
}

interface Frame {
  readonly data: Uint8Array | string;
  readonly kind: FrameKind;
}

/** One connection; the user data of the addon's socket. */
export class UwsWebSocket implements WebSocketConnection {
  readonly #listener: WebSocketListener;
  readonly #owner: SocketOwner;
  readonly #maxMessageBytes: number;
  readonly #held: HeldMessages;
  /** What the addon has not got; the caller holds as soon as there is something. */
  readonly #queue: Frame[] = [];
  /** Undefined before it opens, and once it is dead. */
  #socket: AddonWebSocket | undefined = undefined;
  #isCallerHeld = false;
  /** The listener has been told of the end, or has ended it itself. */
  #isOver = false;
  #close: { readonly code: number; readonly reason: string } | undefined = undefined;
  #closeTimer: NodeJS.Timeout | undefined = undefined;

  constructor(
    listener: WebSocketListener,
    owner: SocketOwner,
    maxMessageBytes: number,
    maxHeldBytes: number,
  ) {
    this.#listener = listener;
    this.#owner = owner;
    this.#maxMessageBytes = maxMessageBytes;
    this.#held = new HeldMessages(maxHeldBytes, (data, kind) => listener.onMessage(data, kind));
  }

  send(data: Uint8Array | string, kind: FrameKind): boolean {
    const socket = this.#socket;
    if (this.#isOver || socket === undefined) return true;
    if (this.#queue.length === 0 && socket.getBufferedAmount() === 0) {
      if (socket.send(data, kind === "binary", false) === 1) return true;
    } else {
      this.#queue.push({ data, kind });
    }
    this.#isCallerHeld = true;
    return false;
  }

  ping(): void {
    if (!this.#isOver) this.#socket?.ping();
  }

  close(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#held.drop();
    this.#close = { code, reason };
    this.#closeIfSent();
    if (this.#socket !== undefined) this.#watchClose(this.#socket);
  }

  terminate(): void {
    this.#isOver = true;
    this.#held.drop();
    this.#socket?.close();
  }

  pause(): void {
    if (!this.#isOver) this.#held.hold();
  }

  resume(): void {
    if (!this.#isOver) this.#held.release();
  }

  opened(socket: AddonWebSocket): void {
    this.#socket = socket;
  }

  received(message: ArrayBuffer, isBinary: boolean): void {
    if (this.#isOver) return;
    if (message.byteLength > this.#maxMessageBytes) {
      this.#fail(CloseCode.TOO_LARGE, `a message is longer than ${this.#maxMessageBytes} bytes`);
      return;
    }
    // The addon takes the memory back when this returns.
    const isKept = this.#held.push(Buffer.from(new Uint8Array(message)), isBinary ? "binary" : "text");
    if (!isKept) this.#fail(CloseCode.TRY_LATER, "more messages than the upstream takes; send them slower");
  }

  ponged(): void {
    if (!this.#isOver) this.#listener.onPong();
  }

  drained(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.getBufferedAmount() > 0) return;
    while (this.#queue.length > 0) {
      const frame = this.#queue.shift();
      if (frame === undefined) break;
      if (socket.send(frame.data, frame.kind === "binary", false) !== 1) return;
    }
    this.#closeIfSent();
    if (!this.#isCallerHeld || this.#isOver) return;
    this.#isCallerHeld = false;
    this.#owner.onDrain();
  }

  closed(code: number, reason: ArrayBuffer): void {
    this.#socket = undefined;
    this.#queue.length = 0;
    this.#held.drop();
    clearInterval(this.#closeTimer);
    this.#owner.closed();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onClose(code === 0 ? CloseCode.NO_CODE : code, Buffer.from(reason).toString());
  }

  /** The client has broken a limit of ours. */
  #fail(code: number, reason: string): void {
    this.close(code, reason);
    this.#listener.onClose(code, reason);
  }

  #closeIfSent(): void {
    const close = this.#close;
    const socket = this.#socket;
    if (close === undefined || socket === undefined) return;
    if (this.#queue.length > 0 || socket.getBufferedAmount() > 0) return;
    this.#close = undefined;
    socket.end(close.code, close.reason);
  }

  /** Breaks the connection off when nothing of what is left has gone for a while. */
  #watchClose(socket: AddonWebSocket): void {
    let left = socket.getBufferedAmount() + this.#queue.length;
    this.#closeTimer = setInterval(() => {
      const before = left;
      left = socket.getBufferedAmount() + this.#queue.length;
      if (left === before) socket.close();
    }, CLOSE_TIMEOUT_MS);
  }
}
