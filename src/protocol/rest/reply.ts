/**
 * The reply side of one exchange: adds the headers that every reply of this request carries, and counts what is sent.
 */
import type {
  FrameKind,
  HeaderList,
  HttpExchange,
  WebSocketConnection,
  WebSocketListener,
  WebSocketOptions,
} from "../../http/index.ts";
import { codedHeaders, type ReplyCompression } from "../coding/index.ts";
import { hasNoBody } from "./reply-headers.ts";

/**
 * A longer piece is given to the exchange in parts of this length, each when the client has taken the one before it: so it
 * shows that a slow client of long messages goes on.
 */
const PART_BYTES: number = 512 * 1024;

/** One request's reply. Its state says how far it has got. */
export class Reply {
  readonly exchange: HttpExchange;
  readonly #common: string[] = [];
  #httpStatus = 0;
  #bytesOut = 0;
  #state: "open" | "started" | "ended" = "open";
  #isHeld = false;
  /** What was written and the exchange has not got; the client is behind then. */
  readonly #waiting: Uint8Array[] = [];
  #drains = 0;
  #connection: WebSocketConnection | undefined;
  /** It has been decided, and is being compressed. */
  #isPending = false;
  /** How many of the common fields have been sent. */
  #sentCommon = 0;
  /** Called when writing may go on after `write` or `send` returned false. */
  onDrain: (() => void) | undefined = undefined;
  /** Called when a reply that `isPending` has been sent. */
  onSent: (() => void) | undefined = undefined;
  /** How whole replies are compressed; undefined sends them as they are. */
  compression: ReplyCompression | undefined = undefined;

  constructor(exchange: HttpExchange) {
    this.exchange = exchange;
  }

  /** Whether the client is behind: the last `write` or `send` returned false, and `onDrain` has not come since. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** How often a client that was behind has taken what it was given. */
  get drains(): number {
    return this.#drains;
  }

  /** The status line that was sent; 0 before that. */
  get httpStatus(): number {
    return this.#httpStatus;
  }

  /** Bytes of body handed to the engine. */
  get bytesOut(): number {
    return this.#bytesOut;
  }

  get state(): "open" | "started" | "ended" {
    return this.#state;
  }

  /** Whether a reply that has started is complete with its head: one to HEAD, or of a status that has no body. */
  get isHeadAlone(): boolean {
    return this.#state === "started" && !this.#hasBody();
  }

  /** Whether the reply has ended here, but has yet to be sent: it is being compressed. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** Adds fields to whatever reply will be sent. */
  get commonHeaders(): string[] {
    return this.#common;
  }

