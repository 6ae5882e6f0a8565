/**
 * Collects a request body, up to the route's limit.
 */
import type { BodyListener } from "../../http/index.ts";

const EMPTY = new Uint8Array(0);

/** Gathers the pieces and hands the whole to its owner. */
export class RequestBody implements BodyListener {
  readonly #onBody: (body: Uint8Array) => void;
  readonly #onTooLarge: () => void;
  readonly #chunks: Uint8Array[] = [];
  #byteLength = 0;

  constructor(onBody: (body: Uint8Array) => void, onTooLarge: () => void) {
    this.#onBody = onBody;
    this.#onTooLarge = onTooLarge;
  }

  /** Bytes received so far. */
  get byteLength(): number {
    return this.#byteLength;
  }

  onChunk(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#byteLength += chunk.byteLength;
  }

  onEnd(): void {
    const [first] = this.#chunks;
    if (this.#chunks.length <= 1) this.#onBody(first ?? EMPTY);
    else this.#onBody(Buffer.concat(this.#chunks, this.#byteLength));
  }

  onTooLarge(): void {
    this.#onTooLarge();
  }
}
