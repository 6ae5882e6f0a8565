/**
 * Copies runs of plain text: ASCII that stands in a JSON string as it is (no quote, backslash or control character).
 * Nearly all bytes that the codec moves are of this kind, so it looks at four at a time.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HIGH_BITS = 0x80808080 | 0;
/** Whether a byte is plain. */
export function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH;
}

/** Copies plain bytes from `start`, at most to `end`; returns their number. */
export function copyPlain(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  to: number,
): number {
  const shift = to - start;
  let pos = start;
  for (; pos + 4 <= end; pos += 4) {
    const word = source.getInt32(pos, true);
    if (hasUnusual(word)) break;
    target.setInt32(pos + shift, word, true);
  }
  for (; pos < end; pos++) {
    const byte = source.getUint8(pos);
    if (!isPlain(byte)) break;
    target.setUint8(pos + shift, byte);
  }
  return pos - start;
}

/** The number of plain bytes from `start`, at most to `end`. */
export function countPlain(source: DataView, start: number, end: number): number {
  let pos = start;
  while (pos + 4 <= end && !hasUnusual(source.getInt32(pos, true))) pos += 4;
  while (pos < end && isPlain(source.getUint8(pos))) pos++;
  return pos - start;
}

/**
 * Whether one of four bytes is not plain. Subtracting from each byte borrows, and so sets its high bit, exactly where
 * the byte is below 0x20, or zero once the quote or backslash has been taken out of it by exclusive or. A borrow can
 * also mark the byte above one that is already marked, which changes nothing.
 */
function hasUnusual(word: number): boolean {
  const quotes = (word ^ 0x22222222) - 0x01010101;
  const backslashes = (word ^ 0x5c5c5c5c) - 0x01010101;
  return ((word | (word - 0x20202020) | quotes | backslashes) & HIGH_BITS) !== 0;
}
