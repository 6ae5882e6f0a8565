/** What a connection needs of its neighbours: the calls on it, the pool that owns it, the socket under it. */
import type { Socket } from "node:net";
import type { ResendReason } from "../../channel-stats.ts";
import type { Borrower } from "./receive-windows.ts";
import type { Sender } from "./send-scheduler.ts";

/** What the upstream may send ahead on one stream, at first. */
export const STREAM_WINDOW_BYTES: number = 512 * 1024;

/** The header list of one reply, decoded, as SETTINGS_MAX_HEADER_LIST_SIZE counts. */
export const MAX_HEADER_LIST_BYTES: number = 64 * 1024;

/** A call, as its connection sees it. */
export interface Stream extends Sender, Borrower {
  streamId: number;
  /** What the upstream may still send; the connection counts it down. */
  receiveWindow: number;
  /** How often the connection had flushed when the stream was opened; the same count later means that it never left. */
  openedAtFlush: number;
  /** A header block; `list` is reused. `isTooLong` means that fields are missing. */
  onHeaderList(list: readonly string[], isTooLong: boolean, flags: number): void;
  /** Bytes of DATA, valid during the call only. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** A DATA frame has ended; `flowBytes` is what it took of the window besides its bytes. */
  onDataEnd(flags: number, paddingBytes: number): void;
  onReset(errorCode: number): void;
  /** The upstream has not processed the call and will not, for this reason. */
  onUnprocessed(reason: ResendReason): void;
  /** The connection ended with the call under way; `fault` is undefined where it merely broke. */
  onLost(fault: string | undefined): void;
}

/** What becomes of a connection. */
export interface ConnectionOwner<C> {
  onReady(connection: C): void;
  /** No new streams from now on; those there go on. */
  onDraining(connection: C): void;
  /** A stream ended, or the upstream allows more. */
  onFree(connection: C): void;
  /** `fault` is for `unreachable` if it was never ready. */
  onClosed(connection: C, fault: string): void;
}

/** How to make a connection. */
export interface ConnectionOptions {
  /** Opens the socket; it reports `connected` and the bytes that arrive. */
  open(onConnected: () => void, onBytes: (bytes: Buffer, length: number) => void): Socket;
  /** Header fields of every call besides `:path`: `:method`, `:scheme` and `:authority` first. */
  readonly sharedFields: readonly (readonly [name: string, value: string])[];
  readonly connectTimeoutMs: number;
  /** How long the upstream may take to acknowledge SETTINGS. */
  readonly settingsTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly now: () => number;
  /** The first stream's number, odd. */
  readonly firstStreamId: number;
}
