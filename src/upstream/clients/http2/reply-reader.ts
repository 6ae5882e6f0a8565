/**
 * The incoming half of a call: header blocks and DATA to headers, messages and one status.
 *
 *     nothing --headers--> messages --trailers--> status          (trailers-only: nothing --headers--> status)
 *
 * While the listener holds, or a message is being decompressed, bytes wait here, at most the stream's window of them; the
 * window is given back as they are consumed. Source: gRPC over HTTP/2, "Responses".
 */
import { gunzip } from "node:zlib";
import { Code, gatewayStatus, type Status } from "../../../status/index.ts";
import type { Metadata } from "../../channel.ts";
import { messageCut, notDecompressable, notGrpc, replyTooLarge } from "../../reply-faults.ts";
import { Flag } from "./frame.ts";
import { MessageReader } from "./message-reader.ts";
import {
  foreignStatus,
  type ReplyHead,
  readReplyHead,
  statusOfHeadersOnly,
  statusOfTrailers,
} from "./reply-head.ts";

const NO_METADATA: Metadata = [];

/** Pieces that wait are joined up to this size. */
const JOINED_BYTES = 4096;

/** What the reader tells its call. */
export interface ReplySink {
  /** For people: the address of the upstream. */
  readonly address: string;
  readonly maxReceiveMessageBytes: number;
  /** Any sign of a reply: the call has been taken up. With the upstream's `grpc-accept-encoding`, if it sent one. */
  onTaken(acceptEncoding: string | undefined): void;
  onHeaders(metadata: Metadata): void;
  /** False means: hold until `resume`. */
  onMessage(message: Uint8Array): boolean;
  /** The upstream has ended its side; messages may still wait. */
  onUpstreamEnded(): void;
  /** The reply is complete, and all of it delivered. */
  onComplete(status: Status, trailers: Metadata): void;
  /** The reply is wrong; the stream is to be reset. */
  onInvalid(status: Status): void;
  /** Bytes of the window have been consumed; `missingBytes` more are needed for the message under way. */
  onConsumed(bytes: number, missingBytes: number): void;
}

/** Reads one reply. After its last word to the sink, or `stop`, it takes bytes and drops them. */
export class ReplyReader {
  readonly #sink: ReplySink;
  readonly #messages: MessageReader;
  #hasHeaders = false;
  #encoding: string | undefined;
  #isHeld = false;
  #isDelivering = false;
  #isInflating = false;
  #isStopped = false;
  /** Chunks that wait. */
  #inbox: Buffer[] = [];
  #end: { readonly status: Status; readonly trailers: Metadata } | undefined;

  constructor(sink: ReplySink) {
    this.#sink = sink;
    this.#messages = new MessageReader(sink.maxReceiveMessageBytes);
  }

  stop(): void {
    this.#isStopped = true;
    this.#inbox = [];
  }