  /**
   * Sends a whole reply, compressed where its route and the client want that. `trailers` only where they can go. `onTaken`
   * may be called when nobody reads the body's bytes any more; see `HttpExchange.respond`.
   */
  respond(
    status: number,
    headers: HeaderList,
    body: Uint8Array | string,
    trailers: HeaderList = NO_FIELDS,
    onTaken?: () => void,
  ): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#httpStatus = status;
    if (this.compression === undefined) this.#send(headers, body, trailers, onTaken);
    else this.#compress(this.compression, headers, body, trailers, onTaken);
  }

  /** Whether a reply like this one would be compressed. */
  isCompressed(status: number, headers: HeaderList, body: Uint8Array | string): boolean {
    return this.compression?.negotiate(this.exchange, status, headers, body).coding !== undefined;
  }

  start(status: number, headers: HeaderList): void {
    if (this.#state !== "open") return;
    this.#state = "started";
    this.#httpStatus = status;
    this.#awaitDrain();
    this.exchange.start(status, [...headers, ...this.#common]);
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#state !== "started") return true;
    this.#count(chunk);
    if (this.#waiting.length === 0 && chunk.length <= PART_BYTES) this.#isHeld = !this.exchange.write(chunk);
    else {
      this.#waiting.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
      if (this.#waiting.length === 1) this.#writeParts();
    }
    return !this.#isHeld;
  }

  end(trailers?: HeaderList): void {
    if (this.#state !== "started") return;
    // Nobody will wait for what is left.
    for (const bytes of this.#waiting.splice(0)) this.exchange.write(bytes);
    this.#state = "ended";
    this.exchange.end(trailers);
  }

  destroy(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#waiting.length = 0;
    this.exchange.destroy();
  }

  /** Accepts a WebSocket handshake; the status line is 101. Undefined if the client is gone. */
  upgrade(options: WebSocketOptions, listener: WebSocketListener): WebSocketConnection | undefined {
    if (this.#state !== "open") return undefined;
    this.#awaitDrain();
    this.#sentCommon = this.#common.length;
    const headers = [...options.headers, ...this.#common];
    this.#connection = this.exchange.upgrade({ ...options, headers }, listener);
    if (this.#connection === undefined) return undefined;
    this.#state = "started";
    this.#httpStatus = 101;
    return this.#connection;
  }

  /** Common fields that were added after the handshake was accepted. */
  get lateHeaders(): HeaderList {
    return this.#common.slice(this.#sentCommon);
  }

  /** Sends one message of a WebSocket. */
  send(data: Uint8Array | string, kind: FrameKind): boolean {
    if (this.#state !== "started" || this.#connection === undefined) return true;
    this.#count(data);
    this.#isHeld = !this.#connection.send(data, kind);
    return !this.#isHeld;
  }

  /** Ends a WebSocket, after what was sent. */
  close(code: number, reason: string): void {
    if (this.#state !== "started") return;
    this.#state = "ended";
    this.#connection?.close(code, reason);
  }

  /** The WebSocket has ended by itself: nothing reaches the client any more. */
  lost(): void {
    this.#state = "ended";
  }

  #compress(
    compression: ReplyCompression,
    headers: HeaderList,
    body: Uint8Array | string,
    trailers: HeaderList,
    onTaken: (() => void) | undefined,
  ): void {
    const { varies, coding } = compression.negotiate(this.exchange, this.#httpStatus, headers, body);
    const plainHeaders = varies ? [...headers, "vary", "accept-encoding"] : headers;
    if (coding === undefined) {
      this.#send(plainHeaders, body, trailers, onTaken);
      return;
    }
    this.#isPending = true;
    compression.encode(body, coding, (coded) => {
      this.#isPending = false;
      if (coded === undefined) this.#send(plainHeaders, body, trailers, onTaken);
      else {
        this.#send(codedHeaders(plainHeaders, coding), coded, trailers);
        onTaken?.();
      }
      this.onSent?.();
    });
  }

  #send(headers: HeaderList, body: Uint8Array | string, trailers: HeaderList, onTaken?: () => void): void {
    this.#count(body);
    const fields = [...headers, ...this.#common];
    if (trailers.length === 0) {
      this.exchange.respond(this.#httpStatus, fields, body, onTaken);
      return;
    }
    this.exchange.start(this.#httpStatus, fields);
    this.exchange.write(body);
    this.exchange.end(trailers);
  }

  #awaitDrain(): void {
    this.exchange.onDrain = () => {
      this.#drains++;
      this.#isHeld = false;
      if (this.#waiting.length > 0) this.#writeParts();
      if (!this.#isHeld) this.onDrain?.();
    };
  }

  #writeParts(): void {
    this.#isHeld = false;
    for (let bytes = this.#waiting[0]; bytes !== undefined && !this.#isHeld; bytes = this.#waiting[0]) {
      if (bytes.length <= PART_BYTES) this.#waiting.shift();
      else this.#waiting[0] = bytes.subarray(PART_BYTES);
      this.#isHeld = !this.exchange.write(bytes.subarray(0, PART_BYTES));
    }
  }

  #hasBody(): boolean {
    return this.exchange.method !== "HEAD" && !hasNoBody(this.#httpStatus);
  }

  #count(chunk: Uint8Array | string): void {
    if (!this.#hasBody()) return;
    this.#bytesOut += typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.byteLength;
  }
}

const NO_FIELDS: HeaderList = [];
