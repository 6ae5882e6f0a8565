/**
 * The writes of a stream, joined: what is written in one turn of the event loop leaves in one write at its end. A write of
 * its own for every small message would cost more than all the rest of the message (`bench/macro/stream.ts`).
 */
import type { Reply } from "./reply.ts";

/** As many bytes leave at once, turn or no turn; what the engines' sockets take well. */
const JOINED_BYTES = 16 * 1024;
/** From here on the native copy is faster than a loop. */
const NATIVE_COPY = 24;

/** Collects the pieces of one reply. At most {@link JOINED_BYTES} wait. */
export class JoinedWrites {
  readonly #reply: Reply;
  #pieces: Uint8Array[] = [];
  #byteLength = 0;
  #isScheduled = false;
  readonly #atEndOfTurn = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  constructor(reply: Reply) {
    this.#reply = reply;
  }

  /** Adds a piece; it belongs to the reply from then on. False means: hold until the reply drains. */
  add(piece: Uint8Array): boolean {
    if (piece.length === 0) return !this.#reply.isHeld;
    if (piece.length >= JOINED_BYTES) {
      // Worth a write of its own, and not worth a copy.
      this.flush();
      return this.#reply.write(piece);
    }
    if (this.#byteLength + piece.length > JOINED_BYTES) this.flush();
    this.#pieces.push(piece);
    this.#byteLength += piece.length;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(this.#atEndOfTurn);
    }
    return !this.#reply.isHeld;
  }

  /** Writes what waits. */
  flush(): void {
    const pieces = this.#pieces;
    const [first] = pieces;
    if (first === undefined) return;
    const joined = pieces.length === 1 ? first : join(pieces, this.#byteLength);
    this.#pieces = [];
    this.#byteLength = 0;
    this.#reply.write(joined);
  }
}

function join(pieces: readonly Uint8Array[], byteLength: number): Uint8Array {
  const joined = Buffer.allocUnsafe(byteLength);
  let at = 0;
  for (const piece of pieces) {
    const { length } = piece;
    if (length < NATIVE_COPY) for (let i = 0; i < length; i++) joined[at + i] = piece[i] ?? 0;
    else joined.set(piece, at);
    at += length;
  }
  return joined;
}
