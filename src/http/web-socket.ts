/**
 * The port of a WebSocket connection (RFC 6455): what an exchange becomes once its handshake has been accepted.
 *
 * Whole messages only: fragments, masks, UTF-8 and the answers to pings are the engine's. No extension is negotiated, so
 * nothing is compressed.
 */
import type { HeaderList } from "./header-list.ts";

/** What a message's bytes are: UTF-8, or anything. */
export type FrameKind = "text" | "binary";

/** Close codes that the engines and the gateway use. Source: RFC 6455 section 7.4, IANA's registry for 1013. */
export const CloseCode = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  /** Stands for a close frame without a code; never sent. */
  NO_CODE: 1005,
  /** Stands for a connection that was lost; never sent. */
  LOST: 1006,
  NOT_UTF8: 1007,
  POLICY: 1008,
  TOO_LARGE: 1009,
  TRY_LATER: 1013,
} as const;

/** How a handshake is accepted. */
export interface WebSocketOptions {
  /** The subprotocol, one that the client offered; "" for none. */
  readonly protocol: string;
  /** Further fields of the 101 reply. */
  readonly headers: HeaderList;
  /** Longest message; a longer one ends the connection with 1009. At most what the listener was told. */
  readonly maxMessageBytes: number;
}

/** Receives what a client sends. Nothing comes after `onClose`, nor after the connection's own `close` or `terminate`. */
export interface WebSocketListener {
  /** One whole message; it belongs to the listener. Text is valid UTF-8. */
  onMessage(data: Uint8Array, kind: FrameKind): void;
  /** The answer to a ping. */
  onPong(): void;
  /**
   * The client or the engine has ended the connection: with the code of the client's close frame (1005 if it has none),
   * 1006 for a connection that was lost, 1002, 1007, 1008 and 1009 for what broke the protocol or a limit, 1013 for one
   * that sent more than could be kept. Comes at most once.
   */
  onClose(code: number, reason: string): void;
}

/** One open connection. Calls after its end do nothing. */
export interface WebSocketConnection {
  /**
   * Sends one message; its bytes belong to the engine from then on. False means: hold until the exchange's `onDrain`. What
   * is sent nevertheless is kept.
   */
  send(data: Uint8Array | string, kind: FrameKind): boolean;
  /** Asks the client for a sign of life; left out while it does not take what was sent before. */
  ping(): void;
  /** Ends the connection after what was sent. `reason` is at most 123 bytes of UTF-8. */
  close(code: number, reason: string): void;
  /** Breaks the connection off, without a close frame. */
  terminate(): void;
  /**
   * Holds the client: no `onMessage` until `resume`. Where the engine cannot stop reading it keeps up to
   * `WebSocketLimits.maxHeldBytes` and then closes with 1013. A client that goes away meanwhile may be noticed only after
   * `resume`.
   */
  pause(): void;
  resume(): void;
}
