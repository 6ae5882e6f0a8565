/**
 * One HTTP/2 connection to an upstream, and the streams on it.
 *
 *     connecting --socket, TLS, preface--> greeting --SETTINGS--> ready --GOAWAY, ids used up--> draining
 *          |                                  |                     |                               |
 *          +------------- fault --------------+---------------------+----- last stream ended -------+--> closed
 *
 * Whatever breaks the protocol ends this connection and nothing else.
 * Source: RFC 9113 sections 5.1, 6.8, 8.1.
 */
import type { Socket } from "node:net";
import {
  type ConnectionOptions,
  type ConnectionOwner,
  MAX_HEADER_LIST_BYTES,
  STREAM_WINDOW_BYTES,
  type Stream,
} from "./connection-ports.ts";
import { Flag, MAX_STREAM_ID } from "./frame.ts";
import { FrameBudget } from "./frame-budget.ts";
import { type FrameHandler, FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { Greeting } from "./greeting.ts";
import { HeaderDecoder } from "./hpack/decoder.ts";
import { RequestEncoder } from "./hpack/request-encoder.ts";
import { ErrorCode, Http2Error } from "./http2-error.ts";
import { Keepalive } from "./keepalive.ts";
import { closeSocket, socketFault } from "./open-socket.ts";
import { PeerSettings } from "./peer-settings.ts";
import { ReceiveWindows } from "./receive-windows.ts";
import { SendScheduler } from "./send-scheduler.ts";
import { StreamTable } from "./stream-table.ts";

const PING_PAYLOAD: Uint8Array = new Uint8Array(8);

type State = "connecting" | "greeting" | "ready" | "draining" | "closed";

/** A connection from its first packet to its end. */
export class Connection implements FrameHandler {
  readonly #owner: ConnectionOwner<Connection>;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #scheduler: SendScheduler;
  readonly #decoder = new HeaderDecoder(MAX_HEADER_LIST_BYTES);
  readonly #encoder: RequestEncoder;
  readonly #peer = new PeerSettings();
  readonly #budget: FrameBudget;
  /** For its streams, to be lent window. */
  readonly windows: ReceiveWindows;
  readonly #streams = new StreamTable<Stream>();
  readonly #startedAt: number;
  #state: State = "connecting";
  #nextStreamId: number;
  #lastGoawayId = MAX_STREAM_ID;
  #dataStream: Stream | undefined;
  #dataLeft = 0;
  /** Whether it has been more than padding. */
  #hasContent = false;
  readonly #greeting: Greeting;
  readonly #keepalive: Keepalive;
  /** More is to be sent than the upstream reads. */
  #isBehind = false;
  #hasAnswered = false;
  #fault = "";
  /** For its calls: one of them has told what broke it, which is one fault, however many go with it. */
  isBlamed = false;

  constructor(owner: ConnectionOwner<Connection>, options: ConnectionOptions) {
    this.#owner = owner;
    this.#options = options;
    this.#nextStreamId = options.firstStreamId;
    this.#startedAt = options.now();
    this.#encoder = new RequestEncoder(options.sharedFields);
    this.#budget = new FrameBudget(options.now);
    this.#reader = new FrameReader(this);
    const socket = options.open(
      () => this.#onConnected(),
      (bytes, length) => this.#onBytes(bytes, length),
    );
    this.#socket = socket;
    this.#writer = new FrameWriter(socket, () => this.#onFlushed());
    this.#scheduler = new SendScheduler(this.#writer, this.#budget);
    this.windows = new ReceiveWindows(this.#writer, options.now);
    socket.on("drain", () => this.#onFlushed());
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#fault ||= socketFault(error);
      this.#hangUp();
    });
    // While it connects, TLS has more to say of it.
    socket.on("end", () => {
      if (this.#state !== "connecting" && this.#state !== "closed") this.#hangUp();
    });
    socket.on("close", () => this.#end());
    this.#greeting = new Greeting({
      connectTimeoutMs: options.connectTimeoutMs,
      onSilence: () => this.#onSilence(),
      settingsTimeoutMs: options.settingsTimeoutMs,
      onUnsettled: () => this.#onUnsettled(),
    });
    this.#keepalive = new Keepalive(
      options.keepaliveMs,
      options.keepaliveTimeoutMs,
      () => this.#ping(),
      () => this.#onSilence(),
    );
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** Whether a call can be opened now: not where it is in doubt that anybody is there, or reads. */
  get hasRoom(): boolean {
    if (this.#state !== "ready" || this.#isBehind || this.#keepalive.isInDoubt) return false;
    return this.#streams.size < this.#peer.maxConcurrentStreams;
  }

  /** Whether a call was ever answered on it. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  get ageMs(): number {
    return this.#options.now() - this.#startedAt;
  }

  /** On its socket. */
  get sentBytes(): number {
    return this.#socket.bytesWritten;
  }

  get receivedBytes(): number {
    return this.#socket.bytesRead;
  }

  /** As SETTINGS_MAX_HEADER_LIST_SIZE of the upstream says. */
  get maxHeaderListBytes(): number {
    return this.#peer.maxHeaderListBytes;
  }

  /**
   * Opens a stream; the first `blockBytes` of `block` are its own fields, encoded. Only where `hasRoom`. Messages follow
   * by `send`.
   */
  openStream(stream: Stream, path: string, block: Buffer, blockBytes: number): void {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    stream.streamId = id;
    stream.sendWindow = this.#peer.initialWindowBytes;
    stream.receiveWindow = STREAM_WINDOW_BYTES;
    this.#streams.add(stream);
    stream.openedAtFlush = this.#writer.flushes;
    this.#writer.headers(id, this.#encoder.blockOf(path), block, blockBytes);
    this.#isBehind = this.#writer.isFull;
    this.#budget.earn();
    if (this.#nextStreamId > MAX_STREAM_ID) this.#drain();
  }

  /** The stream's outbox has something new. */
  send(stream: Stream): void {
    this.#scheduler.add(stream);
  }

  /** Gives the upstream more window on the stream. */
  grant(stream: Stream, bytes: number): void {
    stream.receiveWindow += bytes;
    this.#writer.windowUpdate(stream.streamId, bytes);
  }

  /** A call that was sent at `sentAt` ran into its deadline: its own matter, unless nothing else comes either. */
  doubt(sentAt: number): void {
    this.#keepalive.doubt(sentAt, this.#options.now());
  }

  /** Ends a stream that both sides have ended, or that is reset with `errorCode`. */
  release(stream: Stream, errorCode: number | undefined): void {
    if (!this.#streams.remove(stream.streamId)) return;
    this.#scheduler.remove(stream);
    if (stream.lentBytes > 0) this.windows.takeBack(stream);
    if (errorCode !== undefined) {
      this.#writer.reset(stream.streamId, errorCode);
      this.#budget.allowLate(stream.receiveWindow);
    }
    if (this.#state === "draining" && this.#streams.size === 0) this.close();
    else this.#owner.onFree(this);
  }

  /** Takes no more streams and closes when the last one has ended. */
  drain(): void {
    this.#drain();
    if (this.#state !== "draining" || this.#streams.size === 0) this.close();
  }

  /** Closes at once; streams that are left are lost. */
  close(): void {
    if (this.#state === "closed") return;
    this.#leave(ErrorCode.NO_ERROR);
    this.#end();
  }

  onDataStart(streamId: number, flowBytes: number): void {
    this.windows.onData(flowBytes);
    const stream = this.#streamOf(streamId);
    this.#dataStream = stream;
    this.#dataLeft = flowBytes;
    this.#hasContent = false;
    if (stream === undefined) {
      this.#budget.spendLate(flowBytes);
      return;
    }
    stream.receiveWindow -= flowBytes;
    if (stream.receiveWindow < 0) {
      throw new Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "more than a stream's window");
    }
  }

  onDataBytes(bytes: Buffer, start: number, end: number): void {
    this.#dataLeft -= end - start;
    this.#hasContent = true;
    this.#dataStream?.onData(bytes, start, end);
  }

  onDataEnd(flags: number): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    if (stream === undefined) return;
    if (this.#hasContent) this.#budget.earn();
    else this.#budget.spend();
    stream.onDataEnd(flags, this.#dataLeft);
  }

  onHeaderBlock(streamId: number, flags: number, bytes: Buffer, start: number, end: number): void {
    // Decoded whoever it is for: the table of the connection depends on every block.
    const list = this.#decoder.decode(bytes, start, end);
    const stream = this.#streamOf(streamId);
    // Interim responses may come in any number; what is left makes a reply, or an end.
    const isInterim = list[0] === ":status" && list[1]?.charCodeAt(0) === 0x31;
    if (stream === undefined || isInterim) this.#budget.spend();
    stream?.onHeaderList(list, this.#decoder.isTooLong, flags);
  }

  onReset(streamId: number, errorCode: number): void {
    const stream = this.#streamOf(streamId);
    if (stream === undefined) {
      this.#budget.spend();
      return;
    }
    this.release(stream, undefined);
    if (errorCode === ErrorCode.REFUSED_STREAM) stream.onUnprocessed("refused");
    else stream.onReset(errorCode);
  }

  onSettings(bytes: Buffer, start: number, end: number): void {
    this.#budget.spend();
    const previousWindow = this.#peer.initialWindowBytes;
    this.#peer.apply(bytes, start, end);
    this.#writer.maxFrameBytes = this.#peer.maxFrameBytes;
    this.#encoder.setMaxTableBytes(this.#peer.headerTableBytes);
    this.#writer.settingsAck();
    this.#checkReading();
    const change = this.#peer.initialWindowBytes - previousWindow;
    if (change !== 0) for (const stream of this.#streams.list()) this.#scheduler.widen(stream, change);
    if (this.#state === "greeting") this.#onGreeted();
    else if (this.#state === "ready") this.#owner.onFree(this);
  }

  onSettingsAck(): void {
    this.#budget.spend();
    this.#greeting.acknowledge();
  }

  onPing(bytes: Buffer, start: number): void {
    this.#budget.spend();
    this.#writer.ping(Flag.ACK, bytes.subarray(start, start + 8));
    this.#checkReading();
  }

  onPingAck(bytes: Buffer, start: number): void {
    this.#budget.spend();
    this.#keepalive.acknowledge();
    this.windows.onPingAck(bytes, start);
    if (this.#state === "ready") this.#owner.onFree(this);
  }

  onGoaway(lastStreamId: number, errorCode: number): void {
    this.#budget.spend();
    this.#lastGoawayId = Math.min(this.#lastGoawayId, lastStreamId);
    if (errorCode !== ErrorCode.NO_ERROR) this.#fault ||= `GOAWAY with HTTP/2 error ${errorCode}`;
    // Draining comes first, so that no call that is refused now lands here again.
    this.#drain();
    for (const stream of this.#streams.list()) {
      if (stream.streamId <= this.#lastGoawayId) continue;
      this.#streams.remove(stream.streamId);
      this.#scheduler.remove(stream);
      stream.onUnprocessed("goaway");
    }
    if (this.#streams.size === 0) this.close();
  }

  onWindowUpdate(streamId: number, increment: number): void {
    this.#budget.spend();
    const stream = streamId === 0 ? undefined : this.#streamOf(streamId);
    if (streamId === 0) this.#scheduler.grant(increment);
    else if (stream !== undefined) this.#scheduler.widen(stream, increment);
  }

  onIgnored(): void {
    this.#budget.spend();
  }

  /** The stream, or undefined if it has ended here already. */
  #streamOf(streamId: number): Stream | undefined {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      this.#hasAnswered = true;
      this.#keepalive.hearCall();
      return stream;
    }
    if (streamId >= this.#nextStreamId || streamId % 2 === 0) {
      throw new Http2Error(ErrorCode.PROTOCOL_ERROR, "a frame of a stream that was never opened");
    }
    return undefined;
  }

  #onConnected(): void {
    if (this.#state !== "connecting") return;
    this.#state = "greeting";
    this.#greeting.send(this.#writer);
    this.windows.open();
  }

  #onGreeted(): void {
    this.#state = "ready";
    this.#greeting.complete();
    this.#keepalive.start();
    this.#owner.onReady(this);
  }

  #onUnsettled(): void {
    this.#onViolation(new Http2Error(ErrorCode.SETTINGS_TIMEOUT, "no acknowledgement of SETTINGS"));
  }

  #onBytes(bytes: Buffer, length: number): void {
    if (this.#state === "closed" || this.#state === "connecting") return;
    this.#keepalive.hear(this.#options.now());
    try {
      this.#reader.read(bytes, 0, length);
    } catch (error) {
      this.#onViolation(error);
    }
  }

  #onViolation(error: unknown): void {
    const isPeer = error instanceof Http2Error;
    if (!isPeer) process.emitWarning(error instanceof Error ? error : String(error));
    this.#fault = isPeer ? error.message : "a fault of the gateway";
    if (this.#state === "greeting") this.#fault = `Protocol error: ${this.#fault}`;
    this.#leave(isPeer ? error.errorCode : ErrorCode.INTERNAL_ERROR);
    this.#end(this.#fault);
  }

  /** Says goodbye, and closes the socket once that has left, or soon in any case. */
  #leave(errorCode: number): void {
    const socket = this.#socket;
    if (this.#state === "connecting") {
      socket.destroy();
      return;
    }
    this.#writer.goaway(errorCode);
    this.#writer.flush();
    closeSocket(socket);
  }

  /** Whether an upstream that makes this client answer also reads the answers. */
  #checkReading(): void {
    if (!this.#writer.isFull) return;
    throw new Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "frames to be answered, but reads no answers");
  }

  #onFlushed(): void {
    if (!this.#writer.isCongested) this.#scheduler.pump();
    if (!this.#isBehind || this.#writer.isFull) return;
    this.#isBehind = false;
    this.#owner.onFree(this);
  }

  #drain(): void {
    if (this.#state !== "ready") return;
    this.#state = "draining";
    this.#owner.onDraining(this);
  }

  /** Servers take it amiss where no call is open. */
  #ping(): boolean {
    if (this.#streams.size === 0) return false;
    this.#writer.ping(0, PING_PAYLOAD);
    return true;
  }

  #onSilence(): void {
    this.#fault ||= "ETIMEDOUT";
    this.#hangUp();
  }

  /** Nobody is there any more. `close` of the socket comes turns later; calls that were written until then would be lost. */
  #hangUp(): void {
    this.#socket.destroy();
    this.#end();
  }

  /** `violation` completes "the upstream sent …"; without one the connection merely broke. */
  #end(violation?: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#greeting.stop();
    this.#keepalive.stop();
    const flushes = this.#writer.flushes;
    this.#writer.close();
    const streams = this.#streams.list();
    this.#streams.clear();
    // The owner first: a call that is tried again must not find this connection.
    this.#owner.onClosed(this, this.#fault);
    for (const stream of streams) {
      this.#scheduler.remove(stream);
      if (stream.openedAtFlush === flushes) stream.onUnprocessed("never_sent");
      else stream.onLost(violation);
    }
  }
}
