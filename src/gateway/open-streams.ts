/**
 * The streams under way, so that they can be told of the gateway's end. Unary requests are not in here: they end soon
 * enough by themselves, and pay nothing.
 */
import { gatewayStatus, type Status } from "../status/index.ts";

/** A stream that can be told. */
export interface OpenStream {
  /** The gateway is about to end: leaves at once if its protocol brings the client back, else goes on. */
  drain(): void;
  /** Ends now; the client is told `status` in the stream's own way. */
  cut(status: Status): void;
}

/** Every stream from its start to its end. */
export class OpenStreams {
  readonly #streams: Set<OpenStream> = new Set();
  #isDraining = false;

  get size(): number {
    return this.#streams.size;
  }

  /** Takes in a stream; while the gateway drains it is told so at once, from within. */
  add(stream: OpenStream): void {
    this.#streams.add(stream);
    if (this.#isDraining) stream.drain();
  }

  remove(stream: OpenStream): void {
    this.#streams.delete(stream);
  }

  /** Tells all streams, and those that begin from now on, that the gateway is about to end. */
  drain(): void {
    this.#isDraining = true;
    for (const stream of this.#streams) stream.drain();
  }

  /** Ends the streams that are left, with UNAVAILABLE, reason DRAINING. */
  cut(): void {
    const status = gatewayStatus("DRAINING", "the gateway is shutting down");
    for (const stream of this.#streams) stream.cut(status);
  }
}
