/**
 * Bytes that have come in pieces and leave in others: a queue that is not joined before it has to be.
 *
 * Small pieces are joined as they come: a body sent byte by byte would cost a hundred times its length in objects.
 */

/** Pieces below this are copied behind the one before them. */
const SMALL_BYTES = 2048;
/** What they are joined to. */
const BLOCK_BYTES: number = 16 * 1024;

/** A queue of bytes. Pieces are kept by reference and must not change. */
export class Pieces {
  /** In the order of their coming. */
  readonly #pieces: Uint8Array[] = [];
  #byteLength = 0;
  /** The memory of the last piece, where that is ours and has room behind `#blockEnd`. */
  #block: Buffer | undefined;
  #blockEnd = 0;

  /** Bytes that wait. */
  get byteLength(): number {
    return this.#byteLength;
  }

  push(piece: Uint8Array): void {
    const joins = this.#joins(piece);
    this.#byteLength += piece.byteLength;
    if (!joins) {
      this.#block = undefined;
      this.#pieces.push(piece);
      return;
    }
    const block = this.#block;
    const end = this.#blockEnd + piece.byteLength;
    if (block === undefined || end > block.length) {
      this.#block = Buffer.allocUnsafe(BLOCK_BYTES);
      this.#block.set(piece, 0);
      this.#blockEnd = piece.byteLength;
      this.#pieces.push(this.#block.subarray(0, piece.byteLength));
      return;
    }
    block.set(piece, this.#blockEnd);
    this.#blockEnd = end;
    this.#pieces[this.#pieces.length - 1] = block.subarray(0, end);
  }

  /** Adds a piece of memory that is only lent: `copy` is asked for one to keep, unless the piece is joined to others. */
  pushLent(piece: Uint8Array, copy: (piece: Uint8Array) => Uint8Array): void {
    this.push(this.#joins(piece) ? piece : copy(piece));
  }

  /** Takes the first piece, as it is; undefined where nothing waits. */
  next(): Uint8Array | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#byteLength -= piece.byteLength;
    // What has been taken must not be written behind.
    this.#block = undefined;
    return piece;
  }

  /** Drops what waits. */
  clear(): void {
    this.#pieces.length = 0;
    this.#byteLength = 0;
    this.#block = undefined;
  }

  /** Takes the first `bytes` of what waits, which are there. */
  take(bytes: number): Uint8Array {
    const [first] = this.#pieces;
    if (first !== undefined && first.byteLength >= bytes) {
      this.#drop(bytes);
      return first.byteLength === bytes ? first : first.subarray(0, bytes);
    }
    const joined = Buffer.allocUnsafe(bytes);
    this.takeInto(joined);
    return joined;
  }

  /** Takes all that waits. */
  takeAll(): Uint8Array {
    return this.take(this.#byteLength);
  }

  /** Takes as many bytes as `target` has, which are there, and copies them to it. */
  takeInto(target: Uint8Array): void {
    let filled = 0;
    for (const piece of this.#pieces) {
      const taken = Math.min(piece.byteLength, target.byteLength - filled);
      target.set(taken === piece.byteLength ? piece : piece.subarray(0, taken), filled);
      filled += taken;
      if (filled === target.byteLength) break;
    }
    this.#drop(filled);
  }

  #joins(piece: Uint8Array): boolean {
    return piece.byteLength < SMALL_BYTES && this.#pieces.length > 0;
  }

  #drop(bytes: number): void {
    this.#byteLength -= bytes;
    // What has been taken must not be written behind.
    this.#block = undefined;
    let whole = 0;
    let rest = bytes;
    for (const piece of this.#pieces) {
      if (piece.byteLength > rest) break;
      rest -= piece.byteLength;
      whole++;
    }
    this.#pieces.splice(0, whole);
    const [first] = this.#pieces;
    if (rest > 0 && first !== undefined) this.#pieces[0] = first.subarray(rest);
  }
}
