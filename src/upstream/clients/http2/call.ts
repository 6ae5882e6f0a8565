/**
 * One call of the port, on a stream of a connection or on the way to one.
 *
 *     waiting --a connection has room--> streaming --reply, fault, cancel, deadline--> ended
 *        ^                                   |
 *        +---- refused without processing ---+
 */
import { Code, gatewayStatus, type Status } from "../../../status/index.ts";
import type { Call, CallListener, Metadata } from "../../channel.ts";
import type { ResendReason } from "../../channel-stats.ts";
import type { Expiring } from "../../deadline-wheel.ts";
import type { CallEnd, EndpointObserver } from "../../endpoint.ts";
import { callRefused, connectionLost, deadlineExpired, streamReset } from "../../reply-faults.ts";
import type { RequestCompression } from "../../request-compression.ts";
import type { Connection } from "./connection.ts";
import { STREAM_WINDOW_BYTES, type Stream } from "./connection-ports.ts";
import type { Endpoint } from "./endpoint.ts";
import { ErrorCode } from "./http2-error.ts";
import { type CompressedSink, MessageCompressor } from "./message-compressor.ts";
import { type MetadataEncoder, metadataTooLarge, timeoutField } from "./metadata-encoder.ts";
import { Outbox } from "./outbox.ts";
import { ReplyReader, type ReplySink } from "./reply-reader.ts";

/** `send` answers false from here on: bytes that no frame holds yet. */
const HIGH_WATER_BYTES: number = 64 * 1024;

/** Window is given back in pieces of this much. */
const WINDOW_UPDATE_BYTES: number = STREAM_WINDOW_BYTES / 2;

/** How often a call that was never processed is sent again; the third refusal is the upstream's answer. */
const MAX_ATTEMPTS = 3;

/** A longer message is asked for in pieces of this: windows have no more than 31 bits. */
const MAX_AHEAD_BYTES: number = 2 ** 30;

const NO_METADATA: Metadata = [];

/** What a call needs of its channel. */
export interface CallOwner {
  /** For people: the address, or addresses, of the upstream. */
  readonly address: string;
  readonly maxReceiveMessageBytes: number;
  readonly maxSendMessageBytes: number;
  readonly encoder: MetadataEncoder;
  readonly compression: RequestCompression;
  readonly now: () => number;
  /** Finds the call a connection, now or later. */
  place(call: Http2Call): void;
  /** Who hears of calls on `endpoint`, if anybody does. */
  observerOf(endpoint: Endpoint): EndpointObserver | undefined;
  /** Likewise, for a call that was not processed where it went first. */
  placeAgain(call: Http2Call, reason: ResendReason): void;
  /** The call has grown by `bytes` before it was placed; gives the status to end it with if that is too much. */
  onGrown(call: Http2Call, bytes: number): Status | undefined;
  /** The call is waiting no more. */
  onPlaced(call: Http2Call): void;
  onEnded(call: Http2Call): void;
}

/** A call. It ends with exactly one `onStatus`. */
export class Http2Call implements Call, Stream, ReplySink, Expiring, CompressedSink {
  readonly #owner: CallOwner;
  readonly #listener: CallListener;
  readonly #path: string;
  readonly #metadata: Metadata;
  readonly outbox: Outbox = new Outbox();
  readonly #reply: ReplyReader;
  readonly #compressor: MessageCompressor | undefined;
  /** On the owner's clock; Infinity for none. */
  readonly expiresAt: number;
  streamId = 0;
  sendWindow = 0;
  receiveWindow = 0;
  openedAtFlush = 0;
  wheelIndex = 0;
  lentBytes = 0;
  #connection: Connection | undefined;
  /** Hears of the stream that is open, once it has ended no more. */
  #observer: EndpointObserver | undefined;
  /** When that was opened, on the owner's clock. */
  #sentAt = 0;
  #hasReply = false;
  #attempts = 0;
  #consumedBytes = 0;
  /** Window given beyond the usual for the message under way; not given back again. */
  #extraBytes = 0;
  /** Whether what was lent is part of that, since the listener has held. */
  #isLoanDue = false;
  /** Whether it has held since window was last given. */
  #hasHeld = false;
  #owesDrain = false;
  #isEnded = false;

  constructor(owner: CallOwner, listener: CallListener, path: string, metadata: Metadata, expiresAt: number) {
    this.#owner = owner;
    this.#listener = listener;
    this.#path = path;
    this.#metadata = metadata;
    this.expiresAt = expiresAt;
    this.#reply = new ReplyReader(this);
    this.#compressor = owner.compression.isOn ? new MessageCompressor(this) : undefined;
  }

  get address(): string {
    return this.#owner.address;
  }

