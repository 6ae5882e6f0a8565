/** Bytes that have come in pieces and leave in others: a queue that is not joined before it has to be. */
export class Pieces {
  /** In the order of their coming. */
  readonly #pieces: Uint8Array[] = [];
  #byteLength = 0;

  /** Bytes that wait. */
  get byteLength(): number {
    return this.#byteLength;
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#byteLength += piece.byteLength;
  }

  /** Takes the first `bytes` of what waits, which are there. */
  take(bytes: number): Uint8Array {
    const taken: Uint8Array[] = [];
    let missing = bytes;
    while (missing > 0) {
      const [piece] = this.#pieces;
      if (piece === undefined) break;
      if (piece.byteLength > missing) {
        taken.push(piece.subarray(0, missing));
        this.#pieces[0] = piece.subarray(missing);
        missing = 0;
      } else {
        taken.push(piece);
        this.#pieces.shift();
        missing -= piece.byteLength;
      }
    }
    this.#byteLength -= bytes;
    const [only] = taken;
    return taken.length === 1 && only !== undefined ? only : Buffer.concat(taken, bytes);
  }

  /** Takes all that waits. */
  takeAll(): Uint8Array {
    return this.take(this.#byteLength);
  }
}
