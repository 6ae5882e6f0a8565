/** A request that nobody sent: what `sluice explain` gives a request's reader in place of a client's. */
import type { BodyListener, HeaderList, HttpExchange } from "../http/index.ts";

/** An exchange whose body is at hand and whose reply goes nowhere. */
export class ExplainedExchange implements HttpExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
  readonly httpVersion = 1;
  readonly peer = "127.0.0.1";
  readonly tls: undefined = undefined;
  readonly takesTrailers = false;
  readonly offersWebSocket = false;
  onDrain: (() => void) | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;

  /** `target` is path and query. */
  constructor(method: string, target: string, headers: HeaderList, body: Uint8Array) {
    const mark = target.indexOf("?");
    this.method = method;
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? "" : target.slice(mark + 1);
    this.headers = headers;
    this.body = body;
  }

  readBody(limitBytes: number, listener: BodyListener): void {
    if (this.body.byteLength > limitBytes) {
      listener.onTooLarge();
      return;
    }
    if (this.body.byteLength > 0) listener.onChunk(this.body);
    listener.onEnd();
  }

  pauseBody(): void {
    // Everything is there already, and nobody who reads it holds.
  }

  resumeBody(): void {
    // As above.
  }

  respond(): void {
    // Nobody waits for a reply.
  }

  start(): void {
    // As above.
  }

  write(): boolean {
    return true;
  }

  end(): void {
    // As above.
  }

  upgrade(): undefined {
    // It offers none.
  }

  destroy(): void {
    // As above.
  }
}
