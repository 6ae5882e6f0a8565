/**
 * The request side of one WebSocket: frames in, request messages out.
 *
 *   (await @headers) --> open --@end, or the one message of a method that takes one--> half-closed
 *
 * A method that takes one message, from a binding without a body, has it from path and query: it is half-closed from the
 * beginning.
 */
import type {
  FrameKind,
  HeaderList,
  WebSocketConnection,
  WebSocketListener,
  WebSocketOptions,
} from "../../http/index.ts";
import { refuse, StatusError } from "../../status/index.ts";
import { isClientStream } from "../dialogue.ts";
import type { ProtocolRoute, RequestReader, RequestSink } from "../protocol.ts";
import type { Reply } from "../rest/reply.ts";
import { statusOfClose } from "./close-code.ts";
import { isControlWord, readControlWord } from "./control-frames.ts";
import type { MessageFormat } from "./message-format.ts";

/** What a socket needs to know of its listener and its handshake. */
export interface SocketSettings extends WebSocketOptions {
  /** Whether nothing counts before the client has sent its header fields. */
  readonly awaitsHeaders: boolean;
  /** How often the client is asked for a sign of life; Infinity means never. */
  readonly pingIntervalMs: number;
  /** Takes the fields of the client's first frame. @throws {StatusError} if they may not come from there. */
  readonly onHeaders: (headers: HeaderList) => void;
}

/** Reads one WebSocket. */
export class Socket implements RequestReader, WebSocketListener {
  readonly #reply: Reply;
  readonly #route: ProtocolRoute;
  readonly #format: MessageFormat;
  readonly #settings: SocketSettings;
  /** The one message of a binding without a body; undefined where frames bring them. */
  readonly #bodiless: (() => Uint8Array) | undefined;
  #sink: RequestSink | undefined;
  #connection: WebSocketConnection | undefined;
  #state: "awaits headers" | "open" | "half-closed" | "over";
  #mediaType: string | undefined;
  #bytesIn = 0;
  #isPaused = false;
  #isAlive = true;
  #pingTimer: NodeJS.Timeout | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;

  constructor(
    reply: Reply,
    route: ProtocolRoute,
    format: MessageFormat,
    settings: SocketSettings,
    bodiless: (() => Uint8Array) | undefined,
  ) {
    this.#reply = reply;
    this.#route = route;
    this.#format = format;
    this.#settings = settings;
    this.#bodiless = bodiless;
    this.#state = settings.awaitsHeaders ? "awaits headers" : "open";
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  start(sink: RequestSink): void {
    this.#sink = sink;
    const connection = this.#reply.upgrade(this.#settings, this);
    if (connection === undefined) {
      this.#fail(new StatusError(statusOfClose(1006, "")));
      return;
    }
    this.#connection = connection;
    const { pingIntervalMs } = this.#settings;
    if (pingIntervalMs !== Number.POSITIVE_INFINITY) {
      this.#pingTimer = setInterval(() => this.#ping(), pingIntervalMs);
    }
    // Once there is a call, the relay sees to silence.
    const { idleTimeoutMs } = this.#route.settings;
    if (idleTimeoutMs !== Number.POSITIVE_INFINITY) {
      this.#silenceTimer = setTimeout(() => this.#onSilence(), idleTimeoutMs);
    }
    if (this.#state === "open") this.#begin();
  }

  resume(): void {
    this.#isPaused = false;
    // What was not asked for while it was held is no sign of death.
    this.#isAlive = true;
    this.#connection?.resume();
  }

  /** The request is over: lets go of timers. */
  release(): void {
    this.#state = "over";
    clearInterval(this.#pingTimer);
    clearTimeout(this.#silenceTimer);
  }

  onMessage(data: Uint8Array, kind: FrameKind): void {
    this.#bytesIn += data.byteLength;
    this.#isAlive = true;
    if (this.#state === "over") return;
    try {
      if (kind === "text" && isControlWord(data)) this.#onControlWord(data);
      else this.#onRequest(data, kind);
    } catch (error) {
      this.#fail(error);
    }
  }

  onPong(): void {
    this.#isAlive = true;
  }

  onClose(code: number, reason: string): void {
    this.#reply.lost();
    this.#fail(new StatusError(statusOfClose(code, reason)));
  }

  /** The request's head is complete. */
  #begin(): void {
    this.#state = "open";
    if (isClientStream(this.#route)) clearTimeout(this.#silenceTimer);
    this.#sink?.onRequestHead();
    if (this.#bodiless === undefined) return;
    this.#deliver(this.#bodiless());
  }

  #onControlWord(data: Uint8Array): void {
    const control = readControlWord(data);
    if (this.#state === "awaits headers") {
      if (control.word !== "headers") throw needsHeaders();
      this.#settings.onHeaders(control.headers);
      this.#begin();
      return;
    }
    switch (control.word) {
      case "headers":
        throw refuse("FRAME_INVALID", "@headers can only be the first frame, where the listener asks for it");
      case "type":
        this.#mediaType = control.mediaType;
        break;
      case "end":
        this.#onEnd();
        break;
      default:
        control satisfies never;
    }
  }

  #onRequest(data: Uint8Array, kind: FrameKind): void {
    if (this.#state === "awaits headers") throw needsHeaders();
    if (this.#state === "half-closed") {
      const { fullName, kind: methodKind } = this.#route.method;
      throw refuse("FRAME_INVALID", `a message after the last one: ${fullName} is ${methodKind}`);
    }
    this.#deliver(this.#format.request(data, kind, this.#mediaType));
  }

  #deliver(message: Uint8Array): void {
    clearTimeout(this.#silenceTimer);
    const mayGoOn = this.#sink?.onRequestMessage(message) ?? true;
    if (!isClientStream(this.#route)) this.#halfClose();
    else if (!mayGoOn) {
      this.#isPaused = true;
      this.#connection?.pause();
    }
  }

  #onEnd(): void {
    if (this.#state === "half-closed") return;
    // Without a message there would be no call to half-close.
    if (!isClientStream(this.#route)) throw refuse("FRAME_INVALID", "@end before the request message");
    this.#halfClose();
  }

  #halfClose(): void {
    if (this.#state !== "open") return;
    this.#state = "half-closed";
    this.#sink?.onRequestEnd();
  }

  #fail(error: unknown): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#sink?.onRequestFault(error);
  }

  /** A client that has not answered since the last ping is gone. One that is held, or behind, cannot answer. */
  #ping(): void {
    if (this.#isPaused || this.#reply.isHeld) return;
    if (!this.#isAlive) {
      this.#reply.lost();
      this.#connection?.terminate();
      this.#fail(new StatusError(statusOfClose(1006, "no answer to a ping")));
      return;
    }
    this.#isAlive = false;
    this.#connection?.ping();
  }

  #onSilence(): void {
    const what = `no request message came within ${this.#route.settings.idleTimeoutMs} ms`;
    this.#fail(refuse("REQUEST_TIMEOUT", what));
  }
}

function needsHeaders(): StatusError {
  return refuse("FRAME_INVALID", 'the first frame has to be @headers {"authorization": "…"}');
}
