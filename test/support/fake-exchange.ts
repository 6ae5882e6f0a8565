/**
 * An HttpExchange without a socket: the request is given, the reply is recorded.
 */
import type {
  BodyListener,
  HeaderList,
  HttpExchange,
  TlsClient,
  WebSocketListener,
  WebSocketOptions,
} from "../../src/http/index.ts";
import { FakeWebSocket } from "./fake-web-socket.ts";

/** What a request consists of; whatever is absent is plain. */
export interface FakeRequest {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: HeaderList;
  readonly httpVersion?: 1 | 2;
  readonly peer?: string;
  readonly tls?: TlsClient;
  readonly takesTrailers?: boolean;
  readonly offersWebSocket?: boolean;
  readonly body?: string | Uint8Array;
}

export class FakeExchange implements HttpExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly httpVersion: 1 | 2;
  readonly peer: string;
  readonly tls: TlsClient | undefined;
  readonly takesTrailers: boolean;
  readonly offersWebSocket: boolean;
  onDrain: (() => void) | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;
  /** The reply so far. */
  status = 0;
  replyHeaders: HeaderList = [];
  trailers: HeaderList = [];
  isEnded = false;
  isDestroyed = false;
  /** What `write` answers. */
  mayWriteOn = true;
  /** What the exchange has become, if it was upgraded. */
  webSocket: FakeWebSocket | undefined;
  readonly chunks: Uint8Array[] = [];
  readonly #body: Uint8Array;

  constructor(request: FakeRequest = {}) {
    this.method = request.method ?? "GET";
    this.path = request.path ?? "/";
    this.query = request.query ?? "";
    this.headers = request.headers ?? [];
    this.httpVersion = request.httpVersion ?? 1;
    this.peer = request.peer ?? "192.0.2.1";
    this.tls = request.tls;
    this.takesTrailers = request.takesTrailers ?? false;
    this.offersWebSocket = request.offersWebSocket ?? false;
    this.#body = Buffer.from(request.body ?? "");
  }

  /** The body of the reply as text. */
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  /** The values of one header of the reply, joined as HTTP would join them. */
  header(name: string): string | undefined {
    const values = this.replyHeaders.filter((_, i) => i % 2 === 1 && this.replyHeaders[i - 1] === name);
    return values.length === 0 ? undefined : values.join(", ");
  }

  readBody(limitBytes: number, listener: BodyListener): void {
    if (this.#body.byteLength > limitBytes) {
      listener.onTooLarge();
      return;
    }
    if (this.#body.byteLength > 0) listener.onChunk(this.#body);
    listener.onEnd();
  }

  pauseBody(): void {}

  resumeBody(): void {}

  respond(status: number, headers: HeaderList, body: Uint8Array | string): void {
    this.start(status, headers);
    this.write(body);
    this.end();
  }

  start(status: number, headers: HeaderList): void {
    this.status = status;
    this.replyHeaders = headers;
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.method !== "HEAD") this.chunks.push(Buffer.from(chunk));
    return this.mayWriteOn;
  }

  end(trailers: HeaderList = []): void {
    this.trailers = trailers;
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  upgrade(options: WebSocketOptions, listener: WebSocketListener): FakeWebSocket {
    this.status = 101;
    this.replyHeaders = options.headers;
    this.webSocket = new FakeWebSocket(options, listener);
    return this.webSocket;
  }
}
