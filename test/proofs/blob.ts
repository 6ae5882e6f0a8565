/**
 * The bytes of the transfers: blocks that differ, so that one which is lost, doubled or out of place changes the digest.
 */

/** Bytes of one block. */
export const BLOCK_BYTES: number = 256 * 1024;

/** Of the generator that fills the block; Numerical Recipes' linear congruential one. */
const MULTIPLIER = 1664525;
const INCREMENT = 1013904223;

/** What all blocks have in common. Not compressible, the same in every process. */
export function blankBlock(): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  let state = 1;
  for (let at = 0; at < BLOCK_BYTES; at += 4) {
    state = (Math.imul(state, MULTIPLIER) + INCREMENT) >>> 0;
    block.writeUInt32LE(state, at);
  }
  return block;
}

/** A copy of `frame` in which the block that ends it is the `index`-th. */
export function stamped(frame: Buffer, index: number): Buffer {
  const copy = Buffer.from(frame);
  copy.writeUInt32LE(index, copy.length - BLOCK_BYTES);
  return copy;
}

/** The block that ends `frame`, in place. */
export function blockOf(frame: Buffer): Buffer {
  return frame.subarray(frame.length - BLOCK_BYTES);
}