  onHeaderList(list: readonly string[], isTooLong: boolean, flags: number): void {
    if (this.#isStopped) return;
    const isLast = (flags & Flag.END_STREAM) !== 0;
    const head = readReplyHead(list, this.#hasHeaders ? "trailers" : "headers");
    if (isTooLong) this.#refuse("sent more header fields than the limit");
    else if (head === undefined) this.#refuse("sent malformed header fields");
    else if (this.#hasHeaders) this.#onTrailers(head, isLast);
    else this.#onHeaders(head, isLast);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#isStopped) return;
    if (!this.#hasHeaders) {
      this.#refuse("sent DATA before headers");
    } else if (this.#end !== undefined) {
      this.#refuse("sent DATA after its end");
    } else if (this.#isBlocked) {
      this.#keep(bytes.subarray(start, end));
    } else {
      const at = this.#consume(bytes, start, end);
      if (at < end) this.#keep(bytes.subarray(at, end));
    }
  }

  onDataEnd(flags: number, paddingBytes: number): void {
    if (this.#isStopped) return;
    const isLast = (flags & Flag.END_STREAM) !== 0;
    if (isLast) {
      if (this.#end !== undefined) this.#refuse("sent DATA after its end");
      else if (this.#hasHeaders) this.#finishWithoutTrailers();
      else this.#refuse("ended its reply before headers");
    } else if (paddingBytes > 0) {
      this.#sink.onConsumed(paddingBytes, 0);
    }
  }

  /** Lets messages flow again after the sink said to hold. */
  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (!this.#isDelivering) this.#drainInbox();
  }

  get #isBlocked(): boolean {
    return this.#isHeld || this.#isInflating;
  }

  #onHeaders(head: ReplyHead, isLast: boolean): void {
    const { address } = this.#sink;
    if (head.httpStatus < 200) {
      // Interim responses say nothing that gRPC knows; 101 does not exist in HTTP/2.
      if (isLast || head.httpStatus === 101) this.#refuse("sent malformed header fields");
      return;
    }
    this.#sink.onTaken(head.acceptEncoding);
    if (isLast) {
      const status = statusOfHeadersOnly(head, address);
      this.#finish(status, head.metadata);
      return;
    }
    const foreign = foreignStatus(head, address);
    if (foreign !== undefined) {
      this.#sink.onInvalid(foreign);
      return;
    }
    this.#hasHeaders = true;
    this.#encoding = head.encoding;
    this.#sink.onHeaders(head.metadata);
  }

  #onTrailers(head: ReplyHead, isLast: boolean): void {
    if (!isLast || this.#end !== undefined) this.#refuse("sent header fields in the middle of its reply");
    else this.#finish(statusOfTrailers(head, this.#sink.address), head.metadata);
  }

  /** The upstream's side has ended; what it said last comes after the messages that still wait. */
  #finish(status: Status, trailers: Metadata): void {
    this.#end = { status, trailers };
    this.#close();
  }

  /** Servers that reset a stream may end it first. The reason comes right behind then, and says more. */
  #finishWithoutTrailers(): void {
    this.#end = { status: notGrpc(this.#sink.address, undefined), trailers: NO_METADATA };
    process.nextTick(() => {
      if (!this.#isStopped) this.#close();
    });
  }

  #close(): void {
    this.#sink.onUpstreamEnded();
    if (!this.#isBlocked && !this.#isDelivering) this.#complete();
  }

  #complete(): void {
    const end = this.#end;
    if (end === undefined || this.#isStopped) return;
    this.#isStopped = true;
    const isCut = this.#messages.isInMessage && end.status.code === Code.OK;
    const status = isCut ? messageCut(this.#sink.address) : end.status;
    this.#sink.onComplete(status, status.origin === "upstream" ? end.trailers : NO_METADATA);
  }

  /** Copies bytes that have to wait. Small pieces are joined: a window of single bytes must not cost an object each. */
  #keep(piece: Buffer): void {
    const last = this.#inbox.at(-1);
    if (last !== undefined && last.length + piece.length <= JOINED_BYTES) {
      this.#inbox[this.#inbox.length - 1] = Buffer.concat([last, piece]);
    } else {
      this.#inbox.push(Buffer.from(piece));
    }
  }

  /** Takes messages until the sink holds, and gives the position up to which `bytes` is done with. */
  #consume(bytes: Buffer, start: number, end: number): number {
    const messages = this.#messages;
    let at = start;
    while (at < end && !this.#isBlocked) {
      const outcome = messages.read(bytes, at, end);
      const consumed = messages.position - at;
      at = messages.position;
      if (outcome === "message") this.#onMessage(messages.message);
      else if (outcome === "too-large") this.#sink.onInvalid(replyTooLarge(this.#sink.address));
      else if (outcome === "bad-flag") this.#refuse("sent a message with an unknown flag");
      if (this.#isStopped) return end;
      this.#sink.onConsumed(consumed, messages.missingBytes);
    }
    return at;
  }

  #onMessage(message: Buffer): void {
    if (!this.#messages.isCompressed) {
      this.#deliver(message);
      return;
    }
    const { address, maxReceiveMessageBytes } = this.#sink;
    if (this.#encoding !== "gzip") {
      this.#sink.onInvalid(notDecompressable(address));
      return;
    }
    this.#isInflating = true;
    // Node takes no limit below 1.
    const maxOutputLength = Math.min(Math.max(1, maxReceiveMessageBytes), MAX_OUTPUT_BYTES);
    gunzip(message, { maxOutputLength }, (error, inflated) => {
      this.#isInflating = false;
      if (this.#isStopped) return;
      if (error !== null) {
        const isTooLarge = "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
        this.#sink.onInvalid(isTooLarge ? replyTooLarge(address) : notDecompressable(address));
        return;
      }
      this.#deliver(inflated);
      this.#drainInbox();
    });
  }

  #deliver(message: Uint8Array): void {
    // Held while it is delivered, so that a resume() from within counts, whatever the sink then answers.
    this.#isHeld = true;
    this.#isDelivering = true;
    if (this.#sink.onMessage(message)) this.#isHeld = false;
    this.#isDelivering = false;
  }

  #drainInbox(): void {
    while (!this.#isBlocked && !this.#isStopped) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      const at = this.#consume(chunk, 0, chunk.length);
      if (at < chunk.length) this.#inbox.unshift(chunk.subarray(at));
    }
    if (!this.#isBlocked && !this.#isDelivering) this.#complete();
  }

  #refuse(what: string): void {
    this.#sink.onInvalid(this.#protocolFault(what));
  }

  #protocolFault(what: string): Status {
    return gatewayStatus("UPSTREAM_PROTOCOL", `upstream ${this.#sink.address} ${what}`);
  }
}

/** The largest output that zlib of Node accepts as a limit. */
const MAX_OUTPUT_BYTES: number = 2 ** 31 - 1;
