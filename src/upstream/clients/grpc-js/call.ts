/**
 * One call on grpc-js's low-level call API: bytes in, bytes out, no codec and no Node streams in between.
 *
 * What that API leaves to its user, and its `Client` does with streams: one message under way at a time, each read
 * asked for, nothing after the end, and never an exception out of a callback (it runs inside promises of grpc-js,
 * where a throw would end the process).
 */
import {
  type Channel as GrpcChannel,
  type Metadata as GrpcMetadata,
  type InterceptingListener,
  status as StatusCode,
  type StatusObject,
} from "@grpc/grpc-js";
import { gatewayStatus, type Status } from "../../../status/index.ts";
import type { Call, CallListener, Metadata } from "../../channel.ts";
import { isGrpcContentType } from "../../reply-faults.ts";
import { MIN_COMPRESSED_BYTES, type RequestCompression } from "../../request-compression.ts";
import type { Generation } from "./generation.ts";
import { fromGrpcMetadata } from "./metadata.ts";
import { statusOfReply } from "./reply-status.ts";

/** `send` answers false from here on: bytes that grpc-js has not taken yet. */
const HIGH_WATER_BYTES = 64 * 1024;

/** Node may run a timer this much before the clock shows its time. */
const TIMER_TOLERANCE_MS = 2;

/** The flag of a message that is sent as it is (GRPC_WRITE_NO_COMPRESS of gRPC's core). */
const NO_COMPRESSION = 2;

const NO_METADATA: Metadata = [];

type RawCall = ReturnType<GrpcChannel["createCall"]>;

/** What a call needs of its channel. */
export interface CallOwner {
  /** For people: the address, or addresses, of the upstream. */
  readonly address: string;
  readonly maxSendMessageBytes: number;
  /** What `RawCall.getPeer` gives while no stream is open. */
  readonly target: string;
  readonly compression: RequestCompression;
  onCallEnded(generation: Generation): void;
}

