/**
 * The reply side of one exchange: adds the headers that every reply of this request carries, and counts what is sent.
 */
import type { HeaderList, HttpExchange } from "../../http/index.ts";

/** One request's reply. Its state says how far it has got. */
export class Reply {
  readonly exchange: HttpExchange;
  readonly #common: string[] = [];
  #httpStatus = 0;
  #bytesOut = 0;
  #state: "open" | "started" | "ended" = "open";
  #isHeld = false;
  /** Called when writing may go on after `write` returned false. */
  onDrain: (() => void) | undefined = undefined;

  constructor(exchange: HttpExchange) {
    this.exchange = exchange;
  }

  /** Whether the client is behind: the last `write` returned false, and `onDrain` has not come since. */
  get isHeld(): boolean {
    return this.#isHeld;
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

  /** Adds fields to whatever reply will be sent. */
  get commonHeaders(): string[] {
    return this.#common;
  }

  respond(status: number, headers: HeaderList, body: Uint8Array | string): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#httpStatus = status;
    this.#count(body);
    this.exchange.respond(status, [...headers, ...this.#common], body);
  }

  start(status: number, headers: HeaderList): void {
    if (this.#state !== "open") return;
    this.#state = "started";
    this.#httpStatus = status;
    this.exchange.onDrain = () => {
      this.#isHeld = false;
      this.onDrain?.();
    };
    this.exchange.start(status, [...headers, ...this.#common]);
  }

  write(chunk: Uint8Array | string): boolean {
    if (this.#state !== "started") return true;
    this.#count(chunk);
    this.#isHeld = !this.exchange.write(chunk);
    return !this.#isHeld;
  }

  end(trailers?: HeaderList): void {
    if (this.#state !== "started") return;
    this.#state = "ended";
    this.exchange.end(trailers);
  }

  destroy(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.exchange.destroy();
  }

  #count(chunk: Uint8Array | string): void {
    if (this.exchange.method === "HEAD") return;
    this.#bytesOut += typeof chunk === "string" ? Buffer.byteLength(chunk) : chunk.byteLength;
  }
}
