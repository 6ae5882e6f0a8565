/**
 * Writes a reply so that it can be seen whether its client reads.
 *
 * Of what node:http2 and node:tls have been given nothing tells how much has gone: a reply of megabytes is one write, whose
 * callback comes with the last byte; and the timeout of node:http2 lasts as long as anything is sent on the connection. So
 * what is long is handed over in pieces, each when the one before has gone.
 */
import type { Writable } from "node:stream";

/** One piece. A client that takes so much within an idle timeout is slow, and not silent. */
const PIECE_BYTES: number = 64 * 1024;

/** Is told how the writing goes. */
export interface PieceListener {
  /** A piece has gone. */
  onPiece(): void;
  /** Writing may go on after `write` returned false. */
  onWritable(): void;
  /** All has been handed to the stream, and its end. */
  onWritten(): void;
}

/** The writing side of one reply. */
export class PieceWriter {
  readonly #stream: Writable;
  readonly #listener: PieceListener;
  /** What the stream has not been given. */
  readonly #rest: Uint8Array[] = [];
  /** A piece is on its way, and those behind it wait. */
  #isPacing = false;
  #isEnding = false;
  #onTaken: (() => void) | undefined = undefined;

  constructor(stream: Writable, listener: PieceListener) {
    this.#stream = stream;
    this.#listener = listener;
  }

  /** Writes; false means: hold until `onWritable`. */
  write(chunk: Uint8Array | string): boolean {
    if (!this.#isPacing && chunk.length <= PIECE_BYTES) return this.#stream.write(chunk);
    this.#push(chunk);
    return false;
  }

  /** Ends the stream after what was written, and `chunk`; `onTaken` is called once the pieces of it have gone. */
  end(chunk: Uint8Array | string = "", onTaken?: () => void): void {
    if (!this.#isPacing && chunk.length <= PIECE_BYTES) {
      this.#finish(chunk);
      return;
    }
    this.#isEnding = true;
    this.#onTaken = onTaken;
    this.#push(chunk);
  }

  /** The stream has room; to be called on its `drain`. */
  drained(): void {
    if (!this.#isPacing) this.#listener.onWritable();
  }

  /** Nothing more is written. */
  drop(): void {
    this.#rest.length = 0;
  }

  #push(chunk: Uint8Array | string): void {
    if (chunk.length > 0) this.#rest.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
    if (!this.#isPacing) this.#writePiece();
  }

  readonly #onPieceGone = (error?: Error | null): void => {
    // Of a stream that was reset Node 20 tells no error here.
    if (error || this.#stream.closed) {
      this.drop();
      return;
    }
    this.#listener.onPiece();
    this.#writePiece();
  };

  #writePiece(): void {
    const [bytes] = this.#rest;
    this.#isPacing = bytes !== undefined;
    if (bytes !== undefined) {
      if (bytes.length > PIECE_BYTES) this.#rest[0] = bytes.subarray(PIECE_BYTES);
      else this.#rest.shift();
      this.#stream.write(bytes.subarray(0, PIECE_BYTES), this.#onPieceGone);
    } else if (this.#isEnding) {
      this.#finish("");
      this.#onTaken?.();
    } else {
      this.#listener.onWritable();
    }
  }

  #finish(chunk: Uint8Array | string): void {
    if (chunk.length === 0) this.#stream.end();
    else this.#stream.end(chunk);
    this.#listener.onWritten();
  }
}