/** A call of grpc-js behind the port. Starts with `start`; ends with exactly one `onStatus`. */
export class GrpcJsCall implements Call, InterceptingListener {
  readonly #raw: RawCall;
  readonly #owner: CallOwner;
  readonly #generation: Generation;
  readonly #listener: CallListener;
  /** Milliseconds since the epoch, as grpc-js counts; Infinity for none. */
  readonly #deadline: number;
  readonly #queue: Buffer[] = [];
  #unsentBytes = 0;
  #sendingBytes = 0;
  #isSending = false;
  #isHalfClosed = false;
  #owesDrain = false;
  #isReadHeld = false;
  #isDelivering = false;
  #hasHeaders = false;
  #foreignContentType: string | undefined;
  #hasEnded = false;
  #hasCompressed = false;
  /** One closure a call, not one a message; `flags` are those of the message under way. */
  readonly #sendContext: { readonly callback: () => void; flags: number } = {
    callback: () => this.#onSent(),
    flags: 0,
  };

  constructor(
    raw: RawCall,
    owner: CallOwner,
    generation: Generation,
    listener: CallListener,
    deadline: number,
  ) {
    this.#raw = raw;
    this.#owner = owner;
    this.#generation = generation;
    this.#listener = listener;
    this.#deadline = deadline;
  }

  start(metadata: GrpcMetadata): void {
    this.#raw.start(metadata, this);
    this.#raw.startRead();
  }

  send(message: Uint8Array): boolean {
    if (this.#hasEnded || this.#isHalfClosed) return true;
    const limit = this.#owner.maxSendMessageBytes;
    if (message.byteLength > limit) {
      const what = `the request message of ${message.byteLength} bytes is longer than ${limit}`;
      this.cancel(gatewayStatus("BODY_TOO_LARGE", what));
      return true;
    }
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    this.#unsentBytes += bytes.length;
    if (this.#isSending) this.#queue.push(bytes);
    else this.#write(bytes);
    this.#owesDrain ||= this.#unsentBytes >= HIGH_WATER_BYTES;
    return !this.#owesDrain;
  }

  halfClose(): void {
    if (this.#hasEnded || this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    // Directly behind the last message, so that both leave in one write.
    if (this.#queue.length === 0) this.#raw.halfClose();
  }

  cancel(status: Status): void {
    if (this.#hasEnded) return;
    this.#cancelRaw();
    this.#end(status, NO_METADATA);
  }

  resume(): void {
    if (this.#hasEnded || !this.#isReadHeld) return;
    this.#isReadHeld = false;
    if (!this.#isDelivering) this.#raw.startRead();
  }

  /** For grpc-js alone. */
  onReceiveMetadata(metadata: GrpcMetadata): void {
    if (this.#hasEnded) return;
    const contentType = metadata.get("content-type")[0]?.toString();
    // A header block that a body follows needs one (gRPC over HTTP/2, "Response-Headers").
    if (contentType === undefined || !isGrpcContentType(contentType)) {
      this.#foreignContentType = contentType ?? "";
      return;
    }
    this.#hasHeaders = true;
    try {
      this.#listener.onHeaders(fromGrpcMetadata(metadata));
    } catch (error) {
      this.#onListenerFault(error);
    }
  }

  /** For grpc-js alone. */
  onReceiveMessage(message: Uint8Array): void {
    if (this.#hasEnded) return;
    if (this.#foreignContentType !== undefined) {
      this.cancel(
        gatewayStatus("UPSTREAM_PROTOCOL", `upstream ${this.#owner.address} answered, but not with gRPC`),
      );
      return;
    }
    // Held while it is delivered, so that a resume() from within onMessage counts, whatever onMessage then answers.
    this.#isReadHeld = true;
    this.#isDelivering = true;
    try {
      if (this.#listener.onMessage(message)) this.#isReadHeld = false;
    } catch (error) {
      this.#onListenerFault(error);
    }
    this.#isDelivering = false;
    if (!this.#hasEnded && !this.#isReadHeld) this.#raw.startRead();
  }

  /** For grpc-js alone. */
  onReceiveStatus(reported: StatusObject): void {
    if (this.#hasEnded) return;
    const peer = this.#raw.getPeer();
    const status = statusOfReply(reported, {
      address: this.#owner.address,
      hasStream: this.#hasHeaders || (peer !== this.#owner.target && peer !== "unknown"),
      isExpired: Date.now() >= this.#deadline - TIMER_TOLERANCE_MS,
      hasGrpcHeaders: this.#hasHeaders,
      foreignContentType: this.#foreignContentType,
    });
    const isFromUpstream = status.origin === "upstream";
    if (this.#generation.isCompressing) this.#learn(reported, status);
    this.#end(status, isFromUpstream ? fromGrpcMetadata(reported.metadata) : NO_METADATA);
  }

  #write(bytes: Buffer): void {
    this.#isSending = true;
    this.#sendingBytes = bytes.length;
    if (this.#generation.isCompressing) {
      const isLong = bytes.length >= MIN_COMPRESSED_BYTES;
      this.#sendContext.flags = isLong ? 0 : NO_COMPRESSION;
      this.#hasCompressed ||= isLong;
    }
    this.#raw.sendMessageWithContext(this.#sendContext, bytes);
  }

  #onSent(): void {
    if (this.#hasEnded || !this.#isSending) return;
    this.#isSending = false;
    this.#unsentBytes -= this.#sendingBytes;
    const next = this.#queue.shift();
    if (next !== undefined) {
      this.#write(next);
      if (this.#queue.length === 0 && this.#isHalfClosed) this.#raw.halfClose();
    }
    if (!this.#owesDrain || this.#isHalfClosed || this.#unsentBytes >= HIGH_WATER_BYTES) return;
    this.#owesDrain = false;
    try {
      this.#listener.onDrain();
    } catch (error) {
      this.#onListenerFault(error);
    }
  }

  /** What the end of the reply says of gzip; of headers that messages follow, grpc-js keeps it to itself and obeys. */
  #learn(reported: StatusObject, status: Status): void {
    const accepted = reported.metadata.get("grpc-accept-encoding")[0]?.toString();
    if (accepted !== undefined) this.#owner.compression.onAcceptEncoding(accepted);
    this.#owner.compression.onStatus(status, this.#hasCompressed);
  }

  #cancelRaw(): void {
    const raw = this.#raw;
    raw.cancelWithStatus(StatusCode.CANCELLED, "");
    if (this.#hasHeaders) return;
    // grpc-js starts the stream some microtasks after start() and does not look whether the call was cancelled in
    // between; the second cancel reaches the stream that it has opened by then.
    setImmediate(() => raw.cancelWithStatus(StatusCode.CANCELLED, ""));
  }

  #onListenerFault(error: unknown): void {
    process.emitWarning(error instanceof Error ? error : String(error));
    this.cancel(gatewayStatus("INTERNAL", "a fault in the gateway ended the call"));
  }

  #end(status: Status, trailers: Metadata): void {
    this.#hasEnded = true;
    this.#queue.length = 0;
    this.#owner.onCallEnded(this.#generation);
    try {
      this.#listener.onStatus(status, trailers);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
