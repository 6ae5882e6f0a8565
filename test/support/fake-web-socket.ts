/**
 * A WebSocketConnection without a socket: records what the gateway sends, and lets a test play the client.
 */
import type {
  FrameKind,
  WebSocketConnection,
  WebSocketListener,
  WebSocketOptions,
} from "../../src/http/index.ts";

export class FakeWebSocket implements WebSocketConnection {
  readonly options: WebSocketOptions;
  readonly listener: WebSocketListener;
  /** Text frames as text, binary ones as bytes. */
  readonly sent: (string | Uint8Array)[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  isTerminated = false;
  isPaused = false;
  pings = 0;
  /** What `send` answers. */
  maySendOn = true;

  constructor(options: WebSocketOptions, listener: WebSocketListener) {
    this.options = options;
    this.listener = listener;
  }

  /** The client sends a text frame, or a binary one. */
  receive(data: string | Uint8Array): void {
    if (typeof data === "string") this.listener.onMessage(Buffer.from(data), "text");
    else this.listener.onMessage(data, "binary");
  }

  send(data: Uint8Array | string, kind: FrameKind): boolean {
    this.sent.push(kind === "text" ? Buffer.from(data).toString() : Buffer.from(data));
    return this.maySendOn;
  }

  ping(): void {
    this.pings++;
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  terminate(): void {
    this.isTerminated = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}