  get maxReceiveMessageBytes(): number {
    return this.#owner.maxReceiveMessageBytes;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  send(message: Uint8Array): boolean {
    if (this.#isEnded || this.#isHalfClosed) return true;
    const limit = this.#owner.maxSendMessageBytes;
    if (message.byteLength > limit) {
      const what = `the request message of ${message.byteLength} bytes is longer than ${limit}`;
      this.cancel(gatewayStatus("BODY_TOO_LARGE", what));
      return true;
    }
    if (this.#compressor === undefined) this.outbox.push(message);
    else this.#compressor.push(message);
    if (this.#connection !== undefined) {
      this.#connection.send(this);
    } else {
      const refusal = this.#owner.onGrown(this, message.byteLength);
      if (refusal !== undefined) {
        this.cancel(refusal);
        return true;
      }
    }
    this.#owesDrain ||= this.#unsentBytes >= HIGH_WATER_BYTES;
    return !this.#owesDrain;
  }

  halfClose(): void {
    if (this.#isEnded || this.#isHalfClosed) return;
    if (this.#compressor === undefined || this.#compressor.end()) this.onAllReady();
  }

  cancel(status: Status): void {
    this.#abort(status, "abandoned");
  }

  resume(): void {
    if (!this.#isEnded) this.#reply.resume();
  }

  /** For the endpoint: opens a stream on its `connection`, which has room. */
  attach(connection: Connection, endpoint: Endpoint): void {
    const { encoder, now, address } = this.#owner;
    const hasDeadline = this.expiresAt !== Number.POSITIVE_INFINITY;
    const observer = this.#owner.observerOf(endpoint);
    const sentAt = hasDeadline || observer !== undefined ? now() : 0;
    const timeout = hasDeadline ? timeoutField(this.expiresAt - sentAt) : "";
    const refusal = encoder.encode(this.#metadata, timeout, this.#compressor === undefined ? "" : "gzip");
    if (refusal !== undefined) {
      this.refuse(refusal);
      return;
    }
    if (encoder.listBytes + FIXED_LIST_BYTES > connection.maxHeaderListBytes) {
      this.refuse(metadataTooLarge(address, connection.maxHeaderListBytes));
      return;
    }
    this.#attempts++;
    this.#connection = connection;
    this.#sentAt = sentAt;
    this.#observer = observer;
    observer?.onCallSent();
    connection.openStream(this, this.#path, encoder.block, encoder.blockBytes);
    connection.send(this);
  }

  /**
   * For the channel: ends a call that cannot be had, once `open` has returned. In a later turn of the event loop, so that
   * a caller who tries again at once does not keep the loop from the connection that it waits for.
   */
  refuse(status: Status): void {
    setImmediate(() => this.cancel(status));
  }

  /** For the deadlines alone. */
  onExpired(): void {
    this.#connection?.doubt(this.#sentAt);
    this.#abort(deadlineExpired(this.address, this.#attempts === 0 ? "connecting" : "called"), "expired");
  }

  /** For the connection alone, as are those that follow. */
  onWritten(): void {
    if (!this.#owesDrain || this.#isEnded || this.#isHalfClosed) return;
    if (this.#unsentBytes >= HIGH_WATER_BYTES) return;
    this.#owesDrain = false;
    try {
      this.#listener.onDrain();
    } catch (error) {
      this.#onListenerFault(error);
    }
  }

  onHeaderList(list: readonly string[], isTooLong: boolean, flags: number): void {
    this.#reply.onHeaderList(list, isTooLong, flags);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#reply.onData(bytes, start, end);
  }

  onDataEnd(flags: number, paddingBytes: number): void {
    this.#reply.onDataEnd(flags, paddingBytes);
  }

  onReset(errorCode: number): void {
    this.#connection = undefined;
    const status = streamReset(this.address, errorCode);
    if (this.#isDeadline(status)) this.#end(deadlineExpired(this.address, "called"), NO_METADATA, "expired");
    else this.#end(status, NO_METADATA, "broken");
  }

  onUnprocessed(reason: ResendReason): void {
    this.#connection = undefined;
    if (this.#isEnded) return;
    // An endpoint that refuses is soon the least busy one, and would get ever more.
    const end = reason === "refused" ? "broken" : "abandoned";
    this.#report(callRefused(this.address), end);
    if (this.#attempts < MAX_ATTEMPTS && this.outbox.canRewind) {
      this.outbox.rewind();
      this.#owner.placeAgain(this, reason);
    } else {
      this.#end(callRefused(this.address), NO_METADATA, end);
    }
  }

  onLost(violation: string | undefined): void {
    const connection = this.#connection;
    this.#connection = undefined;
    const isFirst = connection?.isBlamed === false;
    // One that nobody observes would take the blame with it.
    if (connection !== undefined && this.#observer !== undefined) connection.isBlamed = true;
    const status =
      violation === undefined
        ? connectionLost(this.address)
        : gatewayStatus("UPSTREAM_PROTOCOL", `upstream ${this.address} broke HTTP/2: it sent ${violation}`);
    this.#end(status, NO_METADATA, isFirst ? "broken" : "lost");
  }

  /** For the reply's reader alone, as are those that follow. */
  onTaken(acceptEncoding: string | undefined): void {
    this.outbox.stopKeeping();
    if (this.#compressor === undefined || acceptEncoding === undefined) return;
    this.#owner.compression.onAcceptEncoding(acceptEncoding);
  }

  onHeaders(metadata: Metadata): void {
    this.#hasReply = true;
    this.#observer?.onReplyStarted(this.#sentAt, this.#owner.now());
    try {
      this.#listener.onHeaders(metadata);
    } catch (error) {
      this.#onListenerFault(error);
    }
  }

  onMessage(message: Uint8Array): boolean {
    try {
      if (this.#listener.onMessage(message)) return true;
    } catch (error) {
      this.#onListenerFault(error);
      return true;
    }
    this.#hasHeld = true;
    if (this.lentBytes > 0 && !this.#isLoanDue) {
      this.#isLoanDue = true;
      this.#extraBytes += this.lentBytes;
    }
    return false;
  }

  onUpstreamEnded(): void {
    // If this side has not ended, it need not go on.
    this.#release(this.outbox.isEndWritten ? undefined : ErrorCode.CANCEL);
  }

  onComplete(status: Status, trailers: Metadata): void {
    if (this.#compressor !== undefined) {
      this.#owner.compression.onStatus(status, this.#compressor.hasCompressed);
    }
    if (this.#isDeadline(status)) this.#end(deadlineExpired(this.address, "called"), NO_METADATA, "expired");
    else this.#end(status, trailers, status.origin === "upstream" ? "answered" : "broken");
  }

  onInvalid(status: Status): void {
    this.#abort(status, "broken");
  }

  onConsumed(bytes: number, missingBytes: number): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const repaid = Math.min(bytes, this.#extraBytes);
    this.#extraBytes -= repaid;
    this.#consumedBytes += bytes - repaid;
    if (this.#isLoanDue && this.#extraBytes === 0) {
      this.#isLoanDue = false;
      connection.windows.takeBack(this);
    }
    const wanted = Math.min(missingBytes, MAX_AHEAD_BYTES) - this.receiveWindow - this.#consumedBytes;
    if (wanted > 0) {
      // The message will be kept whole anyway; asking for it piece by piece would only cost round trips.
      this.#extraBytes += wanted;
      connection.grant(this, this.#consumedBytes + wanted);
      this.#consumedBytes = 0;
    } else if (this.#consumedBytes >= WINDOW_UPDATE_BYTES) {
      const lent = this.#isLoanDue || this.#hasHeld ? 0 : connection.windows.lend(this);
      connection.grant(this, this.#consumedBytes + lent);
      this.#consumedBytes = 0;
      this.#hasHeld = false;
    }
  }

  /** For the compressor alone. */
  onReady(message: Uint8Array, isCompressed: boolean): void {
    if (this.#isEnded) return;
    if (isCompressed) this.outbox.pushCompressed(message);
    else this.outbox.push(message);
    this.#connection?.send(this);
  }

  /** For the compressor alone, and where there is none. */
  onAllReady(): void {
    this.outbox.end();
    this.#connection?.send(this);
  }

  get #isHalfClosed(): boolean {
    return this.outbox.isEnded || this.#compressor?.isEnded === true;
  }

  /** What was given to `send` and no frame holds yet. */
  get #unsentBytes(): number {
    return this.outbox.unsentBytes + (this.#compressor?.waitingBytes ?? 0);
  }

  /** The upstream counts the same deadline, and may be a moment faster to say so. */
  #isDeadline({ code }: Status): boolean {
    if (code !== Code.DEADLINE_EXCEEDED && code !== Code.CANCELLED) return false;
    return this.#owner.now() >= this.expiresAt - DEADLINE_TOLERANCE_MS;
  }

  #abort(status: Status, end: CallEnd): void {
    if (this.#isEnded) return;
    this.#release(ErrorCode.CANCEL);
    this.#end(status, NO_METADATA, end);
  }

  #release(errorCode: number | undefined): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) this.#owner.onPlaced(this);
    else connection.release(this, errorCode);
  }

  /** The stream has ended, whether the call has or not. */
  #report(status: Status, end: CallEnd): void {
    const observer = this.#observer;
    this.#observer = undefined;
    observer?.onCallEnded(status, end, this.#sentAt, this.#hasReply ? "replied" : "silent");
  }

  #onListenerFault(error: unknown): void {
    process.emitWarning(error instanceof Error ? error : String(error));
    this.cancel(gatewayStatus("INTERNAL", "a fault in the gateway ended the call"));
  }

  #end(status: Status, trailers: Metadata, end: CallEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#reply.stop();
    this.#compressor?.stop();
    this.outbox.clear();
    this.#owner.onEnded(this);
    this.#report(status, end);
    try {
      this.#listener.onStatus(status, trailers);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}

/** The upstream is told whole milliseconds, rounded down. */
const DEADLINE_TOLERANCE_MS = 2;

/** Room in a header list for the fields that are not metadata. */
const FIXED_LIST_BYTES = 1024;
