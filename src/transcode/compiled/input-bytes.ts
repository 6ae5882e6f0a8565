/**
 * The bytes being read, as an array and as a view over the same memory.
 *
 * Making a view costs as much as reading twenty fields, so a small input is copied to memory that has one already.
 */
import { viewOf } from "./byte-sink.ts";

const OWN_BYTES = 4 * 1024;

/** Holds one input after another. */
export class InputBytes {
  bytes: Buffer;
  view: DataView;
  readonly #ownBytes: Buffer;
  readonly #ownView: DataView;

  constructor() {
    this.#ownBytes = Buffer.allocUnsafeSlow(OWN_BYTES);
    this.#ownView = viewOf(this.#ownBytes);
    this.bytes = this.#ownBytes;
    this.view = this.#ownView;
  }

  /**
   * Takes an input. What stands behind its end is 0 or nothing, so that a reader that compares byte by byte stops
   * there; older bytes may follow, so nothing may be read at a distance without a look at the end.
   */
  load(input: Uint8Array): void {
    if (input.length < OWN_BYTES) {
      this.bytes = this.#ownBytes;
      this.view = this.#ownView;
      this.bytes.set(input, 0);
      this.bytes[input.length] = 0;
      return;
    }
    this.bytes = Buffer.isBuffer(input)
      ? input
      : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    this.view = viewOf(this.bytes);
  }

  /** Lets go of a large input, which would else stay in memory until the next one. */
  release(): void {
    this.bytes = this.#ownBytes;
    this.view = this.#ownView;
  }
}
